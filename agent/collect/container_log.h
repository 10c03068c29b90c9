/*
 * container_log: a container's output, put together from its two streams into lines in the order of time.
 *
 * It may come from the Engine (framed, or raw from a terminal) or from the JSON log file on disk. A long line comes
 * in parts, each with a time of its own before it; the times between the parts are taken out again, since one in the
 * middle of a secret would hide it from the redactor. Each line of the text reads
 *   2026-01-31T23:59:59.123456Z out hello
 * with out, err or tty for where it came from. All prefixes have one length, so that indentation keeps its sense.
 *
 * Memory is bounded by LIMIT_SECTION_BYTES and LIMIT_SECTION_CONTEXT: the oldest lines go first. Errors stick.
 * Thread: one at a time.
 */
#ifndef RESCUE_AGENT_COLLECT_CONTAINER_LOG_H
#define RESCUE_AGENT_COLLECT_CONTAINER_LOG_H

#include "agent/collect/engine_frames.h"
#include "shared/redact/text.h"

enum container_log_source {
	CONTAINER_LOG_OUT,
	CONTAINER_LOG_ERR,
	CONTAINER_LOG_TTY,
	CONTAINER_LOG_SOURCES,
};

struct container_log;

/* NULL on out of memory. */
struct container_log *container_log_new(void);
void container_log_free(struct container_log *log);

/* Bytes of the Engine's answer. STATUS_INVALID when they are not framed; STATUS_NO_MEMORY. */
enum status container_log_add_frames(struct container_log *log, struct span bytes);
/* Whether the frames may end here. */
bool container_log_frames_are_whole(const struct container_log *log);

/* Bytes of the Engine's answer for a container with a terminal, which is not framed. STATUS_NO_MEMORY. */
enum status container_log_add_raw(struct container_log *log, struct span bytes);

/* One line of a JSON log file: {"log":"text\n","stream":"stdout","time":"…"}. Others are passed over. */
enum status container_log_add_json(struct container_log *log, struct span line);

/* Lines before those that were added are missing, though they may be wanted. */
void container_log_mark_incomplete(struct container_log *log);

size_t container_log_count(const struct container_log *log);

/*
 * Writes the last `lines` lines, and those before them as the text's context. *ret_is_cut: lines that belong to
 * them had to be left out; then a mark stands at the end. Ends the input: unfinished lines are taken as they are.
 */
enum status container_log_write(struct container_log *log, size_t lines, struct raw_text *ret_text, bool *ret_is_cut);

#endif
