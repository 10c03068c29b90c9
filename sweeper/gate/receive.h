/*
 * receive: an uploaded bundle in, the bundle that is stored out. This is the gate's step in the data's way: what a
 * box sent is taken apart, checked record by record, redacted a second time, and put together anew, so that nothing
 * reaches the ledger that this side has not seen.
 *
 * Pure: no I/O. Thread: any.
 */
#ifndef RESCUE_SWEEPER_GATE_RECEIVE_H
#define RESCUE_SWEEPER_GATE_RECEIVE_H

#include "proto/record.h"

/* What the capture's row says; the records must say the same. */
struct receive_expected {
	struct span org, workspace_id, capture_id;
	struct span instance_id; /* filled into every record; the box may leave it empty */
	enum capture_reason reason;
};

struct received {
	char sha256[DIGEST_HEX_SIZE]; /* of the NDJSON as it was sent */
	struct buf bundle_gzip;
	int64_t sections;
	int64_t outcomes[OUTCOME_COUNT]; /* of the sections, after the second redaction */
	int64_t findings;  /* places that only the second redaction masked */
	int64_t withheld;  /* sections that the second redaction withheld */
};

/* Called for each rule that found something in the second redaction. */
typedef void receive_each_rule(void *ctx, const char *rule, size_t count);

/*
 * `gzipped`: the upload is one gzip member, else plain NDJSON. STATUS_TOO_LARGE: it expands beyond LIMIT_BUNDLE_BYTES.
 * STATUS_INVALID: the words name the record's number and the field, without content. STATUS_NO_MEMORY.
 * A NULL redactor withholds every section. `ret_received` is to be freed with received_done in any case.
 */
enum status receive_bundle(const struct redactor *redactor, const struct receive_expected *expected,
                           struct span upload, bool gzipped, receive_each_rule *each_rule, void *ctx,
                           struct received *ret_received, struct err *err);
void received_done(struct received *received);

#endif
