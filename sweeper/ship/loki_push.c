#include "sweeper/ship/loki_push.h"

#include <inttypes.h>
#include <stdio.h>

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
}

void loki_push_done(struct loki_push *push)
{
	jdoc_free(push->values);
	push->values = NULL;
}

void loki_push_reset(struct loki_push *push)
{
	jdoc_free(push->values);
	push->values = NULL;
	push->count = 0;
	push->bytes = 0;
}

bool loki_push_fits(const struct loki_push *push, struct span line)
{
	return push->count == 0 || push->bytes + line.len + METADATA_BYTES <= LOKI_PUSH_BYTES;
}

static bool push_metadata(struct jdoc *value, const struct cargo *cargo, const struct cargo_entry *entry)
{
	struct jdoc *metadata = jdoc_object();
	bool ok = jdoc_set_cstr(metadata, "workspace_id", cargo->workspace_id) &&
	          jdoc_set_cstr(metadata, "capture_id", cargo->capture_id) &&
	          jdoc_set_cstr(metadata, "section", entry->section) &&
	          jdoc_set_cstr(metadata, "outcome", record_outcome_name(entry->outcome));

	if (ok && cargo->instance_id[0] != '\0')
		ok = jdoc_set_cstr(metadata, "instance_id", cargo->instance_id);
	if (!ok) {
		jdoc_free(metadata);
		return false;
	}
	return jdoc_push(value, metadata);
}

enum status loki_push_add(struct loki_push *push, int64_t ts_ns, struct span line, const struct cargo *cargo,
                          const struct cargo_entry *entry)
{
	struct jdoc *value = jdoc_array(), *text = jdoc_new_text(line);
	char ts[24];

	if (push->values == NULL)
		push->values = jdoc_array();
	if (push->values == NULL || value == NULL || text == NULL) {
		jdoc_free(text);
		jdoc_free(value);
		return STATUS_NO_MEMORY;
	}
	(void)snprintf(ts, sizeof ts, "%" PRId64, ts_ns);
	if (!jdoc_push(value, jdoc_new_text(span_cstr(ts)))) {
		jdoc_free(text);
		jdoc_free(value);
		return STATUS_NO_MEMORY;
	}
	if (!jdoc_push(value, text) || (push->with_metadata && !push_metadata(value, cargo, entry))) {
		jdoc_free(value);
		return STATUS_NO_MEMORY;
	}
	if (!jdoc_push(push->values, value))
		return STATUS_NO_MEMORY;
	push->count++;
	push->bytes += line.len + METADATA_BYTES;
	return STATUS_OK;
}

/* The document around the borrowed labels and values. NULL on out of memory. */
static struct jdoc *wrap(const struct loki_push *push)
{
	struct jdoc *doc = jdoc_object(), *streams = jdoc_array(), *stream = jdoc_object();
	bool ok = jdoc_set(stream, "stream", jdoc_share(push->labels)) &&
	          jdoc_set(stream, "values", jdoc_share(push->values));

	/* A setter takes the value, also when it fails. */
	if (ok)
		ok = jdoc_push(streams, stream);
	else
		jdoc_free(stream);
	if (ok)
		ok = jdoc_set(doc, "streams", streams);
	else
		jdoc_free(streams);
	if (ok)
		return doc;
	jdoc_free(doc);
	return NULL;
}

enum status loki_push_pack(const struct loki_push *push, struct buf *ret_gzip)
{
	BUF_AUTO body = BUF_INIT(BODY_BYTES_MAX);
	JDOC_AUTO *doc = wrap(push);
	enum status status;

	if (doc == NULL)
		return STATUS_NO_MEMORY;
	status = jdoc_dump(doc, &body);
	if (status == STATUS_OK)
		status = gzip_compress(buf_span(&body), ret_gzip);
	return status;
}
