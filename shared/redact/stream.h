/*
 * stream: the redactor for a text of any length, in bounded memory: bytes in as they come, clean text out as soon as
 * enough of what follows was seen. It does not matter where the reads cut the text.
 *
 * Everything is judged with at least STREAM_AHEAD bytes behind it (unless the text ends) and STREAM_CONTEXT bytes
 * before it (unless it begins), and given out in whole lines where there are any. What says farther away that something
 * is a secret is not seen, as the header of a long table.
 *
 * Fails closed: after anything but STATUS_OK nothing more comes out.
 * Thread: a stream belongs to one thread; the redactor must outlive it.
 */
#ifndef RESCUE_SHARED_REDACT_STREAM_H
#define RESCUE_SHARED_REDACT_STREAM_H

#include "shared/redact/redact.h"

enum {
	STREAM_AHEAD = 64 * 1024,
	STREAM_CONTEXT = 64 * 1024,
	STREAM_WINDOW = 1024 * 1024,
};

/* Takes clean text; borrowed for the call. Its receipt counts lines of the whole stream. */
typedef enum status (*redact_sink)(void *ctx, const struct clean_text *text);

struct redact_stream;

/* NULL on out of memory. `tags` may be NULL. */
struct redact_stream *redact_stream_new(const struct redactor *redactor, struct redact_tags *tags, redact_sink sink,
                                        void *ctx);
void redact_stream_free(struct redact_stream *stream);

/* STATUS_WITHHELD, also when the sink failed. */
enum status redact_stream_feed(struct redact_stream *stream, struct span bytes, struct err *err);

/* The text has ended: gives out the rest. */
enum status redact_stream_finish(struct redact_stream *stream, struct err *err);

#endif
