/*
 * mbed: what the files of this folder share about mbedTLS. Included by nobody outside it.
 *
 * Thread: any.
 */
#ifndef RESCUE_SHARED_TLS_MBED_H
#define RESCUE_SHARED_TLS_MBED_H

#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>

#include "shared/buf.h"
#include "shared/tls/digest.h"

/* The random source in the shape that mbedTLS asks for; `unused` may be NULL. */
int mbed_random(void *unused, unsigned char *ret_bytes, size_t len);

/* Writes "<words>: <mbedTLS's words for its code>" into `err`; STATUS_NO_MEMORY when the code says so, else `status`. */
enum status mbed_err(struct err *err, enum status status, int code, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* PEM from memory; the span needs no NUL. mbedTLS's code. */
int mbed_parse_crt(struct span pem, mbedtls_x509_crt *ret_chain);
int mbed_parse_csr(struct span pem, mbedtls_x509_csr *ret_csr);
int mbed_parse_key(struct span pem, mbedtls_pk_context *ret_key);

/*
 * The public key of a certificate request in PEM, once it is known to be a P-256 key that signed it (pki.h). `ret_key`
 * is initialised.
 */
enum status mbed_request_key(struct span csr_pem, mbedtls_pk_context *ret_key, struct err *err);

/* The SHA-256 of a public key (SubjectPublicKeyInfo, DER). */
enum status mbed_key_digest(const mbedtls_pk_context *key, char ret_hex[static DIGEST_HEX_SIZE], struct err *err);

/* The one URI SAN, borrowed from the certificate; STATUS_INVALID: none or several. */
enum status mbed_crt_uri(const mbedtls_x509_crt *crt, struct span *ret_uri);

/* Seconds since 1970. */
int64_t mbed_time_s(const mbedtls_x509_time *when);

/*
 * For mbedtls_ssl_conf_verify: puts validity_holds in the place of mbedTLS's own look at the machine's clock. `own` is a
 * struct validity or NULL.
 */
int mbed_judge_validity(void *own, mbedtls_x509_crt *crt, int depth, uint32_t *flags);

/* Big-endian. */
void mbed_put_u64(struct buf *buf, uint64_t number);
uint64_t mbed_get_u64(const uint8_t bytes[static 8]);

/* The cipher suites that both sides of ours speak, 0 at the end: forward secrecy and full-size AEAD tags only. */
extern const int mbed_suites[];

#endif
