#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/capture.h"
#include "agent/commands.h"
#include "agent/link.h"
#include "shared/fetch.h"
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
	if (file_write_atomic(output, ndjson, 0600, &err) == STATUS_OK)
		return true;
	(void)fprintf(stderr, "rescue-agent: %s\n", err.text);
	return false;
}

static int collect_and_print(const struct agent_config *config, const char *output)
{
	struct identity identity;
	struct order order = { .reason = REASON_SWEEP, .deadline_s = config->capture_deadline_s };
	struct capture_table table;
	struct parcel *parcel = NULL;
	struct err err = ERR_INIT;
	int code = EXIT_FAILED;

	read_identity(config, &identity);
	random_uuid(order.capture_id);
	memcpy(order.workspace_id, identity.workspace_id, sizeof order.workspace_id);
	if (capture_run(config, &identity, &order, &parcel, &table, &err) != STATUS_OK) {
		(void)fprintf(stderr, "rescue-agent: %s\n", err.text);
		return EXIT_FAILED;
	}
	if (write_bundle(output, parcel_ndjson(parcel))) {
		print_table(&table, parcel_ndjson(parcel).len);
		code = table.withheld ? EXIT_WITHHELD : EXIT_DONE;
	}
	parcel_free(parcel);
	return code;
}

int cmd_collect(const struct command_line *line)
{
	struct agent_config *config = NULL;
	struct err err = ERR_INIT;
	int code = EXIT_FAILED;

	if (command_load_config(line, &config) != STATUS_OK)
		return EXIT_USAGE;
	if (fetch_global_init(&err) == STATUS_OK)
		code = collect_and_print(config, line->output);
	else
		(void)fprintf(stderr, "rescue-agent: %s\n", err.text);
	agent_config_free(config);
	return code;
}
