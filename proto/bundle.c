#include "proto/bundle.h"

#include <inttypes.h>
#include <string.h>

#include "shared/jdoc.h"

/* The reading's state: the section that is being put together, and what all records must share. */
struct reading {
	bundle_each *each;
	void *ctx;
	struct err *err;
	int64_t number;           /* of the record at hand, from 1 */
	struct jdoc *origin_doc;  /* the first record: owns the texts of `origin` */
	struct record origin;
	struct jdoc *first_doc;   /* the section's first part: owns the texts of `first` */
	struct record first;
	int64_t next_part;        /* 0: no section is open */
	struct buf content;
	char seen[LIMIT_SECTIONS * 2][LIMIT_SECTION_NAME + 1];
	size_t seen_count;
};

static enum status fail(struct reading *reading, const char *what)
{
	return err_set(reading->err, STATUS_INVALID, "record %" PRId64 ": %s", reading->number, what);
}

static enum status check_origin(struct reading *reading, const struct record *record)
{
	const struct record *origin = &reading->origin;

	if (!span_eq(record->org, origin->org) || !span_eq(record->workspace_id, origin->workspace_id) ||
	    !span_eq(record->capture_id, origin->capture_id) || !span_eq(record->instance_id, origin->instance_id) ||
	    record->reason != origin->reason)
		return fail(reading, "org, workspace_id, instance_id, capture_id or reason differ from the first record");
	return STATUS_OK;
}

static enum status check_new_section(struct reading *reading, const struct record *record)
{
	for (size_t i = 0; i < reading->seen_count; i++) {
		if (span_eq(record->section, span_cstr(reading->seen[i])))
			return fail(reading, "its section stood before already");
	}
	if (reading->seen_count == sizeof reading->seen / sizeof reading->seen[0])
		return fail(reading, "too many sections");
	memcpy(reading->seen[reading->seen_count], record->section.ptr, record->section.len);
	reading->seen[reading->seen_count][record->section.len] = '\0';
	reading->seen_count++;
	return record->part == 1 ? STATUS_OK : fail(reading, "its section does not begin with part 1");
}

static enum status check_next_part(struct reading *reading, const struct record *record)
{
	const struct record *first = &reading->first;

	if (!span_eq(record->section, first->section) || record->part != reading->next_part ||
	    record->parts != first->parts)
		return fail(reading, "the parts of the section before it are not complete");
	if (!span_eq(record->sha256, first->sha256) || record->outcome != first->outcome ||
	    record->redactions != first->redactions)
		return fail(reading, "it differs from its section's first part");
	return STATUS_OK;
}

static enum status finish_section(struct reading *reading)
{
	struct bundle_section section = { .first = &reading->first, .content = buf_span(&reading->content) };
	char sha256[DIGEST_HEX_SIZE];
	enum status status;

	if (buf_status(&reading->content) != STATUS_OK)
		return err_set(reading->err, buf_status(&reading->content), "record %" PRId64 ": its section: %s",
		               reading->number, status_name(buf_status(&reading->content)));
	digest_hex(section.content, sha256);
	if (!span_eq(reading->first.sha256, span_cstr(sha256)))
		return fail(reading, "the sha256 is not that of the section's content");
	status = reading->each(reading->ctx, &section, reading->err);
	jdoc_free(reading->first_doc);
	reading->first_doc = NULL;
	reading->next_part = 0;
	buf_reset(&reading->content);
	return status;
}

/* Takes over `doc`. */
static enum status take_record(struct reading *reading, const struct record *record, struct jdoc *doc)
{
	enum status status;
	bool opens = reading->next_part == 0;

	if (reading->number == 1) {
		reading->origin = *record;
		reading->origin_doc = jdoc_share(doc);
		if (!span_eq(record->section, SPAN_LIT("verdict"))) {
			jdoc_free(doc);
			return fail(reading, "the first section is not \"verdict\"");
		}
	}
	status = check_origin(reading, record);
	if (status == STATUS_OK)
		status = opens ? check_new_section(reading, record) : check_next_part(reading, record);
	if (status == STATUS_OK) {
		buf_append_span(&reading->content, record->content);
		reading->next_part = record->part + 1;
	}
	if (status == STATUS_OK && opens) {
		reading->first = *record;
		reading->first_doc = doc;
	} else {
		jdoc_free(doc);
	}
	if (status == STATUS_OK && record->part == record->parts)
		status = finish_section(reading);
	return status;
}

static enum status read_line(struct reading *reading, struct span line)
{
	struct record record;
	struct jdoc *doc;
	enum status status;

	if (++reading->number > LIMIT_BUNDLE_RECORDS)
		return fail(reading, "too many records");
	if (line.ptr[line.len - 1] != '\n')
		return fail(reading, "it does not end in a newline");
	status = record_parse(line, &record, &doc, reading->err);
	if (status != STATUS_OK) {
		err_prefix(reading->err, "record %" PRId64, reading->number);
		return status;
	}
	return take_record(reading, &record, doc);
}

enum status bundle_read(struct span ndjson, bundle_each *each, void *ctx, struct err *err)
{
	struct reading reading = { .each = each, .ctx = ctx, .err = err, .content = BUF_INIT(LIMIT_REDACT_OUTPUT) };
	enum status status = STATUS_OK;
	struct span line;

	while (status == STATUS_OK && span_next_line(&ndjson, &line))
		status = read_line(&reading, line);
	if (status == STATUS_OK && reading.number == 0)
		status = err_set(err, STATUS_INVALID, "the bundle is empty");
	if (status == STATUS_OK && reading.next_part != 0)
		status = fail(&reading, "the bundle ends in the middle of a section");
	jdoc_free(reading.first_doc);
	jdoc_free(reading.origin_doc);
	buf_done(&reading.content);
	return status;
}
