#include "sweeper/ship/cargo.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/gzip.h"
#include "shared/jdoc.h"

enum status cargo_init(struct cargo *cargo, const struct ledger_capture *capture)
{
	memset(cargo, 0, sizeof *cargo);
	(void)snprintf(cargo->capture_id, sizeof cargo->capture_id, "%s", capture->capture_id);
	(void)snprintf(cargo->workspace_id, sizeof cargo->workspace_id, "%s", capture->workspace_id);
	(void)snprintf(cargo->instance_id, sizeof cargo->instance_id, "%s", capture->instance_id);
	cargo->since_ns = capture->received_ns != 0 ? capture->received_ns : capture->requested_ns;
	cargo->entry_base_ns = capture->entry_base_ns;
	cargo->attempts = capture->attempts;
	cargo->was_tried = capture->attempts > 0;
	/* The gate packs what it has made anew, which may be more than was uploaded: as much as receive.c makes is taken. */
	buf_init(&cargo->bundle_gzip, LIMIT_BUNDLE_BYTES);
	buf_init(&cargo->ndjson, LIMIT_BUNDLE_BYTES);
	buf_append_span(&cargo->bundle_gzip, capture->bundle);
	cargo->shipped_to = strdup(capture->shipped_to == NULL ? "" : capture->shipped_to);
	if (cargo->shipped_to == NULL)
		return STATUS_NO_MEMORY;
	return buf_status(&cargo->bundle_gzip);
}

void cargo_done(struct cargo *cargo)
{
	cargo_close(cargo);
	buf_done(&cargo->bundle_gzip);
	free(cargo->shipped_to);
	cargo->shipped_to = NULL;
}

static size_t count_lines(struct span ndjson)
{
	struct span line;
	size_t count = 0;

	while (span_next_line(&ndjson, &line))
		count++;
	return count;
}

static enum status read_entry(struct span line, struct cargo_entry *entry, struct err *err)
{
	struct record record;
	struct jdoc *doc;
	enum status status = record_parse_head(line, &record, &doc, err);

	if (status != STATUS_OK)
		return status;
	if (line.ptr[line.len - 1] == '\n')
		line.len--;
	entry->line = line;
	memcpy(entry->section, record.section.ptr, record.section.len);
	entry->section[record.section.len] = '\0';
	entry->part = record.part;
	entry->outcome = record.outcome;
	jdoc_free(doc);
	return STATUS_OK;
}

enum status cargo_open(struct cargo *cargo, struct err *err)
{
	enum status status = gzip_expand(buf_span(&cargo->bundle_gzip), &cargo->ndjson);
	struct span rest, line;
	size_t count;

	if (status != STATUS_OK) {
		cargo_close(cargo);
		return err_set(err, status, "the stored bundle cannot be unpacked: %s", status_name(status));
	}
	rest = buf_span(&cargo->ndjson);
	count = count_lines(rest);
	if (count == 0 || count > LIMIT_BUNDLE_RECORDS) {
		cargo_close(cargo);
		return err_set(err, STATUS_INVALID, "the stored bundle has %zu records", count);
	}
	cargo->entries = calloc(count, sizeof *cargo->entries);
	if (cargo->entries == NULL)
		status = err_set(err, STATUS_NO_MEMORY, "out of memory");
	while (status == STATUS_OK && span_next_line(&rest, &line)) {
		status = read_entry(line, &cargo->entries[cargo->entry_count], err);
		if (status != STATUS_OK)
			err_prefix(err, "record %zu of the stored bundle", cargo->entry_count + 1);
		else
			cargo->entry_count++;
	}
	if (status != STATUS_OK)
		cargo_close(cargo);
	return status;
}

void cargo_close(struct cargo *cargo)
{
	free(cargo->entries);
	cargo->entries = NULL;
	cargo->entry_count = 0;
	buf_shrink(&cargo->ndjson);
}

bool cargo_has_sink(const struct cargo *cargo, const char *sink)
{
	const char *at = cargo->shipped_to;
	size_t len = strlen(sink);

	while (*at != '\0') {
		size_t here = strcspn(at, ",");

		if (here == len && memcmp(at, sink, len) == 0)
			return true;
		at += here;
		at += *at == ',';
	}
	return false;
}

struct cargo_entry *cargo_find(struct cargo *cargo, struct span section, int64_t part, bool is_unreachable)
{
	for (size_t i = 0; i < cargo->entry_count; i++) {
		struct cargo_entry *entry = &cargo->entries[i];

		if (entry->part == part && (entry->outcome == OUTCOME_UNREACHABLE) == is_unreachable &&
		    span_eq(span_cstr(entry->section), section))
			return entry;
	}
	return NULL;
}

size_t cargo_missing(const struct cargo *cargo)
{
	size_t missing = 0;

	for (size_t i = 0; i < cargo->entry_count; i++)
		missing += !cargo->entries[i].is_stored;
	return missing;
}

void cargo_begin(struct cargo *cargo)
{
	for (size_t i = 0; i < cargo->entry_count; i++) {
		cargo->entries[i].is_stored = false;
		cargo->entries[i].aside_reason = NULL;
	}
	cargo->is_solo = cargo->was_tried;
	cargo->result = STATUS_AGAIN;
	cargo->err.text[0] = '\0';
}

enum status cargo_finish(struct cargo *cargo, enum status result, const char *fmt, ...)
{
	va_list args;

	cargo->result = result;
	va_start(args, fmt);
	(void)vsnprintf(cargo->err.text, sizeof cargo->err.text, fmt, args);
	va_end(args);
	return result;
}

void cargo_owe(struct cargo *cargo, const char *sink, const char *reason)
{
	if (!cargo->is_owed && sink != NULL)
		(void)snprintf(cargo->owed.text, sizeof cargo->owed.text, "%s: %.400s", sink, reason);
	else if (!cargo->is_owed)
		(void)snprintf(cargo->owed.text, sizeof cargo->owed.text, "%.400s", reason);
	cargo->is_owed = true;
}
