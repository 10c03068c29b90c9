/*
 * record: one section of a bundle, or a part of one, as a flat JSON object on a line. The same object is the
 * Loki line. See proto/PROTOCOL.md and proto/record.schema.json.
 *
 * A bundle is records, one a line, the section "verdict" first, the parts of a section side by side and in order.
 * No I/O. Thread: any.
 */
#ifndef RESCUE_PROTO_RECORD_H
#define RESCUE_PROTO_RECORD_H

#include "proto/order.h"
#include "shared/redact/redact.h"
#include "shared/tls/digest.h"

enum record_outcome {
	OUTCOME_OK,
	OUTCOME_ABSENT,      /* there is no such thing on the box; the content says so */
	OUTCOME_ERROR,       /* it could not be collected; the content says why */
	OUTCOME_TRUNCATED,   /* only a part fitted; the cut is marked */
	OUTCOME_WITHHELD,    /* the redactor could not vouch for it; the content says why, without content */
	OUTCOME_UNREACHABLE, /* no agent came */
	OUTCOME_COUNT
};

/* What all records of one bundle share. Borrowed texts; cleaned by whoever fills it in. */
struct record_origin {
	struct span org;
	struct span workspace_id;
	struct span instance_id; /* "" from the box: the gate fills it in from the order's row */
	struct span capture_id;
	enum capture_reason reason;
	int64_t ts_ns; /* capture time by the box's clock */
};

/* One whole section, before it is cut into parts. */
struct section {
	const char *name;             /* from our tables or the configuration, checked by record_is_section_name */
	enum record_outcome outcome;
	const struct clean_text *content;
	int64_t earlier_redactions;   /* masked by an earlier pass: the gate keeps the box's count */
	int64_t gate_findings;        /* places that only the gate masked; marks the records when there are any */
};

/*
 * Appends the section as one or more lines, each at most LIMIT_RECORD_LINE bytes as JSON (the newline not
 * counted), cut at line ends where there are any, else at UTF-8 boundaries. sha256 is over the whole content,
 * redactions is the content's count and the earlier one, and stands in every part.
 */
enum status record_append_section(const struct record_origin *origin, const struct section *section,
                                  struct buf *bundle);

/* A record as read back; texts are borrowed from the document that record_parse gives. */
struct record {
	int64_t ts_ns;
	struct span org, workspace_id, instance_id, capture_id, section, sha256, content;
	enum capture_reason reason;
	enum record_outcome outcome;
	bool redacted;
	int64_t part, parts; /* part counts from 1 */
	int64_t redactions;
	int64_t gate_findings; /* 0 when the record is not marked */
};

struct jdoc;

/*
 * Reads one line strictly: every field of the shape present and of its type, event_type and kind as fixed, no
 * unknown field. STATUS_INVALID names the field. *ret_doc owns the texts; free it with jdoc_free.
 */
enum status record_parse(struct span line, struct record *ret_record, struct jdoc **ret_doc, struct err *err);

/*
 * As record_parse, for a line that record_append_section made and that has been checked before: the content, which is
 * nearly all of it, is not looked at and comes back empty.
 */
enum status record_parse_head(struct span line, struct record *ret_record, struct jdoc **ret_doc, struct err *err);

const char *record_outcome_name(enum record_outcome outcome);
bool record_outcome_parse(struct span name, enum record_outcome *ret_outcome);

/* 1 to LIMIT_SECTION_NAME of lower- and upper-case letters, digits, '.', '-' and '_'. */
bool record_is_section_name(struct span name);

#endif
