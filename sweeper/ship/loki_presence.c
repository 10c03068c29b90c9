#include "sweeper/ship/loki_presence.h"

#include <inttypes.h>

#include "shared/failpoint.h"
#include "shared/jdoc.h"

#define S_NS INT64_C(1000000000)

enum {
	LOGQL_MAX = 32 * 1024,
	ANSWER_MAX = 16 * 1024 * 1024, /* 5,000 entries of a few hundred bytes of labels */
	PAGES_MAX = 64,
	CLOCK_SLACK_S = 3600,          /* a failover may have put the database's clock back since the last timestamps */
	RANGE_MAX_S = 720 * 3600,      /* Loki's max_query_length is 721 hours */
};

struct loki_range loki_presence_range(struct cargo *const *cargos, size_t count, bool is_fresh)
{
	struct loki_range range = { .start_ns = INT64_MAX, .end_ns = 0 };

	for (size_t i = 0; i < count; i++) {
		const struct cargo *cargo = cargos[i];
		int64_t first_ns = cargo->entry_base_ns, end_ns = cargo_entry_ns(cargo, cargo->entry_count) + 1;

		/*
		 * No timestamp is older than the bundle or newer than the last that was given: the ledger takes each
		 * from its clock while shipping. This machine's clock says nothing about them.
		 */
		if (!is_fresh && cargo->since_ns < first_ns)
			first_ns = cargo->since_ns;
		if (first_ns < range.start_ns)
			range.start_ns = first_ns;
		if (end_ns > range.end_ns)
			range.end_ns = end_ns;
	}
	if (!is_fresh)
		range.end_ns += CLOCK_SLACK_S * S_NS;
	if (range.end_ns - range.start_ns > RANGE_MAX_S * S_NS)
		range.start_ns = range.end_ns - RANGE_MAX_S * S_NS;
	return range;
}

/* a|b|c: capture ids are UUIDs, which need no quoting in a regular expression. */
static void append_ids(struct cargo *const *cargos, size_t count, struct buf *logql)
{
	bool first = true;

	for (size_t i = 0; i < count; i++) {
		if (cargos[i]->is_lost)
			continue;
		if (!first)
			buf_append_byte(logql, '|');
		buf_append_cstr(logql, cargos[i]->capture_id);
		first = false;
	}
}

void loki_presence_logql(const struct loki_presence *presence, struct cargo *const *cargos, size_t count,
                         struct buf *logql)
{
	buf_printf(logql, "{kind=\"rescue\",event_type=\"rescue.bundle\",org=\"%s\"}", presence->org);
	/* The line's text, not structured metadata: entries may be older than the configuration that adds that. */
	buf_append_cstr(logql, " |~ `");
	append_ids(cargos, count, logql);
	/* Names of our own, since json would rename what structured metadata has already. */
	buf_append_cstr(logql, "` | json rescue_capture=\"capture_id\", rescue_section=\"section\", rescue_part=\"part\","
	                       " rescue_outcome=\"outcome\" | rescue_capture=~`");
	append_ids(cargos, count, logql);
	buf_append_cstr(logql, "` | line_format `-`");
}

static void tick_off(const struct jdoc *labels, struct cargo **cargos, size_t count)
{
	struct span capture_id = jdoc_get_text(labels, "rescue_capture");
	struct span section = jdoc_get_text(labels, "rescue_section");
	bool is_unreachable = span_eq(jdoc_get_text(labels, "rescue_outcome"),
	                              span_cstr(record_outcome_name(OUTCOME_UNREACHABLE)));
	struct cargo_entry *entry = NULL;
	uint64_t part;

	if (!span_to_u64(jdoc_get_text(labels, "rescue_part"), &part) || part > LIMIT_BUNDLE_RECORDS)
		return;
	for (size_t i = 0; i < count && entry == NULL; i++) {
		if (span_eq(span_cstr(cargos[i]->capture_id), capture_id))
			entry = cargo_find(cargos[i], section, (int64_t)part, is_unreachable);
	}
	if (entry != NULL)
		entry->is_stored = true;
}

/* Each element of `values` is ["<ns>", "<line>", …]. */
static void read_values(const struct jdoc *values, size_t *count, int64_t *last_ns)
{
	for (size_t i = 0; i < jdoc_count(values); i++) {
		uint64_t ns;

		if (span_to_u64(jdoc_text(jdoc_at(jdoc_at(values, i), 0)), &ns) && ns <= INT64_MAX &&
		    (int64_t)ns > *last_ns)
			*last_ns = (int64_t)ns;
		(*count)++;
	}
}

enum status loki_presence_read(struct span body, struct cargo **cargos, size_t count, size_t *ret_count,
                               int64_t *ret_last_ns, struct err *err)
{
	struct jdoc *doc, *data, *result;
	enum status status = jdoc_parse(body, &doc, err);

	*ret_count = 0;
	*ret_last_ns = 0;
	if (status != STATUS_OK)
		return status;
	data = jdoc_get(doc, "data");
	result = jdoc_get(data, "result");
	if (!span_eq(jdoc_get_text(data, "resultType"), SPAN_LIT("streams")) || !jdoc_is_array(result))
		status = err_set(err, STATUS_INVALID, "the answer holds no streams");
	for (size_t i = 0; status == STATUS_OK && i < jdoc_count(result); i++) {
		struct jdoc *stream = jdoc_at(result, i);

		read_values(jdoc_get(stream, "values"), ret_count, ret_last_ns);
		tick_off(jdoc_get(stream, "stream"), cargos, count);
	}
	jdoc_free(doc);
	return status;
}

static enum status ask_page(const struct loki_presence *presence, struct span logql, struct cargo **cargos,
                            size_t count, const struct loki_range *range, size_t *ret_count, int64_t *ret_last_ns,
                            struct err *err)
{
	BUF_AUTO body = BUF_INIT(ANSWER_MAX);
	int code;
	enum status status = loki_link_query(presence->link, logql, range, LOKI_QUERY_LIMIT, &code, &body, err);

	FAILPOINT("ship.asked");
	if (status != STATUS_OK)
		return status;
	if (code != 200)
		return err_set(err, STATUS_UNAVAILABLE, "Loki answered a query with %d", code);
	status = loki_presence_read(buf_span(&body), cargos, count, ret_count, ret_last_ns, err);
	if (status == STATUS_INVALID) {
		err_prefix(err, "Loki answered a query with something else");
		status = STATUS_UNAVAILABLE;
	}
	return status;
}

static bool all_lost(struct cargo *const *cargos, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!cargos[i]->is_lost)
			return false;
	}
	return true;
}

enum status loki_presence_ask(const struct loki_presence *presence, struct cargo **cargos, size_t count,
                              const struct loki_range *range, struct err *err)
{
	BUF_AUTO logql = BUF_INIT(LOGQL_MAX);
	struct loki_range rest = *range;

	if (all_lost(cargos, count))
		return STATUS_OK;
	loki_presence_logql(presence, cargos, count, &logql);
	if (buf_status(&logql) != STATUS_OK)
		return err_set(err, buf_status(&logql), "the query is too long");
	for (int page = 0; page < PAGES_MAX; page++) {
		size_t got;
		int64_t last_ns;
		enum status status =
			ask_page(presence, buf_span(&logql), cargos, count, &rest, &got, &last_ns, err);

		if (status != STATUS_OK || got < LOKI_QUERY_LIMIT)
			return status;
		/* The next page begins with the last one's newest timestamp, of which there may be more. */
		rest.start_ns = last_ns > rest.start_ns ? last_ns : rest.start_ns + 1;
	}
	return err_set(err, STATUS_UNAVAILABLE, "Loki has more entries of these captures than can be looked through");
}
