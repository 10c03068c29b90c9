#include "agent/worker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "agent/console.h"
#include "agent/doorkeeper.h"
#include "agent/link.h"
#include "agent/sandbox/sandbox.h"
#include "shared/clock.h"
#include "shared/fetch.h"
#include "shared/file.h"
#include "shared/log.h"

/* What stands before the bundle in a report; both ends are the same program. */
struct report_head {
	enum status status;
	struct err err;
	struct capture_table table;
	size_t bundle_len;
};

enum { REDACT_MS = 60 * 1000, HANDOVER_MS = 30 * 1000 };

int64_t worker_patience_ms(const struct agent_config *config)
{
	return config->capture_deadline_s * 1000 + REDACT_MS + HANDOVER_MS;
}

/* In the worker. */

static void read_identity(const struct agent_config *config, struct worker_job *job)
{
	if (link_read_identity(config, &job->identity, NULL) != STATUS_OK)
		job->identity = (struct identity){ .role = IDENTITY_WORKSPACE, .org = "local", .workspace_id = "local" };
	memcpy(job->order.workspace_id, job->identity.workspace_id, sizeof job->order.workspace_id);
}

static void summarize(const struct worker_job *job, const struct parcel *parcel, int console, struct buf *summary)
{
	const struct record_origin origin = {
		.capture_id = span_cstr(job->order.capture_id),
		.workspace_id = span_cstr(job->order.workspace_id),
	};

	if (console >= 0 && console_summary(parcel, &origin, summary) != STATUS_OK)
		buf_reset(summary);
}

bool worker_send(int fd, enum status status, const struct err *err, const struct capture_table *table,
                 struct span bundle)
{
	const struct report_head head = { .status = status, .err = *err, .table = *table, .bundle_len = bundle.len };

	return file_put(fd, span_of(&head, sizeof head)) == STATUS_OK && file_put(fd, bundle) == STATUS_OK;
}

static int work(const struct agent_config *config, struct worker_job *job, int console)
{
	struct capture_table table = { .count = 0 };
	struct err err = ERR_INIT;
	BUF_AUTO summary = BUF_INIT(LIMIT_CONSOLE_BYTES);
	struct parcel *parcel = NULL;
	struct span bundle = SPAN_LIT("");
	enum status status = fetch_global_init(&err);
	bool ok;

	if (job->reads_identity)
		read_identity(config, job);
	if (status == STATUS_OK)
		status = capture_run(config, &job->identity, &job->order, job->early_fd, &parcel, &table, &err);
	if (status == STATUS_OK) {
		summarize(job, parcel, console, &summary);
		if (job->output != WORKER_PLAIN)
			status = parcel_seal(parcel, &err);
	}
	if (status == STATUS_OK)
		bundle = job->output == WORKER_PLAIN ? parcel_ndjson(parcel) : parcel_gzip(parcel);
	if (job->output == WORKER_FILE)
		ok = status == STATUS_OK && file_put(job->output_fd, bundle) == STATUS_OK && fsync(job->output_fd) == 0;
	else
		ok = worker_send(job->output_fd, status, &err, &table, bundle);
	if (!ok)
		log_event(LOG_ERROR, "worker.not_handed_over", LOG_S("capture_id", job->order.capture_id),
		          LOG_S("error", err.text[0] != '\0' ? err.text : strerror(errno)));
	(void)close(job->output_fd);
	/* Last, since a console may be slow. */
	if (summary.len > 0)
		console_write(console, buf_span(&summary));
	parcel_free(parcel);
	return ok && status == STATUS_OK ? 0 : 1;
}

/* In the caller. */

static void close_if(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static pid_t start_worker(const struct agent_config *config, const struct worker_job *job, struct doors doors,
                          int console)
{
	struct worker_job own = *job;
	pid_t child = doorkeeper_fork();

	if (child != 0)
		return child;
	close_if(job->not_for_it[0]);
	close_if(job->not_for_it[1]);
	doors_set(doors);
	sandbox_enter(SANDBOX_READER, NULL);
	_exit(work(config, &own, console));
}

enum status worker_start(const struct agent_config *config, const struct worker_job *job,
                         struct worker_pids *ret_pids, struct err *err)
{
	const int not_for_helpers[] = { job->output_fd, job->early_fd, job->not_for_it[0], job->not_for_it[1] };
	struct doorkeeper keeper;
	enum status status = doorkeeper_open(config, not_for_helpers, ARRAY_LEN(not_for_helpers), &keeper, err);
	int console = -1;

	*ret_pids = (struct worker_pids){ .worker = -1, .relay = keeper.relay, .metadata = keeper.metadata };
	if (status != STATUS_OK)
		return status;
	if (config->console[0] != '\0' && job->output != WORKER_PLAIN)
		console = console_open(config->console);
	ret_pids->worker = start_worker(config, job, keeper.doors, console);
	if (ret_pids->worker < 0)
		status = err_set_errno(err, "cannot start a process for the capture");
	doorkeeper_close(&keeper);
	close_if(console);
	return status;
}

/* Where reports are received. */

static enum status read_exactly(int fd, void *bytes, size_t len, int64_t until_mono_ms, struct err *err)
{
	uint8_t *at = bytes;

	while (len > 0) {
		struct pollfd watch = { .fd = fd, .events = POLLIN };
		int64_t left = until_mono_ms - clock_mono_ms();
		int ready = poll(&watch, 1, left > 0 ? (int)left : 0);
		ssize_t got;

		if (ready == 0)
			return err_set(err, STATUS_TIMEOUT, "the capture's process did not answer in time");
		got = ready < 0 ? -1 : read(fd, at, len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, "cannot read from the capture's process");
		if (got == 0)
			return err_set(err, STATUS_CLOSED, "the capture's process ended without a bundle");
		at += got;
		len -= (size_t)got;
	}
	return STATUS_OK;
}

static bool is_good(const struct report_head *head)
{
	if (head->table.count > LIMIT_SECTIONS || head->bundle_len > LIMIT_BUNDLE_BYTES ||
	    (unsigned)head->status > STATUS_SYSTEM || memchr(head->err.text, 0, sizeof head->err.text) == NULL)
		return false;
	for (size_t i = 0; i < head->table.count; i++) {
		const struct capture_row *row = &head->table.rows[i];
		size_t len = strnlen(row->name, sizeof row->name);

		if (len == sizeof row->name || !record_is_section_name(span_of(row->name, len)) ||
		    (unsigned)row->outcome > OUTCOME_UNREACHABLE)
			return false;
	}
	return true;
}

enum status worker_receive(int fd, int64_t until_mono_ms, struct worker_report *ret_report, struct err *err)
{
	struct report_head head;
	enum status status = read_exactly(fd, &head, sizeof head, until_mono_ms, err);
	uint8_t *room;

	buf_init(&ret_report->bundle, LIMIT_BUNDLE_BYTES);
	if (status != STATUS_OK)
		return status;
	if (!is_good(&head))
		return err_set(err, STATUS_INVALID, "the capture's process gave a report that is none");
	ret_report->table = head.table;
	ret_report->table.receipt_count = 0; /* in the verdict; nobody needs them here */
	if (head.status != STATUS_OK)
		return err_set(err, head.status, "%s", head.err.text);
	status = buf_reserve(&ret_report->bundle, head.bundle_len, &room);
	if (status == STATUS_OK)
		status = read_exactly(fd, room, head.bundle_len, until_mono_ms, err);
	if (status == STATUS_OK)
		buf_commit(&ret_report->bundle, head.bundle_len);
	else
		buf_done(&ret_report->bundle);
	return status;
}
