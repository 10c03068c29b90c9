#include "sweeper/gate/log_tail.h"

#define WITHHELD "(withheld: the redactor could not vouch for this text)"

static bool continues_character(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

static struct span last_of(struct span text, size_t max)
{
	size_t from = text.len > max ? text.len - max : 0;

	while (from > 0 && from < text.len && continues_character(text.ptr[from]))
		from++;
	return span_sub(text, from, text.len);
}

static struct span first_of(struct span text, size_t max)
{
	size_t len = text.len > max ? max : text.len;

	while (len > 0 && len < text.len && continues_character(text.ptr[len]))
		len--;
	return span_sub(text, 0, len);
}

static enum status keep(const struct redactor *redactor, struct span raw, size_t max,
                        struct span (*cut)(struct span text, size_t max), struct buf *out)
{
	struct clean_text *clean = NULL;

	if (raw.len == 0)
		return STATUS_OK;
	if (redact_span(redactor, raw, &clean, NULL) == STATUS_OK)
		buf_append_span(out, cut(clean_text_span(clean), max));
	else
		buf_append_cstr(out, WITHHELD);
	clean_text_free(clean);
	return buf_status(out);
}

enum status log_tail_keep_last(const struct redactor *redactor, struct span raw, size_t max, struct buf *out)
{
	return keep(redactor, raw, max, last_of, out);
}

enum status log_tail_keep_first(const struct redactor *redactor, struct span raw, size_t max, struct buf *out)
{
	return keep(redactor, raw, max, first_of, out);
}
