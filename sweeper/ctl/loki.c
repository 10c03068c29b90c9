#include "sweeper/ctl/loki.h"

#include <inttypes.h>

#include "shared/clock.h"
#include "shared/config.h"
#include "shared/fetch.h"

enum {
	LOKI_PAGE = 100, /* entries: lines of 256 KiB, escaped once more, stay below LIMIT_FETCH_BODY */
	LOKI_TIMEOUT_MS = 60000,
	LOKI_MAX_URL = 8192,
};

#define LOKI_BACK_NS (30LL * 24 * 3600 * 1000000000)
/* The sweeper's clock may be ahead of ours. */
#define LOKI_AHEAD_NS (15LL * 60 * 1000000000)

static void put_match(const char *field, struct span value, struct buf *out)
{
	if (value.len > 0)
		buf_printf(out, " | %s=\"%.*s\"", field, SPAN_ARG(value));
}

void loki_format_query(const char *org, const struct loki_filter *filter, bool by_metadata, struct buf *out)
{
	buf_append_cstr(out, "{kind=\"rescue\"");
	if (org != NULL)
		buf_printf(out, ",org=\"%s\"", org);
	buf_append_cstr(out, by_metadata ? "}" : "} | json");
	put_match("workspace_id", filter->workspace_id, out);
	put_match("capture_id", filter->capture_id, out);
	put_match("section", filter->section, out);
}

/* RFC 3986 section 2.1. */
static void put_percent(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];
		bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
		             (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';

		if (plain)
			buf_append_byte(out, byte);
		else
			buf_printf(out, "%%%02X", byte);
	}
}

static enum status get(const struct ctl *ctl, struct fetch *fetch, struct buf *url, struct buf *ret_body,
                       struct err *err)
{
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_FETCH_BODY);
	BUF_AUTO header = BUF_INIT(1024);
	const char *headers[] = { NULL, NULL };
	struct fetch_request request = { .method = "GET", .timeout_ms = LOKI_TIMEOUT_MS, .stop_fd = -1 };
	enum status status;

	if (ctl->tenant != NULL) {
		buf_printf(&header, "X-Scope-OrgID: %s", ctl->tenant);
		headers[0] = buf_cstr(&header);
	}
	if (buf_status(url) != STATUS_OK || buf_status(&header) != STATUS_OK)
		return err_set(err, STATUS_INVALID, "Loki's URL or tenant is too long");
	request.url = buf_cstr(url);
	request.headers = headers;
	status = fetch_run(fetch, &request, &answer, err);
	if (status == STATUS_OK && answer.code != 200) {
		struct span said = span_sub(buf_span(&answer.body), 0, 200);

		status = err_set(err, answer.code == 503 ? STATUS_UNAVAILABLE : STATUS_INVALID,
		                 "Loki answered %d: %.*s", answer.code, SPAN_ARG(said));
	}
	if (status == STATUS_OK)
		buf_take(&answer.body, ret_body);
	buf_done(&answer.body);
	return status;
}

static enum status get_page(const struct ctl *ctl, struct fetch *fetch, struct span query, const int64_t range_ns[2],
                            size_t limit, struct buf *ret_body, struct err *err)
{
	BUF_AUTO url = BUF_INIT(LOKI_MAX_URL);

	ctl_url(ctl->loki, "/loki/api/v1/query_range?query=", &url);
	put_percent(query, &url);
	buf_printf(&url, "&start=%" PRId64 "&end=%" PRId64 "&limit=%zu&direction=backward", range_ns[0], range_ns[1],
	           limit);
	return get(ctl, fetch, &url, ret_body, err);
}

static enum status find_pages(const struct ctl *ctl, struct fetch *fetch, struct span query, size_t max,
                              struct loki_entries *entries, struct err *err)
{
	int64_t now_ns = clock_real_ns();
	int64_t range_ns[2] = { now_ns - LOKI_BACK_NS, now_ns + LOKI_AHEAD_NS };
	enum status status = STATUS_OK;
	bool more = true;

	while (status == STATUS_OK && more && entries->count < max && range_ns[0] < range_ns[1]) {
		size_t left = max - entries->count;
		/* One above what is left: an overlap with the page before must not stop the search. */
		size_t limit = left < LOKI_PAGE ? left + 1 : LOKI_PAGE;
		BUF_AUTO body = BUF_INIT(LIMIT_FETCH_BODY);
		struct loki_page page;

		status = get_page(ctl, fetch, query, range_ns, limit, &body, err);
		if (status == STATUS_OK)
			status = loki_page_read(buf_span(&body), entries, &page, err);
		if (status == STATUS_OK) {
			more = page.seen >= limit;
			range_ns[1] = loki_page_next_end(&page);
		}
	}
	return status;
}

static enum status open_fetch(const struct ctl *ctl, struct fetch **ret_fetch, struct err *err)
{
	/* The operator's certificate is for the sweeper; Loki over https is checked against --ca when given. */
	const struct fetch_options options = { .ca_file = ctl->ca };

	return fetch_new(&options, ret_fetch, err);
}

enum status loki_find(const struct ctl *ctl, const struct loki_filter *filter, size_t max,
                      struct loki_entries *ret_entries, struct err *err)
{
	struct fetch *fetch = NULL;
	enum status status = open_fetch(ctl, &fetch, err);

	*ret_entries = (struct loki_entries){ .items = NULL };
	for (int by_metadata = 1; status == STATUS_OK && by_metadata >= 0 && ret_entries->count == 0; by_metadata--) {
		BUF_AUTO query = BUF_INIT(LOKI_MAX_URL / 4);

		loki_format_query(ctl->org, filter, by_metadata == 1, &query);
		status = find_pages(ctl, fetch, buf_span(&query), max, ret_entries, err);
	}
	fetch_free(fetch);
	if (status == STATUS_OK)
		loki_entries_sort(ret_entries);
	else
		loki_entries_done(ret_entries);
	return status;
}

enum status loki_ready(const struct ctl *ctl, struct err *err)
{
	BUF_AUTO url = BUF_INIT(LOKI_MAX_URL);
	BUF_AUTO body = BUF_INIT(LIMIT_FETCH_BODY);
	struct fetch *fetch = NULL;
	enum status status = open_fetch(ctl, &fetch, err);

	ctl_url(ctl->loki, "/ready", &url);
	if (status == STATUS_OK)
		status = get(ctl, fetch, &url, &body, err);
	fetch_free(fetch);
	return status;
}
