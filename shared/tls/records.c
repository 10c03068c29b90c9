#include "shared/tls/records.h"

#include <assert.h>
#include <stdlib.h>

#include <mbedtls/platform.h>

#define IN(name_) MBEDTLS_PRIVATE(in_##name_)
#define OUT(name_) MBEDTLS_PRIVATE(out_##name_)

/* What the library asks for is the content and a little more, which it does not tell: 333 bytes at most in 3.6. */
enum { MORE_BYTES = 1024 };

void records_init(struct records *records)
{
	*records = (struct records){ .count = 0 };
	(void)pthread_mutex_init(&records->lock, NULL);
}

static void free_pair(struct records_pair pair)
{
	mbedtls_free(pair.in);
	mbedtls_free(pair.out);
}

void records_done(struct records *records)
{
	while (records->count > 0)
		free_pair(records->spare[--records->count]);
	(void)pthread_mutex_destroy(&records->lock);
}

/* All pointers into a buffer keep their distance from its beginning; NULL is the place of a buffer that is away. */
static void move_pointers(mbedtls_ssl_context *ssl, struct records_pair pair)
{
	const uint8_t *in = ssl->IN(buf), *out = ssl->OUT(buf);
	unsigned char **const ins[] = { &ssl->IN(ctr), &ssl->IN(hdr), &ssl->IN(len), &ssl->IN(iv), &ssl->IN(msg) };
	unsigned char **const outs[] = { &ssl->OUT(ctr), &ssl->OUT(hdr), &ssl->OUT(len), &ssl->OUT(iv), &ssl->OUT(msg) };

	for (size_t i = 0; i < sizeof ins / sizeof *ins; i++)
		*ins[i] = (uint8_t *)((uintptr_t)*ins[i] - (uintptr_t)in + (uintptr_t)pair.in);
	for (size_t i = 0; i < sizeof outs / sizeof *outs; i++)
		*outs[i] = (uint8_t *)((uintptr_t)*outs[i] - (uintptr_t)out + (uintptr_t)pair.out);
	ssl->IN(buf) = pair.in;
	ssl->OUT(buf) = pair.out;
}

/* A handshake message that was taken as a whole may still be counted; one of which a part is there may not. */
static bool is_empty(const mbedtls_ssl_context *ssl)
{
	return mbedtls_ssl_check_pending(ssl) == 0 && ssl->IN(left) == 0 && ssl->OUT(left) == 0 &&
	       (ssl->IN(hslen) == 0 || ssl->IN(hslen) == ssl->IN(msglen));
}

bool records_give_back(struct records *records, mbedtls_ssl_context *ssl,
                       uint8_t ret_counter[static RECORDS_COUNTER_BYTES])
{
	struct records_pair pair = { ssl->IN(buf), ssl->OUT(buf) };
	bool kept;

	if (!is_empty(ssl))
		return false;
	memcpy(ret_counter, ssl->IN(ctr), RECORDS_COUNTER_BYTES);
	move_pointers(ssl, (struct records_pair){ NULL, NULL });
	/* What one peer said is not for the next one. */
	wipe(pair.in, MBEDTLS_SSL_IN_CONTENT_LEN);
	wipe(pair.out, MBEDTLS_SSL_OUT_CONTENT_LEN);
	(void)pthread_mutex_lock(&records->lock);
	kept = records->count < RECORDS_SPARE;
	if (kept)
		records->spare[records->count++] = pair;
	(void)pthread_mutex_unlock(&records->lock);
	if (!kept)
		free_pair(pair);
	return true;
}

enum status records_lend(struct records *records, mbedtls_ssl_context *ssl,
                         const uint8_t counter[static RECORDS_COUNTER_BYTES])
{
	struct records_pair pair = { NULL, NULL };

	assert(ssl->IN(buf) == NULL);
	(void)pthread_mutex_lock(&records->lock);
	if (records->count > 0)
		pair = records->spare[--records->count];
	(void)pthread_mutex_unlock(&records->lock);
	if (pair.in == NULL) {
		pair.in = mbedtls_calloc(1, MBEDTLS_SSL_IN_CONTENT_LEN + MORE_BYTES);
		pair.out = mbedtls_calloc(1, MBEDTLS_SSL_OUT_CONTENT_LEN + MORE_BYTES);
	}
	if (pair.in == NULL || pair.out == NULL) {
		free_pair(pair);
		return STATUS_NO_MEMORY;
	}
	move_pointers(ssl, pair);
	memcpy(ssl->IN(ctr), counter, RECORDS_COUNTER_BYTES);
	return STATUS_OK;
}

void records_forget_crt(mbedtls_ssl_context *ssl)
{
	mbedtls_ssl_session *session = ssl->MBEDTLS_PRIVATE(session);
	mbedtls_x509_crt *crt = session == NULL ? NULL : session->MBEDTLS_PRIVATE(peer_cert);

	if (crt == NULL)
		return;
	mbedtls_x509_crt_free(crt);
	mbedtls_free(crt);
	session->MBEDTLS_PRIVATE(peer_cert) = NULL;
}
