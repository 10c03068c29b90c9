/*
 * redact_planted: a secret is planted into what the fuzzer made, and must not come out. It is planted by name, as a
 * known form, or inside an encoding; or as a value that the redactor was told, in every way in which forms.h spells it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/redact/forms.h"
#include "shared/redact/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SECRET_LEN = 36, MAX_TEXT = 1 << 20, MAX_PLANT = 4096, HEADER = 5 };
enum how { BY_NAME, ENCODED, KNOWN, HOWS };

static void make_secret(uint32_t seed, char ret_secret[static SECRET_LEN + 1])
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (int i = 0; i < SECRET_LEN; i++) {
		seed = seed * 1664525 + 1013904223;
		ret_secret[i] = chars[(seed >> 16) % (sizeof chars - 1)];
	}
	ret_secret[SECRET_LEN] = '\0';
}

/* Spellings by number: the value itself, then those of forms.h. */
struct spelling {
	unsigned wanted;
	unsigned seen;
	struct buf *out;
};

static enum status take_form(void *ctx, struct span form)
{
	struct spelling *spelling = ctx;

	if (spelling->seen++ == spelling->wanted)
		buf_append_span(spelling->out, form);
	return STATUS_OK;
}

static void spell(const char *secret, unsigned number, struct buf *out)
{
	struct spelling spelling = { .wanted = UINT32_MAX, .out = out };

	(void)!forms_each(span_cstr(secret), take_form, &spelling);
	spelling.wanted = number % spelling.seen;
	spelling.seen = 0;
	(void)!forms_each(span_cstr(secret), take_form, &spelling);
}

static void name_it(const char *secret, unsigned number, struct buf *out)
{
	static const char *const forms[] = {
		"\nexport APP_TOKEN=%s\n", "\npassword: \"%s\"\n", "{\"api_key\": \"%s\"}", " Authorization: Bearer %s\n",
		" ghp_%s ", " https://u:%s@host/ ", "\n<secret>%s</secret>\n", " --token %s ",
	};
	char text[256];

	(void)snprintf(text, sizeof text, forms[number % (sizeof forms / sizeof *forms)], secret);
	buf_append_cstr(out, text);
}

/* base64 in any alignment, hexadecimal, percent: what forms.h makes of a text that names the secret. */
static void encode_it(const char *secret, unsigned number, struct buf *out)
{
	struct buf plain = BUF_INIT(MAX_PLANT);

	buf_printf(&plain, "user: bob\npassword: %s\n", secret);
	/* Number 0 is the text itself, 4 to 6 are URL base64, which is the same here. */
	buf_append_byte(out, ' ');
	spell(buf_cstr(&plain), 1 + number % 6, out);
	buf_append_byte(out, ' ');
	buf_done(&plain);
}

static void must_be_gone(struct span out, struct span text)
{
	if (text.len > 0 && span_find(out, text, 0) < out.len)
		abort();
}

static struct redactor *load(const char *known)
{
	static struct redactor *redactor;

	if (redactor == NULL && (redactor_new(NULL, &redactor, NULL) != STATUS_OK ||
	                         redactor_add_value(redactor, span_cstr(known), "KNOWN_VALUE") != STATUS_OK))
		abort();
	return redactor;
}

static void check(const struct redactor *redactor, struct span text, struct span planted, const char *secret)
{
	struct clean_text *clean = NULL;

	if (redact_span(redactor, text, &clean, NULL) != STATUS_OK)
		return;
	must_be_gone(clean_text_span(clean), planted);
	must_be_gone(clean_text_span(clean), span_cstr(secret));
	clean_text_free(clean);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char secret[SECRET_LEN + 1], known[SECRET_LEN + 1];
	struct buf text = BUF_INIT(MAX_TEXT), planted = BUF_INIT(MAX_PLANT);
	struct span context;
	enum how how;
	size_t at;

	make_secret(7, known);
	if (size <= HEADER)
		return 0;
	make_secret((uint32_t)(data[0] | data[1] << 8) + 8, secret);
	how = (enum how)(data[4] % HOWS);
	context = span_sub(span_of(data, size), HEADER, size);
	/* The fuzzer learns the secret by watching comparisons; one that it wrote itself proves nothing. */
	if (span_find(context, span_of(secret, 8), 0) < context.len || span_find(context, span_of(known, 8), 0) < context.len)
		return 0;
	if (how == KNOWN)
		spell(known, data[0], &planted);
	else if (how == ENCODED)
		encode_it(secret, data[0], &planted);
	else
		name_it(secret, data[0], &planted);
	at = (size_t)(data[2] << 8 | data[3]) % context.len;
	buf_append_span(&text, span_sub(context, 0, at));
	buf_append_span(&text, buf_span(&planted));
	buf_append_span(&text, span_sub(context, at, context.len));
	/* By name only the value goes: what stands around it stays. */
	check(load(known), buf_span(&text), how == BY_NAME ? (struct span){ 0 } : buf_span(&planted),
	      how == KNOWN ? known : secret);
	buf_done(&planted);
	buf_done(&text);
	return 0;
}
