/*
 * loki: captures read back from Loki (GET /loki/api/v1/query_range), page by page.
 *
 * Looks 30 days back, which is as far as a Loki with default limits lets one query reach.
 * Blocking. Thread: one at a time.
 */
#ifndef RESCUE_SWEEPER_CTL_LOKI_H
#define RESCUE_SWEEPER_CTL_LOKI_H

#include "sweeper/ctl/ctl.h"
#include "sweeper/ctl/loki_page.h"

/* Names that were checked by identity_is_segment or are "": they go into the query as they are. */
struct loki_filter {
	struct span workspace_id;
	struct span capture_id;
	struct span section;
};

/*
 * The newest `max` entries that match, oldest first. They are looked for by structured metadata first and, when that
 * finds none, by the fields of the lines, since the sweeper can be told not to send metadata.
 * STATUS_OK also when there are none.
 */
enum status loki_find(const struct ctl *ctl, const struct loki_filter *filter, size_t max,
                      struct loki_entries *ret_entries, struct err *err);

/* The LogQL of it; `by_metadata` as told above. */
void loki_format_query(const char *org, const struct loki_filter *filter, bool by_metadata, struct buf *out);

/* Whether Loki takes requests (GET /ready). */
enum status loki_ready(const struct ctl *ctl, struct err *err);

#endif
