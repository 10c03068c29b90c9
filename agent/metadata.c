#include "agent/metadata.h"

#include <stdio.h>

#include "shared/fetch.h"
#include "shared/stop.h"

enum { CONNECT_MS = 1000, EXCHANGE_MS = 2000, HEADER_SIZE = LIMIT_METADATA_TOKEN + 64 };

static const char document_path[] = "/latest/dynamic/instance-identity/document";
static const char signature_path[] = "/latest/dynamic/instance-identity/signature";

/* One conversation: the connection, and the header that proves that we may ask. */
struct session {
	const char *url;
	struct fetch *fetch;
	char token_header[HEADER_SIZE];
};

static enum status exchange(struct session *session, const char *method, const char *path, const char *header,
                            struct buf *ret_body, struct err *err)
{
	const char *const headers[] = { header, NULL };
	char url[LIMIT_PATH];
	const struct fetch_request request = { .method = method, .url = url, .headers = headers,
	                                       .timeout_ms = EXCHANGE_MS, .stop_fd = stop_fd() };
	struct fetch_answer answer = FETCH_ANSWER_INIT(ret_body->max);
	enum status status;

	(void)snprintf(url, sizeof url, "%s%s", session->url, path);
	status = fetch_run(session->fetch, &request, &answer, err);
	if (status == STATUS_OK && answer.code != 200)
		status = err_set(err, STATUS_UNAVAILABLE, "the answer to %s %s is %d", method, path, answer.code);
	if (status == STATUS_OK) {
		buf_append_span(ret_body, buf_span(&answer.body));
		status = buf_status(ret_body);
	}
	if (status != STATUS_OK)
		err_prefix(err, "instance metadata at %s", session->url);
	buf_done(&answer.body);
	return status;
}

/* A token goes into a header, so it is printable ASCII. */
static enum status set_token(struct session *session, struct span token, struct err *err)
{
	for (size_t i = 0; i < token.len; i++) {
		if (token.ptr[i] <= ' ' || token.ptr[i] >= 0x7f)
			return err_set(err, STATUS_INVALID, "instance metadata at %s: the session token is none", session->url);
	}
	(void)snprintf(session->token_header, sizeof session->token_header, "X-aws-ec2-metadata-token: %.*s",
	               SPAN_ARG(token));
	return token.len > 0 ? STATUS_OK : err_set(err, STATUS_INVALID, "the session token is empty");
}

static enum status open_session(struct session *session, const char *url, struct err *err)
{
	const struct fetch_options options = { .connect_timeout_ms = CONNECT_MS };
	BUF_AUTO token = BUF_INIT(LIMIT_METADATA_TOKEN);
	enum status status = fetch_new(&options, &session->fetch, err);

	session->url = url;
	if (status == STATUS_OK)
		status = exchange(session, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60", &token, err);
	return status == STATUS_OK ? set_token(session, buf_span(&token), err) : status;
}

static void close_session(struct session *session)
{
	fetch_free(session->fetch);
	wipe(session->token_header, sizeof session->token_header);
}

enum status metadata_get_proof(const char *url, struct metadata_proof *ret_proof, struct err *err)
{
	struct session session = { .fetch = NULL };
	enum status status = open_session(&session, url, err);

	if (status == STATUS_OK)
		status = exchange(&session, "GET", document_path, session.token_header, &ret_proof->document, err);
	if (status == STATUS_OK)
		status = exchange(&session, "GET", signature_path, session.token_header, &ret_proof->signature, err);
	close_session(&session);
	return status;
}

void metadata_proof_done(struct metadata_proof *proof)
{
	buf_done(&proof->document);
	buf_done(&proof->signature);
}

enum status metadata_get_document(const char *url, struct enroll_document *ret_document, struct err *err)
{
	BUF_AUTO document = BUF_INIT(LIMIT_ENROLL_DOCUMENT);
	struct session session = { .fetch = NULL };
	enum status status = open_session(&session, url, err);

	if (status == STATUS_OK)
		status = exchange(&session, "GET", document_path, session.token_header, &document, err);
	close_session(&session);
	return status == STATUS_OK ? enroll_document_parse(buf_span(&document), ret_document, err) : status;
}
