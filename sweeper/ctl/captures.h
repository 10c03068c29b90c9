/*
 * captures: captures and their records from wherever they are read: the sweeper's operator routes, or Loki with --loki.
 *
 * A capture is the JSON object of the operator routes: capture_id, workspace_id, org, instance_id, reason, state,
 * requested_at, delivered_at, received_at, shipped_at, deadline_at, grace_until, attempts, shipped_to, last_error,
 * bundle_sha256. Loki knows the first five of them and `captured_at`, the time by the box's clock; what it has is
 * shipped (or unreachable).
 * Blocking. Thread: one at a time.
 */
#ifndef RESCUE_SWEEPER_CTL_CAPTURES_H
#define RESCUE_SWEEPER_CTL_CAPTURES_H

#include "sweeper/ctl/api.h"
#include "sweeper/ctl/ctl.h"

struct captures; /* where to read from */

/* STATUS_INVALID when the options do not say where, or hold a name that cannot be one. */
enum status captures_open(const struct ctl *ctl, struct captures **ret_captures, struct err *err);
void captures_close(struct captures *captures);

/* Newest first. `workspace_id` NULL: of all workspaces. STATUS_OK with an empty array when there are none. */
enum status captures_list(struct captures *captures, const char *workspace_id, int64_t limit,
                          struct jdoc **ret_array, struct err *err);

/* STATUS_NOT_FOUND when the workspace has none. */
enum status captures_newest(struct captures *captures, const char *workspace_id, struct jdoc **ret_capture,
                            struct err *err);

/* {"capture": …, "records": […]}; the records are empty when there is no bundle (any more). STATUS_NOT_FOUND. */
enum status captures_get(struct captures *captures, const char *capture_id, struct jdoc **ret_answer, struct err *err);

/* The text of a field; empty when it is null or absent. */
struct span captures_field(const struct jdoc *capture, const char *name);
/* The same read as a time. False when there is none. */
bool captures_time(const struct jdoc *capture, const char *name, int64_t *ret_real_ns);

/* When it was requested; for one read from Loki, when it was captured. */
bool captures_when(const struct jdoc *capture, int64_t *ret_real_ns);

#endif
