#include "agent/collect/engine_frames.h"

static bool read_header(struct engine_frames *frames)
{
	const uint8_t *header = frames->header;

	if (header[0] > ENGINE_STREAM_SYSTEM || header[1] != 0 || header[2] != 0 || header[3] != 0)
		return false;
	frames->left = (uint64_t)header[4] << 24 | (uint64_t)header[5] << 16 | (uint64_t)header[6] << 8 | header[7];
	return true;
}

/* True when a header is complete. */
static bool take_header(struct engine_frames *frames, struct span *rest)
{
	size_t want = ENGINE_FRAMES_HEADER - frames->header_len;
	struct span part = span_sub(*rest, 0, want);

	if (part.len == 0)
		return want == 0;
	memcpy(frames->header + frames->header_len, part.ptr, part.len);
	frames->header_len += part.len;
	*rest = span_sub(*rest, part.len, rest->len);
	return frames->header_len == ENGINE_FRAMES_HEADER;
}

enum status engine_frames_next(struct engine_frames *frames, struct span *rest, struct engine_piece *ret_piece)
{
	if (frames->is_broken)
		return STATUS_INVALID;
	/* Frames without content are passed over. */
	while (frames->left == 0) {
		frames->header_len = frames->header_len == ENGINE_FRAMES_HEADER ? 0 : frames->header_len;
		if (!take_header(frames, rest))
			return STATUS_AGAIN;
		frames->is_broken = !read_header(frames);
		if (frames->is_broken)
			return STATUS_INVALID;
	}
	if (rest->len == 0)
		return STATUS_AGAIN;
	ret_piece->stream = (enum engine_stream)frames->header[0];
	ret_piece->bytes = span_sub(*rest, 0, frames->left < rest->len ? (size_t)frames->left : rest->len);
	*rest = span_sub(*rest, ret_piece->bytes.len, rest->len);
	frames->left -= ret_piece->bytes.len;
	ret_piece->ends_frame = frames->left == 0;
	return STATUS_OK;
}

bool engine_frames_is_whole(const struct engine_frames *frames)
{
	return !frames->is_broken && frames->left == 0 &&
	       (frames->header_len == 0 || frames->header_len == ENGINE_FRAMES_HEADER);
}
