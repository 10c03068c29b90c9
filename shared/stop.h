/*
 * stop: signals as file descriptors, so that whoever waits can be woken by them.
 *
 * SIGTERM and SIGINT make stop_fd readable for good; SIGHUP counts up what stop_take_reload gives.
 * stop_init must run before any thread is started, since it blocks the signals for all of them.
 * One instance a process; a small thread of its own turns signals into eventfd writes.
 */
#ifndef RESCUE_SHARED_STOP_H
#define RESCUE_SHARED_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/status.h"

enum status stop_init(struct err *err);

/* Readable (poll(2)) from the first SIGTERM or SIGINT, or stop_request, on. Never read it. */
int stop_fd(void);

/* Readable when a SIGHUP came; stop_take_reload empties it. */
int stop_reload_fd(void);

bool stop_wanted(void);
void stop_request(void);
/* As a SIGHUP would. */
void stop_request_reload(void);

/* True once for each batch of SIGHUPs. */
bool stop_take_reload(void);

/* Sleeps; STATUS_OK when the time passed, STATUS_STOPPED when a stop is wanted. */
enum status stop_sleep_ms(uint64_t ms);

#endif
