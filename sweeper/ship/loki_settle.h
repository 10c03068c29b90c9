/*
 * loki_settle: brings one capture into Loki by itself, after it was refused in company or on an earlier try: finds
 * the records that are the reason by halving, gives new timestamps where the old ones are refused, and sets
 * aside what Loki will never take.
 *
 *   push what is missing ──stored──▶ done
 *        │ refused, several records: each half by itself
 *        ├ refused, one record, for its timestamp ──▶ rebase (committed) ▶ ask what is there ▶ push the rest
 *        └ refused, one record, for what it is ──▶ push its substitute in its place, go on
 *
 * Records that Loki has keep the timestamps under which it has them, so nothing is there twice. A record is set
 * aside only when its substitute was taken: that shows that it is the record and not the way to Loki.
 */
#ifndef RESCUE_SWEEPER_SHIP_LOKI_SETTLE_H
#define RESCUE_SWEEPER_SHIP_LOKI_SETTLE_H

#include "sweeper/ship/lease.h"
#include "sweeper/ship/loki_answer.h"
#include "sweeper/ship/loki_presence.h"
#include "sweeper/ship/loki_push.h"

/* What a delivery to one Loki works with. Borrowed throughout. */
struct loki_work {
	const struct sink_config *config;
	struct jdoc *labels;
	struct loki_presence presence; /* with the link */
	struct lease *lease;
};

/*
 * Sends what is in `push`. STATUS_OK: *ret_answer says what came of it. Otherwise no answer came and the words say
 * why. The caller has kept the leases of everything in it before putting it in.
 */
enum status loki_work_send(const struct loki_work *work, const struct loki_push *push, struct loki_answer *ret_answer,
                           struct err *err);

/*
 * Pushes every entry that is not stored yet. STATUS_OK: Loki has taken all, the cargo's result is open. Otherwise
 * cargo_finish was called with the status that is returned:
 *   STATUS_UNAVAILABLE, _TIMEOUT, _DENIED, _STOPPED  Loki cannot be used at all right now, other captures may wait, too
 *   anything else                                    it is this capture
 */
enum status loki_settle(const struct loki_work *work, struct cargo *cargo);

#endif
