/*
 * metadata: EC2's instance metadata service (IMDSv2): the proof of which instance this box is.
 *
 * A session token is asked for first, which a request that somebody tricks a program on the box into cannot do; then the
 * document and its signature. The service is one hop away: the configuration takes link-local and loopback addresses
 * only, nothing is followed anywhere, and everything ends within seconds.
 * Thread: any. fetch_global_init and stop_init have run.
 */
#ifndef RESCUE_AGENT_METADATA_H
#define RESCUE_AGENT_METADATA_H

#include "proto/enroll.h"

struct metadata_proof {
	struct buf document;  /* as it was given: the signature is over these bytes */
	struct buf signature; /* base64 lines */
};

#define METADATA_PROOF_INIT { .document = BUF_INIT(LIMIT_ENROLL_DOCUMENT), \
	                      .signature = BUF_INIT(LIMIT_ENROLL_SIGNATURE_TEXT) }

/* STATUS_UNAVAILABLE, STATUS_TIMEOUT, STATUS_STOPPED, or STATUS_INVALID for answers that are none. */
enum status metadata_get_proof(const char *url, struct metadata_proof *ret_proof, struct err *err);
void metadata_proof_done(struct metadata_proof *proof);

/* Which instance this is, by its document alone. */
enum status metadata_get_document(const char *url, struct enroll_document *ret_document, struct err *err);

#endif
