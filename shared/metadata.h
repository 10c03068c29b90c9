/*
 * metadata: EC2's instance metadata service (IMDSv2). The agent proves by it which instance its box is, and learns which
 * credentials to mask; the sweeper signs with its own.
 *
 * A session token is asked for first, which a request that somebody tricks a program on the machine into cannot do.
 * Nothing is followed anywhere, and each exchange ends within LIMIT_METADATA_MS.
 * Thread: any. fetch_global_init has run; after stop_init a stop ends an exchange.
 */
#ifndef RESCUE_SHARED_METADATA_H
#define RESCUE_SHARED_METADATA_H

#include "shared/fetch.h"

/* One conversation: the connection, and the header that proves that we may ask. */
struct metadata {
	const char *url; /* borrowed; as "http://169.254.169.254" */
	struct fetch *fetch;
	char token_header[LIMIT_METADATA_TOKEN + 64];
};

/*
 * metadata_close is due also after a failure. STATUS_UNAVAILABLE, STATUS_TIMEOUT, STATUS_STOPPED, STATUS_NOT_FOUND (404),
 * or STATUS_INVALID for a token that is none.
 */
enum status metadata_open(struct metadata *metadata, const char *url, struct err *err);
/* Appends what is at `path`, within ret_body->max. */
enum status metadata_get(struct metadata *metadata, const char *path, struct buf *ret_body, struct err *err);
void metadata_close(struct metadata *metadata);

#endif
