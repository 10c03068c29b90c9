/*
 * upload: brings a sealed parcel to a sweeper and learns what became of it. Last step of the data's way on the box.
 *
 * Thread: the caller's, which sleeps in it until the sweeper has answered for good.
 */
#ifndef RESCUE_AGENT_UPLOAD_H
#define RESCUE_AGENT_UPLOAD_H

#include "agent/link.h"
#include "agent/parcel.h"

enum upload_end {
	UPLOAD_STORED,  /* now or before */
	UPLOAD_GONE,    /* nobody knows this capture any more */
	UPLOAD_REFUSED, /* it will never be taken; the reason is logged */
};

/* STATUS_OK or STATUS_STOPPED. Troubles that may pass are logged and tried again without end. */
enum status upload_run(struct link *link, const struct parcel *parcel, enum upload_end *ret_end);

#endif
