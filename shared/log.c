#include "shared/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/status.h"

static _Atomic enum log_level lowest = LOG_INFO;
static const char *const level_names[] = { "debug", "info", "warn", "error" };

/* A line under construction: what does not fit is dropped, the newline always fits. */
struct line {
	char text[LIMIT_LOG_LINE];
	size_t len;
};

static void put(struct line *line, const char *bytes, size_t len)
{
	size_t room = sizeof line->text - 1 - line->len;

	if (len > room)
		len = room;
	memcpy(line->text + line->len, bytes, len);
	line->len += len;
}

PRINTF_LIKE(2, 3)
static void put_format(struct line *line, const char *fmt, ...)
{
	char text[64];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (len > 0)
		put(line, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

static bool is_plain(struct span value)
{
	if (value.len == 0)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		uint8_t byte = value.ptr[i];

		if (byte <= ' ' || byte >= 0x7f || byte == '"' || byte == '=' || byte == '\\')
			return false;
	}
	return true;
}

static void put_value(struct line *line, struct span value)
{
	if (is_plain(value)) {
		put(line, (const char *)value.ptr, value.len);
		return;
	}
	put(line, "\"", 1);
	for (size_t i = 0; i < value.len; i++) {
		uint8_t byte = value.ptr[i];

		if (byte == '"' || byte == '\\')
			put_format(line, "\\%c", byte);
		else if (byte == '\n')
			put(line, "\\n", 2);
		else if (byte < ' ' || byte >= 0x7f)
			put_format(line, "\\x%02x", byte);
		else
			put(line, (const char *)&value.ptr[i], 1);
	}
	put(line, "\"", 1);
}

void log_set_level(enum log_level level)
{
	lowest = level;
}

void log_level_from_env(void)
{
	const char *wanted = getenv("RESCUE_LOG");

	for (unsigned i = 0; wanted != NULL && i < sizeof level_names / sizeof level_names[0]; i++) {
		if (strcmp(wanted, level_names[i]) == 0)
			log_set_level((enum log_level)i);
	}
}

void log_fields(enum log_level level, const char *event, size_t count, const struct log_field *fields)
{
	struct line line;
	char now[CLOCK_RFC3339_SIZE];
	ssize_t written;

	if (level < lowest)
		return;
	line.len = 0;
	clock_format(clock_real_ns(), now);
	put_format(&line, "ts=%s level=%s event=", now, level_names[level]);
	put_value(&line, span_cstr(event));
	for (size_t i = 0; i < count; i++) {
		if (fields[i].key == NULL)
			continue;
		put(&line, " ", 1);
		put(&line, fields[i].key, strlen(fields[i].key));
		put(&line, "=", 1);
		if (fields[i].is_number)
			put_format(&line, "%" PRId64, fields[i].number);
		else
			put_value(&line, fields[i].text);
	}
	line.text[line.len++] = '\n';
	/* A log that cannot be written must not stop the program. */
	written = write(STDERR_FILENO, line.text, line.len);
	(void)written;
}
