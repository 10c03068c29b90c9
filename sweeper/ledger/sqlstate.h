/*
 * sqlstate: what an error of PostgreSQL means for the caller (PostgreSQL manual, appendix A). Only used inside ledger/.
 *
 * No I/O. Thread: any.
 */
#ifndef RESCUE_SWEEPER_LEDGER_SQLSTATE_H
#define RESCUE_SWEEPER_LEDGER_SQLSTATE_H

#include "shared/span.h"
#include "shared/status.h"

/* `code` is NULL when the connection broke before there was one. */
enum status sqlstate_status(const char *code);

/* True when the connection is of no more use, or what was prepared and probed on it may be outdated. */
bool sqlstate_drops(const char *code);

/* What to do about it; "" when there is nothing to say. */
const char *sqlstate_hint(const char *code);

#endif
