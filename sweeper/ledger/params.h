/*
 * params: the values of one statement's parameters, in order. Only used inside ledger/.
 *
 * Errors stick: a text with a NUL byte, which PostgreSQL cannot hold, makes params_status STATUS_INVALID.
 * Thread: one at a time.
 */
#ifndef RESCUE_SWEEPER_LEDGER_PARAMS_H
#define RESCUE_SWEEPER_LEDGER_PARAMS_H

#include "shared/buf.h"

enum { PARAMS_MAX = 12 };

struct params {
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX];
	int formats[PARAMS_MAX]; /* 0 text, 1 binary */
	char *owned[PARAMS_MAX]; /* what params_done frees */
	int count;
	enum status failed;
};

#define PARAMS_AUTO __attribute__((cleanup(params_done))) struct params

/* Safe on a zeroed struct. */
void params_done(struct params *params);

void params_text(struct params *params, struct span text); /* copied */
void params_cstr(struct params *params, const char *text); /* copied; NULL is the SQL NULL */
void params_int(struct params *params, int64_t number);
/* bytea. Borrowed until the statement has run. */
void params_bytes(struct params *params, struct span bytes);

static inline enum status params_status(const struct params *params)
{
	return params->failed;
}

#endif
