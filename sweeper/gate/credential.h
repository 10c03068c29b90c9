/*
 * credential: the certificates that boxes get here: made, written into the ledger, and only then handed out.
 */
#ifndef RESCUE_SWEEPER_GATE_CREDENTIAL_H
#define RESCUE_SWEEPER_GATE_CREDENTIAL_H

#include "sweeper/gate/task.h"
#include "sweeper/issuer.h"

struct credential {
	const struct issuer *issuer;
	const char *org;
	const struct ledger_identity *identity; /* LEDGER_BOUND */
	const char *key_digest;
	struct span csr;
};

/*
 * Appends the answer's body. STATUS_CONFLICT: the identity was reset meanwhile. Thread: a worker's.
 */
enum status credential_issue(const struct credential *credential, struct ledger *ledger, struct buf *ret_answer,
                             struct err *err);

/* Why a binding gets no certificate: the HTTP status, a metric's label and words for the box. */
struct credential_refusal {
	int code;
	const char *cause;
	const char *words;
};
const struct credential_refusal *credential_refusal(enum ledger_binding binding);

/* A task_run: POST /v1/identity/renew: a workspace asks for a new certificate for the key that it enrolled with. */
void credential_renew(struct task *task, struct ledger *ledger);
/* A task_run: POST /v1/workspaces/{id}/identity/reset: an operator frees an identity for another key. */
void credential_reset(struct task *task, struct ledger *ledger);

#endif
