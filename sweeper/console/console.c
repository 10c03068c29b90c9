#include "sweeper/console/console.h"

#include <string.h>

#include "shared/log.h"
#include "shared/random.h"
#include "shared/stop.h"
#include "sweeper/console/aws.h"
#include "sweeper/console/aws_answer.h"
#include "sweeper/console/console_record.h"
#include "sweeper/ledger/ledger.h"
#include "sweeper/metrics.h"
#include "sweeper/rules.h"

enum {
	LOOK_MS = 1000,         /* at the table; nobody waits for this */
	THROTTLED_MS = 1000,    /* between two captures; the same one waits for longer */
	LEDGER_RETRY_MS = 5000,
	ATTEMPTS = 5,
};

/* What came of asking. */
enum found {
	FOUND_OUTPUT,
	FOUND_NOTHING, /* no output yet */
	FOUND_REFUSAL, /* it will never be given */
	FOUND_LATER,   /* not now */
};

static const char *const found_names[] = {
	[FOUND_OUTPUT] = "output", [FOUND_NOTHING] = "none", [FOUND_REFUSAL] = "refused", [FOUND_LATER] = "later",
};

/* One capture at work. */
struct job {
	char capture_id[CAPTURE_ID_SIZE];
	char workspace_id[LIMIT_WORKSPACE_ID + 1];
	char instance_id[LIMIT_INSTANCE_ID + 1];
	int64_t attempt;
	struct buf bundle_gzip;
	struct raw_text content;
	struct err why; /* unless there is output */
};

struct loop {
	const struct ship_options *options;
	struct ledger *ledger;
	struct aws *aws;
	bool is_ledger_down;
};

static void take_claim(void *ctx, const struct ledger_capture *capture, int64_t attempt)
{
	struct job *job = ctx;

	memcpy(job->capture_id, capture->capture_id, sizeof job->capture_id);
	memcpy(job->workspace_id, capture->workspace_id, sizeof job->workspace_id);
	memcpy(job->instance_id, capture->instance_id, sizeof job->instance_id);
	job->attempt = attempt;
	buf_append_span(&job->bundle_gzip, capture->bundle);
}

static bool is_one_of(const char *code, const char *const *codes)
{
	for (; *codes != NULL; codes++) {
		if (strcmp(code, *codes) == 0)
			return true;
	}
	return false;
}

/* EC2's error codes (EC2 API reference, "Error codes"). */
static enum found judge(struct loop *loop, struct job *job, const struct fetch_answer *answer)
{
	static const char *const expired[] = { "AuthFailure", "RequestExpired", "ExpiredToken", "InvalidClientTokenId", NULL };
	static const char *const later[] = { "RequestLimitExceeded", "Throttling", "ThrottlingException", NULL };
	char code[AWS_CODE_SIZE];
	enum status status;

	if (answer->code == 200) {
		status = aws_answer_console(buf_span(&answer->body), &job->content.bytes);
		if (status == STATUS_OK)
			return FOUND_OUTPUT;
		(void)err_set(&job->why, status, status == STATUS_NOT_FOUND ? "EC2 has no console output of it" :
		                                 "EC2's answer holds no console output that can be read");
		return status == STATUS_NOT_FOUND ? FOUND_NOTHING : FOUND_REFUSAL;
	}
	aws_answer_code(buf_span(&answer->body), code);
	(void)err_set(&job->why, STATUS_UNAVAILABLE, "EC2 answered with %d %s", answer->code, code);
	if (is_one_of(code, expired))
		aws_forget_credentials(loop->aws);
	return answer->code >= 500 || answer->code == 429 || is_one_of(code, later) || is_one_of(code, expired) ?
	       FOUND_LATER : FOUND_REFUSAL;
}

/* Only newer kinds of instances can show what their console shows now. */
static bool wants_older(const struct fetch_answer *answer)
{
	static const char *const refused[] = { "UnsupportedOperation", "InvalidParameterCombination", NULL };
	char code[AWS_CODE_SIZE];

	aws_answer_code(buf_span(&answer->body), code);
	return answer->code == 400 && is_one_of(code, refused);
}

static enum found ask(struct loop *loop, struct job *job)
{
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_AWS_ANSWER);
	enum status status;
	enum found found = FOUND_LATER;

	if (!aws_is_instance_id(span_cstr(job->instance_id))) {
		(void)err_set(&job->why, STATUS_INVALID, "the row's instance_id is none of EC2's");
		return FOUND_REFUSAL;
	}
	status = aws_get_console(loop->aws, job->instance_id, true, &answer, &job->why);
	if (status == STATUS_OK && wants_older(&answer))
		status = aws_get_console(loop->aws, job->instance_id, false, &answer, &job->why);
	if (status == STATUS_OK)
		found = judge(loop, job, &answer);
	else if (status == STATUS_TOO_LARGE)
		found = FOUND_REFUSAL;
	buf_wipe(&answer.body);
	return found;
}

static enum status store(struct loop *loop, struct job *job, enum record_outcome outcome, struct err *err)
{
	const struct redactor *redactor = rules_acquire();
	BUF_AUTO bundle = BUF_INIT(LIMIT_BUNDLE_GZIP);
	enum status status;

	if (outcome != OUTCOME_OK) {
		buf_reset(&job->content.bytes);
		buf_printf(&job->content.bytes, "(console output not available: %s)", job->why.text);
	}
	status = console_record_add(buf_span(&job->bundle_gzip), redactor, outcome, &job->content, &bundle, err);
	rules_release(redactor);
	if (status == STATUS_INVALID) {
		/* Not the record that this loop was made for: nothing is put beside it, and it is not due for long. */
		log_event(LOG_ERROR, "console.unreadable", LOG_S("capture_id", job->capture_id), LOG_S("error", err->text));
		return STATUS_OK;
	}
	if (status == STATUS_OK)
		status = ledger_store_console(loop->ledger, job->capture_id, job->attempt, buf_span(&bundle), err);
	if (status == STATUS_OK)
		wake_raise(loop->options->wake);
	return status == STATUS_CONFLICT ? STATUS_OK : status;
}

static enum status work(struct loop *loop, struct job *job, struct err *err)
{
	enum found found = ask(loop, job);
	bool is_last = job->attempt >= ATTEMPTS;

	if (stop_wanted())
		return STATUS_OK;
	metrics_add(METRIC_CONSOLES, found_names[found], 1);
	log_event(found == FOUND_OUTPUT ? LOG_INFO : LOG_WARN, found == FOUND_OUTPUT ? "console.output" : "console.none",
	          LOG_S("capture_id", job->capture_id), LOG_S("workspace_id", job->workspace_id),
	          LOG_S("instance_id", job->instance_id), LOG_I("attempt", job->attempt),
	          LOG_S(found == FOUND_OUTPUT ? NULL : "error", job->why.text));
	if (found == FOUND_OUTPUT)
		return store(loop, job, OUTCOME_OK, err);
	if (found == FOUND_REFUSAL || is_last)
		return store(loop, job, found == FOUND_NOTHING ? OUTCOME_ABSENT : OUTCOME_ERROR, err);
	if (found == FOUND_LATER)
		(void)stop_sleep_ms(THROTTLED_MS / 2 + random_below(THROTTLED_MS));
	return STATUS_OK;
}

/* One capture; *ret_worked is false when none is due. */
static enum status round_once(struct loop *loop, bool *ret_worked, struct err *err)
{
	struct job job = { .bundle_gzip = BUF_INIT(LIMIT_BUNDLE_GZIP), .why = ERR_INIT };
	int64_t count;
	enum status status = ledger_claim_console(loop->ledger, ATTEMPTS, take_claim, &job, &count, err);

	raw_text_init(&job.content, LIMIT_AWS_ANSWER);
	*ret_worked = status == STATUS_OK && count > 0;
	if (*ret_worked)
		status = work(loop, &job, err);
	raw_text_done(&job.content);
	buf_done(&job.bundle_gzip);
	return status;
}

static void run(struct loop *loop)
{
	while (!stop_wanted()) {
		struct err err = ERR_INIT;
		bool worked;
		enum status status = round_once(loop, &worked, &err);

		if (status != STATUS_OK && !loop->is_ledger_down)
			log_event(LOG_WARN, "console.ledger_failed", LOG_S("org", loop->options->tenant->org),
			          LOG_S("error", err.text));
		loop->is_ledger_down = status != STATUS_OK;
		if (status != STATUS_OK)
			(void)stop_sleep_ms(LEDGER_RETRY_MS / 2 + random_below(LEDGER_RETRY_MS));
		else if (!worked)
			(void)stop_sleep_ms(LOOK_MS);
	}
}

void console_loop(const struct ship_options *options)
{
	struct loop loop = { .options = options };
	struct err err = ERR_INIT;
	enum status status = ledger_new(options->config, options->tenant, &loop.ledger);

	if (status == STATUS_OK)
		status = aws_new(&options->config->console_fallback, &loop.aws, &err);
	if (status == STATUS_OK)
		run(&loop);
	else
		log_event(LOG_ERROR, "console.cannot_start", LOG_S("org", options->tenant->org), LOG_S("error", err.text));
	aws_free(loop.aws);
	ledger_free(loop.ledger);
}
