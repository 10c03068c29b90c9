#include "proto/order.h"

#include <string.h>

#include "proto/identity.h"
#include "shared/jdoc.h"

static const char *const reason_names[] = {
	[REASON_SWEEP] = "provision_timeout_sweep",
	[REASON_BOOTSTRAP] = "bootstrap_watcher",
};

const char *order_reason_name(enum capture_reason reason)
{
	return reason_names[reason];
}

bool order_reason_parse(struct span name, enum capture_reason *ret_reason)
{
	for (size_t i = 0; i < sizeof reason_names / sizeof reason_names[0]; i++) {
		if (span_eq(name, span_cstr(reason_names[i]))) {
			*ret_reason = (enum capture_reason)i;
			return true;
		}
	}
	return false;
}

bool order_is_uuid(struct span text)
{
	if (text.len != CAPTURE_ID_SIZE - 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		bool digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');

		if (dash ? byte != '-' : !digit)
			return false;
	}
	return true;
}

static enum status read_fields(const struct jdoc *doc, struct order *order, struct err *err)
{
	struct span capture_id = jdoc_get_text(doc, "capture_id");
	struct span workspace_id = jdoc_get_text(doc, "workspace_id");

	if (!order_is_uuid(capture_id))
		return err_set(err, STATUS_INVALID, "order: capture_id is not a UUID");
	if (!identity_is_segment(workspace_id, LIMIT_WORKSPACE_ID))
		return err_set(err, STATUS_INVALID, "order: workspace_id is not a valid id");
	if (!order_reason_parse(jdoc_get_text(doc, "reason"), &order->reason))
		return err_set(err, STATUS_INVALID, "order: unknown reason");
	order->deadline_s = jdoc_get_int(doc, "deadline_s", 0);
	if (order->deadline_s < 1 || order->deadline_s > LIMIT_CAPTURE_DEADLINE_S)
		return err_set(err, STATUS_INVALID, "order: deadline_s is not in 1 to %d", LIMIT_CAPTURE_DEADLINE_S);
	if (!clock_parse(jdoc_get_text(doc, "grace_until"), &order->grace_until_ns))
		return err_set(err, STATUS_INVALID, "order: grace_until is not an RFC 3339 time");
	/* Only reported, never decided by, and an older sweeper does not say it. */
	if (!clock_parse(jdoc_get_text(doc, "ordered_at"), &order->ordered_ns))
		order->ordered_ns = 0;
	memcpy(order->capture_id, capture_id.ptr, capture_id.len);
	memcpy(order->workspace_id, workspace_id.ptr, workspace_id.len);
	return STATUS_OK;
}

enum status order_parse(struct span json, struct order *ret_order, struct err *err)
{
	JDOC_AUTO *doc = NULL;
	enum status status = jdoc_parse(json, &doc, err);

	memset(ret_order, 0, sizeof *ret_order);
	if (status != STATUS_OK) {
		err_prefix(err, "order");
		return status;
	}
	if (!jdoc_is_object(doc))
		return err_set(err, STATUS_INVALID, "order: not a JSON object");
	return read_fields(doc, ret_order, err);
}

enum status order_format(const struct order *order, struct buf *out)
{
	JDOC_AUTO *doc = jdoc_object();
	char grace_until[CLOCK_RFC3339_SIZE];
	char ordered_at[CLOCK_RFC3339_SIZE];

	clock_format(order->grace_until_ns, grace_until);
	clock_format(order->ordered_ns, ordered_at);
	if (!jdoc_set_cstr(doc, "capture_id", order->capture_id) ||
	    !jdoc_set_cstr(doc, "workspace_id", order->workspace_id) ||
	    !jdoc_set_cstr(doc, "reason", order_reason_name(order->reason)) ||
	    !jdoc_set_int(doc, "deadline_s", order->deadline_s) || !jdoc_set_cstr(doc, "grace_until", grace_until) ||
	    (order->ordered_ns != 0 && !jdoc_set_cstr(doc, "ordered_at", ordered_at)))
		return STATUS_NO_MEMORY;
	return jdoc_dump(doc, out);
}
