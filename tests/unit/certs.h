/*
 * certs: authorities and certificates in a temporary folder, for the tests of TLS.
 */
#ifndef RESCUE_TESTS_UNIT_CERTS_H
#define RESCUE_TESTS_UNIT_CERTS_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shared/file.h"
#include "shared/tls/pki.h"

enum { CERTS_DAY_S = 86400 };

struct certs_pair {
	struct buf cert;
	struct buf key;
};

static inline void certs_must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "certs: %s\n", what);
	abort();
}

static inline struct certs_pair certs_ca(const char *name)
{
	struct certs_pair pair = { BUF_INIT(LIMIT_CERT_FILE), BUF_INIT(LIMIT_CERT_FILE) };
	struct pki_subject subject = {
		.common_name = name,
		.not_before_s = (int64_t)time(NULL) - 30 * CERTS_DAY_S,
		.not_after_s = (int64_t)time(NULL) + 30 * CERTS_DAY_S,
	};
	struct err err = ERR_INIT;

	certs_must(pki_make_ca(&subject, &pair.cert, &pair.key, &err) == STATUS_OK, err.text);
	return pair;
}

/* Valid from now + from_day to now + to_day. A server's is for localhost and 127.0.0.1. */
static inline struct certs_pair certs_leaf(const struct certs_pair *ca, const char *uri, bool is_server, int from_day,
                                           int to_day)
{
	static const char *const names[] = { "localhost", "127.0.0.1", NULL };
	struct certs_pair pair = { BUF_INIT(LIMIT_CERT_FILE), BUF_INIT(LIMIT_CERT_FILE) };
	struct pki_subject subject = {
		.common_name = "leaf",
		.uri = uri,
		.dns_names = is_server ? names : NULL,
		.is_server = is_server,
		.not_before_s = (int64_t)time(NULL) + from_day * CERTS_DAY_S,
		.not_after_s = (int64_t)time(NULL) + to_day * CERTS_DAY_S,
	};
	struct err err = ERR_INIT;

	certs_must(pki_issue(buf_span(&ca->cert), buf_span(&ca->key), &subject, &pair.cert, &pair.key, &err) ==
	           STATUS_OK, err.text);
	return pair;
}

static inline void certs_pair_done(struct certs_pair *pair)
{
	buf_done(&pair->cert);
	buf_done(&pair->key);
}

/* The path belongs to the caller, who frees it. */
static inline char *certs_write(const char *folder, const char *name, struct span content)
{
	char *path = NULL;
	struct err err = ERR_INIT;

	certs_must(asprintf(&path, "%s/%s", folder, name) > 0, "out of memory");
	certs_must(file_write_atomic(path, content, 0600, &err) == STATUS_OK, err.text);
	return path;
}

#endif
