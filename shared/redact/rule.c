#include "shared/redact/rule.h"

#include "shared/redact/chars.h"
#include "shared/redact/decode.h"
#include "shared/redact/value.h"

enum { CRC_DIGITS = 6, MIN_CRC_TOKEN = 16 };

/* A digit, or capitals among small letters as no name has them: chance makes one token of a hundred without a digit. */
static bool is_varied(struct span text)
{
	struct char_counts counts = chars_count(text);

	return counts.digits > 0 || (counts.upper > 1 && counts.lower > 1 && !value_is_identifier(text));
}

static bool is_mixed(struct span text)
{
	struct char_counts counts = chars_count(text);

	return counts.lower > 0 && counts.upper > 0 && is_varied(text);
}

/* What documentation writes for a password. */
static bool is_sample_password(struct span password)
{
	static const char *const samples[] = { "pass", "password", "test", "yyy", "xxx", "pwd", "passwd", "secret" };

	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		if (span_eq_nocase(password, span_cstr(samples[i])))
			return true;
	}
	return false;
}

static struct span unquote(struct span text)
{
	while (text.len > 0 && memchr("\"'", text.ptr[0], 2) != NULL)
		text = span_sub(text, 1, text.len);
	while (text.len > 0 && memchr("\"'", text.ptr[text.len - 1], 2) != NULL)
		text.len--;
	return text;
}

/* "$PASS", "${pass}", "$1"; a password may begin with a dollar, but then signs or several digits follow. */
static bool is_variable(struct span password)
{
	struct char_counts counts = chars_count(password);

	if (password.ptr[0] != '$' || (counts.lower > 0 && counts.digits > 1))
		return false;
	for (size_t i = 0; i < password.len; i++) {
		if (!is_alnum(password.ptr[i]) && memchr("$_{}()", password.ptr[i], 6) == NULL)
			return password.len > 1 && memchr("{(", password.ptr[1], 2) != NULL;
	}
	return true;
}

static bool is_userpass(struct span text)
{
	size_t colon;
	struct span user, password;

	text = unquote(text);
	colon = span_find(text, SPAN_LIT(":"), 0);
	if (colon >= text.len)
		return false;
	user = unquote(span_sub(text, 0, colon));
	password = unquote(span_sub(text, colon + 1, text.len));
	if (value_is_placeholder(password) || is_sample_password(password))
		return false;
	return !is_variable(password) && (user.len == 0 || user.ptr[0] != '<');
}

static uint32_t crc32_of(struct span text)
{
	uint32_t crc = 0xFFFFFFFFU;

	for (size_t i = 0; i < text.len; i++) {
		crc ^= text.ptr[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xEDB88320U & (0U - (crc & 1U)));
	}
	return ~crc;
}

/* The last six characters are the CRC-32 of what stands between the underscore and them, in base 62. */
static bool has_crc(struct span token)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t body = span_find(token, SPAN_LIT("_"), 0) + 1;
	uint32_t crc;

	if (body >= token.len || token.len - body < MIN_CRC_TOKEN)
		return false;
	crc = crc32_of(span_sub(token, body, token.len - body - CRC_DIGITS));
	for (size_t i = 0; i < CRC_DIGITS; i++, crc /= 62) {
		if (token.ptr[token.len - 1 - i] != (uint8_t)digits[crc % 62])
			return false;
	}
	return true;
}

bool rule_accepts(const struct rule *rule, struct span secret)
{
	if ((rule->checks & RULE_CHECK_CRC_BASE62) != 0 && has_crc(secret))
		return true;
	if ((rule->checks & RULE_CHECK_ANY) == 0 && value_is_placeholder(secret))
		return false;
	if ((rule->checks & RULE_CHECK_DIGIT) != 0 && !is_varied(secret))
		return false;
	if ((rule->checks & RULE_CHECK_MIXED) != 0 && !is_mixed(secret))
		return false;
	if ((rule->checks & RULE_CHECK_USERPASS) != 0 && !is_userpass(secret))
		return false;
	if ((rule->checks & RULE_CHECK_RANDOM) != 0 && !value_is_random(secret))
		return false;
	if ((rule->checks & RULE_CHECK_TEXT64) != 0 && !decode_begins_text(DECODE_BASE64, secret))
		return false;
	return rule->entropy == 0 || value_entropy(secret) >= rule->entropy;
}
