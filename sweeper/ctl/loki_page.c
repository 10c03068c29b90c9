#include "sweeper/ctl/loki_page.h"

#include <stdlib.h>

/* Merge sort keeps the order of equal timestamps; qsort(3) does not. */
static void merge_sort(struct loki_entry *items, struct loki_entry *room, size_t count)
{
	size_t half = count / 2, left = 0, right = half;

	if (count < 2)
		return;
	merge_sort(items, room, half);
	merge_sort(items + half, room, count - half);
	for (size_t i = 0; i < count; i++) {
		bool take_left = left < half && (right == count || items[left].ts_ns <= items[right].ts_ns);

		room[i] = take_left ? items[left++] : items[right++];
	}
	memcpy(items, room, count * sizeof *items);
}

void loki_entries_sort(struct loki_entries *entries)
{
	if (entries->count == 0)
		return;
	/* loki_entries keep room for twice their number: the second half is the sort's. */
	merge_sort(entries->items, entries->items + entries->cap, entries->count);
}

void loki_entries_done(struct loki_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		jdoc_free(entries->items[i].record);
	free(entries->items);
	*entries = (struct loki_entries){ .items = NULL };
}

static bool same_record(const struct jdoc *a, const struct jdoc *b)
{
	return span_eq(jdoc_get_text(a, "capture_id"), jdoc_get_text(b, "capture_id")) &&
	       span_eq(jdoc_get_text(a, "section"), jdoc_get_text(b, "section")) &&
	       jdoc_get_int(a, "part", 0) == jdoc_get_int(b, "part", 0);
}

static bool is_known(const struct loki_entries *entries, int64_t ts_ns, const struct jdoc *record)
{
	/* Backwards: pages overlap at their ends only. */
	for (size_t i = entries->count; i > 0; i--) {
		const struct loki_entry *entry = &entries->items[i - 1];

		if (entry->ts_ns == ts_ns && same_record(entry->record, record))
			return true;
	}
	return false;
}

/* Takes over `record`, also on failure. */
static enum status add_entry(struct loki_entries *entries, int64_t ts_ns, struct jdoc *record)
{
	if (entries->count == entries->cap) {
		size_t cap = entries->cap == 0 ? 64 : entries->cap * 2;
		struct loki_entry *items = realloc(entries->items, 2 * cap * sizeof *items);

		if (items == NULL) {
			jdoc_free(record);
			return STATUS_NO_MEMORY;
		}
		entries->items = items;
		entries->cap = cap;
	}
	entries->items[entries->count++] = (struct loki_entry){ .ts_ns = ts_ns, .record = record };
	return STATUS_OK;
}

static bool is_ours(const struct jdoc *record)
{
	return span_eq(jdoc_get_text(record, "event_type"), SPAN_LIT("rescue.bundle")) &&
	       jdoc_is_string(jdoc_get(record, "capture_id")) && jdoc_is_string(jdoc_get(record, "section"));
}

/* One entry: ["nanoseconds", "line", {metadata}]. */
static enum status read_entry(const struct jdoc *value, struct loki_entries *entries, struct loki_page *page,
                              struct err *err)
{
	struct jdoc *line = jdoc_at(value, 1);
	struct jdoc *record = NULL;
	enum status status;
	uint64_t ts_ns;

	if (!span_to_u64(jdoc_text(jdoc_at(value, 0)), &ts_ns) || ts_ns > INT64_MAX || !jdoc_is_string(line))
		return err_set(err, STATUS_INVALID, "Loki's answer: an entry is not [\"nanoseconds\", \"line\"]");
	page->seen++;
	if ((int64_t)ts_ns < page->oldest_ns)
		page->oldest_ns = (int64_t)ts_ns;
	status = jdoc_parse(jdoc_text(line), &record, NULL);
	if (status == STATUS_NO_MEMORY)
		return status;
	if (status != STATUS_OK || !is_ours(record)) {
		page->skipped++;
		jdoc_free(record);
		return STATUS_OK;
	}
	if (is_known(entries, (int64_t)ts_ns, record)) {
		jdoc_free(record);
		return STATUS_OK;
	}
	page->added++;
	return add_entry(entries, (int64_t)ts_ns, record);
}

static enum status read_stream(const struct jdoc *stream, struct loki_entries *entries, struct loki_page *page,
                               struct err *err)
{
	struct jdoc *values = jdoc_get(stream, "values");
	enum status status = STATUS_OK;

	if (!jdoc_is_array(values))
		return err_set(err, STATUS_INVALID, "Loki's answer: a stream without values");
	for (size_t i = 0; status == STATUS_OK && i < jdoc_count(values); i++)
		status = read_entry(jdoc_at(values, i), entries, page, err);
	return status;
}

enum status loki_page_read(struct span body, struct loki_entries *entries, struct loki_page *ret_page, struct err *err)
{
	JDOC_AUTO *doc = NULL;
	enum status status = jdoc_parse(body, &doc, err);
	struct jdoc *data = jdoc_get(doc, "data");
	struct jdoc *result = jdoc_get(data, "result");

	*ret_page = (struct loki_page){ .oldest_ns = INT64_MAX };
	if (status != STATUS_OK) {
		err_prefix(err, "Loki's answer");
		return status;
	}
	if (!span_eq(jdoc_get_text(doc, "status"), SPAN_LIT("success")) || !jdoc_is_array(result))
		return err_set(err, STATUS_INVALID, "Loki's answer holds no result: is the URL that of a Loki?");
	if (!span_eq(jdoc_get_text(data, "resultType"), SPAN_LIT("streams")))
		return err_set(err, STATUS_INVALID, "Loki's answer holds no log streams");
	for (size_t i = 0; status == STATUS_OK && i < jdoc_count(result); i++)
		status = read_stream(jdoc_at(result, i), entries, ret_page, err);
	if (status == STATUS_NO_MEMORY)
		return err_set(err, status, "out of memory");
	return status;
}

int64_t loki_page_next_end(const struct loki_page *page)
{
	return page->added > 0 ? page->oldest_ns + 1 : page->oldest_ns;
}
