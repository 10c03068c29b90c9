#include "shared/redact/value.h"

#include "shared/redact/chars.h"
#include "shared/redact/words.h"

enum {
	ENTROPY_WINDOW = 4096,
	ENTROPY_TABLE = 64,
	LOG2_E_Q8 = 369,
	FILLER_MIN = 8, /* shorter values have to be one character alone */
	FILLER_PERCENT = 60,
	DEFAULT_MIN = 4,       /* shorter ones are ports and modes */
	ALPHABET_MIN = 16,
	WORD_MIN = 4,          /* so many lower-case letters in a row make a word */
	WORDS_PERCENT = 55,
	HEX_ENTROPY = 310,     /* of hexadecimal digits, however many */
	SEQUENCE_PERCENT = 25, /* of neighbours that follow each other in the alphabet; chance gives 2 */
};

/* 256 * log2(n) for n > 0; the error is below one hundredth of a bit. */
static uint32_t log2_q8(uint32_t n)
{
	uint32_t whole = 31U - (uint32_t)__builtin_clz(n);
	uint32_t result = whole << 8;
	uint64_t mantissa = ((uint64_t)n << 31) >> whole; /* in [2^31, 2^32) */

	for (uint32_t bit = 128; bit != 0; bit >>= 1) {
		mantissa = (mantissa * mantissa) >> 31;
		if (mantissa >> 32 != 0) {
			mantissa >>= 1;
			result += bit;
		}
	}
	return result;
}

/*
 * H = log2(len) - (sum of n * log2(n)) / len over the counts n. The sum is built up as the counts grow: from n to
 * n + 1 it grows by what the table holds.
 */
unsigned value_entropy(struct span value)
{
	static const uint16_t growth[ENTROPY_TABLE] = {
		0, 512, 705, 831, 924, 998, 1060, 1113, 1160, 1201, 1238, 1271, 1302, 1330, 1357, 1382,
		1405, 1426, 1447, 1466, 1485, 1502, 1519, 1535, 1551, 1565, 1580, 1593, 1607, 1619, 1632, 1643,
		1655, 1666, 1677, 1688, 1698, 1708, 1718, 1727, 1736, 1745, 1754, 1763, 1771, 1779, 1787, 1795,
		1803, 1810, 1818, 1825, 1832, 1839, 1846, 1853, 1859, 1866, 1872, 1878, 1885, 1891, 1897, 1902,
	};
	uint16_t counts[256] = { 0 };
	uint64_t sum = 0;

	if (value.len > ENTROPY_WINDOW)
		value.len = ENTROPY_WINDOW;
	if (value.len == 0)
		return 0;
	for (size_t i = 0; i < value.len; i++) {
		uint16_t n = counts[value.ptr[i]]++;

		/* Beyond the table n*log2(n) grows by log2(n) + log2(e), near enough. */
		sum += n < ENTROPY_TABLE ? growth[n] : log2_q8(n) + LOG2_E_Q8;
	}
	return (unsigned)((log2_q8((uint32_t)value.len) - sum / value.len) * 100 / 256);
}

bool value_is_masked(struct span value)
{
	static const struct span mark = { (const uint8_t *)"[REDACTED:", 10 };
	bool any = false;

	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '[' && span_starts_with(span_sub(value, i, value.len), mark)) {
			i = span_find(value, SPAN_LIT("]"), i);
			any = true;
		} else if (is_alnum(value.ptr[i]) || value.ptr[i] >= 0x80) {
			return false;
		}
	}
	return any;
}

/* No two neighbours are the same letter: fillers are told apart from nearly everything by this alone. */
static bool is_varied(struct span value)
{
	for (size_t i = 1; i < value.len; i++) {
		if (to_lower(value.ptr[i]) == to_lower(value.ptr[i - 1]))
			return false;
	}
	return true;
}

/* One character over and over, perhaps behind a prefix: "xxxx-xxxx", "****", "key_00000000". */
static bool is_filler(struct span value)
{
	size_t votes = 0, total = 0, most = 0;
	uint8_t candidate = 0;

	if (value.len >= 2 * FILLER_MIN && is_varied(span_sub(value, value.len - FILLER_MIN, FILLER_MIN)))
		return false;
	/* Whatever makes up more than half of the characters wins this vote. */
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = to_lower(value.ptr[i]);

		if (!is_alnum(c) && c != '*')
			continue;
		total++;
		if (votes == 0)
			candidate = c;
		votes = votes == 0 || c == candidate ? votes + 1 : votes - 1;
	}
	for (size_t i = 0; i < value.len; i++)
		most += to_lower(value.ptr[i]) == candidate;
	return most * 100 >= total * (total >= FILLER_MIN ? FILLER_PERCENT : 100);
}

/* "abcdefghijklmnopqrstuvwxyz": nobody's secret, everybody's example. */
static bool is_alphabet(struct span value)
{
	size_t run = 1;

	for (size_t i = 1; i < value.len && run < ALPHABET_MIN && value.len >= ALPHABET_MIN; i++)
		run = to_lower(value.ptr[i]) == to_lower(value.ptr[i - 1]) + 1 ? run + 1 : 1;
	return run >= ALPHABET_MIN;
}

/* "${DB_PASSWORD:-tiger}", "${db.password:tiger}": what stands there when the variable is not set. */
static bool has_default(struct span value)
{
	size_t colon = chars_find(value, ':', 2), at = colon + 1;
	bool is_joined = chars_find(value, '_', 2) < colon || chars_find(value, '.', 2) < colon;

	if (colon >= value.len || (at < value.len && value.ptr[at] == '?'))
		return false;
	if (at < value.len && memchr("-=+", value.ptr[at], 3) != NULL)
		at++;
	else if (!is_joined)
		return false;
	return value.len - at > DEFAULT_MIN && value.ptr[at] != '$';
}

/* "$(echo hunter2)": the secret itself stands in the command. */
static bool writes(struct span command)
{
	return span_find(command, SPAN_LIT("echo "), 0) < command.len ||
	       span_find(command, SPAN_LIT("printf "), 0) < command.len;
}

static bool is_reference(struct span value)
{
	uint8_t first = value.ptr[0], last = value.ptr[value.len - 1];

	if (value.len < 2)
		return false;
	if (first == '<' && (last == '>' || last == '='))
		return true;
	if (first == '$' && (value.ptr[1] == '{' || value.ptr[1] == '('))
		return (last == '}' && !has_default(value)) || (last == ')' && !writes(value)) ||
		       span_find(value, SPAN_LIT(":?"), 0) < value.len;
	if (first == '{' && last == '}' && (value.ptr[1] == '{' || span_find(value, SPAN_LIT(":"), 0) == value.len))
		return value.ptr[1] == '{' || is_alpha(value.ptr[1]);
	if (first == '[' && last == ']')
		return true;
	if (first == '%' && (last == '%' || value.len == 2))
		return true;
	if (first != '$')
		return false;
	for (size_t i = 1; i < value.len; i++) {
		if (!is_upper(value.ptr[i]) && !is_digit(value.ptr[i]) && value.ptr[i] != '_')
			return false;
	}
	return true;
}

static const word_listed empty_words[] = {
	"(none)", "(null)", "...", "bool", "bytes", "default", "disabled", "empty", "enabled", "false", "hidden",
	"int", "masked", "n/a", "nil", "no", "none", "null", "off", "on", "optional", "redacted", "required", "str",
	"string", "todo", "true", "undefined", "unset", "yes",
};

bool value_is_empty_word(struct span value)
{
	static const char *const notes[] = { "(sensitive value)", "(known after apply)" };

	for (size_t i = 0; value.len >= WORDS_LISTED && i < sizeof notes / sizeof *notes; i++) {
		if (span_eq_nocase(value, span_cstr(notes[i])))
			return true;
	}
	return words_hold_span(WORD_LIST(empty_words), value);
}

/* What looks random and is public: what SOPS has encrypted, and "AKIA…EXAMPLE" of AWS's documentation. */
static bool is_public(struct span value)
{
	static const struct span example = { (const uint8_t *)"EXAMPLE", 7 };

	if (span_starts_with(value, SPAN_LIT("ENC[AES256_GCM,")) && value.ptr[value.len - 1] == ']')
		return true;
	return value.len >= example.len && span_eq(span_sub(value, value.len - example.len, example.len), example);
}

/* "your-api-key-here", "AccessTokenHere": documentation. */
static bool is_documentation(struct span value)
{
	static const struct span here = { (const uint8_t *)"here", 4 };
	static const char *const starts[] = { "your-", "your_", "<your", "my-api-key", "insert-", "insert_", "replace-me",
	                                      "replace_me", "xxx", "value_specified_in_no_log",
	                                      "not_logging_" };

	if (value.len > here.len && span_eq_nocase(span_sub(value, value.len - here.len, here.len), here) &&
	    value_is_identifier(value))
		return true;
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		struct span start;

		if (to_lower(value.ptr[0]) != (uint8_t)*starts[i])
			continue;
		start = span_cstr(starts[i]);
		if (value.len >= start.len && span_eq_nocase(span_sub(value, 0, start.len), start))
			return true;
	}
	return false;
}

bool value_is_uuid(struct span value)
{
	if (value.len != 36)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? value.ptr[i] != '-' : hex_value(value.ptr[i]) < 0)
			return false;
	}
	return true;
}

bool value_is_digest(struct span value)
{
	if (value.len != 12 && value.len != 32 && value.len != 40 && value.len != 64 && value.len != 96 &&
	    value.len != 128)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (hex_value(value.ptr[i]) < 0)
			return false;
	}
	return true;
}

bool value_is_number(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(value.ptr[i]) && value.ptr[i] != '.')
			return false;
	}
	return value.len > 0;
}

bool value_is_word(struct span value)
{
	bool lower = false, upper_later = false;

	for (size_t i = 0; i < value.len; i++) {
		if (!is_alpha(value.ptr[i]))
			return false;
		lower |= is_lower(value.ptr[i]);
		upper_later |= i > 0 && is_upper(value.ptr[i]);
	}
	return value.len > 0 && !(lower && upper_later);
}

static bool is_sign(uint8_t c)
{
	return c == '.' || c == '_' || c == '-' || c == '/' || c == ':' || c == '@' || c == ' ';
}

/* "KeyPair", "getToken": every capital begins a hump of two letters or more. */
static bool is_camel(struct span part)
{
	size_t hump = 0;

	for (size_t i = 0; i < part.len; i++) {
		if (!is_alpha(part.ptr[i]) || (is_upper(part.ptr[i]) && i > 0 && hump < 2))
			return false;
		hump = is_upper(part.ptr[i]) ? 1 : hump + 1;
	}
	return hump >= 2;
}

/* A part of a name: letters in the way of words, with at most three digits behind them, or a small number. */
static bool is_name_part(struct span part)
{
	size_t digits = 0;

	while (digits < part.len && is_digit(part.ptr[part.len - 1 - digits]))
		digits++;
	if (digits == part.len)
		return digits <= 4;
	part.len -= digits;
	return (digits <= 3 || (part.len <= 2 && digits <= 5)) && (value_is_word(part) || is_camel(part));
}

static size_t letters_in_words(struct span value)
{
	size_t total = 0, run = 0;

	for (size_t i = 0; i <= value.len; i++) {
		if (i < value.len && is_lower(value.ptr[i])) {
			run++;
			continue;
		}
		if (run >= WORD_MIN)
			total += run + 1;
		run = 0;
	}
	return total;
}

bool value_is_identifier(struct span value)
{
	size_t start = 0, digits = 0;
	bool parts = true;

	for (size_t i = 0; i <= value.len; i++) {
		digits += i < value.len && is_digit(value.ptr[i]);
		if (i < value.len && !is_sign(value.ptr[i]))
			continue;
		if (i > start && !is_name_part(span_sub(value, start, i - start)))
			parts = false;
		start = i + 1;
	}
	if (parts)
		return true;
	return digits * 10 <= value.len && letters_in_words(value) * 100 >= value.len * WORDS_PERCENT;
}

static bool is_sequence(struct span value)
{
	size_t follows = 0;

	for (size_t i = 1; i < value.len; i++)
		follows += to_lower(value.ptr[i]) == to_lower(value.ptr[i - 1]) + 1;
	return follows * 100 >= value.len * SEQUENCE_PERCENT;
}

/* Sixteen characters give four bits at most, and what chance makes of 64 of them about 3.8. */
static bool is_hexadecimal(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (hex_value(value.ptr[i]) < 0)
			return false;
	}
	return true;
}

bool value_is_random(struct span value)
{
	struct char_counts counts = chars_count(value);
	bool has_signs = counts.lower + counts.upper + counts.digits < value.len;
	unsigned limit;

	if (counts.digits == 0 && (!has_signs || counts.lower == 0 || counts.upper == 0))
		return false;
	if (counts.lower + counts.upper == 0)
		return false;
	limit = value.len >= 64 ? 400 : value.len >= 32 ? 330 : value.len >= 20 ? 300 : value.len >= 12 ? 270 : 220;
	if (counts.upper == 0 || counts.lower == 0)
		limit -= 20;
	if (limit > HEX_ENTROPY && is_hexadecimal(value))
		limit = HEX_ENTROPY;
	return value.len >= 8 && !is_sequence(value) && !value_is_identifier(value) && value_entropy(value) >= limit;
}

bool value_holds_random(struct span value)
{
	size_t start = 0;

	for (size_t i = 0; i <= value.len; i++) {
		if (i < value.len && is_alnum(value.ptr[i]))
			continue;
		if (value_is_random(span_sub(value, start, i - start)))
			return true;
		start = i + 1;
	}
	return false;
}

bool value_is_placeholder(struct span value)
{
	if (value.len == 0 || value_is_masked(value) || value_is_empty_word(value) || is_public(value))
		return true;
	return (is_filler(value) || is_alphabet(value) || is_reference(value) || is_documentation(value)) &&
	       !value_holds_random(value);
}
