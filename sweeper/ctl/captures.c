#include "sweeper/ctl/captures.h"

#include <inttypes.h>
#include <stdlib.h>

#include "proto/identity.h"
#include "proto/order.h"
#include "shared/clock.h"
#include "shared/config.h"
#include "sweeper/ctl/loki.h"

struct captures {
	const struct ctl *ctl;
	struct api *api; /* NULL: Loki */
};

enum status captures_open(const struct ctl *ctl, struct captures **ret_captures, struct err *err)
{
	struct captures *captures;
	enum status status = STATUS_OK;

	*ret_captures = NULL;
	if (ctl->org != NULL && !identity_is_segment(span_cstr(ctl->org), LIMIT_ORG))
		return err_set(err, STATUS_INVALID, "--org: that cannot be the name of an org");
	captures = calloc(1, sizeof *captures);
	if (captures == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	captures->ctl = ctl;
	if (ctl->loki == NULL)
		status = api_new(ctl, &captures->api, err);
	if (status != STATUS_OK) {
		captures_close(captures);
		return status;
	}
	*ret_captures = captures;
	return STATUS_OK;
}

void captures_close(struct captures *captures)
{
	if (captures == NULL)
		return;
	api_free(captures->api);
	free(captures);
}

static enum status check_workspace(const char *workspace_id, struct err *err)
{
	if (workspace_id != NULL && !identity_is_segment(span_cstr(workspace_id), LIMIT_WORKSPACE_ID))
		return err_set(err, STATUS_INVALID, "that cannot be a workspace's id: letters, digits, '.', '-' and '_' only");
	return STATUS_OK;
}

/* -- from the sweeper ---------------------------------------------------------------------------------------- */

static enum status api_list(struct captures *captures, const char *workspace_id, int64_t limit,
                            struct jdoc **ret_array, struct err *err)
{
	BUF_AUTO path = BUF_INIT(1024);
	JDOC_AUTO *doc = NULL;
	enum status status;

	if (workspace_id == NULL)
		buf_printf(&path, "/v1/captures?limit=%" PRId64, limit);
	else
		buf_printf(&path, "/v1/workspaces/%s/captures", workspace_id);
	status = api_call(captures->api, "GET", buf_cstr(&path), &doc, err);
	/* A workspace that the sweeper does not know has no captures. */
	if (status == STATUS_NOT_FOUND && workspace_id != NULL) {
		*ret_array = jdoc_array();
		return *ret_array == NULL ? STATUS_NO_MEMORY : STATUS_OK;
	}
	if (status != STATUS_OK)
		return status;
	if (!jdoc_is_array(jdoc_get(doc, "captures")))
		return err_set(err, STATUS_INVALID, "the sweeper's answer holds no captures");
	*ret_array = jdoc_share(jdoc_get(doc, "captures"));
	return STATUS_OK;
}

static enum status api_get(struct captures *captures, const char *capture_id, struct jdoc **ret_answer,
                           struct err *err)
{
	BUF_AUTO path = BUF_INIT(1024);
	JDOC_AUTO *doc = NULL;
	enum status status;

	buf_printf(&path, "/v1/captures/%s", capture_id);
	status = api_call(captures->api, "GET", buf_cstr(&path), &doc, err);
	if (status != STATUS_OK)
		return status;
	if (!jdoc_is_object(jdoc_get(doc, "capture")) || !jdoc_is_array(jdoc_get(doc, "records")))
		return err_set(err, STATUS_INVALID, "the sweeper's answer holds no capture");
	*ret_answer = doc;
	doc = NULL;
	return STATUS_OK;
}

/* -- from Loki ----------------------------------------------------------------------------------------------- */

/* NULL on out of memory. */
static struct jdoc *capture_of_record(const struct jdoc *record)
{
	static const char *const copied[] = { "capture_id", "workspace_id", "org", "instance_id", "reason" };
	bool unreachable = span_eq(jdoc_get_text(record, "outcome"), SPAN_LIT("unreachable"));
	struct jdoc *capture = jdoc_object();
	bool ok = true;

	for (size_t i = 0; i < ARRAY_LEN(copied); i++)
		ok = ok && jdoc_set_text(capture, copied[i], jdoc_get_text(record, copied[i]));
	ok = ok && jdoc_set_cstr(capture, "state", unreachable ? "unreachable" : "shipped") &&
	     jdoc_set_text(capture, "captured_at", jdoc_get_text(record, "ts"));
	if (ok)
		return capture;
	jdoc_free(capture);
	return NULL;
}

static bool holds_capture(const struct jdoc *array, struct span capture_id)
{
	for (size_t i = 0; i < jdoc_count(array); i++) {
		if (span_eq(captures_field(jdoc_at(array, i), "capture_id"), capture_id))
			return true;
	}
	return false;
}

static enum status loki_list(struct captures *captures, const char *workspace_id, int64_t limit,
                             struct jdoc **ret_array, struct err *err)
{
	const struct loki_filter filter = { .workspace_id = span_cstr(workspace_id), .section = SPAN_LIT("verdict") };
	struct loki_entries entries;
	enum status status = loki_find(captures->ctl, &filter, (size_t)limit, &entries, err);
	struct jdoc *array = jdoc_array();

	if (status == STATUS_OK && array == NULL)
		status = STATUS_NO_MEMORY;
	for (size_t i = entries.count; status == STATUS_OK && i > 0 && jdoc_count(array) < (size_t)limit; i--) {
		struct jdoc *record = entries.items[i - 1].record;

		if (!holds_capture(array, jdoc_get_text(record, "capture_id")) &&
		    !jdoc_push(array, capture_of_record(record)))
			status = STATUS_NO_MEMORY;
	}
	loki_entries_done(&entries);
	if (status == STATUS_OK)
		*ret_array = array;
	else
		jdoc_free(array);
	return status;
}

static enum status build_answer(const struct loki_entries *entries, struct jdoc **ret_answer)
{
	struct jdoc *records = jdoc_array();
	struct jdoc *answer = jdoc_object();
	bool ok = records != NULL && jdoc_set(answer, "capture", capture_of_record(entries->items[0].record));

	for (size_t i = 0; ok && i < entries->count; i++)
		ok = jdoc_push(records, jdoc_share(entries->items[i].record));
	if (!ok) {
		jdoc_free(records);
		jdoc_free(answer);
		return STATUS_NO_MEMORY;
	}
	if (!jdoc_set(answer, "records", records)) {
		jdoc_free(answer);
		return STATUS_NO_MEMORY;
	}
	*ret_answer = answer;
	return STATUS_OK;
}

static enum status loki_get(struct captures *captures, const char *capture_id, struct jdoc **ret_answer,
                            struct err *err)
{
	const struct loki_filter filter = { .capture_id = span_cstr(capture_id) };
	struct loki_entries entries;
	enum status status = loki_find(captures->ctl, &filter, LIMIT_BUNDLE_RECORDS, &entries, err);

	if (status == STATUS_OK && entries.count == 0)
		status = err_set(err, STATUS_NOT_FOUND, "Loki holds nothing of that capture");
	if (status == STATUS_OK)
		status = build_answer(&entries, ret_answer);
	loki_entries_done(&entries);
	return status;
}

/* -- either -------------------------------------------------------------------------------------------------- */

enum status captures_list(struct captures *captures, const char *workspace_id, int64_t limit,
                          struct jdoc **ret_array, struct err *err)
{
	enum status status = check_workspace(workspace_id, err);

	*ret_array = NULL;
	if (status != STATUS_OK)
		return status;
	return captures->api != NULL ? api_list(captures, workspace_id, limit, ret_array, err) :
	                               loki_list(captures, workspace_id, limit, ret_array, err);
}

enum status captures_newest(struct captures *captures, const char *workspace_id, struct jdoc **ret_capture,
                            struct err *err)
{
	JDOC_AUTO *array = NULL;
	enum status status = captures_list(captures, workspace_id, 1, &array, err);

	*ret_capture = NULL;
	if (status != STATUS_OK)
		return status;
	if (jdoc_count(array) == 0)
		return err_set(err, STATUS_NOT_FOUND, "workspace %s has no capture", workspace_id);
	*ret_capture = jdoc_share(jdoc_at(array, 0));
	return STATUS_OK;
}

enum status captures_get(struct captures *captures, const char *capture_id, struct jdoc **ret_answer, struct err *err)
{
	*ret_answer = NULL;
	if (!order_is_uuid(span_cstr(capture_id)))
		return err_set(err, STATUS_INVALID, "that is not a capture's id: expected a UUID in lower case");
	return captures->api != NULL ? api_get(captures, capture_id, ret_answer, err) :
	                               loki_get(captures, capture_id, ret_answer, err);
}

struct span captures_field(const struct jdoc *capture, const char *name)
{
	return jdoc_get_text(capture, name);
}

bool captures_time(const struct jdoc *capture, const char *name, int64_t *ret_real_ns)
{
	return clock_parse(captures_field(capture, name), ret_real_ns);
}

bool captures_when(const struct jdoc *capture, int64_t *ret_real_ns)
{
	return captures_time(capture, "requested_at", ret_real_ns) ||
	       captures_time(capture, "captured_at", ret_real_ns);
}
