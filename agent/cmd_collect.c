#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/link.h"
#include "agent/worker.h"
#include "shared/clock.h"
#include "shared/file.h"
#include "shared/random.h"

/* Without a certificate the bundle says "local": a dry run must work before anything is set up. */
static void read_identity(const struct agent_config *config, struct identity *ret_identity)
{
	struct err err = ERR_INIT;

	if (link_read_identity(config, ret_identity, &err) == STATUS_OK)
		return;
	(void)fprintf(stderr, "rescue-agent: %s; org and workspace are called \"local\"\n", err.text);
	*ret_identity = (struct identity){ .role = IDENTITY_WORKSPACE, .org = "local", .workspace_id = "local" };
}

static void print_table(const struct capture_table *table, size_t bundle_bytes)
{
	size_t bytes = 0, redactions = 0;

	(void)fprintf(stderr, "%-34s %-10s %9s %11s %8s\n", "section", "outcome", "bytes", "redactions", "took_ms");
	for (size_t i = 0; i < table->count; i++) {
		const struct capture_row *row = &table->rows[i];

		(void)fprintf(stderr, "%-34s %-10s %9zu %11zu %8" PRId64 "\n", row->name,
		              record_outcome_name(row->outcome), row->bytes, row->redactions, row->took_ms);
		bytes += row->bytes;
		redactions += row->redactions;
	}
	(void)fprintf(stderr, "%-34s %-10s %9zu %11zu\nbundle: %zu bytes; nothing was sent\n", "total", "", bytes,
	              redactions, bundle_bytes);
}

static bool write_bundle(const char *output, struct span ndjson)
{
	struct err err = ERR_INIT;

	if (output == NULL || strcmp(output, "-") == 0)
		return command_write_stdout(ndjson);
	if (file_write_output(output, ndjson, 0600, &err) == STATUS_OK)
		return true;
	(void)fprintf(stderr, "rescue-agent: %s\n", err.text);
	return false;
}

enum status command_collect(const struct agent_config *config, const struct identity *identity,
                            struct worker_report *ret_report, struct err *err)
{
	struct worker_job job = {
		.identity = *identity,
		.order = { .reason = REASON_SWEEP, .deadline_s = config->capture_deadline_s },
		.output = WORKER_PLAIN,
		.early_fd = -1,
		.not_for_it = { -1, -1 },
	};
	struct worker_pids pids;
	enum status status;
	int ends[2];

	random_uuid(job.order.capture_id);
	memcpy(job.order.workspace_id, job.identity.workspace_id, sizeof job.order.workspace_id);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set_errno(err, "cannot make a pipe");
	job.output_fd = ends[1];
	job.not_for_it[0] = ends[0];
	status = worker_start(config, &job, &pids, err);
	(void)close(ends[1]);
	if (status == STATUS_OK)
		status = worker_receive(ends[0], clock_mono_ms() + worker_patience_ms(config), ret_report, err);
	(void)close(ends[0]);
	return status;
}

static int collect_and_print(const struct agent_config *config, const char *output)
{
	struct worker_report report = { .bundle = BUF_INIT(LIMIT_BUNDLE_BYTES) };
	struct identity identity;
	struct err err = ERR_INIT;
	int code = EXIT_FAILED;

	read_identity(config, &identity);
	if (command_collect(config, &identity, &report, &err) != STATUS_OK) {
		(void)fprintf(stderr, "rescue-agent: %s\n", err.text);
	} else if (write_bundle(output, buf_span(&report.bundle))) {
		print_table(&report.table, report.bundle.len);
		code = report.table.withheld ? EXIT_WITHHELD : EXIT_DONE;
	}
	buf_done(&report.bundle);
	return code;
}

int cmd_collect(const struct command_line *line)
{
	struct agent_config *config = NULL;
	int code;

	if (command_load_config(line, &config) != STATUS_OK)
		return EXIT_USAGE;
	code = collect_and_print(config, line->output);
	agent_config_free(config);
	return code;
}
