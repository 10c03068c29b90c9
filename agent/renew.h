/*
 * renew: keeps an enrolled box's certificate fresh beside everything else.
 *
 *   renew_start: enrols if need be ──▶ thread: sleeps until two thirds of the lifetime ─▶ POST /v1/identity/renew, over a
 *   connection of its own, with the certificate that is there ─▶ new certificate in its place
 *
 * The request that the agent holds meanwhile is not touched; the link notices the new file before its next request. A
 * certificate that ended without renewal is got anew by enrolling.
 * Thread: start and stop belong to one. stop_init and fetch_global_init have run.
 */
#ifndef RESCUE_AGENT_RENEW_H
#define RESCUE_AGENT_RENEW_H

#include <pthread.h>

#include "agent/config.h"

struct renew {
	const struct agent_config *config;
	int64_t due_in_s;
	pthread_t thread;
	bool has_thread;
};

/* Nothing but STATUS_OK where enrolment is off. Waits for the first certificate, however long. STATUS_STOPPED. */
enum status renew_start(struct renew *renew, const struct agent_config *config, struct err *err);
/* Asks the whole process to stop, and waits for the thread. */
void renew_stop(struct renew *renew);

#endif
