#include "shared/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *status_name(enum status status)
{
	switch (status) {
	case STATUS_OK: return "ok";
	case STATUS_AGAIN: return "again";
	case STATUS_CLOSED: return "closed";
	case STATUS_NOT_FOUND: return "not found";
	case STATUS_CONFLICT: return "conflict";
	case STATUS_INVALID: return "invalid";
	case STATUS_TOO_LARGE: return "too large";
	case STATUS_DENIED: return "denied";
	case STATUS_WITHHELD: return "withheld";
	case STATUS_TIMEOUT: return "timeout";
	case STATUS_STOPPED: return "stopped";
	case STATUS_UNAVAILABLE: return "unavailable";
	case STATUS_NO_MEMORY: return "out of memory";
	case STATUS_SYSTEM: return "system error";
	}
	return "unknown";
}

enum status err_set(struct err *err, enum status status, const char *fmt, ...)
{
	if (err != NULL) {
		va_list args;

		va_start(args, fmt);
		(void)vsnprintf(err->text, sizeof err->text, fmt, args);
		va_end(args);
	}
	return status;
}

enum status err_set_errno(struct err *err, const char *fmt, ...)
{
	int saved = errno;

	if (err != NULL) {
		va_list args;
		size_t len;

		va_start(args, fmt);
		(void)vsnprintf(err->text, sizeof err->text, fmt, args);
		va_end(args);
		len = strlen(err->text);
		(void)snprintf(err->text + len, sizeof err->text - len, ": %s", strerror(saved));
	}
	return saved == ENOMEM ? STATUS_NO_MEMORY : STATUS_SYSTEM;
}

void err_prefix(struct err *err, const char *fmt, ...)
{
	char words[LIMIT_ERROR_TEXT];
	va_list args;
	size_t len;

	if (err == NULL)
		return;
	memcpy(words, err->text, sizeof words);
	va_start(args, fmt);
	(void)vsnprintf(err->text, sizeof err->text, fmt, args);
	va_end(args);
	len = strlen(err->text);
	(void)snprintf(err->text + len, sizeof err->text - len, ": %s", words);
}
