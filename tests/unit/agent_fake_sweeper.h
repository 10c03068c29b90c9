/*
 * agent_fake_sweeper: takes the place of shared/fetch in the tests of the agent's way to its sweepers: a table of
 * answers, given one after the other, and what was asked.
 */
#ifndef RESCUE_TESTS_AGENT_FAKE_SWEEPER_H
#define RESCUE_TESTS_AGENT_FAKE_SWEEPER_H

#include <stdio.h>
#include <unistd.h>

#include "agent/link.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/stop.h"

struct fake_answer {
	enum status status; /* of the exchange */
	int code;
	const char *body;
	int64_t retry_after_s; /* 0: none */
};

static struct {
	const struct fake_answer *answers; /* when they are used up, the agent is stopped */
	size_t count, used;
	bool stop_with_last; /* the stop comes while the last answer is on its way */
	char urls[32][128];
	char method[8];
	int64_t timeout_ms;
	struct span body;
	size_t resets;
} fake;

static char *fake_urls[] = { (char[]){ "https://one" }, (char[]){ "https://two" } };
static struct agent_config fake_config;

enum status fetch_global_init(struct err *err)
{
	(void)err;
	return STATUS_OK;
}

enum status fetch_new(const struct fetch_options *options, struct fetch **ret_fetch, struct err *err)
{
	(void)options;
	(void)ret_fetch;
	(void)err;
	return STATUS_OK;
}

void fetch_free(struct fetch *fetch)
{
	(void)fetch;
}

void fetch_reset(struct fetch *fetch)
{
	(void)fetch;
	fake.resets++;
}

enum status fetch_run(struct fetch *fetch, const struct fetch_request *request, struct fetch_answer *answer,
                      struct err *err)
{
	const struct fake_answer *given = &fake.answers[fake.used];

	(void)fetch;
	if (fake.used == fake.count)
		return STATUS_STOPPED;
	(void)snprintf(fake.urls[fake.used], sizeof fake.urls[0], "%s", request->url);
	(void)snprintf(fake.method, sizeof fake.method, "%s", request->method);
	fake.timeout_ms = request->timeout_ms;
	fake.body = request->body;
	if (++fake.used == fake.count && fake.stop_with_last)
		stop_request();
	if (given->status != STATUS_OK)
		return err_set(err, given->status, "no sweeper there");
	answer->code = given->code;
	buf_reset(&answer->body);
	if (given->body != NULL)
		buf_append_cstr(&answer->body, given->body);
	answer->retry_after_s = given->retry_after_s > 0 ? given->retry_after_s : -1;
	return STATUS_OK;
}

enum status fetch_stream(struct fetch *fetch, const struct fetch_request *request, fetch_sink *sink, void *ctx,
                         struct fetch_answer *answer, struct err *err)
{
	(void)sink;
	(void)ctx;
	return fetch_run(fetch, request, answer, err);
}

/* Takes a stop back, for the next case. Programs never do that. */
static void fake_unstop(void)
{
	uint64_t count;

	assert_int_equal(read(stop_fd(), &count, sizeof count), sizeof count);
}

/* A link to `sweepers` sweepers as workspace ws-1 of acme, and the answers that they will give. */
static void fake_start(struct link *link, size_t sweepers, const struct fake_answer *answers, size_t count)
{
	log_set_level(LOG_ERROR + 1);
	memset(&fake, 0, sizeof fake);
	memset(link, 0, sizeof *link);
	fake.answers = answers;
	fake.count = count;
	fake_config.sweepers.items = fake_urls;
	fake_config.sweepers.count = sweepers;
	link->config = &fake_config;
	link->identity = (struct identity){ .role = IDENTITY_WORKSPACE, .org = "acme", .workspace_id = "ws-1" };
}

#endif
