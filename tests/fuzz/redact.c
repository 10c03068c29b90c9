/*
 * redact: any bytes through the redactor. What comes out is valid UTF-8, holds no NUL, and comes out of a second pass
 * unchanged.
 *
 *   clang -fsanitize=fuzzer,address,undefined …; seeds in corpus-redact/
 */
#include <stdlib.h>

#include "shared/redact/redact.h"
#include "shared/redact/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redactor *redactor;
	struct clean_text *once = NULL, *twice = NULL;
	struct span out;

	if (redactor == NULL && redactor_new(NULL, &redactor, NULL) != STATUS_OK)
		abort();
	if (redact_span(redactor, span_of(data, size), &once, NULL) != STATUS_OK)
		return 0;
	out = clean_text_span(once);
	if (utf8_valid_len(out) != out.len)
		abort();
	if (redact_span(redactor, out, &twice, NULL) == STATUS_OK && !span_eq(clean_text_span(twice), out))
		abort();
	clean_text_free(twice);
	clean_text_free(once);
	return 0;
}
