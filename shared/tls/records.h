/*
 * records: lends the library's two record buffers (16 KiB in, 4 KiB out) to the sessions that move bytes. A session
 * that waits gives its pair back and costs a few KB only; a few spare pairs are kept, so that waking up is no
 * allocation as a rule, and the rest goes back to malloc.
 *
 * This file alone looks into mbedTLS's private fields, of 3.6: the library has no call for it.
 * Thread: a struct records is for any thread, a session for its own.
 */
#ifndef RESCUE_SHARED_TLS_RECORDS_H
#define RESCUE_SHARED_TLS_RECORDS_H

#include <pthread.h>

#include <mbedtls/ssl.h>

#include "shared/buf.h"

enum { RECORDS_SPARE = 64, RECORDS_COUNTER_BYTES = 8 };

struct records {
	pthread_mutex_t lock;
	size_t count;
	struct records_pair {
		uint8_t *in, *out;
	} spare[RECORDS_SPARE];
};

void records_init(struct records *records);
void records_done(struct records *records);

/*
 * Takes the buffers away from an open session, if nothing is in them, wiped. The number of the next record to be read
 * is kept in the buffer by the library: it is saved in `ret_counter`. False: the session keeps them.
 */
bool records_give_back(struct records *records, mbedtls_ssl_context *ssl,
                       uint8_t ret_counter[static RECORDS_COUNTER_BYTES]);

/* The opposite. STATUS_NO_MEMORY */
enum status records_lend(struct records *records, mbedtls_ssl_context *ssl,
                         const uint8_t counter[static RECORDS_COUNTER_BYTES]);

/* Frees the peer's certificate of an open session. */
void records_forget_crt(mbedtls_ssl_context *ssl);

#endif
