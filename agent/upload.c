#include "agent/upload.h"

#include <stdio.h>

#include "shared/failpoint.h"
#include "shared/log.h"

enum {
	UPLOAD_TIMEOUT_MS = 10 * 60 * 1000,
	UPLOAD_STALL_MS = 30 * 1000,
	REASON_SHOWN = 300, /* bytes of a refusal's answer that are logged */
};

static void log_end(const struct link *link, const struct parcel *parcel, const struct fetch_answer *answer,
                    enum log_level level, const char *event)
{
	bool refused = level != LOG_INFO;

	log_event(level, event, LOG_S("capture_id", parcel_capture_id(parcel)),
	          LOG_S("workspace_id", link->identity.workspace_id), LOG_S("sweeper", link_sweeper(link)),
	          LOG_I("code", answer->code), LOG_I("bytes", parcel_gzip(parcel).len),
	          LOG_SPAN(refused ? "answer" : NULL, span_sub(buf_span(&answer->body), 0, REASON_SHOWN)));
}

/* STATUS_AGAIN when it is to be sent again. */
static enum status judge(struct link *link, const struct parcel *parcel, const struct fetch_answer *answer,
                         enum upload_end *ret_end)
{
	int code = answer->code;

	if (code >= 200 && code <= 299) {
		log_end(link, parcel, answer, LOG_INFO, "upload.stored");
		*ret_end = UPLOAD_STORED;
	} else if (code == 404) {
		log_end(link, parcel, answer, LOG_WARN, "upload.gone");
		*ret_end = UPLOAD_GONE;
	} else if (code >= 400 && code <= 499 && code != 408 && code != 425 && code != 429) {
		log_end(link, parcel, answer, LOG_ERROR, "upload.refused");
		*ret_end = UPLOAD_REFUSED;
	} else {
		log_end(link, parcel, answer, LOG_WARN, "upload.retry");
		link_retry(link, answer->retry_after_s);
		return STATUS_AGAIN;
	}
	link_works(link);
	return STATUS_OK;
}

enum status upload_run(struct link *link, const struct parcel *parcel, enum upload_end *ret_end)
{
	static const char *const headers[] = {
		"Content-Type: application/x-ndjson",
		"Content-Encoding: gzip",
		NULL,
	};
	char path[sizeof "/v1/captures//bundle" + CAPTURE_ID_SIZE];
	const struct link_call call = {
		.method = "PUT",
		.path = path,
		.headers = headers,
		.body = parcel_gzip(parcel),
		.timeout_ms = UPLOAD_TIMEOUT_MS,
		.stall_timeout_ms = UPLOAD_STALL_MS,
	};
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_SWEEPER_ANSWER);
	enum status status;

	(void)snprintf(path, sizeof path, "/v1/captures/%s/bundle", parcel_capture_id(parcel));
	do {
		FAILPOINT("agent.uploading");
		status = link_try(link, &call, &answer);
		if (status == STATUS_OK)
			status = judge(link, parcel, &answer, ret_end);
	} while (status == STATUS_AGAIN);
	buf_done(&answer.body);
	return status;
}
