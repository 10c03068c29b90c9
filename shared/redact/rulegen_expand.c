#include "shared/redact/rulegen_expand.h"

enum { MAX_COUNT = 4096 };

static const char *class_chars(struct span name)
{
	static const struct {
		const char *name, *chars;
	} classes[] = {
		{ "alnum", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" },
		{ "lower", "abcdefghijklmnopqrstuvwxyz0123456789" },
		{ "upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" },
		{ "hex", "0123456789abcdef" },
		{ "HEX", "0123456789ABCDEF" },
		{ "digit", "0123456789" },
		{ "base32", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" },
		{ "base64", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" },
		{ "url64", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" },
		{ "alpha", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" },
		{ "x", "x" },
	};

	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		if (span_eq(name, span_cstr(classes[i].name)))
			return classes[i].chars;
	}
	return NULL;
}

/*
 * Writes `count` characters of a class, always the same ones for the same example and the same draw, wherever it stands
 * in the file. The tree holds no string that looks like a credential this way, so that nobody's scanner stumbles over it.
 */
static void append_random(struct buf *out, const char *chars, uint64_t count, uint64_t *seed)
{
	size_t size = strlen(chars);

	for (uint64_t i = 0; i < count; i++) {
		*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		buf_append_byte(out, (uint8_t)chars[(*seed >> 33) % size]);
	}
}

/* FNV-1a, 64 bits. */
static uint64_t hash_of(struct span text)
{
	uint64_t hash = UINT64_C(0xCBF29CE484222325);

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ text.ptr[i]) * UINT64_C(0x100000001B3);
	return hash;
}

bool rulegen_expand(struct span text, unsigned draw, struct buf *out)
{
	uint64_t seed = (hash_of(text) + draw) * UINT64_C(0x9E3779B97F4A7C15);

	for (size_t i = 0; i < text.len; i++) {
		size_t close = span_find(text, SPAN_LIT("}"), i);
		size_t colon = span_find(text, SPAN_LIT(":"), i);
		const char *chars = NULL;
		uint64_t count;

		if (text.ptr[i] == '{' && close < text.len && colon < close)
			chars = class_chars(span_sub(text, i + 1, colon - i - 1));
		if (chars != NULL) {
			if (!span_to_u64(span_sub(text, colon + 1, close - colon - 1), &count) || count > MAX_COUNT)
				return false;
			append_random(out, chars, count, &seed);
			i = close;
		} else if (text.ptr[i] == '\\' && i + 1 < text.len && text.ptr[i + 1] == 'n') {
			buf_append_byte(out, '\n');
			i++;
		} else {
			buf_append_byte(out, text.ptr[i]);
		}
	}
	return buf_status(out) == STATUS_OK;
}
