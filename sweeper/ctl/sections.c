#include "sweeper/ctl/sections.h"

#include <stdlib.h>

static struct section_view *find_view(struct sections *sections, struct span name)
{
	for (size_t i = 0; i < sections->count; i++) {
		if (span_eq(jdoc_get_text(sections->items[i].first, "section"), name))
			return &sections->items[i];
	}
	return NULL;
}

/* One view for each section, `first` being any of its records. */
static enum status find_sections(const struct jdoc *records, struct sections *sections, struct err *err)
{
	for (size_t i = 0; i < jdoc_count(records); i++) {
		struct jdoc *record = jdoc_at(records, i);
		struct span name = jdoc_get_text(record, "section");
		int64_t parts = jdoc_get_int(record, "parts", 0);

		if (name.len == 0 || parts < 1 || parts > LIMIT_BUNDLE_RECORDS ||
		    !jdoc_is_string(jdoc_get(record, "content")))
			return err_set(err, STATUS_INVALID, "record %zu is not a part of a section", i + 1);
		if (find_view(sections, name) != NULL)
			continue;
		sections->items[sections->count++] = (struct section_view){
			.first = record, .content = BUF_INIT(LIMIT_BUNDLE_BYTES), .parts = parts,
		};
	}
	return STATUS_OK;
}

static const struct jdoc *find_part(const struct jdoc *records, struct span name, int64_t part)
{
	for (size_t i = 0; i < jdoc_count(records); i++) {
		const struct jdoc *record = jdoc_at(records, i);

		if (jdoc_get_int(record, "part", 0) == part && span_eq(jdoc_get_text(record, "section"), name))
			return record;
	}
	return NULL;
}

static enum status join_parts(const struct jdoc *records, struct section_view *view)
{
	struct span name = jdoc_get_text(view->first, "section");

	for (int64_t part = view->parts; part >= 1; part--) {
		const struct jdoc *record = find_part(records, name, part);

		if (record != NULL)
			view->first = record;
	}
	for (int64_t part = 1; part <= view->parts; part++) {
		const struct jdoc *record = find_part(records, name, part);

		if (record == NULL)
			view->missing++;
		else
			buf_append_span(&view->content, jdoc_get_text(record, "content"));
	}
	return buf_status(&view->content);
}

static void put_verdict_first(struct sections *sections)
{
	struct section_view *verdict = find_view(sections, SPAN_LIT("verdict"));

	if (verdict != NULL) {
		struct section_view kept = *verdict;

		memmove(sections->items + 1, sections->items, (size_t)(verdict - sections->items) * sizeof kept);
		sections->items[0] = kept;
	}
}

enum status sections_join(const struct jdoc *records, struct sections *ret_sections, struct err *err)
{
	enum status status;

	*ret_sections = (struct sections){ .items = calloc(jdoc_count(records) + 1, sizeof(struct section_view)) };
	if (ret_sections->items == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	status = find_sections(records, ret_sections, err);
	for (size_t i = 0; status == STATUS_OK && i < ret_sections->count; i++)
		status = join_parts(records, &ret_sections->items[i]);
	if (status == STATUS_OK)
		put_verdict_first(ret_sections);
	else
		sections_done(ret_sections);
	return status;
}

void sections_done(struct sections *sections)
{
	for (size_t i = 0; i < sections->count; i++)
		buf_done(&sections->items[i].content);
	free(sections->items);
	*sections = (struct sections){ .items = NULL };
}

int64_t sections_redactions(const struct sections *sections)
{
	int64_t sum = 0;

	for (size_t i = 0; i < sections->count; i++)
		sum += jdoc_get_int(sections->items[i].first, "redactions", 0);
	return sum;
}
