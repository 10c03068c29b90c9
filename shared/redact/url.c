#include "shared/redact/url.h"

#include "shared/redact/chars.h"
#include "shared/redact/value.h"

enum { MAX_USERINFO = 1024, MIN_USER_TOKEN = 20 };

static bool ends_url(uint8_t c)
{
	return is_space(c) || c == '"' || c == '\'' || c == '`' || c == '<' || c == '>' || c == '\\' || c == '|';
}

static bool ends_authority(uint8_t c)
{
	return c == '/' || c == '?' || c == '#' || ends_url(c);
}

/*
 * Offset of the '@' that ends the userinfo, 0 when there is none. A password may hold a stray '/', '?' or '#',
 * which no port does: then the last '@' of the URL counts.
 */
static size_t find_at(struct span text, size_t from)
{
	size_t at = from, colon = 0, found = 0;
	bool beyond = false;

	for (; at < text.len && at - from < MAX_USERINFO && !ends_url(text.ptr[at]); at++) {
		if (ends_authority(text.ptr[at]) && !beyond) {
			struct span port = span_sub(text, colon + 1, at - colon - 1);

			if (found != 0 || colon == 0 || port.len == 0 || value_is_number(port) || text.ptr[from] == '[')
				break;
			beyond = true;
		}
		if (text.ptr[at] == ':' && colon == 0)
			colon = at;
		if (text.ptr[at] == '@')
			found = at;
	}
	return found;
}

static void add(struct findings *findings, size_t start, size_t end, const char *label)
{
	findings_add(findings, (struct finding){ .start = start,
	                                         .end = end,
	                                         .rank = FINDING_FORMAT,
	                                         .label = label,
	                                         .rule = "url-credentials" });
}

void url_find(struct span text, size_t at, struct findings *findings)
{
	size_t from = at + 3, sign = find_at(text, from), colon = from;
	struct span user, password;

	if (sign == 0)
		return;
	while (colon < sign && text.ptr[colon] != ':')
		colon++;
	user = span_sub(text, from, colon - from);
	password = span_sub(text, colon + 1, colon < sign ? sign - colon - 1 : 0);
	if (user.len >= MIN_USER_TOKEN && value_is_random(user))
		add(findings, from, colon, "URL_CREDENTIAL");
	/* "http://[[user][:pass]@]host": a usage text. */
	if (user.len > 0 && user.ptr[0] == '[' && !value_holds_random(password))
		return;
	if (!value_is_placeholder(password))
		add(findings, colon + 1, sign, "URL_PASSWORD");
}

bool url_is_user(struct span text, size_t start, size_t end)
{
	return start >= 3 && end < text.len && text.ptr[end] == ':' &&
	       span_eq(span_sub(text, start - 3, 3), SPAN_LIT("://")) && find_at(text, start) > end;
}
