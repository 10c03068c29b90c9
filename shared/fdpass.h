/*
 * fdpass: a small message together with open descriptors, from one process to another (unix(7), SCM_RIGHTS).
 *
 * Thread: any; one at a time for each socket.
 */
#ifndef RESCUE_SHARED_FDPASS_H
#define RESCUE_SHARED_FDPASS_H

#include "shared/span.h"
#include "shared/status.h"

enum { FDPASS_MAX = 4 };

/* `bytes` is not empty. The descriptors stay the caller's. STATUS_SYSTEM. */
enum status fdpass_send(int socket, struct span bytes, const int *fds, size_t count, struct err *err);

/*
 * Waits for one message of at most `room` bytes. The descriptors that came are the caller's, close-on-exec, at most
 * FDPASS_MAX. STATUS_CLOSED at the end; STATUS_TOO_LARGE, with nothing kept; STATUS_SYSTEM.
 */
enum status fdpass_receive(int socket, void *bytes, size_t room, size_t *ret_len, int ret_fds[static FDPASS_MAX],
                           size_t *ret_count, struct err *err);

#endif
