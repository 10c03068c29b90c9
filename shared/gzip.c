#include "shared/gzip.h"

#include <limits.h>
#include <zlib.h>

enum {
	WINDOW_GZIP = 15 + 16, /* zlib.h: 16 asks for a gzip wrapper */
	WINDOW_ZLIB = 15,
	STEP = 32768,
};

enum status gzip_compress(struct span plain, struct buf *out)
{
	z_stream stream = { .zalloc = Z_NULL };
	enum status status = STATUS_OK;
	uint8_t *room;
	uLong bound;

	if (plain.len > UINT_MAX)
		return STATUS_TOO_LARGE;
	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return STATUS_NO_MEMORY;
	bound = deflateBound(&stream, plain.len);
	stream.next_in = (Bytef *)(uintptr_t)plain.ptr;
	stream.avail_in = (uInt)plain.len;
	do {
		size_t step = bound < STEP ? bound : STEP;

		status = buf_reserve(out, step, &room);
		if (status != STATUS_OK)
			break;
		stream.next_out = room;
		stream.avail_out = (uInt)step;
		if (deflate(&stream, Z_FINISH) == Z_STREAM_ERROR) {
			status = STATUS_SYSTEM;
			break;
		}
		buf_commit(out, step - stream.avail_out);
	} while (stream.avail_out == 0);
	(void)deflateEnd(&stream);
	return status;
}

static enum status expand(struct span packed, int window, struct buf *out)
{
	z_stream stream = { .zalloc = Z_NULL };
	enum status status = STATUS_OK;
	int result = Z_OK;

	if (packed.len > UINT_MAX)
		return STATUS_TOO_LARGE;
	if (inflateInit2(&stream, window) != Z_OK)
		return STATUS_NO_MEMORY;
	stream.next_in = (Bytef *)(uintptr_t)packed.ptr;
	stream.avail_in = (uInt)packed.len;
	while (result != Z_STREAM_END) {
		uint8_t chunk[STEP];

		stream.next_out = chunk;
		stream.avail_out = sizeof chunk;
		result = inflate(&stream, Z_NO_FLUSH);
		if (result == Z_MEM_ERROR)
			status = STATUS_NO_MEMORY;
		else if (result != Z_OK && result != Z_STREAM_END)
			status = STATUS_INVALID;
		else
			buf_append(out, chunk, sizeof chunk - stream.avail_out);
		if (status == STATUS_OK)
			status = buf_status(out);
		if (status != STATUS_OK)
			break;
	}
	if (status == STATUS_OK && stream.avail_in != 0)
		status = STATUS_INVALID;
	(void)inflateEnd(&stream);
	return status;
}

enum status gzip_expand(struct span packed, struct buf *out)
{
	return expand(packed, WINDOW_GZIP, out);
}

enum status gzip_expand_zlib(struct span packed, struct buf *out)
{
	return expand(packed, WINDOW_ZLIB, out);
}
