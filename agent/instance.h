/*
 * instance: which EC2 instance this box is, and the proof of it, from the metadata service.
 *
 * Thread: any. fetch_global_init has run.
 */
#ifndef RESCUE_AGENT_INSTANCE_H
#define RESCUE_AGENT_INSTANCE_H

#include "proto/enroll.h"

struct instance_proof {
	struct buf document;  /* as it was given: the signature is over these bytes */
	struct buf signature; /* base64 lines */
};

#define INSTANCE_PROOF_INIT { .document = BUF_INIT(LIMIT_ENROLL_DOCUMENT), \
	                      .signature = BUF_INIT(LIMIT_ENROLL_SIGNATURE_TEXT) }

/* The statuses of shared/metadata.h. `url` is that of the metadata service. */
enum status instance_get_proof(const char *url, struct instance_proof *ret_proof, struct err *err);
void instance_proof_done(struct instance_proof *proof);

/* The document alone. */
enum status instance_get_document(const char *url, struct enroll_document *ret_document, struct err *err);

#endif
