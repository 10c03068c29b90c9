/*
 * One curl_multi with one easy handle. The multi owns the kept connection; the easy handle is set anew for every
 * request, so that nothing of one request is left over in the next.
 */
#include "shared/fetch_core.h"

#include <assert.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/fetch_headers.h"
#include "shared/fetch_words.h"
#include "shared/tls/session.h"

enum { CONNECT_TIMEOUT_MS = 10000, RETRY_AFTER_MAX_S = 86400 };

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
		.code = code, .raw = fetch->words, .ca_file = fetch_ca_file(fetch), .cert_file = fetch->cert_file,
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
		CURLcode code = fetch_set_connection(fetch);

		if (code == CURLE_OK)
			code = fetch_set_request(exchange, headers);
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
