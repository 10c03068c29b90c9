#include "shared/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 256 };

void buf_init(struct buf *buf, size_t max_bytes)
{
	*buf = (struct buf)BUF_INIT(max_bytes);
}

void buf_done(struct buf *buf)
{
	free(buf->ptr);
	buf->ptr = NULL;
	buf->len = 0;
	buf->cap = 0;
}

void buf_wipe(struct buf *buf)
{
	if (buf->ptr != NULL)
		wipe(buf->ptr, buf->cap);
	buf_done(buf);
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->failed = STATUS_OK;
}

void buf_shrink(struct buf *buf)
{
	buf_done(buf);
	buf->failed = STATUS_OK;
}

/* One byte more than asked is kept for the NUL of buf_cstr. */
static enum status grow(struct buf *buf, size_t more)
{
	size_t want, cap;
	uint8_t *ptr;

	if (buf->failed != STATUS_OK)
		return buf->failed;
	if (buf->len > buf->max || more > buf->max - buf->len)
		return buf->failed = STATUS_TOO_LARGE;
	want = buf->len + more + 1;
	if (want <= buf->cap)
		return STATUS_OK;
	cap = buf->cap < FIRST_CAP ? FIRST_CAP : buf->cap;
	while (cap < want)
		cap += cap / 2 + 1;
	if (cap > buf->max + 1)
		cap = buf->max + 1;
	ptr = realloc(buf->ptr, cap);
	if (ptr == NULL)
		return buf->failed = STATUS_NO_MEMORY;
	buf->ptr = ptr;
	buf->cap = cap;
	return STATUS_OK;
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
	if (grow(buf, len) == STATUS_OK && len > 0) {
		memcpy(buf->ptr + buf->len, bytes, len);
		buf->len += len;
	}
}

void buf_append_span(struct buf *buf, struct span bytes)
{
	buf_append(buf, bytes.ptr, bytes.len);
}

void buf_append_cstr(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void buf_append_byte(struct buf *buf, uint8_t byte)
{
	buf_append(buf, &byte, 1);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		buf->failed = STATUS_SYSTEM;
	if (grow(buf, len < 0 ? 0 : (size_t)len) != STATUS_OK)
		return;
	va_start(args, fmt);
	(void)vsnprintf((char *)buf->ptr + buf->len, (size_t)len + 1, fmt, args);
	va_end(args);
	buf->len += (size_t)len;
}

enum status buf_reserve(struct buf *buf, size_t len, uint8_t **ret_room)
{
	enum status status = grow(buf, len);

	*ret_room = status == STATUS_OK ? buf->ptr + buf->len : NULL;
	return status;
}

void buf_commit(struct buf *buf, size_t len)
{
	assert(buf->len + len < buf->cap);
	buf->len += len;
}

void buf_consume(struct buf *buf, size_t len)
{
	assert(len <= buf->len);
	if (len == 0)
		return;
	memmove(buf->ptr, buf->ptr + len, buf->len - len);
	buf->len -= len;
}

const char *buf_cstr(struct buf *buf)
{
	if (buf->ptr == NULL || buf->failed != STATUS_OK)
		return "";
	buf->ptr[buf->len] = '\0';
	return (const char *)buf->ptr;
}

void buf_take(struct buf *buf, struct buf *ret_taken)
{
	size_t max = buf->max;

	*ret_taken = *buf;
	buf_init(buf, max);
}

void wipe(void *bytes, size_t len)
{
	explicit_bzero(bytes, len);
}
