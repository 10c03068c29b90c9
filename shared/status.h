/*
 * status: the one error enum that every module returns, and the text that goes with it.
 *
 * A status says what kind of failure it is, so that a caller can decide; `struct err` says in
 * words what failed, where, and what to do, so that a person can. Errors of a foreign library
 * are translated into a status in the one file that owns that library.
 *
 * Thread: none of this is shared; a struct err belongs to whoever declared it.
 */
#ifndef RESCUE_SHARED_STATUS_H
#define RESCUE_SHARED_STATUS_H

#include "shared/limits.h"

#define MUST_USE __attribute__((warn_unused_result))
/* gcc takes the mark for a whole type in the C23 spelling only, clang 14 in the GNU spelling only. */
#ifdef __clang__
#define MUST_USE_TYPE __attribute__((warn_unused_result))
#else
#define MUST_USE_TYPE [[nodiscard]]
#endif
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum MUST_USE_TYPE status {
	STATUS_OK = 0,
	STATUS_AGAIN,       /* not now: wait for input, output space or time */
	STATUS_CLOSED,      /* the other side ended the conversation in an orderly way */
	STATUS_NOT_FOUND,   /* what was asked for does not exist */
	STATUS_CONFLICT,    /* it exists already, and is different */
	STATUS_INVALID,     /* input from outside breaks a rule */
	STATUS_TOO_LARGE,   /* input from outside is larger than its cap in limits.h */
	STATUS_DENIED,      /* the identity does not allow it */
	STATUS_WITHHELD,    /* the redactor could not vouch for the text */
	STATUS_TIMEOUT,     /* a deadline passed */
	STATUS_STOPPED,     /* the process was asked to stop */
	STATUS_UNAVAILABLE, /* a peer (database, Loki, sweeper, Engine) cannot be used right now */
	STATUS_NO_MEMORY,
	STATUS_SYSTEM,      /* a system call failed */
};

/* The words of a failure. An empty text means that nothing was said. Never holds payload bytes. */
struct err {
	char text[LIMIT_ERROR_TEXT];
};

#define ERR_INIT { .text = "" }

/* The status in words ("not found"). Never NULL. */
const char *status_name(enum status status);

/* Writes the words into `err` (which may be NULL), cut at its size, and returns `status`. */
enum status err_set(struct err *err, enum status status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As err_set, with ": <strerror(errno)>" at the end; returns STATUS_NO_MEMORY for ENOMEM, else STATUS_SYSTEM. */
enum status err_set_errno(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts "prefix: " before the words that `err` already has. `err` may be NULL. */
void err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
