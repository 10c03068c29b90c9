#include "sweeper/ship/loki_push.h"

#include <inttypes.h>

#include "shared/gzip.h"

enum {
	METADATA_BYTES = 512,                    /* more than our six values and their names take */
	BODY_BYTES_MAX = 4 * LOKI_PUSH_BYTES,    /* a line is JSON already: escaping it again can double it */
};

struct jdoc *loki_push_labels(const struct sink_config *config, const char *org)
{
	struct jdoc *labels = jdoc_object();
	bool ok = labels != NULL;

	for (size_t i = 0; i < config->label_count && ok; i++)
		ok = jdoc_set_cstr(labels, config->labels[i].name, config->labels[i].value);
	ok = ok && jdoc_set_cstr(labels, "kind", "rescue") && jdoc_set_cstr(labels, "event_type", "rescue.bundle") &&
	     jdoc_set_cstr(labels, "org", org);
	if (!ok) {
		jdoc_free(labels);
		labels = NULL;
	}
	return labels;
}

void loki_push_init(struct loki_push *push, struct jdoc *labels, bool with_metadata)
{
	*push = (struct loki_push){ .labels = labels, .with_metadata = with_metadata };
	buf_init(&push->values, BODY_BYTES_MAX);
}

void loki_push_done(struct loki_push *push)
{
	buf_done(&push->values);
}

void loki_push_reset(struct loki_push *push)
{
	buf_reset(&push->values);
	push->count = 0;
	push->bytes = 0;
}

bool loki_push_fits(const struct loki_push *push, struct span line)
{
	return push->count == 0 || push->bytes + line.len + METADATA_BYTES <= LOKI_PUSH_BYTES;
}

static void append_member(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s\"%s\":", out->ptr[out->len - 1] == '{' ? "" : ",", name);
	jdoc_dump_text(span_cstr(value), out);
}

static void append_metadata(struct buf *out, const struct cargo *cargo, const struct cargo_entry *entry)
{
	buf_append_cstr(out, ",{");
	append_member(out, "workspace_id", cargo->workspace_id);
	append_member(out, "capture_id", cargo->capture_id);
	append_member(out, "section", entry->section);
	append_member(out, "outcome", record_outcome_name(entry->outcome));
	if (cargo->instance_id[0] != '\0')
		append_member(out, "instance_id", cargo->instance_id);
	buf_append_byte(out, '}');
}

enum status loki_push_add(struct loki_push *push, int64_t ts_ns, struct span line, const struct cargo *cargo,
                          const struct cargo_entry *entry)
{
	struct buf *out = &push->values;

	buf_printf(out, "%s[\"%" PRId64 "\",", push->count == 0 ? "" : ",", ts_ns);
	jdoc_dump_text(line, out);
	if (push->with_metadata && buf_status(out) == STATUS_OK)
		append_metadata(out, cargo, entry);
	buf_append_byte(out, ']');
	push->count++;
	push->bytes += line.len + METADATA_BYTES;
	return buf_status(out);
}

enum status loki_push_pack(const struct loki_push *push, struct buf *ret_gzip)
{
	BUF_AUTO body = BUF_INIT(BODY_BYTES_MAX);
	enum status status;

	buf_append_cstr(&body, "{\"streams\":[{\"stream\":");
	status = jdoc_dump(push->labels, &body);
	buf_append_cstr(&body, ",\"values\":[");
	buf_append_span(&body, buf_span(&push->values));
	buf_append_cstr(&body, "]}]}");
	if (status == STATUS_OK)
		status = buf_status(&body);
	return status == STATUS_OK ? gzip_compress(buf_span(&body), ret_gzip) : status;
}
