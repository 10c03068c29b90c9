/*
 * fetch_words: libcurl's results as a status and words that an operator can act on. Part of fetch: nobody else
 * includes it, since it knows libcurl.
 */
#ifndef RESCUE_SHARED_FETCH_WORDS_H
#define RESCUE_SHARED_FETCH_WORDS_H

#include <stdbool.h>

#include <curl/curl.h>

#include "shared/status.h"

/* What is known about a failed transfer. Everything is borrowed for the call. */
struct fetch_failure {
	CURLcode code;
	const char *raw;    /* CURLOPT_ERRORBUFFER */
	bool is_connecting; /* it ran out of the connection's time, not of the request's */
	const char *ca_file;
	const char *cert_file; /* NULL: none */
	const char *key_file;  /* NULL: none */
};

/*
 * Before a transfer by TLS: STATUS_DENIED names a file that cannot be read. Asked first, because libcurl loses the
 * certificates that it has read already when a later file is missing, at every attempt.
 */
enum status fetch_words_check_files(const struct fetch_failure *about, struct err *err);

/* Never STATUS_OK. */
enum status fetch_words(const struct fetch_failure *failure, struct err *err);

#endif
