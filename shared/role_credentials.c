#include "shared/role_credentials.h"

#include <stdio.h>

#include "shared/fetch.h"

enum { MAX_URL = 1024, MAX_TOKEN = 512, MAX_ROLE = 64 };

#define ROLES "/latest/meta-data/iam/security-credentials/"

struct service {
	const char *url;
	struct fetch *fetch;
	char token_header[MAX_TOKEN + 32];
};

/* STATUS_NOT_FOUND when the service says so (404). */
static enum status ask(struct service *service, const char *method, const char *path, const char *header,
                       struct fetch_answer *answer, struct err *err)
{
	const char *const headers[] = { header, NULL };
	char url[MAX_URL];
	const struct fetch_request request = { .method = method, .url = url, .headers = headers,
		                               .timeout_ms = LIMIT_METADATA_MS, .stop_fd = -1 };
	enum status status;

	if (snprintf(url, sizeof url, "%s%s", service->url, path) >= (int)sizeof url)
		return err_set(err, STATUS_TOO_LARGE, "the metadata service's URL is too long");
	status = fetch_run(service->fetch, &request, answer, err);
	if (status == STATUS_OK && answer->code == 404)
		return err_set(err, STATUS_NOT_FOUND, "the metadata service answered with 404");
	if (status == STATUS_OK && answer->code != 200)
		status = err_set(err, STATUS_UNAVAILABLE, "the metadata service answered with %d", answer->code);
	return status;
}

/* Printable and without blanks: it becomes a part of a header or of a path. */
static bool is_plain(struct span text, size_t max)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	}
	return text.len > 0 && text.len < max;
}

static enum status get_token(struct service *service, struct err *err)
{
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_METADATA_ANSWER);
	enum status status = ask(service, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60",
	                         &answer, err);

	if (status == STATUS_OK && !is_plain(buf_span(&answer.body), MAX_TOKEN))
		status = err_set(err, STATUS_INVALID, "the metadata service's token is not one");
	if (status == STATUS_OK)
		(void)snprintf(service->token_header, sizeof service->token_header, "X-aws-ec2-metadata-token: %.*s",
		               SPAN_ARG(buf_span(&answer.body)));
	buf_wipe(&answer.body);
	return status;
}

static enum status get_role(struct service *service, char path[static MAX_URL / 2], struct err *err)
{
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_METADATA_ANSWER);
	enum status status = ask(service, "GET", ROLES, service->token_header, &answer, err);
	struct span role = buf_span(&answer.body);

	role = span_sub(role, 0, span_find(role, SPAN_LIT("\n"), 0));
	if (status == STATUS_OK && !is_plain(role, MAX_ROLE + 1))
		status = err_set(err, STATUS_INVALID, "the metadata service's role is not one");
	if (status == STATUS_OK)
		(void)snprintf(path, MAX_URL / 2, ROLES "%.*s", SPAN_ARG(role));
	buf_wipe(&answer.body);
	return status;
}

static enum status read_service(struct service *service, struct fetch_answer *answer, struct err *err)
{
	char path[MAX_URL / 2];
	enum status status = get_token(service, err);

	if (status == STATUS_OK)
		status = get_role(service, path, err);
	if (status == STATUS_OK)
		status = ask(service, "GET", path, service->token_header, answer, err);
	wipe(service->token_header, sizeof service->token_header);
	return status;
}

enum status role_credentials_fetch(const char *url, struct buf *ret_document, struct err *err)
{
	const struct fetch_options options = { .connect_timeout_ms = LIMIT_METADATA_MS };
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_METADATA_ANSWER);
	struct service service = { .url = url };
	enum status status = fetch_new(&options, &service.fetch, err);

	if (status == STATUS_OK)
		status = read_service(&service, &answer, err);
	if (status == STATUS_OK)
		buf_append_span(ret_document, buf_span(&answer.body));
	buf_wipe(&answer.body);
	fetch_free(service.fetch);
	return status == STATUS_OK ? buf_status(ret_document) : status;
}
