/*
 * log: one key=value line on stderr for each event.
 *
 *   log_event(LOG_WARN, "upload.retry", LOG_S("capture_id", id), LOG_I("attempt", n));
 *   ts=2026-01-31T23:59:59.123456Z level=warn event=upload.retry capture_id=… attempt=3
 *
 * Values are quoted when they hold anything but plain characters; control bytes are escaped, so that
 * hostile bytes can neither forge a line nor reach a terminal. Never log a payload byte.
 * One write(2) a line, so that lines of several threads do not mix. Thread: any.
 */
#ifndef RESCUE_SHARED_LOG_H
#define RESCUE_SHARED_LOG_H

#include <stdint.h>

#include "shared/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
	const char *key; /* NULL: skip this field */
	struct span text;
	int64_t number;
	bool is_number;
};

#define LOG_SPAN(name, value) ((struct log_field){ .key = (name), .text = (value), .is_number = false })
#define LOG_S(name, value) LOG_SPAN(name, span_cstr(value))
#define LOG_I(name, value) ((struct log_field){ .key = (name), .number = (int64_t)(value), .is_number = true })

/* Lines below this level are dropped. Default LOG_INFO; RESCUE_LOG=debug|info|warn|error overrides it. */
void log_set_level(enum log_level level);
void log_level_from_env(void);

void log_fields(enum log_level level, const char *event, size_t count, const struct log_field *fields);

#define log_event(level, event, ...)                                                          \
	log_fields((level), (event), sizeof((struct log_field[]){ { 0 }, ##__VA_ARGS__ }) /   \
	           sizeof(struct log_field) - 1, (const struct log_field[]){ { 0 }, ##__VA_ARGS__ } + 1)

#endif
