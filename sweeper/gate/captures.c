#include "sweeper/gate/captures.h"

#include "shared/clock.h"
#include "shared/gzip.h"

static bool set_time(struct jdoc *doc, const char *key, int64_t real_ns)
{
	char text[CLOCK_RFC3339_SIZE];

	if (real_ns == 0)
		return jdoc_set_null(doc, key);
	clock_format(real_ns, text);
	return jdoc_set_cstr(doc, key, text);
}

/* The comma-separated names as a list. */
static struct jdoc *sink_list(const char *names)
{
	struct jdoc *list = jdoc_array();
	struct span rest = span_cstr(names);
	bool ok = true;

	while (rest.len > 0 && ok) {
		struct span name = span_sub(rest, 0, span_find(rest, SPAN_LIT(","), 0));

		if (name.len > 0)
			ok = jdoc_push(list, jdoc_new_text(name));
		rest = span_sub(rest, name.len + 1, rest.len);
	}
	if (ok)
		return list;
	jdoc_free(list);
	return NULL;
}

struct jdoc *captures_to_json(const char *org, const struct ledger_capture *capture)
{
	struct jdoc *doc = jdoc_object();

	if (jdoc_set_cstr(doc, "capture_id", capture->capture_id) &&
	    jdoc_set_cstr(doc, "workspace_id", capture->workspace_id) && jdoc_set_cstr(doc, "org", org) &&
	    jdoc_set_cstr(doc, "instance_id", capture->instance_id) &&
	    jdoc_set_cstr(doc, "reason", order_reason_name(capture->reason)) &&
	    jdoc_set_cstr(doc, "state", capture_state_name(capture->state)) &&
	    set_time(doc, "requested_at", capture->requested_ns) && set_time(doc, "delivered_at", capture->delivered_ns) &&
	    set_time(doc, "received_at", capture->received_ns) && set_time(doc, "shipped_at", capture->shipped_ns) &&
	    set_time(doc, "deadline_at", capture->deadline_ns) && set_time(doc, "grace_until", capture->grace_until_ns) &&
	    jdoc_set_int(doc, "attempts", capture->attempts) && jdoc_set(doc, "shipped_to", sink_list(capture->shipped_to)) &&
	    jdoc_set_cstr(doc, "last_error", capture->last_error) &&
	    jdoc_set_cstr(doc, "bundle_sha256", capture->bundle_sha256))
		return doc;
	jdoc_free(doc);
	return NULL;
}

enum status captures_append_records(struct span bundle_gzip, struct buf *out)
{
	BUF_AUTO plain = BUF_INIT(LIMIT_BUNDLE_BYTES);
	enum status status = bundle_gzip.len == 0 ? STATUS_OK : gzip_expand(bundle_gzip, &plain);
	struct span rest = buf_span(&plain), line;
	bool is_first = true;

	if (status != STATUS_OK)
		return status;
	buf_append_cstr(out, "\"records\":[");
	/* Each line is a JSON object that this side made itself. */
	for (; span_next_line(&rest, &line); is_first = false) {
		if (!is_first)
			buf_append_byte(out, ',');
		buf_append_span(out, span_sub(line, 0, line.ptr[line.len - 1] == '\n' ? line.len - 1 : line.len));
	}
	buf_append_byte(out, ']');
	return buf_status(out);
}
