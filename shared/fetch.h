/*
 * fetch: HTTP requests out (libcurl). Only fetch*.c know libcurl. The agent speaks to the
 * sweeper and to the container Engine with it, the sweeper to Loki and webhooks, rescuectl to the sweeper.
 *
 * A struct fetch keeps its connection, so that requests made one after the other with the same one share it:
 * the agent's upload runs over the connection that brought the order.
 * Redirects are never followed, proxies from the environment are not used, only http and https are spoken.
 * Thread: one at a time for each struct fetch. fetch_global_init runs once, before any thread.
 */
#ifndef RESCUE_SHARED_FETCH_H
#define RESCUE_SHARED_FETCH_H

#include "shared/buf.h"

struct fetch;

struct fetch_options {
	const char *ca_file;     /* verify the peer against these only; NULL: the system's (/etc/ssl/certs) */
	const char *cert_file;   /* client certificate (PEM) and its key; NULL: none */
	const char *key_file;
	const char *unix_socket; /* connect here instead of to the URL's host; NULL: TCP */
	int64_t connect_timeout_ms; /* 0: 10 s */
};

/* Signs the request (AWS Signature Version 4). A session token travels as a header of the request's own. */
struct fetch_signer {
	const char *scope; /* "aws:amz:REGION:SERVICE" */
	const char *key_id;
	const char *secret;
};

struct fetch_request {
	const char *method;      /* "GET", "PUT", "POST" */
	const char *url;
	const char *const *headers; /* "Name: value", NULL at the end; NULL: none */
	const struct fetch_signer *signer; /* NULL: none */
	struct span body;        /* sent with its Content-Length; empty with GET */
	int64_t timeout_ms;      /* for the whole exchange; must be > 0 */
	/*
	 * 0, or: fail when fewer than 1 byte a second moves for this long. For uploads and downloads whose
	 * whole time cannot be foreseen; not for held requests.
	 */
	int64_t stall_timeout_ms;
	int stop_fd;             /* readable: give up at once with STATUS_STOPPED; -1: none */
};

struct fetch_answer {
	int code;                /* HTTP status, 0 when there was none */
	struct buf body;         /* set body.max before the call (0 means LIMIT_FETCH_BODY); its content is replaced */
	int64_t retry_after_s;   /* from Retry-After in seconds (RFC 9110 section 10.2.3); -1 when absent */
};

#define FETCH_ANSWER_INIT(max_body) { .code = 0, .body = BUF_INIT(max_body), .retry_after_s = -1 }

enum status fetch_global_init(struct err *err);

enum status fetch_new(const struct fetch_options *options, struct fetch **ret_fetch, struct err *err);
void fetch_free(struct fetch *fetch);

/*
 * For a process that must not connect by itself: each new connection to the unix_socket is a connected stream socket
 * that `open` gives, or -1.
 */
void fetch_set_opener(struct fetch *fetch, int (*open)(void *ctx), void *ctx);

/*
 * One request and its answer. STATUS_OK for any HTTP answer that came in whole, whatever its code.
 * STATUS_UNAVAILABLE: no connection, or it broke (the words say at what). STATUS_DENIED: TLS verification
 * failed on either side. STATUS_TIMEOUT, STATUS_STOPPED, STATUS_TOO_LARGE (the body went over answer->body.max;
 * what came before is kept), STATUS_INVALID (URL). No progress, no busy waiting: it sleeps in poll(2).
 * When a kept connection turns out to be closed before any byte of the answer came, libcurl tries a fresh one.
 */
enum status fetch_run(struct fetch *fetch, const struct fetch_request *request, struct fetch_answer *answer,
                      struct err *err);

/*
 * As fetch_run, but hands the body to `sink` as it comes instead of keeping it (a stream without an end, a
 * log that is cut). `sink` returns false to end the transfer early, which is STATUS_OK.
 */
typedef bool fetch_sink(void *ctx, struct span bytes);
enum status fetch_stream(struct fetch *fetch, const struct fetch_request *request, fetch_sink *sink, void *ctx,
                         struct fetch_answer *answer, struct err *err);

/* Closes the kept connection; the next request makes a new one with the certificate files read again. */
void fetch_reset(struct fetch *fetch);

#endif
