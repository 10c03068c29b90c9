#include "sweeper/gate/admin.h"

#include "sweeper/gate/core.h"
#include "sweeper/metrics.h"

enum { MAX_BODY = 1024, MAX_ANSWER = 16 * 1024 * 1024 };

/* Names each tenant that is not ready; nothing when all are. */
static void append_unready(const struct lane *lane, struct buf *out)
{
	for (size_t i = 0; i < lane->tenant_count; i++) {
		if (!tenant_is_ready(&lane->tenants[i]))
			buf_printf(out, "not ready: the database of %s does not answer, or lacks the schema (rescue-sweeper migrate); "
			           "the log says which\n", lane->tenants[i].config->org);
	}
	if (lane->draining)
		buf_append_cstr(out, "not ready: stopping\n");
}

static int answer_path(const struct lane *lane, struct span path, struct buf *out)
{
	if (span_eq(path, SPAN_LIT("/metrics"))) {
		metrics_render(out);
		return 200;
	}
	if (span_eq(path, SPAN_LIT("/healthz"))) {
		buf_append_cstr(out, "ok\n");
		return 200;
	}
	if (!span_eq(path, SPAN_LIT("/readyz"))) {
		buf_append_cstr(out, "here are /metrics, /healthz and /readyz\n");
		return 404;
	}
	append_unready(lane, out);
	if (out->len > 0)
		return 503;
	buf_append_cstr(out, "ready\n");
	return 200;
}

static int admit(struct conn *conn, const struct http1_request *request, size_t *ret_max_body,
                 const char **ret_reason)
{
	(void)conn;
	*ret_max_body = MAX_BODY;
	if (span_eq(request->method, SPAN_LIT("GET")))
		return 0;
	*ret_reason = "only GET is for here";
	return 405;
}

static void serve(struct conn *conn, const struct http1_request *request)
{
	const struct lane *lane = conn_host(conn)->ctx;
	BUF_AUTO body = BUF_INIT(MAX_ANSWER);
	int code = answer_path(lane, request->path, &body);

	conn_answer(conn, &(struct http1_answer){ .code = code,
	                                          .content_type = "text/plain; version=0.0.4; charset=utf-8",
	                                          .body = buf_span(&body) });
}

const struct conn_service admin_service = { .admit = admit, .serve = serve };
