#include "sweeper/ctl/api.h"

#include <stdlib.h>

#include "shared/fetch.h"

enum { API_MAX_URL = 4096, API_MAX_WORDS = 200 };

struct api {
	struct fetch *fetch;
	const char *base;
};

static enum status check_options(const struct ctl *ctl, struct err *err)
{
	if (ctl->sweeper == NULL)
		return err_set(err, STATUS_INVALID, "no sweeper is named: give --sweeper https://HOST:PORT or set "
		                                    "RESCUE_SWEEPER (or read from Loki with --loki)");
	if (ctl->cert == NULL || ctl->key == NULL || ctl->ca == NULL)
		return err_set(err, STATUS_INVALID, "--%s is missing: the sweeper speaks with known certificates only; "
		                                    "\"rescuectl ca issue\" makes one for an operator",
		               ctl->cert == NULL ? "cert" : ctl->key == NULL ? "key" : "ca");
	return STATUS_OK;
}

enum status api_new(const struct ctl *ctl, struct api **ret_api, struct err *err)
{
	const struct fetch_options options = { .ca_file = ctl->ca, .cert_file = ctl->cert, .key_file = ctl->key };
	enum status status = check_options(ctl, err);
	struct api *api;

	*ret_api = NULL;
	if (status != STATUS_OK)
		return status;
	api = calloc(1, sizeof *api);
	if (api == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	api->base = ctl->sweeper;
	status = fetch_new(&options, &api->fetch, err);
	if (status != STATUS_OK) {
		api_free(api);
		return status;
	}
	*ret_api = api;
	return STATUS_OK;
}

void api_free(struct api *api)
{
	if (api == NULL)
		return;
	fetch_free(api->fetch);
	free(api);
}

/* What the sweeper said about a refusal: {"error": "…"}, or nothing. */
static struct span answer_words(const struct jdoc *doc)
{
	return span_sub(jdoc_get_text(doc, "error"), 0, API_MAX_WORDS);
}

static enum status refused(int code, const char *path, const struct jdoc *doc, struct err *err)
{
	struct span said = answer_words(doc);
	const char *colon = said.len > 0 ? ": " : "";

	switch (code) {
	case 401:
	case 403:
		return err_set(err, STATUS_DENIED, "the sweeper refuses this certificate (%d)%s%.*s", code, colon,
		               SPAN_ARG(said));
	case 404:
		return err_set(err, STATUS_NOT_FOUND, "the sweeper knows nothing at %s (404)", path);
	case 409:
		return err_set(err, STATUS_CONFLICT, "not possible now%s%.*s", colon, SPAN_ARG(said));
	case 503:
		return err_set(err, STATUS_UNAVAILABLE, "the sweeper cannot answer now (503)%s%.*s", colon,
		               SPAN_ARG(said));
	default:
		return err_set(err, STATUS_INVALID, "the sweeper answered %d%s%.*s", code, colon, SPAN_ARG(said));
	}
}

enum status api_call(struct api *api, const char *method, const char *path, struct jdoc **ret_doc, struct err *err)
{
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_FETCH_BODY);
	struct fetch_request request = { .method = method, .timeout_ms = API_TIMEOUT_MS, .stop_fd = -1 };
	BUF_AUTO url = BUF_INIT(API_MAX_URL);
	JDOC_AUTO *doc = NULL;
	struct err parse_err = ERR_INIT;
	enum status status, parsed;

	*ret_doc = NULL;
	ctl_url(api->base, path, &url);
	if (buf_status(&url) != STATUS_OK)
		return err_set(err, STATUS_INVALID, "the sweeper's URL is too long");
	request.url = buf_cstr(&url);
	status = fetch_run(api->fetch, &request, &answer, err);
	if (status != STATUS_OK)
		goto out;
	parsed = jdoc_parse(buf_span(&answer.body), &doc, &parse_err);
	if (answer.code != 200) {
		status = refused(answer.code, path, doc, err);
	} else if (parsed != STATUS_OK) {
		status = err_set(err, parsed, "the sweeper's answer is %s: is %s a sweeper?", parse_err.text, api->base);
	} else {
		*ret_doc = doc;
		doc = NULL;
	}
out:
	buf_done(&answer.body);
	return status;
}
