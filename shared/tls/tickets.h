/*
 * tickets: the keys under which sessions are resumed, and tickets made and opened with them (RFC 8446 section 4.6.1,
 * RFC 5077).
 *
 *   keys in the database ──tls_tickets_set──▶ struct tls_tickets ◀── every tls_server of the process
 *
 * A ticket holds, encrypted: the library's session, when it was made, and who the peer is (shared/tls/peer.h). The
 * library itself would forget the peer in TLS 1.3. A key vouches only for peers whose URI begins with the key's scope,
 * so that whoever can read one tenant's database cannot make tickets for another tenant. A ticket also names, by their
 * digest, the authorities that its peer was verified against: with other authorities it is worth nothing. It ends with
 * its key or with the peer's certificate, whichever is first.
 *
 * Times are those of whoever made the keys (the database), which all replicas share: `now_ms` at the time of the call
 * is remembered as a difference from the monotonic clock.
 * Thread: any.
 */
#ifndef RESCUE_SHARED_TLS_TICKETS_H
#define RESCUE_SHARED_TLS_TICKETS_H

#include "shared/buf.h"

enum { TLS_TICKET_NAME_BYTES = 16, TLS_TICKET_SECRET_BYTES = 32 };

struct tls_tickets;

struct tls_ticket_key {
	uint8_t name[TLS_TICKET_NAME_BYTES];     /* goes in the clear with each ticket */
	uint8_t secret[TLS_TICKET_SECRET_BYTES];
	int64_t begin_ms;                        /* new tickets are made with the key that began last */
	int64_t end_ms;                          /* from then on it opens none */
};

/* `scopes` is how many there will be. NULL on out of memory. */
struct tls_tickets *tls_tickets_new(size_t scopes);
/* After all servers that use it. NULL is fine. The keys are wiped. */
void tls_tickets_free(struct tls_tickets *tickets);

/*
 * Replaces the keys of one scope, at most LIMIT_TICKET_KEYS. `prefix` is what the URIs of its peers begin with, copied,
 * and ends where a part of the path ends ("…/org/acme/").
 */
void tls_tickets_set(struct tls_tickets *tickets, size_t scope, const char *prefix, const struct tls_ticket_key *keys,
                     size_t count, int64_t now_ms);

#endif
