/*
 * engine_frames: the stream format in which the Engine sends a container's output (Docker Engine API, "Attach to a
 * container", stream format): before each piece 8 bytes, of which the first is the stream (0 stdin, 1 stdout, 2 stderr,
 * 3 the Engine's own error), three are zero and four are the piece's length, big endian.
 *
 * Pure: bytes in, pieces out, in any portions. Thread: any.
 */
#ifndef RESCUE_AGENT_COLLECT_ENGINE_FRAMES_H
#define RESCUE_AGENT_COLLECT_ENGINE_FRAMES_H

#include "shared/span.h"
#include "shared/status.h"

enum { ENGINE_FRAMES_HEADER = 8 };

enum engine_stream {
	ENGINE_STREAM_IN,
	ENGINE_STREAM_OUT,
	ENGINE_STREAM_ERR,
	ENGINE_STREAM_SYSTEM, /* not of the container: why the Engine cannot go on */
};

/* Start from zero. */
struct engine_frames {
	uint8_t header[ENGINE_FRAMES_HEADER];
	size_t header_len;
	uint64_t left;      /* bytes of the frame that are still to come */
	bool is_broken;
};

struct engine_piece {
	enum engine_stream stream;
	bool ends_frame;
	struct span bytes;  /* borrowed from the input */
};

/*
 * Takes the next piece off the front of *rest. STATUS_AGAIN: the input is used up. STATUS_INVALID: this is not
 * the format; from then on nothing else is said.
 */
enum status engine_frames_next(struct engine_frames *frames, struct span *rest, struct engine_piece *ret_piece);

/* Whether the input may end here: not within a header or a frame. */
bool engine_frames_is_whole(const struct engine_frames *frames);

#endif
