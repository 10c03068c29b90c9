/*
 * redact_planted: a secret is planted into what the fuzzer made, by name, as a known form, or as a value the redactor
 * was told, and spelled plainly or encoded. It must not come out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/redact/forms.h"
#include "shared/redact/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SECRET_LEN = 36, NAME_FORMS = 8 };

static void make_secret(uint32_t seed, char *ret_secret)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (int i = 0; i < SECRET_LEN; i++) {
		seed = seed * 1664525 + 1013904223;
		ret_secret[i] = chars[(seed >> 16) % (sizeof chars - 1)];
	}
	ret_secret[SECRET_LEN] = '\0';
}

struct planting {
	unsigned wanted;
	unsigned seen;
	struct buf *out;
};

static enum status plant_form(void *ctx, struct span form)
{
	struct planting *planting = ctx;

	if (planting->seen++ == planting->wanted)
		buf_append_span(planting->out, form);
	return STATUS_OK;
}

static void plant(unsigned how, const char *secret, struct buf *out)
{
	static const char *const forms[NAME_FORMS] = {
		"\nexport APP_TOKEN=%s\n", "\npassword: \"%s\"\n", "{\"api_key\": \"%s\"}", " Authorization: Bearer %s\n",
		" ghp_%s ", " https://u:%s@host/ ", "\n<secret>%s</secret>\n", " --token %s ",
	};

	if (how % 2 == 0) {
		char text[256];

		(void)snprintf(text, sizeof text, forms[how / 2 % NAME_FORMS], secret);
		buf_append_cstr(out, text);
	} else {
		struct planting planting = { .wanted = how / 2 % 9, .out = out };

		(void)!forms_each(span_cstr(secret), plant_form, &planting);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redactor *redactor;
	struct buf text = BUF_INIT(1 << 20);
	struct clean_text *clean = NULL;
	struct span context, out;
	char secret[SECRET_LEN + 1], known[SECRET_LEN + 1];
	size_t at;

	make_secret(7, known);
	if (redactor == NULL) {
		if (redactor_new(NULL, &redactor, NULL) != STATUS_OK ||
		    redactor_add_value(redactor, span_cstr(known), "KNOWN_VALUE") != STATUS_OK)
			abort();
	}
	if (size < 6)
		return 0;
	make_secret((uint32_t)(data[0] | data[1] << 8), secret);
	context = span_of(data + 4, size - 4);
	/* The fuzzer learns the secret by watching comparisons; one that it wrote itself proves nothing. */
	if (span_find(context, span_of(secret, 8), 0) < context.len || span_find(context, span_of(known, 8), 0) < context.len)
		return 0;
	at = (size_t)(data[2] << 8 | data[3]) % context.len;
	buf_append_span(&text, span_sub(context, 0, at));
	plant(data[0], data[0] % 2 == 0 ? secret : known, &text);
	buf_append_span(&text, span_sub(context, at, context.len));
	if (redact_span(redactor, buf_span(&text), &clean, NULL) == STATUS_OK) {
		out = clean_text_span(clean);
		if (span_find(out, span_cstr(data[0] % 2 == 0 ? secret : known), 0) < out.len)
			abort();
	}
	clean_text_free(clean);
	buf_done(&text);
	return 0;
}
