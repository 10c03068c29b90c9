#include "shared/tls/server.h"

#include <stdlib.h>

#include <mbedtls/sha256.h>

#include "shared/clock.h"
#include "shared/file.h"

/* The certificate message is not split, and must fit into one record of the output size. */
enum { CHAIN_MAX = MBEDTLS_SSL_OUT_CONTENT_LEN - 512 };

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

static bool has_limited(const struct tls_server *server)
{
	return server->limited_ca.raw.p != NULL;
}

/* The authorities as they are in the certificates, so that copies of a file with other line ends are the same. */
static enum status digest_trust(struct tls_server *server)
{
	mbedtls_sha256_context sha;
	int failed;

	mbedtls_sha256_init(&sha);
	failed = mbedtls_sha256_starts(&sha, 0);
	for (const mbedtls_x509_crt *crt = &server->client_ca; crt != NULL && failed == 0; crt = crt->next)
		failed = mbedtls_sha256_update(&sha, crt->raw.p, crt->raw.len);
	if (failed == 0)
		failed = mbedtls_sha256_update(&sha, (const uint8_t *)"limited", 7);
	for (const mbedtls_x509_crt *crt = &server->limited_ca; has_limited(server) && crt != NULL && failed == 0;
	     crt = crt->next)
		failed = mbedtls_sha256_update(&sha, crt->raw.p, crt->raw.len);
	if (failed == 0)
		failed = mbedtls_sha256_finish(&sha, server->trust);
	mbedtls_sha256_free(&sha);
	return failed == 0 ? STATUS_OK : STATUS_SYSTEM;
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
	/* The library finds no authority, and asks us (server_judge). */
	mbedtls_ssl_conf_ca_chain(config, &server->nobody, NULL);
	/* The names of the authorities help nobody who has one certificate, and many would not fit into a message. */
	mbedtls_ssl_conf_cert_req_ca_list(config, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
	if (server->tickets != NULL) {
		mbedtls_ssl_conf_session_tickets_cb(config, server_write_ticket, server_read_ticket, server);
		/* One a connection: each resumption brings the next. */
		mbedtls_ssl_conf_new_session_tickets(config, 1);
	}
	failed = mbedtls_ssl_conf_alpn_protocols(config, protocols);
	if (failed == 0)
		failed = mbedtls_ssl_conf_own_cert(config, &server->chain, &server->key);
	return failed;
}

static enum status read_files(struct tls_server *server, const struct tls_files *files, struct err *err)
{
	enum status status = read_chain(files->cert, "certificate", &server->chain, err);

	if (status == STATUS_OK)
		status = read_key(files->key, &server->key, err);
	if (status == STATUS_OK)
		status = check_chain(server, files, err);
	if (status == STATUS_OK)
		status = read_chain(files->client_ca, "list of certificates", &server->client_ca, err);
	if (status == STATUS_OK && files->limited_ca != NULL)
		status = read_chain(files->limited_ca, "list of certificates", &server->limited_ca, err);
	return status == STATUS_OK ? digest_trust(server) : status;
}

enum status tls_server_new(const struct tls_files *files, struct tls_server **ret_server, struct err *err)
{
	struct tls_server *server = calloc(1, sizeof *server);
	enum status status;
	int failed;

	if (server == NULL)
		return STATUS_NO_MEMORY;
	atomic_init(&server->holders, 1);
	server->takes_strangers = files->takes_strangers;
	server->tickets = files->tickets;
	records_init(&server->records);
	mbedtls_x509_crt_init(&server->nobody);
	mbedtls_ssl_config_init(&server->config);
	mbedtls_x509_crt_init(&server->chain);
	mbedtls_pk_init(&server->key);
	mbedtls_x509_crt_init(&server->client_ca);
	mbedtls_x509_crt_init(&server->limited_ca);
	server->limited_ok = files->limited_ok;
	status = verified_init(&server->verified);
	if (status == STATUS_OK)
		status = read_files(server, files, err);
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
	if (server == NULL || atomic_fetch_sub(&server->holders, 1) > 1)
		return;
	mbedtls_ssl_config_free(&server->config);
	mbedtls_x509_crt_free(&server->chain);
	mbedtls_pk_free(&server->key);
	mbedtls_x509_crt_free(&server->client_ca);
	mbedtls_x509_crt_free(&server->limited_ca);
	mbedtls_x509_crt_free(&server->nobody);
	verified_done(&server->verified);
	records_done(&server->records);
	free(server);
}

void tls_server_ref(struct tls_server *server)
{
	(void)atomic_fetch_add(&server->holders, 1);
}

/* -- the peer's chain ----------------------------------------------------------------------------------------- */

/* mbedTLS's verification callback: also finds the earliest end in the chain. */
static int judge_time(void *ctx, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	int64_t *end_s = ctx, crt_end_s = mbed_time_s(&crt->valid_to);

	if (crt_end_s < *end_s)
		*end_s = crt_end_s;
	return mbed_judge_validity(NULL, crt, depth, flags);
}

static int verify(mbedtls_x509_crt *leaf, mbedtls_x509_crt *authorities, uint32_t *ret_flags, int64_t *ret_end_s)
{
	*ret_flags = 0;
	*ret_end_s = INT64_MAX;
	return mbedtls_x509_crt_verify_with_profile(leaf, authorities, NULL, &mbedtls_x509_crt_profile_default, NULL,
	                                            ret_flags, judge_time, ret_end_s);
}

int server_judge(struct tls_server *server, mbedtls_x509_crt *leaf, const struct peer *peer, uint32_t *ret_flags)
{
	int64_t end_s;
	int failed;

	*ret_flags = 0;
	if (verified_has(&server->verified, peer->digest, clock_agreed_ns() / 1000000000))
		return 0;
	failed = verify(leaf, &server->client_ca, ret_flags, &end_s);
	if (failed == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && (*ret_flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0 &&
	    has_limited(server) && server->limited_ok(span_of(peer->uri, peer->uri_len)))
		failed = verify(leaf, &server->limited_ca, ret_flags, &end_s);
	if (failed == 0)
		verified_add(&server->verified, peer->digest, end_s);
	return failed == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ? 0 : failed;
}
