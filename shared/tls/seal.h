/*
 * seal: the inside of tls_tickets, for tls_server: choosing a key, and encrypting with it.
 *
 * Thread: any.
 */
#ifndef RESCUE_SHARED_TLS_SEAL_H
#define RESCUE_SHARED_TLS_SEAL_H

#include "shared/tls/mbed.h"
#include "shared/tls/tickets.h"

enum { SEAL_TRUST_BYTES = 32 }; /* SHA-256 of the authorities that peers are verified against */

/* One key, copied: whoever has it wipes it. */
struct seal {
	struct tls_ticket_key key;
	char prefix[LIMIT_SPIFFE_ID + 1];
	int64_t now_ms; /* by the keys' clock */
};

/* The key for new tickets of this peer; false when there is none. */
bool seal_for(struct tls_tickets *tickets, struct span uri, struct seal *ret_seal);

/* True when the key may vouch for this peer. */
bool seal_covers(const struct seal *seal, struct span uri);

/* Writes a ticket that holds `plain`. Gives its length, 0 when there is no room or the library fails. */
size_t seal_close(const struct seal *seal, const uint8_t trust[static SEAL_TRUST_BYTES], struct span plain,
                  uint8_t *ret_ticket, size_t cap);

/* Appends what a ticket holds, and gives the key that it was made with. False: forged, out of date, or not ours. */
bool seal_open(struct tls_tickets *tickets, const uint8_t trust[static SEAL_TRUST_BYTES], struct span ticket,
               struct seal *ret_seal, struct buf *ret_plain);

#endif
