/*
 * validity: whether a certificate is good now. mbedTLS asks the machine's clock; here the agreed time decides
 * (shared/clock.h), and a machine that nobody has told the time may find out that its clock cannot be right.
 *
 * A box that just booted may stand years off. It knows one thing for sure: its own certificate is good now, or its peer
 * would not speak to it anyway. A clock that stands outside of that certificate's time is therefore no evidence,
 * and the peer's certificate is then taken if there is a moment at which both are good. A clock that stands inside
 * is believed.
 * Thread: any.
 */
#ifndef RESCUE_SHARED_TLS_VALIDITY_H
#define RESCUE_SHARED_TLS_VALIDITY_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970, both ends included. */
struct validity {
	int64_t from_s, to_s;
};

/* `own` may be NULL: this side has no certificate, and the clock is believed. */
bool validity_holds(const struct validity *peer, const struct validity *own, int64_t now_s);

#endif
