/*
 * skew: how far this machine's clock is ahead of a tenant's database, which decides. It is measured with each sweep,
 * reported (rescue_clock_skew_seconds, and a line in the log when it becomes large or small), and made the process's
 * agreed time (shared/clock.h). With several tenants the database that is nearest to this machine counts: one that is
 * wrong must not make the certificates of the others' agents invalid.
 *
 * Process-wide. Thread: any.
 */
#ifndef RESCUE_SWEEPER_VERDICT_SKEW_H
#define RESCUE_SWEEPER_VERDICT_SKEW_H

#include "sweeper/ledger/ledger.h"

/* One round trip. `tenant` is one of `config`. */
enum status skew_measure(struct ledger *ledger, const struct sweeper_config *config, const struct tenant_config *tenant,
                         struct err *err);

#endif
