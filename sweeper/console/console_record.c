#include "sweeper/console/console_record.h"

#include "shared/clock.h"
#include "shared/gzip.h"
#include "shared/jdoc.h"

#define SECTION "console-output"

static enum status append(const struct record *first, const struct section *section, struct buf *ndjson)
{
	const struct record_origin origin = {
		.org = first->org,
		.workspace_id = first->workspace_id,
		.instance_id = first->instance_id,
		.capture_id = first->capture_id,
		.reason = first->reason,
		.ts_ns = clock_agreed_ns(),
	};

	return record_append_section(&origin, section, ndjson);
}

/* The stored bundle has one record, that of unreachable.c. */
static enum status read_first(struct span ndjson, struct record *ret_first, struct jdoc **ret_doc, struct err *err)
{
	struct span rest = ndjson, line;

	if (!span_next_line(&rest, &line) || rest.len > 0)
		return err_set(err, STATUS_INVALID, "the stored bundle is not one record");
	return record_parse(line, ret_first, ret_doc, err);
}

enum status console_record_add(struct span bundle_gzip, const struct redactor *redactor, enum record_outcome outcome,
                               const struct raw_text *content, struct buf *ret_bundle_gzip, struct err *err)
{
	BUF_AUTO ndjson = BUF_INIT(LIMIT_BUNDLE_BYTES);
	struct section section = { .name = SECTION, .outcome = outcome };
	struct clean_text *clean = NULL;
	JDOC_AUTO *doc = NULL;
	struct record first;
	enum status status = gzip_expand(bundle_gzip, &ndjson);

	if (status != STATUS_OK)
		return err_set(err, status, "the stored bundle cannot be unpacked");
	status = read_first(buf_span(&ndjson), &first, &doc, err);
	if (status != STATUS_OK)
		return status;
	if (redact_text(redactor, content, &clean, NULL) != STATUS_OK) {
		section.outcome = OUTCOME_WITHHELD;
		clean = clean_text_literal("(withheld: the redaction could not be completed)");
	}
	section.content = clean;
	status = clean == NULL ? STATUS_NO_MEMORY : append(&first, &section, &ndjson);
	if (status == STATUS_OK)
		status = gzip_compress(buf_span(&ndjson), ret_bundle_gzip);
	clean_text_free(clean);
	return status == STATUS_OK ? STATUS_OK : err_set(err, status, "cannot make the record: %s", status_name(status));
}
