#include "sweeper/verdict/webhook.h"

#include <stdlib.h>

#include "shared/fetch.h"
#include "shared/file.h"
#include "shared/log.h"
#include "shared/random.h"
#include "shared/stop.h"
#include "sweeper/ledger/ledger.h"
#include "sweeper/metrics.h"

enum {
	BATCH = 10,
	POST_MS = 10 * 1000,
	LEASE_S = 2 * BATCH * POST_MS / 1000, /* so that a batch of slow posts ends before its lease does */
	IDLE_MS = 1000,
	RETRY_BASE_MS = 1000,
	RETRY_CAP_MS = 5 * 60 * 1000,
	ANSWER_MAX_BYTES = 64 * 1024, /* read so that the connection can be kept, and thrown away */
	LONGEST_WAIT_S = 3600,
};

struct webhook {
	struct webhook_options options;
	struct ledger *ledger;
	struct fetch *fetch;
	char owner[RANDOM_UUID_SIZE];
	bool is_refused;          /* the receiver fails, and that is logged */
	bool is_database_failing; /* and logged */
};

/* One batch on its way. */
struct round {
	struct webhook *webhook;
	struct buf header_text;                      /* lines, each ended by a NUL */
	const char *headers[LIMIT_FETCH_HEADERS + 2]; /* into header_text, NULL at the end */
	int64_t posted;
	enum status status; /* of the ledger */
	struct err *err;
};

enum status webhook_new(const struct webhook_options *options, struct webhook **ret_webhook, struct err *err)
{
	static const struct fetch_options defaults = { .ca_file = NULL };
	struct webhook *webhook = calloc(1, sizeof *webhook);
	enum status status;

	*ret_webhook = NULL;
	if (webhook == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	webhook->options = *options;
	random_uuid(webhook->owner);
	status = fetch_new(&defaults, &webhook->fetch, err);
	if (status == STATUS_OK)
		status = ledger_new(options->config, options->tenant, &webhook->ledger);
	if (status != STATUS_OK)
		webhook_free(webhook);
	else
		*ret_webhook = webhook;
	return status;
}

void webhook_free(struct webhook *webhook)
{
	if (webhook == NULL)
		return;
	ledger_free(webhook->ledger);
	fetch_free(webhook->fetch);
	free(webhook);
}

/* Cuts the file's lines apart in place. Read for each batch, so that a changed token counts at once. */
static enum status read_headers(struct round *round, struct err *err)
{
	static const char json_type[] = "Content-Type: application/json";
	const char *path = round->webhook->options.config->events.webhook_headers_file;
	size_t count = 0;
	enum status status = path[0] == '\0' ? STATUS_OK : file_read(path, &round->header_text, err);
	char *line;

	round->headers[count++] = json_type;
	if (status != STATUS_OK || round->header_text.len == 0)
		return status;
	buf_append_byte(&round->header_text, '\n');
	if (buf_status(&round->header_text) != STATUS_OK)
		return err_set(err, buf_status(&round->header_text), "%s is too large", path);
	line = (char *)round->header_text.ptr;
	for (char *at = line; at < (char *)round->header_text.ptr + round->header_text.len; at++) {
		if (*at != '\n' && *at != '\r' && *at != '\0')
			continue;
		*at = '\0';
		if (at > line && count == LIMIT_FETCH_HEADERS)
			return err_set(err, STATUS_TOO_LARGE, "%s has more than %d lines", path, LIMIT_FETCH_HEADERS - 1);
		if (at > line)
			round->headers[count++] = line;
		line = at + 1;
	}
	return STATUS_OK;
}

/* STATUS_OK when the receiver took it. */
static enum status post(struct round *round, const struct ledger_event *event, int64_t *ret_retry_after_s,
                        struct err *err)
{
	struct webhook *webhook = round->webhook;
	struct fetch_answer answer = FETCH_ANSWER_INIT(ANSWER_MAX_BYTES);
	struct fetch_request request = { .method = "POST", .url = webhook->options.config->events.webhook_url,
	                                 .headers = round->headers, .body = event->json, .timeout_ms = POST_MS,
	                                 .stop_fd = stop_fd() };
	enum status status = fetch_run(webhook->fetch, &request, &answer, err);

	*ret_retry_after_s = answer.retry_after_s;
	/* The code came before the body: an answer that is longer than we care for is an answer. */
	if (status == STATUS_OK || status == STATUS_TOO_LARGE) {
		status = STATUS_OK;
		if (answer.code < 200 || answer.code > 299)
			status = err_set(err, STATUS_UNAVAILABLE, "the webhook answered %d", answer.code);
	}
	buf_done(&answer.body);
	return status;
}

static void note_post(struct webhook *webhook, const struct ledger_event *event, enum status status,
                      const struct err *err)
{
	const char *org = webhook->options.tenant->org;

	if (status == STATUS_OK) {
		metrics_add(METRIC_EVENTS_DELIVERED, NULL, 1);
		if (webhook->is_refused)
			log_event(LOG_INFO, "webhook.resumed", LOG_S("org", org));
	} else {
		metrics_add(METRIC_EVENT_ERRORS, NULL, 1);
		if (!webhook->is_refused)
			log_event(LOG_WARN, "webhook.failing", LOG_S("org", org), LOG_S("event_id", event->event_id),
			          LOG_S("reason", err->text));
	}
	webhook->is_refused = status != STATUS_OK;
}

static int64_t delay_ms(int64_t attempts, int64_t retry_after_s)
{
	unsigned attempt = attempts > 30 ? 30 : (unsigned)attempts;
	int64_t delay = (int64_t)random_backoff_ms(attempt, RETRY_BASE_MS, RETRY_CAP_MS);

	if (retry_after_s > LONGEST_WAIT_S)
		retry_after_s = LONGEST_WAIT_S;
	return delay < retry_after_s * 1000 ? retry_after_s * 1000 : delay;
}

static void deliver(void *ctx, const struct ledger_event *event)
{
	struct round *round = ctx;
	struct webhook *webhook = round->webhook;
	struct err err = ERR_INIT;
	int64_t retry_after_s;
	enum status status;

	/* What is left when a stop is wanted or the database is gone is due again when the lease ends. */
	if (round->status != STATUS_OK || stop_wanted())
		return;
	round->posted++;
	status = post(round, event, &retry_after_s, &err);
	if (status == STATUS_STOPPED)
		return;
	note_post(webhook, event, status, &err);
	if (status == STATUS_OK)
		round->status = ledger_event_done(webhook->ledger, event->event_id, round->err);
	else
		round->status = ledger_event_later(webhook->ledger, event->event_id, delay_ms(event->attempts, retry_after_s),
		                                   err.text, round->err);
}

enum status webhook_once(struct webhook *webhook, int64_t *ret_posted, struct err *err)
{
	struct round round = { .webhook = webhook, .header_text = BUF_INIT(LIMIT_SECRET_FILE), .err = err };
	enum status status = read_headers(&round, err);

	if (status == STATUS_OK)
		status = ledger_claim_events(webhook->ledger, webhook->owner, LEASE_S, BATCH, deliver, &round, err);
	buf_wipe(&round.header_text);
	*ret_posted = round.posted;
	return status == STATUS_OK ? round.status : status;
}

void webhook_loop(struct webhook *webhook)
{
	const char *org = webhook->options.tenant->org;
	unsigned failures = 0;

	if (webhook->options.config->events.webhook_url[0] == '\0')
		return;
	while (!stop_wanted()) {
		struct err err = ERR_INIT;
		int64_t posted;
		enum status status = webhook_once(webhook, &posted, &err);
		uint64_t pause_ms = posted == BATCH ? 0 : IDLE_MS;

		if (status != STATUS_OK && !webhook->is_database_failing)
			log_event(LOG_ERROR, "webhook.stalled", LOG_S("org", org), LOG_S("reason", err.text));
		if (status == STATUS_OK && webhook->is_database_failing)
			log_event(LOG_INFO, "webhook.resumed", LOG_S("org", org));
		webhook->is_database_failing = status != STATUS_OK;
		failures = status == STATUS_OK ? 0 : failures + 1;
		if (failures > 0)
			pause_ms = random_backoff_ms(failures - 1, RETRY_BASE_MS, RETRY_CAP_MS / 10);
		if (stop_sleep_ms(pause_ms) == STATUS_STOPPED)
			return;
	}
}
