/*
 * admin: /metrics, /healthz and /readyz over plain HTTP, for the machine's own watchers. A conn_service.
 *
 * Thread: the loop's, so that /healthz answers exactly as long as the loop turns.
 */
#ifndef RESCUE_SWEEPER_GATE_ADMIN_H
#define RESCUE_SWEEPER_GATE_ADMIN_H

#include "sweeper/gate/conn.h"

/* For connections whose host has a struct lane as its ctx. */
extern const struct conn_service admin_service;

#endif
