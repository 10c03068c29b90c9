/*
 * first_error: the first line of a log that tells of an error, which is often where to begin reading.
 *
 * Thread: any.
 */
#ifndef RESCUE_AGENT_COLLECT_FIRST_ERROR_H
#define RESCUE_AGENT_COLLECT_FIRST_ERROR_H

#include "shared/redact/text.h"

/*
 * Looks through the first LIMIT_FIRST_ERROR_SCAN bytes. The text is that line without its newline, with what stands
 * before it as context; empty when there is none. STATUS_NOT_FOUND when there is no such file.
 */
enum status first_error_find(const char *root, const char *path, struct raw_text *ret_text, struct err *err);

/* Whether a line tells of an error. Names of packages such as liberror-perl do not. Pure. */
bool first_error_is_one(struct span line);

#endif
