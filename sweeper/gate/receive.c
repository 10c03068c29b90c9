#include "sweeper/gate/receive.h"

#include <stdio.h>

#include "proto/bundle.h"
#include "shared/gzip.h"

struct receiving {
	const struct redactor *redactor;
	const struct receive_expected *expected;
	receive_each_rule *each_rule;
	void *ctx;
	struct received *received;
	struct buf bundle; /* NDJSON, made anew */
};

static enum status check_origin(const struct receive_expected *expected, const struct record *record, struct err *err)
{
	const char *field = !span_eq(record->org, expected->org)                    ? "org"
	                    : !span_eq(record->workspace_id, expected->workspace_id) ? "workspace_id"
	                    : !span_eq(record->capture_id, expected->capture_id)     ? "capture_id"
	                    : record->reason != expected->reason                     ? "reason"
	                                                                             : NULL;

	/* A box that names its instance must name the one that the row has. */
	if (field == NULL && record->instance_id.len > 0 && !span_eq(record->instance_id, expected->instance_id))
		field = "instance_id";
	if (field == NULL)
		return STATUS_OK;
	return err_set(err, STATUS_INVALID, "record 1: the field \"%s\" is not that of the order", field);
}

/* A name is metadata that leaves the box as well: one that the redactor would change is not taken. */
static enum status check_name(const struct receiving *receiving, struct span name, struct err *err)
{
	struct clean_text *clean = NULL;
	enum status status;

	if (receiving->redactor == NULL)
		return STATUS_OK;
	status = redact_span(receiving->redactor, name, &clean, NULL);
	if (status != STATUS_OK || !span_eq(clean_text_span(clean), name))
		status = err_set(err, STATUS_INVALID, "section %lld: its name looks like a secret",
		                 (long long)receiving->received->sections + 1);
	clean_text_free(clean);
	return status;
}

/* The second redaction. A content that it cannot vouch for is replaced by words of ours. */
static enum status clean_content(struct receiving *receiving, struct span content, struct section *section,
                                 struct clean_text **ret_clean)
{
	if (redact_span(receiving->redactor, content, ret_clean, NULL) == STATUS_OK) {
		section->gate_findings = (int64_t)clean_text_redactions(*ret_clean);
		receiving->received->findings += section->gate_findings;
		if (receiving->each_rule != NULL)
			clean_text_each_rule(*ret_clean, receiving->each_rule, receiving->ctx);
		return STATUS_OK;
	}
	receiving->received->withheld++;
	section->outcome = OUTCOME_WITHHELD;
	*ret_clean = clean_text_literal("(withheld: the sweeper's redactor could not vouch for this section)");
	return *ret_clean == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status take_section(void *ctx, const struct bundle_section *from, struct err *err)
{
	struct receiving *receiving = ctx;
	const struct receive_expected *expected = receiving->expected;
	struct record_origin origin = { .org = expected->org, .workspace_id = expected->workspace_id,
	                                .instance_id = expected->instance_id, .capture_id = expected->capture_id,
	                                .reason = expected->reason, .ts_ns = from->first->ts_ns };
	char name[LIMIT_SECTION_NAME + 1];
	struct section section = { .name = name, .outcome = from->first->outcome,
	                           .earlier_redactions = from->first->redactions };
	struct clean_text *clean = NULL;
	enum status status = check_origin(expected, from->first, err);

	if (status == STATUS_OK)
		status = check_name(receiving, from->first->section, err);
	if (status != STATUS_OK)
		return status;
	(void)snprintf(name, sizeof name, "%.*s", SPAN_ARG(from->first->section));
	status = clean_content(receiving, from->content, &section, &clean);
	section.content = clean;
	if (status == STATUS_OK)
		status = record_append_section(&origin, &section, &receiving->bundle);
	if (status != STATUS_OK)
		status = err_set(err, status, "section \"%s\": %s", name, status_name(status));
	clean_text_free(clean);
	receiving->received->sections++;
	receiving->received->outcomes[section.outcome]++;
	return status;
}

static enum status remake(struct receiving *receiving, struct span ndjson, struct err *err)
{
	enum status status = bundle_read(ndjson, take_section, receiving, err);

	/* Only the upload as a whole is "too large"; a part that breaks its cap makes it invalid. */
	if (status == STATUS_TOO_LARGE)
		status = STATUS_INVALID;
	if (status != STATUS_OK)
		return status;
	digest_hex(ndjson, receiving->received->sha256);
	status = gzip_compress(buf_span(&receiving->bundle), &receiving->received->bundle_gzip);
	return status == STATUS_OK ? STATUS_OK : err_set(err, STATUS_NO_MEMORY, "cannot compress the bundle");
}

static enum status expand(struct span upload, struct buf *ret_plain, struct err *err)
{
	enum status status = gzip_expand(upload, ret_plain);

	if (status == STATUS_TOO_LARGE)
		return err_set(err, status, "the bundle expands beyond %d bytes", LIMIT_BUNDLE_BYTES);
	if (status != STATUS_OK)
		return err_set(err, status, "the body is not one whole gzip member");
	return STATUS_OK;
}

enum status receive_bundle(const struct redactor *redactor, const struct receive_expected *expected,
                           struct span upload, bool gzipped, receive_each_rule *each_rule, void *ctx,
                           struct received *ret_received, struct err *err)
{
	struct receiving receiving = { .redactor = redactor, .expected = expected, .each_rule = each_rule, .ctx = ctx,
	                               .received = ret_received };
	BUF_AUTO plain = BUF_INIT(LIMIT_BUNDLE_BYTES);
	enum status status = STATUS_OK;

	*ret_received = (struct received){ .bundle_gzip = BUF_INIT(LIMIT_BUNDLE_BYTES) };
	buf_init(&receiving.bundle, LIMIT_BUNDLE_BYTES);
	if (gzipped)
		status = expand(upload, &plain, err);
	else if (upload.len > LIMIT_BUNDLE_BYTES)
		status = err_set(err, STATUS_TOO_LARGE, "the bundle is larger than %d bytes", LIMIT_BUNDLE_BYTES);
	if (status == STATUS_OK)
		status = remake(&receiving, gzipped ? buf_span(&plain) : upload, err);
	buf_done(&receiving.bundle);
	return status;
}

void received_done(struct received *received)
{
	buf_done(&received->bundle_gzip);
}
