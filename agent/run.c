#include "agent/run.h"

#include <string.h>
#include <unistd.h>

#include "agent/early.h"
#include "agent/link.h"
#include "agent/renew.h"
#include "agent/spool.h"
#include "agent/supervisor.h"
#include "agent/upload.h"
#include "agent/wait.h"
#include "shared/failpoint.h"
#include "shared/log.h"
#include "shared/stop.h"

enum run_state { RUN_DRAIN, RUN_WAIT, RUN_CAPTURE, RUN_SEND, RUN_END };

/* An order is known again by its grace: an operator's retry has a new one. */
struct finished {
	char capture_id[CAPTURE_ID_SIZE];
	int64_t grace_until_ns;
};
enum { FINISHED_KEPT = 16 };

struct run {
	const struct agent_config *config;
	int control;           /* to the supervisor */
	struct link link;
	struct renew renew;
	struct spool spool;
	bool has_spool;        /* a box whose disk is full or read-only is rescued all the same */
	enum run_state state;
	struct order order;    /* from RUN_WAIT on */
	struct parcel *parcel; /* from RUN_CAPTURE to RUN_SEND */
	bool early_done;       /* and the early capture went along in it */
	struct finished finished[FINISHED_KEPT];
	size_t finished_count; /* in all; the newest FINISHED_KEPT are there */
};

static void set_state(struct run *run, enum run_state state)
{
	static const char *const names[] = { "drain", "wait", "capture", "send", "end" };

	log_event(LOG_DEBUG, "run.state", LOG_S("from", names[run->state]), LOG_S("to", names[state]));
	run->state = state;
}

static bool is_finished(const struct run *run)
{
	size_t kept = run->finished_count < FINISHED_KEPT ? run->finished_count : FINISHED_KEPT;

	for (size_t i = 0; i < kept; i++) {
		if (strcmp(run->finished[i].capture_id, run->order.capture_id) == 0 &&
		    run->finished[i].grace_until_ns == run->order.grace_until_ns)
			return true;
	}
	return false;
}

static void remember_finished(struct run *run, const struct order *order)
{
	struct finished *finished = &run->finished[run->finished_count++ % FINISHED_KEPT];

	memcpy(finished->capture_id, order->capture_id, sizeof finished->capture_id);
	finished->grace_until_ns = order->grace_until_ns;
}

static void log_order(const struct run *run, enum log_level level, const char *event)
{
	log_event(level, event, LOG_S("capture_id", run->order.capture_id),
	          LOG_S("workspace_id", run->order.workspace_id),
	          LOG_S("reason", order_reason_name(run->order.reason)));
}

/* Brings one parcel to its end and the spool up to date. STATUS_STOPPED leaves it spooled. */
static enum status send_parcel(struct run *run, const struct order *order, const struct parcel *parcel)
{
	enum upload_end end;
	enum status status = upload_run(&run->link, parcel, &end);

	if (status != STATUS_OK)
		return status;
	FAILPOINT("agent.uploaded");
	remember_finished(run, order);
	/* A bundle from before a restart may have been made without it: then it waits for the next one. */
	if (end == UPLOAD_STORED && run->early_done)
		early_drop(run->config->spool_dir);
	run->early_done = false;
	if (run->has_spool && end == UPLOAD_REFUSED)
		spool_set_aside(&run->spool, parcel_capture_id(parcel));
	else if (run->has_spool)
		spool_drop(&run->spool, parcel_capture_id(parcel));
	return STATUS_OK;
}

static enum status drain_one(struct run *run, const char *capture_id)
{
	struct parcel *parcel = NULL;
	struct order order;
	struct err err = ERR_INIT;
	enum status status = spool_load(&run->spool, capture_id, &parcel, &err);

	if (status != STATUS_OK) {
		log_event(LOG_ERROR, "spool.load", LOG_S("capture_id", capture_id), LOG_S("error", err.text));
		spool_set_aside(&run->spool, capture_id);
		return STATUS_OK;
	}
	log_event(LOG_INFO, "spool.resume", LOG_S("capture_id", capture_id));
	(void)spool_find(&run->spool, capture_id, &order);
	status = send_parcel(run, &order, parcel);
	parcel_free(parcel);
	return status;
}

static enum run_state drain(struct run *run)
{
	struct spool_list list = { .count = 0 };
	struct err err = ERR_INIT;
	enum status status = STATUS_OK;

	if (run->has_spool && spool_list(&run->spool, &list, &err) != STATUS_OK)
		log_event(LOG_ERROR, "spool.list", LOG_S("error", err.text));
	for (size_t i = 0; i < list.count && status == STATUS_OK; i++) {
		if (list.items[i].state == SPOOL_WAITING)
			status = drain_one(run, list.items[i].capture_id);
	}
	return status == STATUS_OK ? RUN_WAIT : RUN_END;
}

/* What to do about the order that came. */
static enum run_state decide(struct run *run)
{
	struct order spooled = { .grace_until_ns = 0 };
	enum spool_state state = SPOOL_NONE;

	if (run->has_spool)
		state = spool_find(&run->spool, run->order.capture_id, &spooled);
	if (is_finished(run) || (state == SPOOL_REFUSED && spooled.grace_until_ns == run->order.grace_until_ns)) {
		log_order(run, LOG_WARN, "order.repeated");
		link_slow(&run->link);
		return RUN_WAIT;
	}
	FAILPOINT("agent.ordered");
	log_order(run, LOG_INFO, "order.received");
	link_works(&run->link);
	return state == SPOOL_WAITING ? RUN_DRAIN : RUN_CAPTURE;
}

static void stand_down(const struct run *run)
{
	early_drop(run->config->spool_dir);
	log_event(LOG_INFO, "run.stand_down", LOG_S("workspace_id", run->link.identity.workspace_id));
}

static enum run_state wait_step(struct run *run)
{
	switch (wait_for_order(&run->link, &run->order)) {
	case STATUS_OK:
		return decide(run);
	case STATUS_CLOSED:
		stand_down(run);
		return RUN_END;
	default:
		return RUN_END;
	}
}

static enum run_state capture_step(struct run *run)
{
	struct err err = ERR_INIT;
	int early_fd = early_open(run->config->spool_dir);
	enum status status = supervisor_capture(run->control, run->config, &run->link.identity, &run->order, early_fd,
	                                        &run->parcel, &run->early_done, &err);

	if (early_fd >= 0)
		(void)close(early_fd);
	FAILPOINT("agent.captured");
	if (status != STATUS_OK) {
		log_event(LOG_ERROR, "capture.failed", LOG_S("capture_id", run->order.capture_id),
		          LOG_S("error", err.text));
		link_slow(&run->link);
		return RUN_WAIT;
	}
	if (run->has_spool && spool_put(&run->spool, &run->order, run->parcel, &err) != STATUS_OK)
		log_event(LOG_ERROR, "spool.put", LOG_S("capture_id", run->order.capture_id), LOG_S("error", err.text),
		          LOG_S("then", "it is sent from memory and lost if the agent ends before"));
	return RUN_SEND;
}

static enum run_state send_step(struct run *run)
{
	enum status status = send_parcel(run, &run->order, run->parcel);

	parcel_free(run->parcel);
	run->parcel = NULL;
	return status == STATUS_OK ? RUN_WAIT : RUN_END;
}

static enum run_state step(struct run *run)
{
	if (stop_wanted())
		return RUN_END;
	switch (run->state) {
	case RUN_DRAIN:
		return drain(run);
	case RUN_WAIT:
		return wait_step(run);
	case RUN_CAPTURE:
		return capture_step(run);
	case RUN_SEND:
		return send_step(run);
	case RUN_END:
		break;
	}
	return RUN_END;
}

static void open_spool(struct run *run)
{
	struct err err = ERR_INIT;

	run->has_spool = spool_init(&run->spool, run->config->spool_dir, &err) == STATUS_OK;
	if (!run->has_spool)
		log_event(LOG_ERROR, "spool.init", LOG_S("error", err.text),
		          LOG_S("then", "bundles are sent from memory and lost if the agent ends before"));
}

enum status agent_run(const struct agent_config *config, int control, struct err *err)
{
	struct run run = { .config = config, .control = control, .state = RUN_DRAIN };
	enum status status;

	log_event(LOG_INFO, "agent.start", LOG_S("version", RESCUE_VERSION));
	open_spool(&run);
	status = renew_start(&run.renew, config, err);
	if (status == STATUS_OK)
		status = link_init(&run.link, config, err);
	else if (status == STATUS_CLOSED)
		stand_down(&run);
	while (status == STATUS_OK && run.state != RUN_END)
		set_state(&run, step(&run));
	parcel_free(run.parcel);
	renew_stop(&run.renew);
	link_done(&run.link);
	log_event(LOG_INFO, "agent.end");
	return status == STATUS_STOPPED || status == STATUS_CLOSED ? STATUS_OK : status;
}
