/*
 * timeouts: how long a workspace of a runtime may be `provisioning`. The first that applies:
 * PROVISION_TIMEOUT_SECONDS; the tenant's template manifests (<templates_dir>/<folder>/config.yaml with `runtime`
 * and `runtime_config.provision_timeout_seconds` above 0, the largest where several name one runtime);
 * timeouts.runtimes; timeouts.default_s.
 *
 * Manifests are read again when they change. One that is bad or cannot be read is skipped with one warning.
 * At most LIMIT_MANIFESTS folders are looked at.
 * Thread: one at a time for each struct timeouts.
 */
#ifndef RESCUE_SWEEPER_VERDICT_TIMEOUTS_H
#define RESCUE_SWEEPER_VERDICT_TIMEOUTS_H

#include "sweeper/ledger/ledger.h"

struct timeouts;

/* Keeps pointers to both. No I/O. NULL on out of memory. */
struct timeouts *timeouts_new(const struct sweeper_config *config, const struct tenant_config *tenant);
void timeouts_free(struct timeouts *timeouts);

/*
 * Looks at the manifests and gives what holds now: each runtime once. Borrowed until the next call. Only
 * STATUS_NO_MEMORY fails: a folder that cannot be read must not stop the sweep.
 */
enum status timeouts_resolve(struct timeouts *timeouts, struct ledger_timeouts *ret_timeouts, struct err *err);

#endif
