#include "shared/redact/stream.h"

#include <stdlib.h>

#include "shared/redact/chars.h"
#include "shared/redact/redactor.h"
#include "shared/redact/utf8.h"

enum { MAX_CHARACTER = 4 };

struct redact_stream {
	const struct redactor *redactor;
	struct redact_tags *tags;
	redact_sink sink;
	void *ctx;
	struct buf held;      /* repaired text: context that was given out, then what was not */
	size_t context_len;
	struct buf unread;    /* the first bytes of a character whose end has not come yet */
	size_t line;          /* number of the first line that was not given out */
	bool began;           /* something was given out */
	enum status failed;
};

struct redact_stream *redact_stream_new(const struct redactor *redactor, struct redact_tags *tags, redact_sink sink,
                                        void *ctx)
{
	struct redact_stream *stream = calloc(1, sizeof *stream);

	if (stream == NULL)
		return NULL;
	*stream = (struct redact_stream){
		.redactor = redactor,
		.tags = tags,
		.sink = sink,
		.ctx = ctx,
		.held = BUF_INIT(4 * STREAM_WINDOW),
		.unread = BUF_INIT(STREAM_WINDOW),
		.line = 1,
		.failed = redactor == NULL ? STATUS_WITHHELD : STATUS_OK,
	};
	return stream;
}

void redact_stream_free(struct redact_stream *stream)
{
	if (stream == NULL)
		return;
	buf_wipe(&stream->held);
	buf_wipe(&stream->unread);
	free(stream);
}

/* How much of `bytes` can be read now: not the beginning of a character whose end is still to come. */
static size_t readable(struct span bytes)
{
	for (size_t back = 1; back < MAX_CHARACTER && back <= bytes.len; back++) {
		uint8_t c = bytes.ptr[bytes.len - back];
		size_t len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;

		if ((c & 0xC0) == 0x80)
			continue;
		return len > back ? bytes.len - back : bytes.len;
	}
	return bytes.len;
}

static size_t count_lines(struct span text)
{
	size_t lines = 0;

	for (size_t at = chars_find(text, '\n', 0); at < text.len; at = chars_find(text, '\n', at + 1))
		lines++;
	return lines;
}

/* Where to stop: behind the last line that ends before `limit`, or at `limit` when no line ends. */
static size_t last_line_end(struct span text, size_t from, size_t limit)
{
	const uint8_t *newline = limit <= from ? NULL : memrchr(text.ptr + from, '\n', limit - from);
	size_t end = newline == NULL ? limit : (size_t)(newline - text.ptr) + 1;

	/* Not in the middle of a character. */
	while (newline == NULL && end > from && end < text.len && (text.ptr[end] & 0xC0) == 0x80)
		end--;
	return end;
}

/* Drops what was given out, but for the context. */
static void advance(struct redact_stream *stream, size_t end)
{
	struct span given = span_sub(buf_span(&stream->held), stream->context_len, end - stream->context_len);
	size_t keep = end < STREAM_CONTEXT ? end : STREAM_CONTEXT;

	stream->line += count_lines(given);
	while (keep < end && (stream->held.ptr[end - keep] & 0xC0) == 0x80)
		keep++;
	buf_consume(&stream->held, end - keep);
	stream->context_len = keep;
	stream->began = true;
}

static enum status give_out(struct redact_stream *stream, size_t end, bool is_last)
{
	struct redactor_window window = {
		.text = buf_span(&stream->held),
		.context_len = stream->context_len,
		.end = end,
		.first_line = stream->line,
		.is_whole = is_last && !stream->began,
		.is_piece = true,
		.tags = stream->tags,
	};
	struct clean_text *clean = clean_text_new(LIMIT_REDACT_OUTPUT);
	enum status status = clean == NULL ? STATUS_NO_MEMORY : STATUS_OK;

	if (status == STATUS_OK)
		status = redactor_part(stream->redactor, &window, clean, &end);
	if (status == STATUS_OK && clean->bytes.len > 0)
		status = stream->sink(stream->ctx, clean);
	if (status == STATUS_OK)
		advance(stream, end);
	clean_text_free(clean);
	return status;
}

static void take_in(struct redact_stream *stream, struct span bytes, bool is_last)
{
	size_t len;

	buf_append_span(&stream->unread, bytes);
	len = is_last ? stream->unread.len : readable(buf_span(&stream->unread));
	utf8_repair(span_sub(buf_span(&stream->unread), 0, len), &stream->held);
	if (buf_status(&stream->unread) == STATUS_OK)
		buf_consume(&stream->unread, len);
	stream->failed = buf_status(&stream->unread) != STATUS_OK ? buf_status(&stream->unread) :
	                                                            buf_status(&stream->held);
}

static enum status report(struct redact_stream *stream, struct err *err)
{
	if (stream->failed == STATUS_OK)
		return STATUS_OK;
	(void)redactor_withhold(err, stream->failed);
	return stream->failed = STATUS_WITHHELD;
}

enum status redact_stream_feed(struct redact_stream *stream, struct span bytes, struct err *err)
{
	while (bytes.len > 0 && stream->failed == STATUS_OK) {
		struct span part = span_sub(bytes, 0, STREAM_AHEAD);

		bytes = span_sub(bytes, part.len, bytes.len);
		take_in(stream, part, false);
		if (stream->failed == STATUS_OK && stream->held.len >= STREAM_WINDOW)
			stream->failed = give_out(stream,
			                          last_line_end(buf_span(&stream->held), stream->context_len,
			                                        stream->held.len - STREAM_AHEAD),
			                          false);
	}
	return report(stream, err);
}

enum status redact_stream_finish(struct redact_stream *stream, struct err *err)
{
	if (stream->failed == STATUS_OK)
		take_in(stream, (struct span){ 0 }, true);
	if (stream->failed == STATUS_OK)
		stream->failed = give_out(stream, stream->held.len, true);
	return report(stream, err);
}
