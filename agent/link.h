/*
 * link: the agent's way to the sweepers: who this box is, which sweeper is asked, and not before when.
 *
 * One connection is kept between requests, so that a bundle goes up over the one that brought its order. After a
 * failure the next sweeper in order is asked, after a pause with full jitter from half a second to a minute that
 * grows with every round; a Retry-After is the least pause for the sweeper that said it.
 * Before each request SIGHUP and the certificate's files are looked at: after a signal, or when a file is another one,
 * the identity is read again and the next request makes a new connection. SIGHUP also ends a pause.
 * Thread: one. A request in flight and a pause end within moments of a stop (shared/stop.h).
 */
#ifndef RESCUE_AGENT_LINK_H
#define RESCUE_AGENT_LINK_H

#include "agent/config.h"
#include "proto/identity.h"
#include "shared/fetch.h"

enum { LINK_FILES = 3 };

struct link {
	const struct agent_config *config; /* borrowed */
	struct fetch *fetch;
	struct identity identity;
	size_t current;            /* which sweeper is asked */
	unsigned failures;         /* in a row */
	int64_t next_mono_ms;      /* no request before */
	bool is_aside;             /* SIGHUP is for another link */
	struct link_file {
		int64_t changed_ns;
		uint64_t inode;
	} files[LINK_FILES];       /* certificate, key and authorities as they were when they were read */
	int64_t took_ms;           /* of the last exchange, the pause not counted */
	int64_t held_mono_ms[LIMIT_SWEEPERS]; /* no request to that sweeper before: its Retry-After */
};

struct link_call {
	const char *method;
	const char *path;           /* with the leading slash */
	const char *const *headers; /* NULL: none */
	struct span body;
	int64_t timeout_ms;
	int64_t stall_timeout_ms;   /* 0: none */
};

/* Reads who the certificate says we are. STATUS_INVALID when it is no workspace's. */
enum status link_read_identity(const struct agent_config *config, struct identity *ret_identity, struct err *err);

/* Waits for a readable certificate, however long. STATUS_OK, STATUS_STOPPED or what fetch_new says. */
enum status link_init(struct link *link, const struct agent_config *config, struct err *err);
/* As that, for a second link beside the first: SIGHUP is left to that one. */
enum status link_init_aside(struct link *link, const struct agent_config *config, struct err *err);
/* For a box that has no certificate yet: it says who it is in another way. SIGHUP is left alone, too. */
enum status link_init_stranger(struct link *link, const struct agent_config *config, struct err *err);
void link_done(struct link *link);

/*
 * Waits until the next request is due and makes it. STATUS_OK: there is an answer, and the caller tells what it was
 * worth by one of the calls below. STATUS_AGAIN: it failed, was logged and counted; call again. STATUS_STOPPED.
 */
enum status link_try(struct link *link, const struct link_call *call, struct fetch_answer *answer);

/* The first part of link_try, for what has to be done right before a request. STATUS_OK or STATUS_STOPPED. */
enum status link_pause(struct link *link);

/* The sweeper does what it should: no pause, no failure counted. */
void link_works(struct link *link);
/* It works, but answers faster than it should: the pauses grow, the sweeper stays. */
void link_pace(struct link *link);
/* A passing trouble: the next sweeper, after the pause. `retry_after_s` is -1 when none was said. */
void link_retry(struct link *link, int64_t retry_after_s);
/* Nothing that heals by itself: at least half a minute until the next request. */
void link_slow(struct link *link);

/* The base URL of the sweeper that is asked. Borrowed from the configuration. */
const char *link_sweeper(const struct link *link);
/* Milliseconds until the next request is due, 0 when it is. */
int64_t link_pause_ms(const struct link *link);

#endif
