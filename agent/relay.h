/*
 * relay: stands between the collector and the container Engine. Whoever may speak to the Engine's socket owns the
 * machine, so the process that reads a hostile box does not: it hands a socket through the door, the relay reads one
 * request from it, and sends the Engine one of its own making if that asks for one of the three things that are ever
 * asked (engine.h). The answer goes back unread.
 *
 *   collector ──"GET path"──▶ relay ──is it one of ours?──▶ Engine
 *       ▲                       └─ no: the connection is closed
 *       └──────────── bytes of the answer, until either side ends ────┘
 *
 * One request a connection and one connection at a time. Thread: a process of its own with one.
 */
#ifndef RESCUE_AGENT_RELAY_H
#define RESCUE_AGENT_RELAY_H

#include "agent/config.h"
#include "shared/span.h"

/* Confines itself and serves `door` until its other end is closed. */
void relay_run(const struct agent_config *config, int door);

/* Whether it is a path that engine.c asks for. */
bool relay_allows(struct span path);

#endif
