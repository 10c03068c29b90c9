/*
 * api: the sweeper's operator routes, spoken over mutual TLS with the operator's certificate.
 *
 * Blocking, bounded by API_TIMEOUT_MS. Thread: one at a time.
 */
#ifndef RESCUE_SWEEPER_CTL_API_H
#define RESCUE_SWEEPER_CTL_API_H

#include "sweeper/ctl/ctl.h"

enum { API_TIMEOUT_MS = 30000 };

struct api;

/* STATUS_INVALID when an option is missing, and which. */
enum status api_new(const struct ctl *ctl, struct api **ret_api, struct err *err);
void api_free(struct api *api);

/*
 * `path` begins with '/'. STATUS_OK: the answer was 200 and *ret_doc is its JSON. STATUS_NOT_FOUND for 404,
 * STATUS_DENIED for 401 and 403, STATUS_CONFLICT for 409, STATUS_UNAVAILABLE for 503, STATUS_INVALID for any other; the
 * words carry the sweeper's own. Also the statuses of fetch_run.
 */
enum status api_call(struct api *api, const char *method, const char *path, struct jdoc **ret_doc, struct err *err);

#endif
