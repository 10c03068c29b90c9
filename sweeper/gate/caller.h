/*
 * caller: who is at the other end of a connection, found out once after the handshake from the certificate.
 *
 * Thread: the loop's.
 */
#ifndef RESCUE_SWEEPER_GATE_CALLER_H
#define RESCUE_SWEEPER_GATE_CALLER_H

#include "proto/identity.h"
#include "shared/tls/session.h"
#include "sweeper/config.h"

enum { CALLER_CERTIFICATE_SIZE = 17 }; /* 16 hexadecimal digits and the NUL */

struct caller {
	const struct tenant_config *tenant; /* the certificate's org; NULL when `denied` */
	const char *denied;                 /* why no request is allowed, as a metric's label: a literal; NULL: it is known */
	enum identity_role role;
	char workspace_id[LIMIT_WORKSPACE_ID + 1]; /* "" unless the role is IDENTITY_WORKSPACE */
	char certificate[CALLER_CERTIFICATE_SIZE]; /* of an operator: the beginning of its certificate's fingerprint */
	int64_t not_after_s;                /* when the certificate ends, seconds since 1970 */
};

/* Reads the certificate of a finished handshake. What is wrong with it is logged with the peer's address. */
void caller_init(struct caller *caller, const struct sweeper_config *config, const struct tls_session *session, int fd);

/* True for a peer without a certificate. */
bool caller_is_stranger(const struct caller *caller);

/* Why this caller may not do anything now, or NULL. */
const char *caller_denied(const struct caller *caller, int64_t now_s);

/* "192.0.2.1:4711" of a connected socket, "unknown" when there is none any more. */
enum { CALLER_ADDRESS_SIZE = 64 };
void caller_address(int fd, char ret_text[static CALLER_ADDRESS_SIZE]);

/*
 * What is one place for a rate: an IPv4 address, or the first 64 bits of an IPv6 one, since one host has all below them.
 * Empty when the socket is not connected any more. Lives in `bytes`.
 */
enum { CALLER_NETWORK_SIZE = 8 };
struct span caller_network(int fd, uint8_t bytes[static CALLER_NETWORK_SIZE]);

#endif
