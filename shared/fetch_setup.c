/* Everything that libcurl is told before a transfer, and what it calls back during it. */
#include "shared/fetch_core.h"

#define SYSTEM_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

enum {
	KEPT_FOR_S = 3600,          /* an order may take this long until its upload */
	/*
	 * A peer that has vanished without a word is noticed before the default deadline of a capture (45 s) is over, so
	 * that an agent still finds another sweeper in time; and below the idle limits of address translators.
	 */
#ifdef RESCUE_FAILPOINTS
	KEEPALIVE_IDLE_S = 2,       /* tests wait for it */
	KEEPALIVE_INTERVAL_S = 1,
#else
	KEEPALIVE_IDLE_S = 20,
	KEEPALIVE_INTERVAL_S = 5,
#endif
	KEEPALIVE_COUNT = 4,
};

static size_t keep_body(struct exchange *exchange, struct span bytes)
{
	struct buf *body = &exchange->answer->body;

	if (bytes.len > body->max - body->len) {
		exchange->too_large = true;
		bytes.len = body->max - body->len;
	}
	buf_append_span(body, bytes);
	return bytes.len;
}

/* libcurl's CURLOPT_WRITEFUNCTION: anything but `len` ends the transfer. */
static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
	struct exchange *exchange = ctx;
	size_t len = size * count;
	long code = 0;

	(void)curl_easy_getinfo(exchange->fetch->easy, CURLINFO_RESPONSE_CODE, &code);
	exchange->answer->code = (int)code;
	if (exchange->sink == NULL)
		return keep_body(exchange, span_of(data, len)) == len ? len : CURL_WRITEFUNC_ERROR;
	if (exchange->sink(exchange->ctx, span_of(data, len)))
		return len;
	exchange->sink_ended = true;
	return CURL_WRITEFUNC_ERROR;
}

static CURLcode restrict_tls(CURL *easy, void *config, void *ctx)
{
	struct fetch *fetch = ctx;

	(void)easy;
	tls_client_strict(config, fetch->cert_file, &fetch->check);
	return CURLE_OK;
}

/* libcurl's CURLOPT_OPENSOCKETFUNCTION and CURLOPT_SOCKOPTFUNCTION. */
static curl_socket_t open_connection(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	const struct fetch *fetch = ctx;

	(void)purpose;
	(void)address;
	return fetch->open_connection(fetch->open_ctx);
}

static int is_connected(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	(void)ctx;
	(void)fd;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

const char *fetch_ca_file(const struct fetch *fetch)
{
	return fetch->ca_file != NULL ? fetch->ca_file : SYSTEM_CA_FILE;
}

/* Collects the first failure of many curl_easy_setopt calls. */
#define SET(option, value)                                                     \
	do {                                                                   \
		if (code == CURLE_OK)                                          \
			code = curl_easy_setopt(easy, (option), (value));      \
	} while (0)

CURLcode fetch_set_connection(struct fetch *fetch)
{
	CURL *easy = fetch->easy;
	CURLcode code = CURLE_OK;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_ERRORBUFFER, fetch->words);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_USERAGENT, "rescue");
	/* On a stop nobody waits for the thread that resolves a name. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)fetch->connect_timeout_ms);
	SET(CURLOPT_MAXAGE_CONN, (long)KEPT_FOR_S);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	SET(CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
	SET(CURLOPT_TCP_KEEPCNT, (long)KEEPALIVE_COUNT);
	SET(CURLOPT_UNIX_SOCKET_PATH, fetch->unix_socket);
	if (fetch->open_connection != NULL) {
		SET(CURLOPT_OPENSOCKETFUNCTION, open_connection);
		SET(CURLOPT_OPENSOCKETDATA, fetch);
		SET(CURLOPT_SOCKOPTFUNCTION, is_connected);
	}
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CAINFO, fetch_ca_file(fetch));
	SET(CURLOPT_SSLCERT, fetch->cert_file);
	SET(CURLOPT_SSLKEY, fetch->key_file);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 1L);
	SET(CURLOPT_SSL_CTX_FUNCTION, restrict_tls);
	SET(CURLOPT_SSL_CTX_DATA, fetch);
	return code;
}

CURLcode fetch_set_request(struct exchange *exchange, struct curl_slist *headers)
{
	const struct fetch_request *request = exchange->request;
	CURL *easy = exchange->fetch->easy;
	CURLcode code = CURLE_OK;

	SET(CURLOPT_URL, request->url);
	if (strcmp(request->method, "GET") == 0) {
		SET(CURLOPT_HTTPGET, 1L);
	} else {
		/* Not copied, and sent from its beginning again when a kept connection turns out to be dead. */
		SET(CURLOPT_POSTFIELDS, request->body.len > 0 ? (const char *)request->body.ptr : "");
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
		SET(CURLOPT_CUSTOMREQUEST, request->method);
	}
	if (request->signer != NULL) {
		/* libcurl signs no path that it has not made canonical itself. */
		SET(CURLOPT_PATH_AS_IS, 0L);
		SET(CURLOPT_AWS_SIGV4, request->signer->scope);
		SET(CURLOPT_USERNAME, request->signer->key_id);
		SET(CURLOPT_PASSWORD, request->signer->secret);
	}
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, exchange);
	return code;
}
