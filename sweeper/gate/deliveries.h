/*
 * deliveries: notes first deliveries of orders in the database, after they happened: the agent does not wait for that.
 * While one job is under way the next ones gather, so that a thousand orders at once are a few statements.
 *
 * Thread: the lane's.
 */
#ifndef RESCUE_SWEEPER_GATE_DELIVERIES_H
#define RESCUE_SWEEPER_GATE_DELIVERIES_H

#include "shared/buf.h"

struct gate_tenant;

struct deliveries {
	struct buf waiting; /* capture ids, separated by commas */
	bool noting;        /* a job is under way */
};

void deliveries_init(struct deliveries *deliveries);
void deliveries_done(struct deliveries *deliveries);

void deliveries_note(struct gate_tenant *tenant, const char *capture_id);

#endif
