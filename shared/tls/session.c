/*
 * One struct tls_session goes:
 *
 *   handshake ──OK──▶ open ──close_notify or tls_session_close──▶ closing
 *       └────────────── any failure ──────────────▶ failed
 *
 * Bytes from the network wait in `in` until mbedTLS asks for them, and what it says waits in `out`; both give their
 * memory back when they run empty, since most connections are idle most of the time. So do the library's own record
 * buffers (tls_session_rest).
 *
 * Who the peer is comes from its certificate, which judge() sees in a full handshake, or from its ticket in a resumed
 * one. Either counts only once the library says that the verification is complete and without a flag: proven().
 */
#include "shared/tls/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/tls/server.h"

struct tls_session {
	struct tls_server *server;
	mbedtls_ssl_context ssl;
	struct peer *peer; /* see proven(); NULL: nobody was shown */
	struct buf in;
	size_t in_at;  /* what mbedTLS has taken of it */
	struct buf out;
	size_t out_at; /* what was sent of it */
	bool is_open;
	bool is_resumed; /* the peer comes from a ticket */
	bool is_resting; /* the record buffers are given back */
	uint8_t counter[RECORDS_COUNTER_BYTES]; /* while it rests */
};

static int give_out(void *ctx, const unsigned char *bytes, size_t len)
{
	struct tls_session *session = ctx;

	if (len > INT32_MAX)
		len = INT32_MAX;
	/* A peer that reads slowly but never stops must not make the sent part grow. */
	if (session->out_at > session->out.len / 2) {
		buf_consume(&session->out, session->out_at);
		session->out_at = 0;
	}
	buf_append(&session->out, bytes, len);
	return buf_status(&session->out) == STATUS_OK ? (int)len : MBEDTLS_ERR_SSL_ALLOC_FAILED;
}

static int take_in(void *ctx, unsigned char *bytes, size_t cap)
{
	struct tls_session *session = ctx;
	struct span ready = span_sub(buf_span(&session->in), session->in_at, cap);

	if (ready.len == 0)
		return MBEDTLS_ERR_SSL_WANT_READ;
	memcpy(bytes, ready.ptr, ready.len);
	session->in_at += ready.len;
	if (session->in_at == session->in.len) {
		buf_shrink(&session->in);
		session->in_at = 0;
	}
	return (int)ready.len;
}

static void set_peer(struct tls_session *session, struct peer *peer, bool is_resumed)
{
	free(session->peer);
	session->peer = peer;
	session->is_resumed = peer != NULL && is_resumed;
}

/*
 * mbedTLS's verification callback, from the top of the chain that the peer sent down to the leaf. The library was given
 * no authorities, so that what it says about trust means nothing: the whole chain is judged with the leaf.
 */
static int judge(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tls_session *session = ctx;
	uint32_t found;
	int failed;

	if (depth > 0) {
		*flags = 0;
		return 0;
	}
	set_peer(session, peer_of_crt(crt), false);
	if (session->peer == NULL)
		return MBEDTLS_ERR_X509_ALLOC_FAILED;
	failed = server_judge(session->server, crt, session->peer, &found);
	*flags = (*flags & ~(uint32_t)MBEDTLS_X509_BADCERT_NOT_TRUSTED) | found;
	(void)mbed_judge_validity(NULL, crt, depth, flags);
	return failed;
}

/* Who the peer has proven to be; NULL: nobody, or not yet. */
static const struct peer *proven(const struct tls_session *session)
{
	return mbedtls_ssl_get_verify_result(&session->ssl) == 0 ? session->peer : NULL;
}

/* The session whose handshake is on the stack: the library's ticket callbacks do not say which one they are about. */
static _Thread_local struct tls_session *shaking;

const struct peer *server_shaking_peer(void)
{
	return proven(shaking);
}

void server_resume_shaking(struct peer *peer)
{
	set_peer(shaking, peer, true);
}

enum status tls_session_new(struct tls_server *server, struct tls_session **ret_session)
{
	struct tls_session *session = calloc(1, sizeof *session);

	if (session == NULL)
		return STATUS_NO_MEMORY;
	session->server = server;
	tls_server_ref(server);
	buf_init(&session->in, LIMIT_TLS_INPUT);
	buf_init(&session->out, LIMIT_TLS_OUTPUT);
	mbedtls_ssl_init(&session->ssl);
	if (mbedtls_ssl_setup(&session->ssl, &server->config) != 0) {
		tls_session_free(session);
		return STATUS_NO_MEMORY;
	}
	mbedtls_ssl_set_bio(&session->ssl, session, give_out, take_in, NULL);
	mbedtls_ssl_set_verify(&session->ssl, judge, session);
	*ret_session = session;
	return STATUS_OK;
}

void tls_session_free(struct tls_session *session)
{
	if (session == NULL)
		return;
	mbedtls_ssl_free(&session->ssl);
	buf_done(&session->in);
	buf_done(&session->out);
	free(session->peer);
	tls_server_unref(session->server);
	free(session);
}

void tls_session_rest(struct tls_session *session)
{
	if (session->is_open && !session->is_resting && session->in.len == 0)
		session->is_resting = records_give_back(&session->server->records, &session->ssl, session->counter);
}

static enum status wake_up(struct tls_session *session)
{
	enum status status = STATUS_OK;

	if (session->is_resting)
		status = records_lend(&session->server->records, &session->ssl, session->counter);
	session->is_resting = session->is_resting && status != STATUS_OK;
	return status;
}

enum status tls_session_feed(struct tls_session *session, struct span bytes)
{
	if (session->in_at > 0) {
		buf_consume(&session->in, session->in_at);
		session->in_at = 0;
	}
	buf_append_span(&session->in, bytes);
	return buf_status(&session->in);
}

/* Why the peer's certificate was refused, the most telling reason first. */
static const char *verify_words(uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *words;
	} reasons[] = {
		{ MBEDTLS_X509_BADCERT_MISSING, "no certificate" },
		{ MBEDTLS_X509_BADCERT_NOT_TRUSTED, "certificate not signed by the client CA" },
		{ MBEDTLS_X509_BADCERT_EXPIRED, "certificate expired" },
		{ MBEDTLS_X509_BADCERT_FUTURE, "certificate not yet valid" },
		{ MBEDTLS_X509_BADCERT_REVOKED, "certificate revoked" },
		{ MBEDTLS_X509_BADCERT_KEY_USAGE, "certificate's key usage does not allow signing" },
		{ MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, "certificate is not for clients (extended key usage)" },
		{ MBEDTLS_X509_BADCERT_BAD_MD, "certificate signed with a weak digest" },
		{ MBEDTLS_X509_BADCERT_BAD_PK, "certificate with a key of a kind that is not accepted" },
		{ MBEDTLS_X509_BADCERT_BAD_KEY, "certificate with a weak key" },
	};

	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		if ((flags & reasons[i].flag) != 0)
			return reasons[i].words;
	}
	return NULL;
}

static enum status handshake_failure(const struct tls_session *session, int code, struct err *err)
{
	uint32_t flags = mbedtls_ssl_get_verify_result(&session->ssl);
	/* All bits mean that the handshake did not get as far as a certificate. */
	const char *words = flags == UINT32_MAX ? NULL : verify_words(flags);

	if (code == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE)
		return err_set(err, STATUS_DENIED, "no certificate");
	if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || words != NULL)
		return err_set(err, STATUS_DENIED, "%s", words != NULL ? words : "certificate not accepted");
	/* A TLS 1.3 client on mbedTLS sends its alert with keys that are not those of the moment: it cannot be read. */
	if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE || code == MBEDTLS_ERR_SSL_INVALID_MAC)
		return err_set(err, STATUS_INVALID, "the peer refused the handshake (alert): perhaps it does not trust our "
		               "certificate, or knows us by a name that is not in it");
	return mbed_err(err, STATUS_INVALID, code, "TLS handshake failed");
}

/*
 * The last word on rule 6 of the design, whatever the library thought: nobody, no conversation, unless strangers are
 * taken; and a certificate that is shown must be good. Where strangers are taken the library does not end the handshake
 * over a bad one, so that the alert is ours to send.
 */
static enum status check_peer(struct tls_session *session, struct err *err)
{
	bool shown = mbedtls_ssl_get_peer_cert(&session->ssl) != NULL;
	const char *words = verify_words(mbedtls_ssl_get_verify_result(&session->ssl));

	if (proven(session) != NULL)
		return STATUS_OK;
	set_peer(session, NULL, false);
	if (!shown && session->server->takes_strangers)
		return STATUS_OK;
	(void)mbedtls_ssl_send_alert_message(&session->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
	return err_set(err, STATUS_DENIED, "%s", shown && words != NULL ? words : "no certificate");
}

enum status tls_session_handshake(struct tls_session *session, struct err *err)
{
	enum status status;
	int code;

	assert(!session->is_open);
	shaking = session;
	code = mbedtls_ssl_handshake(&session->ssl);
	shaking = NULL;
	if (code == MBEDTLS_ERR_SSL_WANT_READ)
		return STATUS_AGAIN;
	if (code != 0)
		return handshake_failure(session, code, err);
	status = check_peer(session, err);
	session->is_open = status == STATUS_OK;
	records_forget_crt(&session->ssl);
	return status;
}

enum status tls_session_read(struct tls_session *session, uint8_t *bytes, size_t cap, size_t *ret_len)
{
	int got;

	assert(session->is_open && cap > 0);
	*ret_len = 0;
	if (session->is_resting && session->in.len == 0)
		return STATUS_AGAIN;
	if (wake_up(session) != STATUS_OK)
		return STATUS_NO_MEMORY;
	got = mbedtls_ssl_read(&session->ssl, bytes, cap);
	if (got > 0) {
		*ret_len = (size_t)got;
		return STATUS_OK;
	}
	if (got == MBEDTLS_ERR_SSL_WANT_READ)
		return STATUS_AGAIN;
	if (got == 0 || got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		return STATUS_CLOSED;
	return STATUS_INVALID;
}

enum status tls_session_write(struct tls_session *session, struct span plain)
{
	assert(session->is_open);
	if (wake_up(session) != STATUS_OK)
		return STATUS_NO_MEMORY;
	while (plain.len > 0) {
		int put = mbedtls_ssl_write(&session->ssl, plain.ptr, plain.len);

		if (put <= 0)
			return buf_status(&session->out) != STATUS_OK ? buf_status(&session->out) : STATUS_INVALID;
		plain = span_sub(plain, (size_t)put, plain.len);
	}
	return STATUS_OK;
}

void tls_session_close(struct tls_session *session)
{
	/* Without a handshake there is nothing to end; a full output cannot take the word, which only a polite peer misses. */
	if (session->is_open && wake_up(session) == STATUS_OK)
		(void)mbedtls_ssl_close_notify(&session->ssl);
}

struct span tls_session_output(struct tls_session *session)
{
	return span_sub(buf_span(&session->out), session->out_at, session->out.len);
}

void tls_session_sent(struct tls_session *session, size_t len)
{
	assert(len <= session->out.len - session->out_at);
	session->out_at += len;
	if (session->out_at == session->out.len) {
		buf_shrink(&session->out);
		session->out_at = 0;
	}
}

bool tls_session_has_peer(const struct tls_session *session)
{
	assert(session->is_open);
	return session->peer != NULL;
}

bool tls_session_is_resumed(const struct tls_session *session)
{
	assert(session->is_open);
	return session->is_resumed;
}

enum status tls_session_peer_uri(const struct tls_session *session, struct span *ret_uri)
{
	assert(session->is_open);
	*ret_uri = span_of(session->peer->uri, session->peer->uri_len);
	return ret_uri->len > 0 ? STATUS_OK : STATUS_INVALID;
}

int64_t tls_session_peer_not_after_s(const struct tls_session *session)
{
	assert(session->is_open);
	return session->peer->not_after_s;
}

void tls_session_peer_fingerprint(const struct tls_session *session, char ret_hex[static DIGEST_HEX_SIZE])
{
	assert(session->is_open);
	for (size_t i = 0; i < PEER_DIGEST_BYTES; i++)
		(void)snprintf(ret_hex + 2 * i, 3, "%02x", session->peer->digest[i]);
}
