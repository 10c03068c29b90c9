/*
 * pki: makes keys, certificate requests and certificates: the small certificate authority behind `rescuectl ca` and
 * enrolment.
 *
 * P-256 keys (PKCS#8 or SEC1 PEM), X.509 version 3 (RFC 5280), ECDSA with SHA-256, random 128-bit serials.
 * Thread: any; nothing is shared. Keys in memory are wiped.
 */
#ifndef RESCUE_SHARED_TLS_PKI_H
#define RESCUE_SHARED_TLS_PKI_H

#include "shared/buf.h"
#include "shared/tls/digest.h"

enum { PKI_COMMON_NAME_SIZE = 65 }; /* ub-common-name, RFC 5280 appendix A.1, and the NUL */

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

/* A new key. PEM is appended. */
enum status pki_make_key(struct buf *ret_key_pem, struct err *err);

/* A certificate request (PKCS#10, RFC 2986) for a P-256 key, signed with it. It names nobody: the answer does. */
enum status pki_make_request(struct span key_pem, struct buf *ret_csr_pem, struct err *err);

/*
 * STATUS_OK: the request is for a P-256 key and whoever made it has that key (it is signed with it, ECDSA with SHA-256).
 * *ret_key_hex is the SHA-256 of the key (SubjectPublicKeyInfo, DER). STATUS_INVALID: no request; STATUS_DENIED: not
 * such a key, or not signed with it.
 */
enum status pki_check_request(struct span csr_pem, char ret_key_hex[static DIGEST_HEX_SIZE], struct err *err);

/* The SHA-256 of a private key's public half, as pki_check_request gives it. */
enum status pki_key_digest(struct span key_pem, char ret_key_hex[static DIGEST_HEX_SIZE], struct err *err);

/* As pki_issue, for the key of a request that pki_check_request found good. Nothing else of the request is used. */
enum status pki_issue_request(struct span ca_cert_pem, struct span ca_key_pem, struct span csr_pem,
                              const struct pki_subject *subject, struct buf *ret_cert_pem, struct err *err);

/* The one URI SAN of the first certificate in `cert_pem`, appended. STATUS_INVALID: none, several, or no PEM. */
enum status pki_cert_uri(struct span cert_pem, struct buf *ret_uri, struct err *err);

/* When the first certificate in `cert_pem` ends, in seconds since 1970. STATUS_INVALID: no PEM. */
enum status pki_cert_not_after(struct span cert_pem, int64_t *ret_not_after_s, struct err *err);

/* What the first certificate in `cert_pem` says about itself. STATUS_INVALID: no PEM. */
struct pki_facts {
	int64_t not_before_s, not_after_s;   /* seconds since 1970 */
	char fingerprint[DIGEST_HEX_SIZE];   /* SHA-256 of the certificate (DER) */
	char key_digest[DIGEST_HEX_SIZE];    /* as of pki_check_request */
	char common_name[PKI_COMMON_NAME_SIZE]; /* "" when there is none, or no plain one */
};
enum status pki_cert_facts(struct span cert_pem, struct pki_facts *ret_facts, struct err *err);

#endif
