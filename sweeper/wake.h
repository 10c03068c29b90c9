/*
 * wake: lets one thread tell another that there is work, on top of the polling that would find it anyway.
 *
 * Thread: wake_raise from any, wake_wait from one at a time.
 */
#ifndef RESCUE_SWEEPER_WAKE_H
#define RESCUE_SWEEPER_WAKE_H

#include <stdint.h>

#include "shared/status.h"

struct wake {
	int fd; /* eventfd(2) */
};

enum status wake_init(struct wake *wake, struct err *err);
void wake_done(struct wake *wake);
void wake_raise(struct wake *wake);

/*
 * Sleeps until raised (STATUS_OK, and the wake is lowered again), until `ms` passed (STATUS_TIMEOUT), or until the
 * process shall stop (STATUS_STOPPED, see shared/stop.h).
 */
enum status wake_wait(struct wake *wake, uint64_t ms);

#endif
