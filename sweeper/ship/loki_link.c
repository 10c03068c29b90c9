#include "sweeper/ship/loki_link.h"

#include <inttypes.h>
#include <stdlib.h>

#include "shared/fetch.h"
#include "shared/file.h"
#include "shared/stop.h"
#include "sweeper/ship/lease.h"

enum {
	HEADERS_MAX = 6,
	URL_MAX = 64 * 1024,
	CREDENTIAL_MAX = 2 * LIMIT_SECRET_FILE,
	CONNECT_TIMEOUT_MS = 5000,
};

struct loki_link {
	const struct sink_config *config;
	struct fetch *fetch;
};

enum status loki_link_new(const struct sink_config *config, struct loki_link **ret_link, struct err *err)
{
	struct fetch_options options = {
		.ca_file = config->ca_file != NULL && config->ca_file[0] != '\0' ? config->ca_file : NULL,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
	};
	struct loki_link *link = calloc(1, sizeof *link);
	enum status status;

	*ret_link = NULL;
	if (link == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	link->config = config;
	status = fetch_new(&options, &link->fetch, err);
	if (status != STATUS_OK) {
		free(link);
		return status;
	}
	*ret_link = link;
	return STATUS_OK;
}

void loki_link_free(struct loki_link *link)
{
	if (link == NULL)
		return;
	fetch_free(link->fetch);
	free(link);
}

/* RFC 4648 section 4. */
static void append_base64(struct span bytes, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t here = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t group = (uint32_t)bytes.ptr[i] << 16;

		if (here > 1)
			group |= (uint32_t)bytes.ptr[i + 1] << 8;
		if (here > 2)
			group |= bytes.ptr[i + 2];
		buf_append_byte(out, (uint8_t)digits[group >> 18]);
		buf_append_byte(out, (uint8_t)digits[group >> 12 & 63]);
		buf_append_byte(out, (uint8_t)(here > 1 ? digits[group >> 6 & 63] : '='));
		buf_append_byte(out, (uint8_t)(here > 2 ? digits[group & 63] : '='));
	}
}

static bool is_header_value(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return false;
	}
	return text.len > 0;
}

/* Reads a one-line secret; white space at its end belongs to the file and not to the secret. */
static enum status read_secret(const char *path, struct buf *secret, struct err *err)
{
	enum status status = file_read(path, secret, err);

	if (status != STATUS_OK)
		return STATUS_INVALID;
	while (secret->len > 0 && (secret->ptr[secret->len - 1] == '\n' || secret->ptr[secret->len - 1] == '\r' ||
	                           secret->ptr[secret->len - 1] == ' '))
		secret->len--;
	if (!is_header_value(buf_span(secret)))
		return err_set(err, STATUS_INVALID, "%s must hold one line of text", path);
	return STATUS_OK;
}

/* Appends the Authorization header; nothing when no credentials are configured. */
static enum status append_authorization(const struct sink_config *config, struct buf *header, struct err *err)
{
	struct buf secret = BUF_INIT(LIMIT_SECRET_FILE);
	enum status status = STATUS_OK;

	if (config->bearer_file[0] != '\0') {
		status = read_secret(config->bearer_file, &secret, err);
		buf_append_cstr(header, "Authorization: Bearer ");
		buf_append_span(header, buf_span(&secret));
	} else if (config->basic_auth_file[0] != '\0') {
		status = read_secret(config->basic_auth_file, &secret, err);
		buf_append_cstr(header, "Authorization: Basic ");
		append_base64(buf_span(&secret), header);
	}
	buf_wipe(&secret);
	if (status == STATUS_OK && buf_status(header) != STATUS_OK)
		status = err_set(err, buf_status(header), "the credentials are too long");
	return status;
}

/* Adds tenant, credentials and the end of the list behind what `headers` has, and runs the request. */
static enum status run(struct loki_link *link, struct fetch_request *request, const char *headers[HEADERS_MAX],
                       int *ret_code, struct buf *ret_body, struct err *err)
{
	struct fetch_answer answer = FETCH_ANSWER_INIT(ret_body->max);
	struct buf authorization = BUF_INIT(CREDENTIAL_MAX);
	BUF_AUTO tenant = BUF_INIT(LIMIT_PATH);
	size_t count = 0;
	enum status status = append_authorization(link->config, &authorization, err);

	while (headers[count] != NULL)
		count++;
	if (link->config->tenant_id[0] != '\0') {
		buf_printf(&tenant, "X-Scope-OrgID: %s", link->config->tenant_id);
		headers[count++] = buf_cstr(&tenant);
	}
	if (authorization.len > 0)
		headers[count++] = buf_cstr(&authorization);
	headers[count] = NULL;
	request->headers = headers;
	request->timeout_ms = LEASE_REQUEST_MS;
	request->stop_fd = stop_fd();
	if (status == STATUS_OK)
		status = fetch_run(link->fetch, request, &answer, err);
	/* An error page longer than the cap still has its code. */
	if (status == STATUS_TOO_LARGE && answer.code >= 300)
		status = STATUS_OK;
	*ret_code = answer.code;
	buf_reset(ret_body);
	buf_append_span(ret_body, buf_span(&answer.body));
	buf_done(&answer.body);
	buf_wipe(&authorization);
	return status;
}

static void append_base_url(const struct sink_config *config, struct buf *url)
{
	size_t len = strlen(config->url);

	while (len > 0 && config->url[len - 1] == '/')
		len--;
	buf_append(url, config->url, len);
}

enum status loki_link_push(struct loki_link *link, struct span body_gzip, int *ret_code, struct buf *ret_body,
                           struct err *err)
{
	const char *headers[HEADERS_MAX] = { "Content-Type: application/json", "Content-Encoding: gzip" };
	BUF_AUTO url = BUF_INIT(URL_MAX);
	struct fetch_request request = { .method = "POST", .body = body_gzip };

	append_base_url(link->config, &url);
	buf_append_cstr(&url, "/loki/api/v1/push");
	request.url = buf_cstr(&url);
	return run(link, &request, headers, ret_code, ret_body, err);
}

/* RFC 3986 section 2.1: everything but the unreserved characters is percent-encoded. */
static void append_encoded(struct span text, struct buf *url)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		    c == '.' || c == '_' || c == '~')
			buf_append_byte(url, c);
		else
			buf_printf(url, "%%%02X", c);
	}
}

enum status loki_link_query(struct loki_link *link, struct span logql, const struct loki_range *range, int64_t limit,
                            int *ret_code, struct buf *ret_body, struct err *err)
{
	const char *headers[HEADERS_MAX] = { "Accept: application/json" };
	BUF_AUTO url = BUF_INIT(URL_MAX);
	struct fetch_request request = { .method = "GET" };

	append_base_url(link->config, &url);
	buf_append_cstr(&url, "/loki/api/v1/query_range?query=");
	append_encoded(logql, &url);
	buf_printf(&url, "&start=%" PRId64 "&end=%" PRId64 "&limit=%" PRId64 "&direction=forward", range->start_ns,
	           range->end_ns, limit);
	if (buf_status(&url) != STATUS_OK)
		return err_set(err, buf_status(&url), "the query is too long");
	request.url = buf_cstr(&url);
	return run(link, &request, headers, ret_code, ret_body, err);
}
