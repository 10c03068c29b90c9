/*
 * order_wait: GET /v1/orders/next: an agent that waits for its order.
 *
 * An agent is in the table of held ones from its request on, so that a notification that comes while the first look
 * at the table is under way is not lost: it makes a second look.
 * Thread: the loop's.
 */
#ifndef RESCUE_SWEEPER_GATE_ORDER_WAIT_H
#define RESCUE_SWEEPER_GATE_ORDER_WAIT_H

#include "proto/order.h"
#include "sweeper/gate/conn.h"
#include "sweeper/gate/tenant.h"

/* Answers the request of `conn`, whose caller is a workspace: now, or after at most `wait_s` seconds. */
void order_wait_start(struct gate_tenant *tenant, struct conn *conn, int64_t wait_s);

/* There may be an order for this workspace: look for its agents that are held. */
void order_wait_notice(struct gate_tenant *tenant, struct span workspace_id);
/* There is one. */
void order_wait_offer(struct gate_tenant *tenant, const struct order *order);

#endif
