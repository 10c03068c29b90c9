/*
 * issuer: what enrolment trusts and signs with: AWS's keys by region, and the authority of the boxes' certificates.
 *
 * Read at start and on SIGHUP as a whole; a reload that fails leaves the older one. Whoever works with one holds it, so
 * that a reload takes nothing away.
 * Thread: any.
 */
#ifndef RESCUE_SWEEPER_ISSUER_H
#define RESCUE_SWEEPER_ISSUER_H

#include "proto/enroll.h"
#include "shared/tls/pki.h"
#include "sweeper/config.h"

struct issuer;

/*
 * Reads the files that the configuration names and makes them the current issuer. Nothing to do when enrolment is off.
 * STATUS_INVALID names the file.
 */
enum status issuer_load(const struct sweeper_config *config, struct err *err);
void issuer_unload(void);

/* The current one, NULL when enrolment is off; give it back with issuer_release, which accepts NULL. */
struct issuer *issuer_acquire(void);
void issuer_release(struct issuer *issuer);

/*
 * The document is signed by its region's key. STATUS_DENIED: it is not, or the region is not configured;
 * STATUS_INVALID: the signature is none.
 */
enum status issuer_check_proof(struct issuer *issuer, const char *region, struct span document, struct span signature,
                               struct err *err);

/* A certificate for the key of a checked request; `now_s` is the database's clock. PEM is appended. */
struct issue {
	struct span csr;
	const char *org, *workspace_id; /* become the SPIFFE id */
	const char *instance_id;        /* becomes the common name */
	int64_t now_s;
};
enum status issuer_issue(const struct issuer *issuer, const struct issue *issue, struct buf *ret_cert_pem,
                         struct pki_facts *ret_facts, struct err *err);

/* After so long a box shall renew: two thirds of the lifetime. */
int64_t issuer_renew_in_s(const struct issuer *issuer);

#endif
