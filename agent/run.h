/*
 * run: the agent's life: send what is spooled, wait for an order, capture, spool, send, wait again.
 *
 *   drain ──▶ wait ──order──▶ capture ──▶ send ──▶ wait
 *     ▲         │
 *     └─────────┘ an order that the spool answers already
 *   wait ──stand down──▶ end        any ──SIGTERM──▶ end
 *
 * Thread: the main one. stop_init and fetch_global_init have run.
 */
#ifndef RESCUE_AGENT_RUN_H
#define RESCUE_AGENT_RUN_H

#include "agent/config.h"

/* `control` leads to the supervisor, which has the box captured. STATUS_OK after a stop or a stand-down. */
enum status agent_run(const struct agent_config *config, int control, struct err *err);

#endif
