/*
 * fetch_core: what a struct fetch and a request under way are. Only used by fetch.c and fetch_setup.c.
 */
#ifndef RESCUE_SHARED_FETCH_CORE_H
#define RESCUE_SHARED_FETCH_CORE_H

#include <curl/curl.h>

#include "shared/fetch.h"
#include "shared/tls/client.h"

struct fetch {
	CURLM *multi;
	CURL *easy;
	char *ca_file;
	char *cert_file;
	char *key_file;
	char *unix_socket;
	int (*open_connection)(void *ctx); /* NULL: libcurl connects */
	void *open_ctx;
	int64_t connect_timeout_ms;
	struct tls_client_check check; /* of the connection that is made */
	char words[CURL_ERROR_SIZE]; /* libcurl writes what went wrong here */
};

/* One request under way. */
struct exchange {
	struct fetch *fetch;
	const struct fetch_request *request;
	struct fetch_answer *answer;
	fetch_sink *sink; /* NULL: into the answer's body */
	void *ctx;
	bool sink_ended;
	bool too_large;
	int64_t begin_mono_ms;
	int64_t moved;         /* bytes so far, both ways */
	int64_t moved_mono_ms; /* when that last changed */
};

/* The options of the connection, and those of the request. `exchange` must stay where it is until the transfer ends. */
CURLcode fetch_set_connection(struct fetch *fetch);
CURLcode fetch_set_request(struct exchange *exchange, struct curl_slist *headers);

/* What the peer's certificate is verified against. */
const char *fetch_ca_file(const struct fetch *fetch);

#endif
