#include "shared/metadata.h"

#include <stdio.h>

#include "shared/stop.h"

static enum status exchange(struct metadata *metadata, const char *method, const char *path, const char *header,
                            struct buf *ret_body, struct err *err)
{
	const char *const headers[] = { header, NULL };
	char url[LIMIT_PATH];
	const struct fetch_request request = { .method = method, .url = url, .headers = headers,
	                                       .timeout_ms = LIMIT_METADATA_MS, .stop_fd = stop_fd() };
	struct fetch_answer answer = FETCH_ANSWER_INIT(ret_body->max);
	enum status status = STATUS_OK;

	if ((size_t)snprintf(url, sizeof url, "%s%s", metadata->url, path) >= sizeof url)
		status = err_set(err, STATUS_TOO_LARGE, "the URL is too long");
	if (status == STATUS_OK)
		status = fetch_run(metadata->fetch, &request, &answer, err);
	if (status == STATUS_OK && answer.code != 200)
		status = err_set(err, answer.code == 404 ? STATUS_NOT_FOUND : STATUS_UNAVAILABLE, "the answer is %d",
		                 answer.code);
	if (status == STATUS_OK) {
		buf_append_span(ret_body, buf_span(&answer.body));
		status = buf_status(ret_body);
	}
	if (status != STATUS_OK)
		err_prefix(err, "the metadata service at %s", metadata->url);
	/* It may be a credential. */
	buf_wipe(&answer.body);
	return status;
}

/* A token goes into a header, so it is printable ASCII. */
static enum status set_token(struct metadata *metadata, struct span token, struct err *err)
{
	bool is_plain = token.len > 0;

	for (size_t i = 0; i < token.len; i++)
		is_plain = is_plain && token.ptr[i] > ' ' && token.ptr[i] <= '~';
	if (!is_plain)
		return err_set(err, STATUS_INVALID, "the metadata service at %s: the token is not one", metadata->url);
	(void)snprintf(metadata->token_header, sizeof metadata->token_header, "X-aws-ec2-metadata-token: %.*s",
	               SPAN_ARG(token));
	return STATUS_OK;
}

enum status metadata_open(struct metadata *metadata, const char *url, struct err *err)
{
	const struct fetch_options options = { .connect_timeout_ms = LIMIT_METADATA_MS };
	struct buf token = BUF_INIT(LIMIT_METADATA_TOKEN);
	enum status status;

	*metadata = (struct metadata){ .url = url };
	status = fetch_new(&options, &metadata->fetch, err);
	if (status == STATUS_OK)
		status = exchange(metadata, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60", &token, err);
	if (status == STATUS_OK)
		status = set_token(metadata, buf_span(&token), err);
	buf_wipe(&token);
	return status;
}

enum status metadata_get(struct metadata *metadata, const char *path, struct buf *ret_body, struct err *err)
{
	return exchange(metadata, "GET", path, metadata->token_header, ret_body, err);
}

void metadata_close(struct metadata *metadata)
{
	fetch_free(metadata->fetch);
	wipe(metadata->token_header, sizeof metadata->token_header);
	metadata->fetch = NULL;
}
