#include "shared/redact/mask.h"

#include "shared/redact/tags.h"

struct place {
	size_t at;
	size_t line;
	size_t line_start;
};

/* Moves on to offset `to`, counting lines. */
static void move(struct span text, struct place *place, size_t to)
{
	for (;;) {
		size_t newline = span_find(span_sub(text, 0, to), SPAN_LIT("\n"), place->at);

		if (newline >= to)
			break;
		place->at = newline + 1;
		place->line++;
		place->line_start = place->at;
	}
	place->at = to;
}

static void write_mask(const struct mask_job *job, const struct finding *finding, struct buf *out)
{
	unsigned number = 0;

	if (job->tags != NULL)
		number = tags_number(job->tags, span_sub(job->text, finding->start, finding->end - finding->start));
	buf_append_cstr(out, "[REDACTED:");
	buf_append_cstr(out, finding->label);
	if (number > 0)
		buf_printf(out, "#%u", number);
	buf_append_byte(out, ']');
}

enum status mask_write(const struct mask_job *job, struct clean_text *clean, struct buf *out)
{
	struct place place = { .at = job->from, .line = job->first_line, .line_start = job->from };
	size_t at = job->from;
	uint8_t *room;
	/* Masks are about as long as what they hide. */
	enum status status = buf_reserve(out, job->end - job->from, &room);

	for (size_t i = 0; i < job->findings->count && status == STATUS_OK; i++) {
		struct finding finding = job->findings->items[i];

		if (finding.end <= job->from || finding.start >= job->end)
			continue;
		if (finding.start < job->from)
			finding.start = job->from;
		move(job->text, &place, finding.start);
		buf_append_span(out, span_sub(job->text, at, finding.start - at));
		write_mask(job, &finding, out);
		at = finding.end;
		status = clean_text_note(clean, (struct redact_masking){ .rule = finding.rule,
		                                                         .label = finding.label,
		                                                         .line = place.line,
		                                                         .column = finding.start - place.line_start + 1 });
	}
	buf_append_span(out, span_sub(job->text, at, job->end - at));
	return status == STATUS_OK ? buf_status(out) : status;
}
