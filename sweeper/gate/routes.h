/*
 * routes: which request goes where, and who may make it (design section 6). A conn_service.
 *
 * Thread: the loop's.
 */
#ifndef RESCUE_SWEEPER_GATE_ROUTES_H
#define RESCUE_SWEEPER_GATE_ROUTES_H

#include "sweeper/gate/conn.h"

/* For connections whose host has a struct lane as its ctx. */
extern const struct conn_service routes_service;

#endif
