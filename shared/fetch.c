/*
 * One curl_multi with one easy handle. The multi owns the kept connection; the easy handle is set anew for every
 * request, so that nothing of one request is left over in the next.
 */
#include "shared/fetch.h"

#include <assert.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "shared/clock.h"
#include "shared/fetch_headers.h"
#include "shared/fetch_words.h"
#include "shared/tls/client.h"
#include "shared/tls/session.h"

#define SYSTEM_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

enum {
	CONNECT_TIMEOUT_MS = 10000,
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
	RETRY_AFTER_MAX_S = 86400,
};

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

enum status fetch_global_init(struct err *err)
{
	/* libcurl's TLS 1.3 needs what mbedTLS sets up for the whole process. */
	enum status status = tls_global_init(err);

	if (status == STATUS_OK && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		status = err_set(err, STATUS_SYSTEM, "libcurl does not start");
	return status;
}

static bool copy_option(const char *text, char **ret_copy)
{
	if (text == NULL || *text == '\0')
		return true;
	*ret_copy = strdup(text);
	return *ret_copy != NULL;
}

enum status fetch_new(const struct fetch_options *options, struct fetch **ret_fetch, struct err *err)
{
	struct fetch *fetch = calloc(1, sizeof *fetch);

	if (fetch == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	fetch->connect_timeout_ms =
		options->connect_timeout_ms > 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
	fetch->multi = curl_multi_init();
	fetch->easy = curl_easy_init();
	if (fetch->multi == NULL || fetch->easy == NULL || !copy_option(options->ca_file, &fetch->ca_file) ||
	    !copy_option(options->cert_file, &fetch->cert_file) ||
	    !copy_option(options->key_file, &fetch->key_file) ||
	    !copy_option(options->unix_socket, &fetch->unix_socket) ||
	    curl_multi_setopt(fetch->multi, CURLMOPT_MAXCONNECTS, 1L) != CURLM_OK) {
		fetch_free(fetch);
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	}
	*ret_fetch = fetch;
	return STATUS_OK;
}

void fetch_free(struct fetch *fetch)
{
	if (fetch == NULL)
		return;
	curl_easy_cleanup(fetch->easy);
	if (fetch->multi != NULL)
		(void)curl_multi_cleanup(fetch->multi);
	free(fetch->ca_file);
	free(fetch->cert_file);
	free(fetch->key_file);
	free(fetch->unix_socket);
	free(fetch);
}

void fetch_set_opener(struct fetch *fetch, int (*open)(void *ctx), void *ctx)
{
	fetch->open_connection = open;
	fetch->open_ctx = ctx;
}

void fetch_reset(struct fetch *fetch)
{
	CURLM *multi = curl_multi_init();

	/* Without memory for a new pool, the old connection is kept: it is still the right one, only older. */
	if (multi == NULL)
		return;
	(void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1L);
	(void)curl_multi_cleanup(fetch->multi);
	fetch->multi = multi;
}

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

static const char *ca_file(const struct fetch *fetch)
{
	return fetch->ca_file != NULL ? fetch->ca_file : SYSTEM_CA_FILE;
}

/* Collects the first failure of many curl_easy_setopt calls. */
#define SET(option, value)                                                     \
	do {                                                                   \
		if (code == CURLE_OK)                                          \
			code = curl_easy_setopt(easy, (option), (value));      \
	} while (0)

static CURLcode set_connection(struct fetch *fetch)
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
	SET(CURLOPT_CAINFO, ca_file(fetch));
	SET(CURLOPT_SSLCERT, fetch->cert_file);
	SET(CURLOPT_SSLKEY, fetch->key_file);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 1L);
	SET(CURLOPT_SSL_CTX_FUNCTION, restrict_tls);
	SET(CURLOPT_SSL_CTX_DATA, fetch);
	return code;
}

static CURLcode set_request(struct exchange *exchange, struct curl_slist *headers)
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

/* Milliseconds until the stall deadline; -1: there is none. 0: it passed. */
static int64_t stall_left_ms(struct exchange *exchange, int64_t now_mono_ms)
{
	CURL *easy = exchange->fetch->easy;
	curl_off_t up = 0, down = 0;
	long head = 0;
	int64_t left;

	if (exchange->request->stall_timeout_ms <= 0)
		return -1;
	(void)curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
	(void)curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	(void)curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &head);
	if (up + down + head != exchange->moved) {
		exchange->moved = up + down + head;
		exchange->moved_mono_ms = now_mono_ms;
	}
	left = exchange->moved_mono_ms + exchange->request->stall_timeout_ms - now_mono_ms;
	return left > 0 ? left : 0;
}

/* Sleeps until something is to be done. Neither libcurl nor this has a regular tick: an idle wait is one sleep. */
static enum status wait_for_news(struct exchange *exchange, struct err *err)
{
	struct curl_waitfd stop = { .fd = exchange->request->stop_fd, .events = CURL_WAIT_POLLIN };
	int64_t sleep_ms = stall_left_ms(exchange, clock_mono_ms());

	if (sleep_ms == 0)
		return err_set(err, STATUS_TIMEOUT, "nothing moved for %lld ms",
		               (long long)exchange->request->stall_timeout_ms);
	if (sleep_ms < 0 || sleep_ms > exchange->request->timeout_ms)
		sleep_ms = exchange->request->timeout_ms;
	if (sleep_ms > INT32_MAX)
		sleep_ms = INT32_MAX;
	if (curl_multi_poll(exchange->fetch->multi, &stop, stop.fd >= 0 ? 1 : 0, (int)sleep_ms, NULL) != CURLM_OK)
		return err_set(err, STATUS_SYSTEM, "libcurl cannot wait");
	return stop.revents != 0 ? err_set(err, STATUS_STOPPED, "stopped") : STATUS_OK;
}

/* Runs the transfer to its end; *ret_code is libcurl's result when the status is OK. */
static enum status perform(struct exchange *exchange, CURLcode *ret_code, struct err *err)
{
	CURLM *multi = exchange->fetch->multi;
	enum status status = STATUS_OK;
	int running = 1;

	while (status == STATUS_OK) {
		CURLMsg *message;
		int left;

		if (curl_multi_perform(multi, &running) != CURLM_OK)
			return err_set(err, STATUS_SYSTEM, "libcurl cannot go on");
		message = curl_multi_info_read(multi, &left);
		if (message != NULL && message->msg == CURLMSG_DONE) {
			*ret_code = message->data.result;
			return STATUS_OK;
		}
		status = wait_for_news(exchange, err);
	}
	return status;
}

static struct fetch_failure about(const struct fetch *fetch, CURLcode code)
{
	return (struct fetch_failure){
		.code = code, .raw = fetch->words, .ca_file = ca_file(fetch), .cert_file = fetch->cert_file,
		.key_file = fetch->key_file,
	};
}

static enum status failure(const struct exchange *exchange, CURLcode code, struct err *err)
{
	struct fetch_failure failed = about(exchange->fetch, code);
	curl_off_t ready_us = 0;

	/* The connection's own deadline came first: a peer that is not there, not an answer that is late. */
	(void)curl_easy_getinfo(exchange->fetch->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
	failed.is_connecting =
		ready_us == 0 && clock_mono_ms() - exchange->begin_mono_ms < exchange->request->timeout_ms;
	return fetch_words(&failed, err);
}

static enum status conclude(struct exchange *exchange, CURLcode code, struct err *err)
{
	if (exchange->sink_ended)
		return STATUS_OK;
	if (exchange->too_large)
		return err_set(err, STATUS_TOO_LARGE, "the answer is larger than %zu bytes", exchange->answer->body.max);
	if (buf_status(&exchange->answer->body) != STATUS_OK)
		return err_set(err, buf_status(&exchange->answer->body), "cannot keep the answer");
	return code == CURLE_OK ? STATUS_OK : failure(exchange, code, err);
}

static void read_meta(struct exchange *exchange)
{
	CURL *easy = exchange->fetch->easy;
	struct curl_header *header = NULL;
	uint64_t retry_after_s;
	long code = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
	exchange->answer->code = (int)code;
	if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
	    span_to_u64(span_cstr(header->value), &retry_after_s))
		exchange->answer->retry_after_s =
			retry_after_s < RETRY_AFTER_MAX_S ? (int64_t)retry_after_s : RETRY_AFTER_MAX_S;
}

static void clear_answer(struct fetch_answer *answer)
{
	answer->code = 0;
	answer->retry_after_s = -1;
	if (answer->body.max == 0)
		answer->body.max = LIMIT_FETCH_BODY;
	buf_reset(&answer->body);
}

/* With everything set: the transfer itself. */
static enum status transfer(struct exchange *exchange, struct err *err)
{
	struct fetch *fetch = exchange->fetch;
	struct fetch_failure files = about(fetch, CURLE_OK);
	CURLcode code = CURLE_OK;
	enum status status = STATUS_OK;

	if (strncasecmp(exchange->request->url, "https:", 6) == 0)
		status = fetch_words_check_files(&files, err);
	if (status != STATUS_OK)
		return status;
	if (curl_multi_add_handle(fetch->multi, fetch->easy) != CURLM_OK)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	exchange->begin_mono_ms = exchange->moved_mono_ms = clock_mono_ms();
	status = perform(exchange, &code, err);
	read_meta(exchange);
	if (status == STATUS_OK)
		status = conclude(exchange, code, err);
	(void)curl_multi_remove_handle(fetch->multi, fetch->easy);
	return status;
}

static enum status run(struct exchange *exchange, struct err *err)
{
	struct fetch *fetch = exchange->fetch;
	struct curl_slist *headers = NULL;
	enum status status;

	assert(exchange->request->timeout_ms > 0);
	clear_answer(exchange->answer);
	fetch->words[0] = '\0';
	curl_easy_reset(fetch->easy);
	status = fetch_headers_collect(exchange->request, &headers, err);
	if (status == STATUS_OK) {
		CURLcode code = set_connection(fetch);

		if (code == CURLE_OK)
			code = set_request(exchange, headers);
		status = code == CURLE_OK ? transfer(exchange, err) : failure(exchange, code, err);
	}
	/* The next call sets everything anew; until then nothing may point at this request. */
	curl_easy_reset(fetch->easy);
	curl_slist_free_all(headers);
	return status;
}

enum status fetch_run(struct fetch *fetch, const struct fetch_request *request, struct fetch_answer *answer,
                      struct err *err)
{
	struct exchange exchange = { .fetch = fetch, .request = request, .answer = answer };

	return run(&exchange, err);
}

enum status fetch_stream(struct fetch *fetch, const struct fetch_request *request, fetch_sink *sink, void *ctx,
                         struct fetch_answer *answer, struct err *err)
{
	struct exchange exchange = { .fetch = fetch, .request = request, .answer = answer, .sink = sink, .ctx = ctx };

	return run(&exchange, err);
}
