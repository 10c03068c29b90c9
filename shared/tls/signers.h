/*
 * signers: checks signatures of a party whose certificates are kept in a file: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017
 * section 8.2), as EC2 signs instance identity documents.
 *
 * The certificates are pinned keys: neither their own signatures nor their validity matter. AWS publishes some with keys
 * of 1,024 bits and keeps the key when it renews the certificate.
 * Thread: any; mbedTLS takes turns at a key (MBEDTLS_THREADING_C).
 */
#ifndef RESCUE_SHARED_TLS_SIGNERS_H
#define RESCUE_SHARED_TLS_SIGNERS_H

#include "shared/buf.h"

struct signers;

/* The RSA keys of every certificate in the PEM file. STATUS_INVALID names the file and what is wrong with it. */
enum status signers_load(const char *path, struct signers **ret_signers, struct err *err);
void signers_free(struct signers *signers);

/*
 * STATUS_OK: one of the keys made this signature of `message`. The signature is base64 (RFC 4648), line breaks allowed.
 * STATUS_DENIED: none did. STATUS_INVALID: no base64, or longer than LIMIT_ENROLL_SIGNATURE.
 */
enum status signers_check(struct signers *signers, struct span message, struct span signature, struct err *err);

#endif
