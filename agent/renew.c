#include "agent/renew.h"

#include <errno.h>

#include "agent/credential.h"
#include "agent/enroll.h"
#include "agent/link.h"
#include "proto/enroll.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/random.h"
#include "shared/stop.h"

enum { POST_MS = 60 * 1000, STACK_BYTES = 512 * 1024, JITTER = 10 /* up to a tenth earlier */, PAUSE_S = 60 };

static bool has_ended(const struct agent_config *config)
{
	struct pki_facts facts;
	struct err err = ERR_INIT;

	return credential_facts(config, &facts, &err) != STATUS_OK || facts.not_after_s <= clock_real_ns() / 1000000000;
}

static enum status ask(const struct agent_config *config, struct link *link, struct span body, int64_t *ret_due_in_s,
                       struct err *err)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	const struct link_call call = { .method = "POST", .path = "/v1/identity/renew", .headers = headers, .body = body,
	                                .timeout_ms = POST_MS };
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_SWEEPER_ANSWER);
	enum status status = STATUS_AGAIN;

	while (status == STATUS_AGAIN && !has_ended(config)) {
		status = link_try(link, &call, &answer);
		if (status == STATUS_OK)
			status = enroll_take_answer(config, link, &answer, ret_due_in_s, err);
	}
	buf_done(&answer.body);
	/* What cannot be renewed any more is got anew. */
	return status == STATUS_AGAIN ? STATUS_DENIED : status;
}

static enum status renew_once(const struct agent_config *config, int64_t *ret_due_in_s, struct err *err)
{
	BUF_AUTO csr = BUF_INIT(LIMIT_ENROLL_CSR);
	BUF_AUTO body = BUF_INIT(LIMIT_ENROLL_BODY);
	struct link link = { .config = NULL };
	enum status status = credential_request(config, &csr, err);

	if (status == STATUS_OK)
		status = enroll_request_format(&(struct enroll_request){ .csr = buf_span(&csr) }, &body);
	if (status == STATUS_OK)
		status = link_init_aside(&link, config, err);
	if (status == STATUS_OK)
		status = ask(config, &link, buf_span(&body), ret_due_in_s, err);
	link_done(&link);
	return status == STATUS_DENIED ? enroll_run(config, true, ret_due_in_s, err) : status;
}

static void *run(void *ctx)
{
	struct renew *renew = ctx;

	for (;;) {
		/* Boxes that were made together shall not all come at once. */
		uint64_t due_ms = (uint64_t)renew->due_in_s * 1000;
		struct err err = ERR_INIT;
		enum status status;

		if (stop_sleep_ms(due_ms - random_below(due_ms / JITTER + 1)) != STATUS_OK)
			return NULL;
		status = renew_once(renew->config, &renew->due_in_s, &err);
		if (status == STATUS_STOPPED)
			return NULL;
		if (status == STATUS_CLOSED) {
			log_event(LOG_INFO, "identity.over", LOG_S("answer", err.text));
			stop_request();
			return NULL;
		}
		if (status == STATUS_OK) {
			/* A link that pauses after failures has a reason to try again; one that holds a request goes on. */
			stop_request_reload();
			continue;
		}
		log_event(LOG_ERROR, "identity.not_renewed", LOG_S("error", err.text), LOG_I("retry_in_s", PAUSE_S));
		renew->due_in_s = PAUSE_S;
	}
}

enum status renew_start(struct renew *renew, const struct agent_config *config, struct err *err)
{
	pthread_attr_t attr;
	enum status status;

	*renew = (struct renew){ .config = config };
	if (!config->identity.enroll)
		return STATUS_OK;
	status = enroll_ensure(config, &renew->due_in_s, err);
	if (status != STATUS_OK)
		return status;
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	errno = pthread_create(&renew->thread, &attr, run, renew);
	(void)pthread_attr_destroy(&attr);
	renew->has_thread = errno == 0;
	return renew->has_thread ? STATUS_OK : err_set_errno(err, "cannot start the thread that renews the certificate");
}

void renew_stop(struct renew *renew)
{
	if (!renew->has_thread)
		return;
	stop_request();
	(void)pthread_join(renew->thread, NULL);
	renew->has_thread = false;
}
