/*
 * buf: owned bytes that grow up to a maximum which must be given.
 *
 * Errors stick: after a failed append every further one does nothing, and buf_status says why, so that a
 * writer checks once at the end. Content is never cut silently.
 * A buf belongs to one thread at a time.
 */
#ifndef RESCUE_SHARED_BUF_H
#define RESCUE_SHARED_BUF_H

#include "shared/span.h"
#include "shared/status.h"

struct buf {
	uint8_t *ptr; /* NULL until the first append */
	size_t len;
	size_t cap;
	size_t max;   /* bytes; reaching beyond it is STATUS_TOO_LARGE */
	enum status failed;
};

#define BUF_INIT(max_bytes) { .ptr = NULL, .len = 0, .cap = 0, .max = (max_bytes), .failed = STATUS_OK }
/* Frees the buf when the variable goes out of scope. */
#define BUF_AUTO __attribute__((cleanup(buf_done))) struct buf

void buf_init(struct buf *buf, size_t max_bytes);

/* Frees what it holds; safe on a zeroed struct and twice. */
void buf_done(struct buf *buf);

/* As buf_done, wiping the bytes first: for secrets and raw text. */
void buf_wipe(struct buf *buf);

/* Sets len to 0 and clears the error; keeps the memory. */
void buf_reset(struct buf *buf);

/* Gives all memory back but stays usable. */
void buf_shrink(struct buf *buf);

void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_append_span(struct buf *buf, struct span bytes);
void buf_append_cstr(struct buf *buf, const char *text);
void buf_append_byte(struct buf *buf, uint8_t byte);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Makes room for `len` more bytes and gives the place in *ret_room; buf_commit says how many were used. */
enum status buf_reserve(struct buf *buf, size_t len, uint8_t **ret_room);
void buf_commit(struct buf *buf, size_t len);

/* Drops `len` bytes from the front. */
void buf_consume(struct buf *buf, size_t len);

/* The first error that happened, or STATUS_OK. */
static inline enum status buf_status(const struct buf *buf)
{
	return buf->failed;
}

/* Borrowed until the buf changes. */
static inline struct span buf_span(const struct buf *buf)
{
	return (struct span){ buf->ptr, buf->len };
}

/* The content as a C string: a NUL is kept behind it, not counted. "" when empty or failed. Borrowed. */
const char *buf_cstr(struct buf *buf);

/* Moves the content out: *ret_taken gets it, `buf` is empty and usable. */
void buf_take(struct buf *buf, struct buf *ret_taken);

/* Overwrites memory in a way that the compiler does not remove. */
void wipe(void *bytes, size_t len);

#endif
