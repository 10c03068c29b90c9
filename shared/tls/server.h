/*
 * server: what the sessions of one certificate share: the library's configuration, the memory of verified certificates,
 * the pool of record buffers, and how tickets are written and read. The outside of it is in session.h.
 *
 * Thread: any, once it is made.
 */
#ifndef RESCUE_SHARED_TLS_SERVER_H
#define RESCUE_SHARED_TLS_SERVER_H

#include <stdatomic.h>

#include <mbedtls/ssl.h>

#include "shared/tls/records.h"
#include "shared/tls/seal.h"
#include "shared/tls/session.h"
#include "shared/tls/verified.h"

struct tls_server {
	atomic_uint holders;
	bool takes_strangers;
	struct tls_tickets *tickets; /* borrowed; NULL: no resumption */
	uint8_t trust[SEAL_TRUST_BYTES];
	struct verified verified;
	struct records records;
	mbedtls_ssl_config config;
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
	mbedtls_x509_crt client_ca;
	mbedtls_x509_crt limited_ca; /* empty: there is none */
	bool (*limited_ok)(struct span uri);
	mbedtls_x509_crt nobody;     /* an empty list of authorities */
};

/*
 * Whether the chain that begins with `leaf` leads to our authorities: mbedTLS's flags, 0 when it is good; known
 * certificates are not verified again. The result is not 0 when it cannot be found out.
 */
int server_judge(struct tls_server *server, mbedtls_x509_crt *leaf, const struct peer *peer, uint32_t *ret_flags);

/* mbedTLS's ticket callbacks; the first parameter is the server. */
mbedtls_ssl_ticket_write_t server_write_ticket;
mbedtls_ssl_ticket_parse_t server_read_ticket;

/* -- of session.c, for these two: about the session whose handshake this thread is in ---------------------------- */

/* Who it has proven to be, borrowed; NULL: nobody. */
const struct peer *server_shaking_peer(void);
/* Its ticket says who it is; NULL: it says nothing. Takes the peer over. */
void server_resume_shaking(struct peer *peer);

#endif
