#include "sweeper/gate/routes.h"

#include "proto/order.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "sweeper/gate/bootstrap.h"
#include "sweeper/gate/core.h"
#include "sweeper/gate/credential.h"
#include "sweeper/gate/enroll.h"
#include "sweeper/gate/operator.h"
#include "sweeper/gate/order_wait.h"
#include "sweeper/gate/reply.h"
#include "sweeper/gate/upload.h"
#include "sweeper/metrics.h"

enum { MAX_SEGMENTS = 5, DEFAULT_LIST = 100 };

enum id_kind { ID_NONE, ID_WORKSPACE, ID_CAPTURE };

/* "*" in the path is the id. */
struct route {
	const char *method;
	const char *path;
	enum identity_role role;
	enum id_kind id_kind;
	int bad_id_code;    /* of an id that cannot be one */
	size_t max_body;
	task_run *run;      /* NULL: an agent waits for its order */
	const char *number; /* a query parameter, a whole number up to number_max; NULL: none */
	int64_t number_default, number_max;
};

static const struct route routes[] = {
	{ "GET", "/v1/orders/next", IDENTITY_WORKSPACE, ID_NONE, 404, LIMIT_HTTP_BODY_SMALL, NULL, "wait", 0,
	  LIMIT_WAIT_S },
	{ "PUT", "/v1/captures/*/bundle", IDENTITY_WORKSPACE, ID_CAPTURE, 404, LIMIT_BUNDLE_GZIP, upload_run, NULL, 0, 0 },
	{ "POST", "/v1/workspaces/*/bootstrap-failed", IDENTITY_CONTROL_PLANE, ID_WORKSPACE, 400, LIMIT_HTTP_BODY_SMALL,
	  bootstrap_run, NULL, 0, 0 },
	{ "GET", "/v1/workspaces/*/captures", IDENTITY_OPERATOR, ID_WORKSPACE, 404, LIMIT_HTTP_BODY_SMALL, operator_list,
	  "limit", DEFAULT_LIST, LIMIT_LIST_CAPTURES },
	{ "GET", "/v1/captures", IDENTITY_OPERATOR, ID_NONE, 404, LIMIT_HTTP_BODY_SMALL, operator_list, "limit",
	  DEFAULT_LIST, LIMIT_LIST_CAPTURES },
	{ "GET", "/v1/captures/*", IDENTITY_OPERATOR, ID_CAPTURE, 404, LIMIT_HTTP_BODY_SMALL, operator_show, NULL, 0, 0 },
	{ "POST", "/v1/captures/*/retry", IDENTITY_OPERATOR, ID_CAPTURE, 404, LIMIT_HTTP_BODY_SMALL, operator_retry, NULL,
	  0, 0 },
	{ "POST", "/v1/identity/renew", IDENTITY_WORKSPACE, ID_NONE, 404, LIMIT_ENROLL_BODY, credential_renew, NULL, 0, 0 },
	{ "POST", "/v1/workspaces/*/identity/reset", IDENTITY_OPERATOR, ID_WORKSPACE, 404, LIMIT_ENROLL_BODY,
	  credential_reset, NULL, 0, 0 },
};

static size_t split(struct span path, struct span segments[static MAX_SEGMENTS])
{
	size_t count = 0;

	while (path.len > 0 && path.ptr[0] == '/' && count < MAX_SEGMENTS) {
		path = span_sub(path, 1, path.len);
		segments[count] = span_sub(path, 0, span_find(path, SPAN_LIT("/"), 0));
		path = span_sub(path, segments[count].len, path.len);
		count++;
	}
	return path.len == 0 ? count : 0;
}

static bool path_matches(const char *pattern, struct span path, struct span *ret_id)
{
	struct span wanted[MAX_SEGMENTS], found[MAX_SEGMENTS];
	size_t count = split(span_cstr(pattern), wanted);

	if (split(path, found) != count)
		return false;
	*ret_id = span_of(NULL, 0);
	for (size_t i = 0; i < count; i++) {
		if (span_eq(wanted[i], SPAN_LIT("*")))
			*ret_id = found[i];
		else if (!span_eq(wanted[i], found[i]))
			return false;
	}
	return true;
}

/* NULL: *ret_code is 404 or 405. */
static const struct route *find(const struct http1_request *request, struct span *ret_id, int *ret_code)
{
	*ret_code = 404;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!path_matches(routes[i].path, request->path, ret_id))
			continue;
		if (span_eq(request->method, span_cstr(routes[i].method)))
			return &routes[i];
		*ret_code = 405;
	}
	return NULL;
}

static int deny(const struct conn *conn, const struct http1_request *request, const char *cause, const char *words,
                const char **ret_reason)
{
	const struct caller *caller = conn_caller(conn);
	char address[CALLER_ADDRESS_SIZE];

	caller_address(conn_fd(conn), address);
	metrics_add(METRIC_DENIED, cause, 1);
	log_event(LOG_WARN, "gate.denied", LOG_S("peer", address), LOG_S("cause", cause),
	          LOG_S("org", caller->tenant == NULL ? "" : caller->tenant->org),
	          LOG_S("role", caller->denied != NULL ? "" : identity_role_name(caller->role)),
	          LOG_S("workspace_id", caller->workspace_id), LOG_SPAN("method", request->method),
	          LOG_SPAN("path", request->path), LOG_S("reason", words));
	*ret_reason = words;
	return 403;
}

/* What is told to the peer about a cause of caller_denied; the log has more. */
static const char *denial_words(const char *cause)
{
	if (strcmp(cause, "expired") == 0)
		return "the certificate has expired";
	if (strcmp(cause, "no_certificate") == 0)
		return "a certificate is needed here";
	return "the certificate is not one that may speak here";
}

static bool is_id(enum id_kind kind, struct span id)
{
	switch (kind) {
	case ID_NONE: return true;
	case ID_WORKSPACE: return identity_is_segment(id, LIMIT_WORKSPACE_ID);
	case ID_CAPTURE: return order_is_uuid(id);
	}
	return false;
}

/* The identity comes before the path: a stranger learns nothing about what there is. */
static int admit(struct conn *conn, const struct http1_request *request, size_t *ret_max_body,
                 const char **ret_reason)
{
	const char *denied = caller_denied(conn_caller(conn), clock_agreed_ns() / 1000000000);
	const struct route *route;
	struct span id;
	int code;

	if (caller_is_stranger(conn_caller(conn)) && enroll_is_for(conn, request))
		return enroll_admit(request, ret_max_body, ret_reason);
	if (denied != NULL)
		return deny(conn, request, denied, denial_words(denied), ret_reason);
	if (enroll_is_for(conn, request))
		return deny(conn, request, "enrolled", "this is for boxes without a certificate", ret_reason);
	route = find(request, &id, &code);
	if (route == NULL) {
		*ret_reason = code == 404 ? "there is no such thing here" : "this method is not for this path";
		return code;
	}
	if (conn_caller(conn)->role != route->role)
		return deny(conn, request, "role", "the certificate's role may not do this", ret_reason);
	if (!is_id(route->id_kind, id)) {
		*ret_reason = route->bad_id_code == 404 ? "there is no such thing here" : "the id is missing or not one";
		return route->bad_id_code;
	}
	if (request->content_encoding.len > 0 && !span_eq_nocase(request->content_encoding, SPAN_LIT("identity")) &&
	    !(route->run == upload_run && span_eq_nocase(request->content_encoding, SPAN_LIT("gzip")))) {
		*ret_reason = "this content coding is not understood";
		return 415;
	}
	*ret_max_body = route->max_body;
	return 0;
}

/* The route's query parameter, cut at its maximum; false when it is there and no number. */
static bool read_number(const struct route *route, const struct http1_request *request, int64_t *ret_number)
{
	struct span text;
	uint64_t number;

	*ret_number = route->number_default;
	if (route->number == NULL || !http1_query_get(request->query, span_cstr(route->number), &text))
		return true;
	if (!span_to_u64(text, &number))
		return false;
	*ret_number = number > (uint64_t)route->number_max ? route->number_max : (int64_t)number;
	return true;
}

static void serve(struct conn *conn, const struct http1_request *request)
{
	struct gate_tenant *tenant;
	struct task_request wanted = { .gzipped = span_eq_nocase(request->content_encoding, SPAN_LIT("gzip")) };
	int code;
	const struct route *route = find(request, &wanted.id, &code);

	/* admit lets strangers in for nothing else, and nobody else in for this. */
	if (caller_is_stranger(conn_caller(conn))) {
		enroll_serve(conn, request);
		return;
	}
	tenant = lane_tenant(conn_host(conn)->ctx, conn_caller(conn)->tenant);
	if (!read_number(route, request, &wanted.limit))
		reply_error(conn, 400, "expected a whole number in the query");
	else if (route->run == NULL)
		order_wait_start(tenant, conn, wanted.limit);
	else
		task_start(tenant, conn, &wanted, route->run);
}

const struct conn_service routes_service = { .admit = admit, .serve = serve };
