#include "agent/wait.h"

#include <string.h>

#include "shared/log.h"

#define TEXT_OF(number) TEXT_OF_EXPANDED(number)
#define TEXT_OF_EXPANDED(number) #number
#define ORDERS_PATH "/v1/orders/next?wait=" TEXT_OF(LIMIT_WAIT_S)

enum {
	/* The sweeper's answer may be on its way when the hold ends. */
	HELD_TIMEOUT_MS = (LIMIT_WAIT_S + 30) * 1000,
	/* A sweeper that has nothing holds the request; one that does not must not make this a busy loop. */
	EARLY_MS = 1000,
};

static void log_answer(const struct link *link, const char *event, int code, const char *what)
{
	log_event(LOG_WARN, event, LOG_S("sweeper", link_sweeper(link)),
	          LOG_S("workspace_id", link->identity.workspace_id), LOG_I("code", code), LOG_S("do", what));
}

static enum status take_order(struct link *link, struct span body, struct order *ret_order)
{
	struct err err = ERR_INIT;
	enum status status = order_parse(body, ret_order, &err);

	if (status == STATUS_OK && strcmp(ret_order->workspace_id, link->identity.workspace_id) != 0)
		status = err_set(&err, STATUS_DENIED, "it is for another workspace than the certificate's");
	if (status == STATUS_OK)
		return STATUS_OK;
	log_event(LOG_ERROR, "order.refused", LOG_S("sweeper", link_sweeper(link)),
	          LOG_S("workspace_id", link->identity.workspace_id), LOG_S("error", err.text));
	link_slow(link);
	return STATUS_AGAIN;
}

/* What an answer means; STATUS_AGAIN after the link was told. */
static enum status judge(struct link *link, const struct fetch_answer *answer, struct order *ret_order)
{
	switch (answer->code) {
	case 200:
		return take_order(link, buf_span(&answer->body), ret_order);
	case 204:
		if (link->took_ms < EARLY_MS)
			link_pace(link);
		else
			link_works(link);
		return STATUS_AGAIN;
	case 410:
		return STATUS_CLOSED;
	case 403:
		log_answer(link, "sweeper.denied", answer->code,
		           "the certificate's trust domain, org or workspace is not this sweeper's: issue another one");
		link_slow(link);
		return STATUS_AGAIN;
	case 429:
	case 500 ... 599:
		log_answer(link, "sweeper.busy", answer->code, "nothing: it is tried again");
		link_retry(link, answer->retry_after_s);
		return STATUS_AGAIN;
	default:
		log_answer(link, "sweeper.strange", answer->code, "check that the URL is a sweeper's gate");
		link_slow(link);
		return STATUS_AGAIN;
	}
}

enum status wait_for_order(struct link *link, struct order *ret_order)
{
	const struct link_call call = { .method = "GET", .path = ORDERS_PATH, .timeout_ms = HELD_TIMEOUT_MS };
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_SWEEPER_ANSWER);
	enum status status;

	do {
		status = link_try(link, &call, &answer);
		if (status == STATUS_OK)
			status = judge(link, &answer, ret_order);
	} while (status == STATUS_AGAIN);
	buf_done(&answer.body);
	return status;
}
