#include "shared/redact/kube.h"

#include "shared/redact/chars.h"
#include "shared/redact/literal.h"
#include "shared/redact/value.h"

enum {
	MIN_ENCODED = 10, /* of base64 in data; shorter than this it is no secret anyone keeps */
	KUBE_MAX_NAME = 256,
};

struct section {
	size_t indent;
	bool is_encoded; /* data, not stringData */
};

static size_t skip_signs(struct span text, size_t at)
{
	while (at < text.len && memchr("\"' \t:\\", text.ptr[at], 6) != NULL)
		at++;
	return at;
}

static bool is_secret_kind(struct span text, size_t at)
{
	size_t value = skip_signs(text, at + 4);

	return value > at + 4 && span_eq_nocase(span_sub(text, value, 6), SPAN_LIT("Secret")) &&
	       (value + 6 >= text.len || !is_alnum(text.ptr[value + 6]));
}

static size_t document_start(struct span text, size_t at)
{
	size_t from = at > KUBE_MAX_DOCUMENT ? at - KUBE_MAX_DOCUMENT : 0;
	size_t start = from;

	for (size_t next = from; next < at; start = next + 1) {
		next = span_find(span_sub(text, 0, at), SPAN_LIT("\n---"), start);
		if (next >= at)
			break;
	}
	return start;
}

static void add(struct findings *findings, size_t start, size_t end)
{
	findings_add(findings, (struct finding){ .start = start,
	                                         .end = end,
	                                         .rank = FINDING_KEY,
	                                         .label = "SECRET",
	                                         .rule = "kubernetes-secret" });
}

static void add_value(struct span text, struct literal value, bool is_encoded, struct findings *findings)
{
	struct span bytes = span_sub(text, value.start, value.end - value.start);

	if (!value_is_placeholder(bytes) && (!is_encoded || bytes.len >= MIN_ENCODED))
		add(findings, value.start, value.end);
}

/* "name: value" or "name: |" over deeper lines. Gives where the next line begins. */
static size_t read_member(struct span text, size_t line, const struct section *section, struct findings *findings)
{
	size_t end = literal_line_end(text, line);
	size_t colon = span_find(span_sub(text, 0, end), SPAN_LIT(":"), line);
	size_t at = literal_skip_blanks(text, colon + 1);

	if (colon >= end || at >= end)
		return end + 1;
	if (memchr("|>", text.ptr[at], 2) != NULL) {
		struct literal block = literal_block(text, colon, end);

		add(findings, block.start, block.end);
		return (block.end > end ? block.end : end) + 1;
	}
	add_value(text, literal_read(text, at), section->is_encoded, findings);
	return end + 1;
}

/* Of a name in quotes, or of a bare one, which the next colon ends. */
static size_t name_end(struct span text, size_t at)
{
	struct span window = span_sub(text, 0, at + KUBE_MAX_NAME);

	return literal_quote_len(text, at) > 0 ? literal_read(text, at).next : chars_find(window, ':', at);
}

/* data: {"a": "…", "b": "…"}. Gives how far it was read. */
static size_t read_object(struct span text, size_t at, bool is_encoded, struct findings *findings)
{
	while (at < text.len && text.ptr[at] != '}') {
		struct literal value;

		at = literal_skip_space(text, at);
		if (literal_quote_len(text, at) == 0 && !(at < text.len && is_alnum(text.ptr[at])))
			break;
		at = skip_signs(text, name_end(text, at));
		at -= literal_quote_len_before(text, at);
		value = literal_read(text, at);
		if (value.next == at)
			break;
		add_value(text, value, is_encoded, findings);
		at = literal_skip_space(text, value.next);
		if (at < text.len && text.ptr[at] == ',')
			at++;
	}
	return at;
}

/* Reads the name of a section at the start of a line; false when the line is something else. */
static bool read_section(struct span text, size_t line, struct section *ret_section, size_t *ret_value)
{
	size_t at = line;
	bool is_string;

	while (at < text.len && is_blank(text.ptr[at]))
		at++;
	ret_section->indent = at - line;
	at += literal_quote_len(text, at);
	is_string = span_starts_with(span_sub(text, at, 10), SPAN_LIT("stringData"));
	if (!is_string && !span_starts_with(span_sub(text, at, 4), SPAN_LIT("data")))
		return false;
	at += is_string ? 10 : 4;
	at += literal_quote_len(text, at);
	if (at >= text.len || text.ptr[at] != ':')
		return false;
	ret_section->is_encoded = !is_string;
	*ret_value = literal_skip_blanks(text, at + 1);
	return true;
}

static size_t indent_of(struct span text, size_t line)
{
	size_t at = line;

	while (at < text.len && is_blank(text.ptr[at]))
		at++;
	return at - line;
}

/* …,"data":{"a":"…"},… in the middle of a line. */
static void read_inline(struct span text, size_t line, size_t end, struct findings *findings)
{
	struct span part = span_sub(text, 0, end);

	for (size_t at = span_find(part, SPAN_LIT("ata"), line), next; at < end;
	     at = span_find(part, SPAN_LIT("ata"), next)) {
		bool is_string = at > 6 && span_eq(span_sub(text, at - 7, 7), SPAN_LIT("stringD"));
		size_t start = is_string ? at - 7 : at - 1, quote = literal_quote_len(text, at + 3), value;

		next = at + 3;
		if (at == 0 || quote == 0 || literal_quote_len_before(text, start) != quote ||
		    (!is_string && text.ptr[start] != 'd'))
			continue;
		value = skip_signs(text, at + 3);
		if (value < end && text.ptr[value] == '{')
			next = read_object(text, value + 1, !is_string, findings);
	}
}

static void read_document(struct span text, size_t line, struct findings *findings)
{
	while (line < text.len) {
		struct section section;
		size_t value = 0, end = literal_line_end(text, line), next = end + 1;
		bool is_section = read_section(text, line, &section, &value);

		if (is_section && value < end && text.ptr[value] == '{')
			next = literal_line_end(text, read_object(text, value + 1, section.is_encoded, findings)) + 1;
		if (!is_section)
			read_inline(text, line, end, findings);
		while (is_section && value >= end && next < text.len && indent_of(text, next) > section.indent)
			next = read_member(text, next, &section, findings);
		line = next;
	}
}

void kube_find(struct span text, size_t at, struct findings *findings, size_t *ret_end)
{
	size_t start, end;

	*ret_end = at + 4;
	if (!is_secret_kind(text, at))
		return;
	start = document_start(text, at);
	end = span_find(span_sub(text, 0, at + KUBE_MAX_DOCUMENT), SPAN_LIT("\n---"), at);
	*ret_end = end;
	read_document(span_sub(text, 0, end), start, findings);
}
