/*
 * credential: the box's own key and certificate on its disk, where enrolment keeps them.
 *
 * The key is made here, is written once (0600) and never leaves: what goes out is a certificate request. Files are
 * written beside and renamed into place, so that a reader finds the old one or the new one.
 * Thread: any; one writer at a time.
 */
#ifndef RESCUE_AGENT_CREDENTIAL_H
#define RESCUE_AGENT_CREDENTIAL_H

#include "agent/config.h"
#include "shared/tls/pki.h"

/* Makes the folders of both files where they are missing: a confined process cannot. */
enum status credential_make_folders(const struct agent_config *config, struct err *err);

/* A certificate request for the key in identity.key, which is made if there is none. PEM is appended. */
enum status credential_request(const struct agent_config *config, struct buf *ret_csr_pem, struct err *err);

/* Puts a certificate in place. STATUS_DENIED when it is for another key than ours, or no workspace's. */
enum status credential_store(const struct agent_config *config, struct span cert_pem, struct err *err);

/* What the certificate that is there says. STATUS_DENIED: it is for another key than the one that is there. */
enum status credential_facts(const struct agent_config *config, struct pki_facts *ret_facts, struct err *err);

/* Removes both: they came with a disk image and are another instance's. */
void credential_drop(const struct agent_config *config);

#endif
