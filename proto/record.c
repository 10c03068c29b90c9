#include "proto/record.h"

#include <inttypes.h>
#include <string.h>

#include "proto/identity.h"
#include "shared/jdoc.h"

#define EVENT_TYPE "rescue.bundle"
#define KIND "rescue"

static const char *const outcome_names[] = {
	[OUTCOME_OK] = "ok",
	[OUTCOME_ABSENT] = "absent",
	[OUTCOME_ERROR] = "error",
	[OUTCOME_TRUNCATED] = "truncated",
	[OUTCOME_WITHHELD] = "withheld",
	[OUTCOME_UNREACHABLE] = "unreachable",
};

const char *record_outcome_name(enum record_outcome outcome)
{
	return outcome_names[outcome];
}

bool record_outcome_parse(struct span name, enum record_outcome *ret_outcome)
{
	for (size_t i = 0; i < sizeof outcome_names / sizeof outcome_names[0]; i++) {
		if (span_eq(name, span_cstr(outcome_names[i]))) {
			*ret_outcome = (enum record_outcome)i;
			return true;
		}
	}
	return false;
}

bool record_is_section_name(struct span name)
{
	return identity_is_segment(name, LIMIT_SECTION_NAME);
}

/* How many bytes `byte` takes inside a JSON string as jdoc_dump writes it. */
static size_t escaped_len(uint8_t byte)
{
	switch (byte) {
	case '"':
	case '\\':
	case '\b':
	case '\f':
	case '\n':
	case '\r':
	case '\t':
		return 2;
	default:
		return byte < 0x20 ? 6 : 1;
	}
}

/*
 * The longest front part of `text` whose JSON form fits into `room` bytes, ending behind a newline where one is in
 * reach, else at a UTF-8 boundary. At least one character, so that cutting always ends.
 */
static size_t part_len(struct span text, size_t room)
{
	size_t used = 0, line_end = 0, at = 0;

	while (at < text.len) {
		size_t cost = escaped_len(text.ptr[at]);

		if (used + cost > room)
			break;
		used += cost;
		if (text.ptr[at++] == '\n')
			line_end = at;
	}
	if (at == text.len || line_end > 0)
		return at == text.len ? at : line_end;
	/* 10xxxxxx continues a character: step back to where that one begins. */
	while (at > 0 && (text.ptr[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static enum status append_part(const struct record_origin *origin, const struct section *section, int64_t part,
                               int64_t parts, const char *sha256, struct span content, struct buf *bundle)
{
	JDOC_AUTO *doc = jdoc_object();
	char ts[CLOCK_RFC3339_SIZE];
	int64_t redactions = section->earlier_redactions + (int64_t)clean_text_redactions(section->content);
	size_t before = bundle->len;
	enum status status;

	/* A count that cannot be read again would keep the bundle from being shipped. */
	if (redactions > LIMIT_REDACTIONS)
		redactions = LIMIT_REDACTIONS;
	clock_format(origin->ts_ns, ts);
	if (!jdoc_set_cstr(doc, "ts", ts) || !jdoc_set_cstr(doc, "event_type", EVENT_TYPE) ||
	    !jdoc_set_cstr(doc, "kind", KIND) || !jdoc_set_text(doc, "org", origin->org) ||
	    !jdoc_set_text(doc, "workspace_id", origin->workspace_id) ||
	    !jdoc_set_text(doc, "instance_id", origin->instance_id) ||
	    !jdoc_set_text(doc, "capture_id", origin->capture_id) ||
	    !jdoc_set_cstr(doc, "reason", order_reason_name(origin->reason)) ||
	    !jdoc_set_cstr(doc, "section", section->name) || !jdoc_set_int(doc, "part", part) ||
	    !jdoc_set_int(doc, "parts", parts) || !jdoc_set_cstr(doc, "outcome", record_outcome_name(section->outcome)) ||
	    !jdoc_set_bool(doc, "redacted", true) ||
	    !jdoc_set_int(doc, "redactions", redactions) ||
	    (section->gate_findings > 0 && !jdoc_set_int(doc, "gate_findings", section->gate_findings)) ||
	    !jdoc_set_cstr(doc, "sha256", sha256) || !jdoc_set_text(doc, "content", content))
		return STATUS_NO_MEMORY;
	status = jdoc_dump(doc, bundle);
	if (status == STATUS_OK && bundle->len - before > LIMIT_RECORD_LINE)
		status = STATUS_TOO_LARGE;
	buf_append_byte(bundle, '\n');
	return status != STATUS_OK ? status : buf_status(bundle);
}

/* What everything but the content may take of a line: ids and names are capped, times and numbers are short. */
enum { RECORD_OVERHEAD = 2048 };

enum status record_append_section(const struct record_origin *origin, const struct section *section,
                                  struct buf *bundle)
{
	const size_t room = LIMIT_RECORD_LINE - RECORD_OVERHEAD;
	struct span content = clean_text_span(section->content);
	enum status status = STATUS_OK;
	char sha256[DIGEST_HEX_SIZE];
	int64_t parts = 0;

	for (struct span rest = content; parts == 0 || rest.len > 0; parts++)
		rest = span_sub(rest, part_len(rest, room), rest.len);
	digest_hex(content, sha256);
	for (int64_t part = 1; part <= parts && status == STATUS_OK; part++) {
		size_t len = part_len(content, room);

		status = append_part(origin, section, part, parts, sha256, span_sub(content, 0, len), bundle);
		content = span_sub(content, len, content.len);
	}
	return status;
}

static enum status bad_field(struct err *err, const char *field)
{
	return err_set(err, STATUS_INVALID, "the field \"%s\" is missing or not as it should be", field);
}

static bool get_id(const struct jdoc *doc, const char *key, size_t max, struct span *ret_id)
{
	*ret_id = jdoc_get_text(doc, key);
	return identity_is_segment(*ret_id, max);
}

static bool is_sha256(struct span text)
{
	if (text.len != DIGEST_HEX_SIZE - 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!((text.ptr[i] >= '0' && text.ptr[i] <= '9') || (text.ptr[i] >= 'a' && text.ptr[i] <= 'f')))
			return false;
	}
	return true;
}

static enum status read_texts(const struct jdoc *doc, struct record *record, struct err *err)
{
	if (!clock_parse(jdoc_get_text(doc, "ts"), &record->ts_ns))
		return bad_field(err, "ts");
	if (!span_eq(jdoc_get_text(doc, "event_type"), SPAN_LIT(EVENT_TYPE)))
		return bad_field(err, "event_type");
	if (!span_eq(jdoc_get_text(doc, "kind"), SPAN_LIT(KIND)))
		return bad_field(err, "kind");
	if (!get_id(doc, "org", LIMIT_ORG, &record->org))
		return bad_field(err, "org");
	if (!get_id(doc, "workspace_id", LIMIT_WORKSPACE_ID, &record->workspace_id))
		return bad_field(err, "workspace_id");
	record->instance_id = jdoc_get_text(doc, "instance_id");
	if (!jdoc_is_string(jdoc_get(doc, "instance_id")) || record->instance_id.len > LIMIT_INSTANCE_ID)
		return bad_field(err, "instance_id");
	record->capture_id = jdoc_get_text(doc, "capture_id");
	if (!order_is_uuid(record->capture_id))
		return bad_field(err, "capture_id");
	if (!order_reason_parse(jdoc_get_text(doc, "reason"), &record->reason))
		return bad_field(err, "reason");
	record->section = jdoc_get_text(doc, "section");
	if (!record_is_section_name(record->section))
		return bad_field(err, "section");
	if (!record_outcome_parse(jdoc_get_text(doc, "outcome"), &record->outcome))
		return bad_field(err, "outcome");
	record->sha256 = jdoc_get_text(doc, "sha256");
	if (!is_sha256(record->sha256))
		return bad_field(err, "sha256");
	record->content = jdoc_get_text(doc, "content");
	return jdoc_is_string(jdoc_get(doc, "content")) ? STATUS_OK : bad_field(err, "content");
}

static enum status read_numbers(const struct jdoc *doc, struct record *record, struct err *err)
{
	record->part = jdoc_get_int(doc, "part", 0);
	record->parts = jdoc_get_int(doc, "parts", 0);
	record->redactions = jdoc_get_int(doc, "redactions", -1);
	record->redacted = jdoc_get_bool(doc, "redacted", false);
	record->gate_findings = jdoc_get_int(doc, "gate_findings", 0);
	if (record->parts < 1 || record->parts > LIMIT_BUNDLE_RECORDS)
		return bad_field(err, "parts");
	if (record->part < 1 || record->part > record->parts)
		return bad_field(err, "part");
	if (record->redactions < 0 || record->redactions > LIMIT_REDACTIONS)
		return bad_field(err, "redactions");
	if (jdoc_get(doc, "gate_findings") != NULL && record->gate_findings < 1)
		return bad_field(err, "gate_findings");
	return record->redacted ? STATUS_OK : bad_field(err, "redacted");
}

static bool is_known_field(void *ctx, struct span key, struct jdoc *value)
{
	static const char *const names[] = { "ts", "event_type", "kind", "org", "workspace_id", "instance_id",
	                                     "capture_id", "reason", "section", "part", "parts", "outcome", "redacted",
	                                     "redactions", "gate_findings", "sha256", "content" };
	bool *all_known = ctx;
	bool known = false;

	(void)value;
	for (size_t i = 0; i < sizeof names / sizeof names[0] && !known; i++)
		known = span_eq(key, span_cstr(names[i]));
	*all_known = known;
	return known;
}

enum status record_parse(struct span line, struct record *ret_record, struct jdoc **ret_doc, struct err *err)
{
	struct jdoc *doc = NULL;
	enum status status;
	bool all_known = true;

	*ret_doc = NULL;
	memset(ret_record, 0, sizeof *ret_record);
	if (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	if (line.len > LIMIT_RECORD_LINE)
		return err_set(err, STATUS_TOO_LARGE, "longer than %d bytes", LIMIT_RECORD_LINE);
	status = jdoc_parse(line, &doc, err);
	if (status != STATUS_OK)
		return status;
	if (!jdoc_is_object(doc)) {
		status = err_set(err, STATUS_INVALID, "not a JSON object");
		goto out;
	}
	jdoc_each(doc, is_known_field, &all_known);
	if (!all_known) {
		/* The name itself may be anything: it is not repeated. */
		status = err_set(err, STATUS_INVALID, "a field that a record does not have");
		goto out;
	}
	status = read_texts(doc, ret_record, err);
	if (status == STATUS_OK)
		status = read_numbers(doc, ret_record, err);
out:
	if (status == STATUS_OK)
		*ret_doc = doc;
	else
		jdoc_free(doc);
	return status;
}

enum status record_parse_head(struct span line, struct record *ret_record, struct jdoc **ret_doc, struct err *err)
{
	/* The last field. No string holds these bytes, since a quote inside of one is escaped. */
	static const struct span field = SPAN_LIT(",\"content\":\"");
	size_t at = span_find(line, field, 0);
	BUF_AUTO head = BUF_INIT(LIMIT_RECORD_LINE);

	if (at == line.len)
		return record_parse(line, ret_record, ret_doc, err);
	buf_append_span(&head, span_sub(line, 0, at + field.len));
	buf_append_cstr(&head, "\"}");
	return buf_status(&head) != STATUS_OK ? buf_status(&head) :
	                                        record_parse(buf_span(&head), ret_record, ret_doc, err);
}
