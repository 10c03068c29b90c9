/*
 * shipper: one round of shipping: claim what is due, bring it to every sink that does not have it, tell the ledger.
 *
 * Thread: belongs to the thread of its ship_loop.
 */
#ifndef RESCUE_SWEEPER_SHIP_SHIPPER_H
#define RESCUE_SWEEPER_SHIP_SHIPPER_H

#include "sweeper/ship/sink.h"

struct shipper;

/* Keeps the pointers. The owner of its leases is "host:pid:random", so that no two shippers share one. */
enum status shipper_new(const struct sweeper_config *config, const struct tenant_config *tenant,
                        struct ledger *ledger, struct shipper **ret_shipper, struct err *err);
void shipper_free(struct shipper *shipper);

/*
 * Works until everything that was claimed has its result in the ledger or is left to the end of its lease.
 * *ret_is_more: the claim was full, there may be more that is due. Any failure is one of the ledger.
 */
enum status shipper_round(struct shipper *shipper, bool *ret_is_more, struct err *err);

/* How long there may be nothing to do unless something new comes: until a sink that rests is tried again, at most `most_ms`. */
int64_t shipper_idle_ms(const struct shipper *shipper, int64_t most_ms);

#endif
