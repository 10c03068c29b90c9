#include "sweeper/ledger/params.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

void params_done(struct params *params)
{
	for (int i = 0; i < params->count; i++)
		free(params->owned[i]);
	*params = (struct params){ .count = 0 };
}

/* The next free place; the values before it stay. */
static int next(struct params *params)
{
	assert(params->count < PARAMS_MAX);
	return params->count++;
}

void params_text(struct params *params, struct span text)
{
	int at = next(params);
	char *copy;

	if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
		params->failed = STATUS_INVALID;
		return;
	}
	copy = malloc(text.len + 1);
	if (copy == NULL) {
		params->failed = STATUS_NO_MEMORY;
		return;
	}
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	params->owned[at] = copy;
	params->values[at] = copy;
}

void params_cstr(struct params *params, const char *text)
{
	if (text != NULL)
		params_text(params, span_cstr(text));
	else
		(void)next(params);
}

void params_int(struct params *params, int64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRId64, number);
	params_cstr(params, text);
}

void params_bytes(struct params *params, struct span bytes)
{
	int at = next(params);

	if (bytes.len > INT_MAX) {
		params->failed = STATUS_TOO_LARGE;
		return;
	}
	params->values[at] = bytes.ptr == NULL ? "" : (const char *)bytes.ptr;
	params->lengths[at] = (int)bytes.len;
	params->formats[at] = 1;
}
