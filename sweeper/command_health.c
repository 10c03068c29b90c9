/* health: what a container's health check runs where there is neither a shell nor curl. */
#include <stdio.h>

#include "shared/fetch.h"
#include "sweeper/address.h"
#include "sweeper/command.h"

enum { HEALTH_TIMEOUT_MS = 5000 };

/* A listener on every address is asked on the loopback one. */
static void put_url(const struct address *address, struct buf *out)
{
	const char *host = strcmp(address->host, "0.0.0.0") == 0 ? "127.0.0.1" :
	                   strcmp(address->host, "::") == 0      ? "::1" :
	                                                           address->host;
	bool is_v6 = strchr(host, ':') != NULL;

	buf_printf(out, "http://%s%s%s:%s/readyz", is_v6 ? "[" : "", host, is_v6 ? "]" : "", address->port);
}

static enum status ask(const char *url, struct fetch_answer *answer, struct err *err)
{
	const struct fetch_options options = { .ca_file = NULL };
	const struct fetch_request request = { .method = "GET", .url = url, .timeout_ms = HEALTH_TIMEOUT_MS, .stop_fd = -1 };
	struct fetch *fetch = NULL;
	enum status status = fetch_global_init(err);

	if (status == STATUS_OK)
		status = fetch_new(&options, &fetch, err);
	if (status == STATUS_OK)
		status = fetch_run(fetch, &request, answer, err);
	fetch_free(fetch);
	return status;
}

int command_health(const struct sweeper_config *config, const struct command_options *options)
{
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_SWEEPER_ANSWER);
	BUF_AUTO url = BUF_INIT(LIMIT_PATH);
	struct address address;
	struct err err = ERR_INIT;
	enum status status = address_parse(span_cstr(config->admin_listen), &address);

	(void)options;
	if (status == STATUS_OK) {
		put_url(&address, &url);
		status = ask(buf_cstr(&url), &answer, &err);
	}
	if (status != STATUS_OK)
		(void)fprintf(stderr, "rescue-sweeper: %s: %s\n", buf_cstr(&url), err.text);
	else
		(void)printf("%.*s", SPAN_ARG(buf_span(&answer.body)));
	buf_done(&answer.body);
	return status == STATUS_OK && answer.code == 200 && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
