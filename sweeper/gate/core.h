/*
 * core: what the parts of the gate share. One struct gate a process.
 *
 * Thread: the fields are the first lane's (gate.c), but for those that say otherwise.
 */
#ifndef RESCUE_SWEEPER_GATE_CORE_H
#define RESCUE_SWEEPER_GATE_CORE_H

#include <pthread.h>
#include <semaphore.h>

#include "sweeper/gate/gate.h"
#include "sweeper/gate/lane.h"
#include "sweeper/gate/rate.h"

struct gate {
	const struct sweeper_config *config;
	struct wake *ship_wakes;           /* of each tenant */
	struct jobs **jobs;                /* of each tenant; any */
	struct tls_tickets *tickets;       /* any */
	sem_t keys_fetched;                /* ticket_keys.c: posted after each try */
	pthread_mutex_t lock;              /* guards tls */
	struct tls_server *tls;
	struct rate *enroll_by_address, *enroll_by_instance; /* NULL when enrolment is off; any */
	struct conn_host admins;           /* plain, on the admin address, in the first lane */
	struct listener admin_listener;
	uv_poll_t reload_watch;            /* in the first lane */
	size_t lane_count;
	struct lane lanes[];
};

/* Another holder of the present tls_server. Any thread. */
struct tls_server *gate_tls(struct gate *gate);

#endif
