#include "sweeper/ship/unreachable.h"

#include <stdio.h>

#include "proto/record.h"
#include "shared/clock.h"
#include "shared/gzip.h"
#include "sweeper/metrics.h"

enum {
	MARK_BATCH = 100,
	TEXT_SIZE = 512,
};

/* Redacts `text`; where that cannot be vouched for, `otherwise` goes instead. NULL on out of memory. */
static struct clean_text *clean(const struct unreachable *unreachable, const char *text, const char *otherwise)
{
	struct clean_text *cleaned = NULL;

	if (redact_span(unreachable->redactor, span_cstr(text), &cleaned, NULL) != STATUS_OK)
		cleaned = clean_text_literal(otherwise);
	return cleaned;
}

static void describe(const struct ledger_capture *capture, char text[static TEXT_SIZE])
{
	char asked[CLOCK_RFC3339_SIZE], deadline[CLOCK_RFC3339_SIZE], delivered[CLOCK_RFC3339_SIZE];

	clock_format(capture->requested_ns, asked);
	clock_format(capture->deadline_ns, deadline);
	clock_format(capture->delivered_ns, delivered);
	if (capture->instance_id[0] == '\0')
		(void)snprintf(text, TEXT_SIZE,
		               "(unreachable: the workspace's row names no instance; a capture was ordered at %s)", asked);
	else if (capture->state == CAPTURE_REFUSED)
		(void)snprintf(text, TEXT_SIZE, "(unreachable: ordered at %s, an agent came, and what it sent was refused: %.300s)",
		               asked, capture->last_error);
	else if (capture->delivered_ns != 0)
		(void)snprintf(text, TEXT_SIZE,
		               "(unreachable: ordered at %s, taken by an agent at %s, no bundle came by %s)", asked,
		               delivered, deadline);
	else
		(void)snprintf(text, TEXT_SIZE, "(unreachable: ordered at %s, no agent came by %s)", asked, deadline);
}

enum status unreachable_make(void *ctx, const struct ledger_capture *capture, struct buf *ret_bundle_gzip)
{
	const struct unreachable *unreachable = ctx;
	BUF_AUTO ndjson = BUF_INIT(LIMIT_RECORD_LINE + 1);
	char text[TEXT_SIZE];
	struct clean_text *content, *instance_id;
	enum status status = STATUS_NO_MEMORY;

	describe(capture, text);
	content = clean(unreachable, text, "(unreachable: no agent came by the deadline)");
	instance_id = clean(unreachable, capture->instance_id, "");
	if (content != NULL && instance_id != NULL) {
		struct span instance = clean_text_span(instance_id);
		struct record_origin origin = {
			.org = span_cstr(unreachable->org),
			.workspace_id = span_cstr(capture->workspace_id),
			/* A mask can be longer than what it masks. */
			.instance_id = span_sub(instance, 0, instance.len <= LIMIT_INSTANCE_ID ? instance.len : 0),
			.capture_id = span_cstr(capture->capture_id),
			.reason = capture->reason,
			.ts_ns = clock_agreed_ns(),
		};
		struct section section = { .name = "verdict", .outcome = OUTCOME_UNREACHABLE, .content = content };

		status = record_append_section(&origin, &section, &ndjson);
	}
	if (status == STATUS_OK)
		status = gzip_compress(buf_span(&ndjson), ret_bundle_gzip);
	clean_text_free(instance_id);
	clean_text_free(content);
	return status;
}

enum status unreachable_mark(struct unreachable *unreachable, struct ledger *ledger, int64_t *ret_count,
                             struct err *err)
{
	int64_t count = MARK_BATCH;
	enum status status = STATUS_OK;

	*ret_count = 0;
	while (status == STATUS_OK && count >= MARK_BATCH) {
		count = 0;
		status = ledger_mark_unreachable(ledger, MARK_BATCH, unreachable_make, unreachable, &count, err);
		if (status == STATUS_OK) {
			*ret_count += count;
			metrics_add(METRIC_UNREACHABLE, NULL, count);
		}
	}
	return status;
}
