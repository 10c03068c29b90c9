/*
 * One struct tls_session goes:
 *
 *   handshake ──OK──▶ open ──close_notify or tls_session_close──▶ closing
 *       └────────────── any failure ──────────────▶ failed
 *
 * Bytes from the network wait in `in` until mbedTLS asks for them, and what it says waits in `out`; both give their
 * memory back when they run empty, since most connections are idle most of the time.
 *
 * There is no resumption. In TLS 1.3 mbedTLS keeps the peer's certificate neither in the ticket nor in the resumed
 * session, so that a resumed session could not say who speaks, and a certificate that expired would go on living in
 * its ticket. Every connection proves its certificate anew.
 */
#include "shared/tls/session.h"

#include <assert.h>
#include <stdlib.h>

#include <mbedtls/ssl.h>

#include "shared/file.h"
#include "shared/tls/digest.h"
#include "shared/tls/mbed.h"

/* The certificate message is not split, and must fit into one record of the output size. */
enum { CHAIN_MAX = MBEDTLS_SSL_OUT_CONTENT_LEN - 512 };

struct tls_server {
	unsigned holders;
	bool takes_strangers;
	mbedtls_ssl_config config;
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
	mbedtls_x509_crt client_ca;
};

struct tls_session {
	struct tls_server *server;
	mbedtls_ssl_context ssl;
	struct buf in;
	size_t in_at;  /* what mbedTLS has taken of it */
	struct buf out;
	size_t out_at; /* what was sent of it */
	bool is_open;
};

static enum status read_chain(const char *path, const char *what, mbedtls_x509_crt *ret_chain, struct err *err)
{
	struct buf pem = BUF_INIT(LIMIT_CERT_FILE);
	enum status status = file_read(path, &pem, err);

	if (status == STATUS_OK) {
		int failed = mbed_parse_crt(buf_span(&pem), ret_chain);

		if (failed != 0)
			status = mbed_err(err, STATUS_INVALID, failed, "%s is not a %s in PEM", path, what);
	}
	buf_done(&pem);
	return status;
}

static enum status read_key(const char *path, mbedtls_pk_context *ret_key, struct err *err)
{
	struct buf pem = BUF_INIT(LIMIT_CERT_FILE);
	enum status status = file_read(path, &pem, err);

	if (status == STATUS_OK) {
		int failed = mbed_parse_key(buf_span(&pem), ret_key);

		if (failed != 0)
			status = mbed_err(err, STATUS_INVALID, failed, "%s is not a key in PEM without a password", path);
	}
	buf_wipe(&pem);
	return status;
}

static enum status check_chain(const struct tls_server *server, const struct tls_files *files, struct err *err)
{
	size_t len = 0;

	for (const mbedtls_x509_crt *cert = &server->chain; cert != NULL; cert = cert->next)
		len += cert->raw.len;
	if (len > CHAIN_MAX)
		return err_set(err, STATUS_INVALID, "%s: the chain has %zu bytes, but only %d fit into a handshake; leave "
		               "the root out or use elliptic-curve keys", files->cert, len, (int)CHAIN_MAX);
	if (mbedtls_pk_check_pair(&server->chain.pk, &server->key, mbed_random, NULL) != 0)
		return err_set(err, STATUS_INVALID, "the key %s does not belong to the certificate %s", files->key,
		               files->cert);
	return STATUS_OK;
}

static int configure(struct tls_server *server)
{
	static const char *protocols[] = { "http/1.1", NULL };
	mbedtls_ssl_config *config = &server->config;
	int failed = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
	                                         MBEDTLS_SSL_PRESET_DEFAULT);

	if (failed != 0)
		return failed;
	mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_ciphersuites(config, mbed_suites);
	mbedtls_ssl_conf_rng(config, mbed_random, NULL);
	mbedtls_ssl_conf_authmode(config,
	                          server->takes_strangers ? MBEDTLS_SSL_VERIFY_OPTIONAL : MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(config, &server->client_ca, NULL);
	mbedtls_ssl_conf_verify(config, mbed_judge_validity, NULL);
	/* The names of the authorities help nobody who has one certificate, and many would not fit into a message. */
	mbedtls_ssl_conf_cert_req_ca_list(config, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
	failed = mbedtls_ssl_conf_alpn_protocols(config, protocols);
	if (failed == 0)
		failed = mbedtls_ssl_conf_own_cert(config, &server->chain, &server->key);
	return failed;
}

enum status tls_server_new(const struct tls_files *files, struct tls_server **ret_server, struct err *err)
{
	struct tls_server *server = calloc(1, sizeof *server);
	enum status status;
	int failed;

	if (server == NULL)
		return STATUS_NO_MEMORY;
	server->holders = 1;
	server->takes_strangers = files->takes_strangers;
	mbedtls_ssl_config_init(&server->config);
	mbedtls_x509_crt_init(&server->chain);
	mbedtls_pk_init(&server->key);
	mbedtls_x509_crt_init(&server->client_ca);
	status = read_chain(files->cert, "certificate", &server->chain, err);
	if (status == STATUS_OK)
		status = read_key(files->key, &server->key, err);
	if (status == STATUS_OK)
		status = check_chain(server, files, err);
	if (status == STATUS_OK)
		status = read_chain(files->client_ca, "list of certificates", &server->client_ca, err);
	if (status != STATUS_OK)
		goto fail;
	failed = configure(server);
	if (failed != 0) {
		status = mbed_err(err, STATUS_SYSTEM, failed, "cannot set TLS up");
		goto fail;
	}
	*ret_server = server;
	return STATUS_OK;
fail:
	/* Whatever is wrong with a file that was named is the file's fault, also that it does not exist. */
	if (status == STATUS_NOT_FOUND || status == STATUS_TOO_LARGE)
		status = STATUS_INVALID;
	tls_server_unref(server);
	return status;
}

void tls_server_unref(struct tls_server *server)
{
	if (server == NULL || --server->holders > 0)
		return;
	mbedtls_ssl_config_free(&server->config);
	mbedtls_x509_crt_free(&server->chain);
	mbedtls_pk_free(&server->key);
	mbedtls_x509_crt_free(&server->client_ca);
	free(server);
}

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

enum status tls_session_new(struct tls_server *server, struct tls_session **ret_session)
{
	struct tls_session *session = calloc(1, sizeof *session);

	if (session == NULL)
		return STATUS_NO_MEMORY;
	session->server = server;
	server->holders++;
	buf_init(&session->in, LIMIT_TLS_INPUT);
	buf_init(&session->out, LIMIT_TLS_OUTPUT);
	mbedtls_ssl_init(&session->ssl);
	if (mbedtls_ssl_setup(&session->ssl, &server->config) != 0) {
		tls_session_free(session);
		return STATUS_NO_MEMORY;
	}
	mbedtls_ssl_set_bio(&session->ssl, session, give_out, take_in, NULL);
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
	tls_server_unref(session->server);
	free(session);
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
	if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
		return err_set(err, STATUS_INVALID, "the peer refused the handshake (alert), perhaps our certificate");
	return mbed_err(err, STATUS_INVALID, code, "TLS handshake failed");
}

/*
 * The last word on rule 6 of the design, whatever the library thought: no certificate, no conversation, unless strangers
 * are taken; and a certificate that is shown must be good. Where strangers are taken the library does not end the
 * handshake over a bad one, so that the alert is ours to send.
 */
static enum status check_peer(struct tls_session *session, struct err *err)
{
	bool shown = mbedtls_ssl_get_peer_cert(&session->ssl) != NULL;
	uint32_t flags = mbedtls_ssl_get_verify_result(&session->ssl);
	const char *words = verify_words(flags);

	if (shown && flags == 0)
		return STATUS_OK;
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
	code = mbedtls_ssl_handshake(&session->ssl);
	if (code == MBEDTLS_ERR_SSL_WANT_READ)
		return STATUS_AGAIN;
	if (code != 0)
		return handshake_failure(session, code, err);
	status = check_peer(session, err);
	session->is_open = status == STATUS_OK;
	return status;
}

enum status tls_session_read(struct tls_session *session, uint8_t *bytes, size_t cap, size_t *ret_len)
{
	int got;

	assert(session->is_open && cap > 0);
	*ret_len = 0;
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
	if (session->is_open)
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
	return mbedtls_ssl_get_peer_cert(&session->ssl) != NULL;
}

enum status tls_session_peer_uri(const struct tls_session *session, struct span *ret_uri)
{
	assert(session->is_open);
	return mbed_crt_uri(mbedtls_ssl_get_peer_cert(&session->ssl), ret_uri);
}

int64_t tls_session_peer_not_after_s(const struct tls_session *session)
{
	assert(session->is_open);
	return mbed_time_s(&mbedtls_ssl_get_peer_cert(&session->ssl)->valid_to);
}

void tls_session_peer_fingerprint(const struct tls_session *session, char ret_hex[static 65])
{
	const mbedtls_x509_crt *cert = mbedtls_ssl_get_peer_cert(&session->ssl);

	assert(session->is_open);
	digest_hex(span_of(cert->raw.p, cert->raw.len), ret_hex);
}
