#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/early.h"
#include "agent/sandbox/sandbox.h"
#include "agent/uploader.h"
#include "agent/worker.h"
#include "shared/clock.h"
#include "shared/fdpass.h"
#include "shared/log.h"
#include "shared/random.h"

/* One under way; one that hangs in a read is left behind, and a few of those are all that may be. */
enum { WORKERS_MAX = 4, EARLY_LEAST_MS = 30000 };

struct request {
	struct identity identity;
	struct order order;
};

struct supervisor {
	const struct agent_config *config;
	int signals;
	int control;                 /* to the uploader */
	pid_t uploader;
	struct worker_pids workers[WORKERS_MAX];
	char boot_id[EARLY_BOOT_ID_SIZE];
	int64_t early_due_mono_ms;   /* -1: no early capture any more */
	pid_t early;                 /* the worker that makes it; -1: none */
	int exit_code;               /* -1: goes on */
};

/* Milliseconds since the machine booted. */
static int64_t boot_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * At boot_deadline_s of the boot; an agent that starts later than that first gives the sweeper a little time to say
 * that all is well.
 */
static void plan_early(struct supervisor *supervisor)
{
	int64_t deadline_ms = supervisor->config->boot_deadline_s * 1000;
	int64_t least_ms = deadline_ms < EARLY_LEAST_MS ? deadline_ms : EARLY_LEAST_MS;
	int64_t left_ms = deadline_ms - boot_ms();
	struct err err = ERR_INIT;

	supervisor->early_due_mono_ms = -1;
	if (deadline_ms == 0)
		return;
	if (early_boot_id(supervisor->boot_id, &err) != STATUS_OK) {
		log_event(LOG_ERROR, "early.plan", LOG_S("error", err.text), LOG_S("then", "there is no early capture"));
		return;
	}
	if (early_exists(supervisor->config->spool_dir, supervisor->boot_id))
		return;
	supervisor->early_due_mono_ms = clock_mono_ms() + (left_ms > least_ms ? left_ms : least_ms);
}

static enum status start_worker(struct supervisor *supervisor, struct worker_job *job, pid_t *ret_pid, struct err *err)
{
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		struct worker_pids *slot = &supervisor->workers[i];
		enum status status;

		if (slot->worker >= 0 || slot->relay >= 0 || slot->metadata >= 0)
			continue;
		job->not_for_it[0] = supervisor->control;
		job->not_for_it[1] = supervisor->signals;
		status = worker_start(supervisor->config, job, slot, err);
		*ret_pid = slot->worker;
		return status;
	}
	return err_set(err, STATUS_UNAVAILABLE, "%d captures hang already", WORKERS_MAX);
}

static void settle_early(struct supervisor *supervisor, bool is_good)
{
	struct err err = ERR_INIT;
	enum status status = early_settle(supervisor->config->spool_dir, supervisor->boot_id, is_good, &err);

	supervisor->early = -1;
	supervisor->early_due_mono_ms = -1;
	if (status == STATUS_OK && is_good)
		log_event(LOG_WARN, "early.spooled", LOG_I("boot_deadline_s", supervisor->config->boot_deadline_s),
		          LOG_S("then", "it goes up with the next order's bundle"));
	else
		log_event(LOG_ERROR, "early.not_spooled", LOG_S("error", is_good ? err.text : "it was not completed"));
}

static void start_early(struct supervisor *supervisor)
{
	struct worker_job job = {
		.reads_identity = true,
		.order = { .reason = REASON_SWEEP, .deadline_s = supervisor->config->capture_deadline_s },
		.output = WORKER_FILE,
		.output_fd = -1,
		.early_fd = -1,
	};
	struct err err = ERR_INIT;
	enum status status = early_create(supervisor->config->spool_dir, supervisor->boot_id, &job.output_fd, &err);

	supervisor->early_due_mono_ms = -1;
	if (status != STATUS_OK) {
		log_event(LOG_ERROR, "early.not_spooled", LOG_S("error", err.text));
		/* A box with neither network nor disk may still have a console. */
		job.output_fd = supervisor->config->console[0] != '\0' ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
	}
	if (job.output_fd < 0)
		return;
	random_uuid(job.order.capture_id);
	if (start_worker(supervisor, &job, &supervisor->early, &err) != STATUS_OK)
		log_event(LOG_ERROR, "early.not_spooled", LOG_S("error", err.text));
	(void)close(job.output_fd);
}

/* What the uploader says counts as said from outside. */
static bool is_good(const struct request *request, size_t len, size_t fd_count)
{
	const struct identity *identity = &request->identity;
	const struct order *order = &request->order;

	return len == sizeof *request && (fd_count == 1 || fd_count == 2) &&
	       identity_is_segment(span_of(identity->org, strnlen(identity->org, sizeof identity->org)), LIMIT_ORG) &&
	       identity_is_segment(span_of(order->workspace_id, strnlen(order->workspace_id, sizeof order->workspace_id)),
	                           LIMIT_WORKSPACE_ID) &&
	       order_is_uuid(span_of(order->capture_id, strnlen(order->capture_id, sizeof order->capture_id))) &&
	       (order->reason == REASON_SWEEP || order->reason == REASON_BOOTSTRAP) &&
	       order->deadline_s >= 1 && order->deadline_s <= LIMIT_CAPTURE_DEADLINE_S;
}

/* The uploader learns of a failure by the end of the report's descriptor. */
static void take_request(struct supervisor *supervisor)
{
	struct request request;
	int fds[FDPASS_MAX];
	size_t len, count;
	struct err err = ERR_INIT;
	enum status status = fdpass_receive(supervisor->control, &request, sizeof request, &len, fds, &count, &err);
	pid_t pid;

	if (status == STATUS_OK && !is_good(&request, len, count))
		status = err_set(&err, STATUS_INVALID, "not a request for a capture");
	/* The verdict has come: what it orders is fresher than what the box would do on its own. */
	supervisor->early_due_mono_ms = -1;
	if (supervisor->early >= 0)
		(void)kill(supervisor->early, SIGKILL);
	if (status == STATUS_OK) {
		struct worker_job job = {
			.identity = request.identity,
			.order = request.order,
			.output = WORKER_PACKED,
			.output_fd = fds[0],
			.early_fd = count == 2 ? fds[1] : -1,
		};

		status = start_worker(supervisor, &job, &pid, &err);
	}
	for (size_t i = 0; i < count; i++)
		(void)close(fds[i]);
	if (status == STATUS_CLOSED) {
		/* It is ending; its exit code comes by itself. */
		(void)close(supervisor->control);
		supervisor->control = -1;
	} else if (status != STATUS_OK) {
		log_event(LOG_ERROR, "supervisor.request", LOG_S("error", err.text));
	}
}

static enum status start_uploader(struct supervisor *supervisor, struct err *err)
{
	pid_t parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_set_errno(err, "cannot make a socket pair");
	supervisor->uploader = fork();
	if (supervisor->uploader == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (getppid() != parent)
			_exit(1);
		(void)close(ends[0]);
		(void)close(supervisor->signals);
		_exit(uploader_run(supervisor->config, ends[1]));
	}
	(void)close(ends[1]);
	supervisor->control = ends[0];
	return supervisor->uploader > 0 ? STATUS_OK : err_set_errno(err, "cannot start the uploader");
}

static void uploader_ended(struct supervisor *supervisor, int how)
{
	struct err err = ERR_INIT;

	if (supervisor->control >= 0)
		(void)close(supervisor->control);
	supervisor->control = -1;
	if (WIFEXITED(how) && WEXITSTATUS(how) == UPLOADER_RENEW) {
		log_event(LOG_INFO, "supervisor.renew", LOG_S("because", "files that the uploader may read were replaced"));
		if (start_uploader(supervisor, &err) == STATUS_OK)
			return;
		log_event(LOG_ERROR, "supervisor.renew", LOG_S("error", err.text));
	} else if (WIFSIGNALED(how)) {
		log_event(LOG_ERROR, "supervisor.uploader_killed", LOG_I("signal", WTERMSIG(how)));
	}
	supervisor->exit_code = WIFEXITED(how) && WEXITSTATUS(how) != UPLOADER_RENEW ? WEXITSTATUS(how) : 1;
}

static void worker_ended(struct supervisor *supervisor, pid_t pid, int how)
{
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		struct worker_pids *slot = &supervisor->workers[i];

		if (slot->relay == pid) {
			slot->relay = -1;
		} else if (slot->metadata == pid) {
			slot->metadata = -1;
		} else if (slot->worker == pid) {
			slot->worker = -1;
			/* They may be stuck, as in an Engine that does not take connections. */
			if (slot->relay > 0)
				(void)kill(slot->relay, SIGKILL);
			if (slot->metadata > 0)
				(void)kill(slot->metadata, SIGKILL);
		}
	}
	if (pid == supervisor->early)
		settle_early(supervisor, WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void reap(struct supervisor *supervisor)
{
	int how;
	pid_t pid;

	while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
		if (pid == supervisor->uploader)
			uploader_ended(supervisor, how);
		else
			worker_ended(supervisor, pid, how);
	}
}

static void take_signal(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	if (read(supervisor->signals, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	if (info.ssi_signo == SIGCHLD)
		reap(supervisor);
	else
		(void)kill(supervisor->uploader, (int)info.ssi_signo);
}

static enum status watch_signals(struct supervisor *supervisor, struct err *err)
{
	sigset_t watched;

	(void)sigemptyset(&watched);
	(void)sigaddset(&watched, SIGTERM);
	(void)sigaddset(&watched, SIGINT);
	(void)sigaddset(&watched, SIGHUP);
	(void)sigaddset(&watched, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &watched, NULL) != 0)
		return err_set_errno(err, "cannot block signals");
	supervisor->signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
	return supervisor->signals >= 0 ? STATUS_OK : err_set_errno(err, "cannot watch for signals");
}

static void step(struct supervisor *supervisor)
{
	struct pollfd watch[] = {
		{ .fd = supervisor->signals, .events = POLLIN },
		{ .fd = supervisor->control, .events = POLLIN },
	};
	int64_t left_ms = -1;

	if (supervisor->early_due_mono_ms >= 0) {
		left_ms = supervisor->early_due_mono_ms - clock_mono_ms();
		left_ms = left_ms > 0 ? left_ms : 0;
	}
	(void)poll(watch, 2, (int)left_ms);
	if (watch[0].revents != 0)
		take_signal(supervisor);
	if (watch[1].revents != 0 && supervisor->control == watch[1].fd)
		take_request(supervisor);
	if (supervisor->early_due_mono_ms >= 0 && clock_mono_ms() >= supervisor->early_due_mono_ms)
		start_early(supervisor);
}

int supervisor_run(const struct agent_config *config)
{
	struct supervisor supervisor = { .config = config, .control = -1, .early = -1, .exit_code = -1 };
	struct err err = ERR_INIT;
	enum status status;

	for (size_t i = 0; i < WORKERS_MAX; i++)
		supervisor.workers[i] = (struct worker_pids){ .worker = -1, .relay = -1, .metadata = -1 };
	sandbox_enter(SANDBOX_SUPERVISOR, NULL);
	plan_early(&supervisor);
	status = watch_signals(&supervisor, &err);
	if (status == STATUS_OK)
		status = start_uploader(&supervisor, &err);
	while (status == STATUS_OK && supervisor.exit_code < 0)
		step(&supervisor);
	if (status != STATUS_OK)
		log_event(LOG_ERROR, "supervisor.start", LOG_S("error", err.text));
	/* Workers that are left end with this process. */
	return status == STATUS_OK ? supervisor.exit_code : 1;
}

enum status supervisor_capture(int control, const struct agent_config *config, const struct identity *identity,
                               const struct order *order, int early_fd, struct parcel **ret_parcel,
                               bool *ret_early_done, struct err *err)
{
	struct request request = { .identity = *identity, .order = *order };
	struct worker_report report = { .bundle = BUF_INIT(LIMIT_BUNDLE_BYTES) };
	enum status status;
	int ends[2];

	*ret_parcel = NULL;
	*ret_early_done = false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return err_set_errno(err, "cannot make a socket pair");
	status = fdpass_send(control, span_of(&request, sizeof request), (const int[]){ ends[1], early_fd },
	                     early_fd >= 0 ? 2 : 1, err);
	(void)close(ends[1]);
	if (status == STATUS_OK)
		status = worker_receive(ends[0], clock_mono_ms() + worker_patience_ms(config), &report, err);
	(void)close(ends[0]);
	if (status == STATUS_OK)
		status = parcel_adopt(order->capture_id, &report.bundle, ret_parcel, err);
	if (status == STATUS_OK)
		*ret_early_done = report.table.early_done;
	buf_done(&report.bundle);
	return status;
}
