#include "shared/redact/pem.h"

#include "shared/redact/chars.h"
#include "shared/redact/literal.h"

enum {
	MAX_TITLE = 64,
	MIN_BODY = 16,      /* fewer characters of base64 in the whole block are no key */
	MIN_LINE = 32,      /* a full line of a body has at least so many */
};

/* The line "-----BEGIN TITLE-----" or "---- END TITLE ----". */
struct boundary {
	size_t start;
	size_t end;
	struct span title;
};

static bool is_base64(uint8_t c)
{
	return is_alnum(c) || c == '+' || c == '/' || c == '=';
}

static bool read_boundary(struct span text, size_t word, size_t word_len, struct boundary *ret_line)
{
	size_t at = word, title = word + word_len;
	size_t end = title;

	while (at > 0 && text.ptr[at - 1] == ' ')
		at--;
	while (at > 0 && text.ptr[at - 1] == '-')
		at--;
	if (word - at < 4)
		return false;
	while (end < text.len && end - title < MAX_TITLE &&
	       (is_upper(text.ptr[end]) || is_digit(text.ptr[end]) || text.ptr[end] == ' '))
		end++;
	if (end >= text.len || text.ptr[end] != '-')
		return false;
	ret_line->start = at;
	ret_line->title = span_sub(text, title, end - title);
	while (end < text.len && text.ptr[end] == '-' && end - title < MAX_TITLE + 8)
		end++;
	ret_line->end = end;
	return true;
}

static bool is_private(struct span title)
{
	return span_find(title, SPAN_LIT("PRIVATE KEY"), 0) < title.len;
}

/* Counts base64 in what is not obviously prose: only runs that a body line would have. */
static size_t body_len(struct span text, size_t from, size_t to)
{
	size_t run = 0, total = 0;

	for (size_t i = from; i <= to; i++) {
		if (i < to && is_base64(text.ptr[i])) {
			run++;
			continue;
		}
		if (run >= MIN_BODY)
			total += run;
		run = 0;
	}
	return total;
}

static size_t find_end(struct span text, const struct boundary *begin, struct boundary *ret_line)
{
	struct span window = span_sub(text, 0, begin->end + PEM_MAX_BLOCK);
	size_t at = begin->end;

	while ((at = span_find(window, SPAN_LIT("----"), at)) < window.len) {
		while (at < window.len && (text.ptr[at] == '-' || text.ptr[at] == ' '))
			at++;
		/* A block that begins before this one ends says that this one was cut off. */
		if (span_starts_with(span_sub(window, at, 6), SPAN_LIT("BEGIN ")))
			return 0;
		if (span_starts_with(span_sub(window, at, 4), SPAN_LIT("END ")) && read_boundary(text, at, 4, ret_line) &&
		    span_eq(ret_line->title, begin->title))
			return ret_line->end;
	}
	return 0;
}

/* Last word of the line [start, end); log prefixes stand before it. */
static size_t last_word(struct span text, size_t start, size_t end)
{
	size_t at = end;

	while (at > start && is_base64(text.ptr[at - 1]))
		at--;
	return at;
}

static size_t trim_end(struct span text, size_t start, size_t end)
{
	while (end > start && memchr(" \t\r\"',+", text.ptr[end - 1], 7) != NULL)
		end--;
	return end;
}

static bool is_header(struct span line)
{
	return line.len == 0 || span_find(line, SPAN_LIT("Proc-Type:"), 0) < line.len ||
	       span_find(line, SPAN_LIT("DEK-Info:"), 0) < line.len ||
	       span_find(line, SPAN_LIT("Comment:"), 0) < line.len || span_find(line, SPAN_LIT("Version:"), 0) < line.len;
}

/* The END line is not there: as far as lines look like a body. The last line of a body may be short. */
static size_t walk_forwards(struct span text, size_t at)
{
	size_t end = at;

	/* On one line: base64 with \n or blanks between. */
	while (at < text.len && (is_base64(text.ptr[at]) || text.ptr[at] == '\\' || is_blank(text.ptr[at])))
		at++;
	if (at > end)
		end = at;
	while (at < text.len && is_space(text.ptr[at]) && text.ptr[at] != '\n')
		at++;
	if (at < text.len && text.ptr[at] != '\n')
		return end;
	while (at < text.len && end < text.len) {
		size_t start = literal_line_end(text, at) + 1;
		size_t stop = trim_end(text, start, start > text.len ? start : literal_line_end(text, start));
		size_t word = start > text.len ? start : last_word(text, start, stop);

		if (start >= text.len)
			break;
		if (stop - word < MIN_BODY && !is_header(span_sub(text, start, stop - start)))
			break;
		if (stop - word >= MIN_BODY)
			end = stop;
		at = start;
	}
	return end;
}

/* The BEGIN line is not there: back over what looks like a body. */
static size_t walk_backwards(struct span text, size_t from)
{
	size_t at = from, start = from;

	while (at > 0 && (is_base64(text.ptr[at - 1]) || text.ptr[at - 1] == '\\' || is_blank(text.ptr[at - 1])))
		at--;
	if (body_len(text, at, from) >= MIN_BODY)
		start = at;
	at = literal_line_start(text, start);
	for (bool last = true; at > 0; last = false) {
		size_t line = literal_line_start(text, at - 1);
		size_t stop = trim_end(text, line, at - 1);
		size_t word = last_word(text, line, stop);
		size_t least = last ? 1 : line == 0 ? 4 : MIN_LINE;

		if (stop - word < least && !is_header(span_sub(text, line, stop - line)))
			break;
		if (stop - word >= least)
			start = word;
		at = line;
	}
	return start;
}

static void add(struct findings *findings, size_t start, size_t end)
{
	findings_add(findings, (struct finding){ .start = start,
	                                         .end = end,
	                                         .rank = FINDING_BLOCK,
	                                         .label = "PRIVATE_KEY",
	                                         .rule = "private-key-block" });
}

void pem_begin(struct span text, size_t at, struct findings *findings, struct ranges *public_parts, size_t *ret_end)
{
	struct boundary begin, close;
	size_t end;

	*ret_end = at + 1;
	if (!read_boundary(text, at, 6, &begin))
		return;
	*ret_end = begin.end;
	end = find_end(text, &begin, &close);
	if (end == 0)
		end = walk_forwards(text, begin.end);
	if (!is_private(begin.title))
		ranges_add(public_parts, begin.start, end);
	else if (body_len(text, begin.end, end) >= MIN_BODY)
		add(findings, begin.start, end);
	*ret_end = end;
}

void pem_end(struct span text, size_t at, struct findings *findings, struct ranges *public_parts)
{
	struct boundary line;
	size_t start;

	if (!read_boundary(text, at, 4, &line))
		return;
	start = walk_backwards(text, line.start);
	if (start == line.start)
		return;
	if (is_private(line.title))
		add(findings, start, line.end);
	else
		ranges_add(public_parts, start, line.end);
}
