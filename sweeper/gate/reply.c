#include "sweeper/gate/reply.h"

#include "shared/jdoc.h"
#include "shared/random.h"

void reply_error_body(const char *reason, struct buf *out)
{
	JDOC_AUTO *doc = jdoc_object();

	if (jdoc_set_cstr(doc, "error", reason) && jdoc_dump(doc, out) == STATUS_OK)
		return;
	buf_reset(out);
	buf_append_cstr(out, "{}");
}

int64_t reply_retry_after_s(void)
{
	return 2 + (int64_t)random_below(4);
}

void reply_error(struct conn *conn, int code, const char *reason)
{
	BUF_AUTO body = BUF_INIT(LIMIT_ERROR_TEXT * 8);
	struct http1_answer answer = { .code = code, .content_type = "application/json" };

	reply_error_body(reason, &body);
	answer.body = buf_span(&body);
	if (code == 503)
		answer.retry_after_s = reply_retry_after_s();
	conn_answer(conn, &answer);
}
