/*
 * pki: makes keys and certificates: the small certificate authority behind `rescuectl ca`.
 *
 * P-256 keys (PKCS#8 or SEC1 PEM), X.509 version 3 (RFC 5280), ECDSA with SHA-256, random 128-bit serials.
 * Thread: any; nothing is shared. Keys in memory are wiped.
 */
#ifndef RESCUE_SHARED_TLS_PKI_H
#define RESCUE_SHARED_TLS_PKI_H

#include "shared/buf.h"

struct pki_subject {
	const char *common_name;
	const char *uri;              /* SPIFFE id for the URI SAN; NULL: none */
	const char *const *dns_names; /* DNS names and IP addresses for the SAN, NULL at the end; NULL: none */
	bool is_server;               /* extended key usage serverAuth besides clientAuth */
	int64_t not_before_s;         /* seconds since 1970 */
	int64_t not_after_s;
};

/* A new self-signed authority (pathlen 0, keyCertSign and cRLSign). PEM is appended to both. */
enum status pki_make_ca(const struct pki_subject *subject, struct buf *ret_cert_pem, struct buf *ret_key_pem,
                        struct err *err);

/* A new key and a certificate for it, signed by the authority. PEM is appended to both. */
enum status pki_issue(struct span ca_cert_pem, struct span ca_key_pem, const struct pki_subject *subject,
                      struct buf *ret_cert_pem, struct buf *ret_key_pem, struct err *err);

/* The one URI SAN of the first certificate in `cert_pem`, appended. STATUS_INVALID: none, several, or no PEM. */
enum status pki_cert_uri(struct span cert_pem, struct buf *ret_uri, struct err *err);

/* When the first certificate in `cert_pem` ends, in seconds since 1970. STATUS_INVALID: no PEM. */
enum status pki_cert_not_after(struct span cert_pem, int64_t *ret_not_after_s, struct err *err);

#endif
