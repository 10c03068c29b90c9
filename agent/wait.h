/*
 * wait: holds a request at a sweeper until there is an order. First step of the data's way on the box.
 *
 * Thread: the caller's, which sleeps in it.
 */
#ifndef RESCUE_AGENT_WAIT_H
#define RESCUE_AGENT_WAIT_H

#include "agent/link.h"
#include "proto/order.h"

/*
 * STATUS_OK: an order for this workspace; the caller tells the link what it was worth. STATUS_CLOSED: the sweeper
 * says that nothing will be wanted from this boot. STATUS_STOPPED. Everything else is logged and tried again.
 */
enum status wait_for_order(struct link *link, struct order *ret_order);

#endif
