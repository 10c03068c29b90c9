/*
 * address: "host:port" texts of listeners: 0.0.0.0:8443, [::]:8443, localhost:9464.
 *
 * Thread: any.
 */
#ifndef RESCUE_SWEEPER_ADDRESS_H
#define RESCUE_SWEEPER_ADDRESS_H

#include "shared/span.h"
#include "shared/status.h"

enum { ADDRESS_HOST_SIZE = 256, ADDRESS_PORT_SIZE = 6 };

struct address {
	char host[ADDRESS_HOST_SIZE]; /* without the brackets of an IPv6 address */
	char port[ADDRESS_PORT_SIZE]; /* 0 to 65535; 0 lets the kernel choose */
};

/* STATUS_INVALID when the text is anything but host:port; an IPv6 address needs its brackets. No look-up. */
enum status address_parse(struct span text, struct address *ret_address);

#endif
