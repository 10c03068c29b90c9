#include "shared/redact/layers.h"

#include "shared/gzip.h"
#include "shared/redact/chars.h"
#include "shared/redact/decode.h"
#include "shared/redact/dump.h"
#include "shared/redact/runs.h"
#include "shared/redact/value.h"
#include "shared/redact/view.h"

enum {
	MAX_WORD = 4096,       /* bytes before an escape, or to either side of a sign, that are read with it */
	MAX_ESCAPED = 64 * 1024, /* bytes from an escape on; a key of which every letter is escaped fits */
	MIN_LINE = 56,         /* a shorter line of base64 is the last of its block */
	MAX_DUMP = 64 * 1024,  /* bytes of a dump that are read at once */
	MAX_ENCODED = 1024 * 1024,
	ALIGNMENTS = 4,
};

static enum status scan_layer(const struct scan_job *job, struct span text, struct findings *ret_findings)
{
	struct scan_job inner = *job;

	inner.text = text;
	inner.depth++;
	inner.findings = ret_findings;
	return scan_run(&inner);
}

/* Scans the view and masks in the job's text, whose byte `offset` is the first of the view's source. */
static enum status scan_view(const struct scan_job *job, const struct view *view, size_t offset)
{
	struct findings inner = { 0 };
	enum status status = view->failed;

	if (status == STATUS_OK)
		status = scan_layer(job, buf_span(&view->text), &inner);
	for (size_t i = 0; status == STATUS_OK && i < inner.count; i++) {
		struct finding finding = inner.items[i];

		finding.start = offset + view_source_start(view, inner.items[i].start);
		finding.end = offset + view_source_end(view, inner.items[i].end);
		findings_add(job->findings, finding);
	}
	findings_done(&inner);
	return status == STATUS_OK ? job->findings->failed : status;
}

enum status layers_colours(const struct scan_job *job)
{
	struct view view;
	enum status status;

	view_init(&view, job->text.len);
	view_strip_colours(&view, job->text);
	status = scan_view(job, &view, 0);
	view_done(&view);
	return status;
}

/* A blank behind a colon or a comma stands inside of JSON. */
static bool ends_word(struct span text, size_t at)
{
	uint8_t c = text.ptr[at];

	if (c == ' ' && at > 0 && memchr(":,", text.ptr[at - 1], 2) != NULL)
		return false;
	return is_space(c) || memchr("\"'`<>", c, 5) != NULL;
}

/* Scans [start, end) as `read` makes it readable. */
static enum status scan_part(const struct scan_job *job, size_t start, size_t end,
                             void (*read)(struct view *view, struct span source))
{
	struct view view;
	enum status status;

	if (job->depth >= SCAN_DEPTH)
		return STATUS_OK;
	/* Text that is one escape after the other costs many looks; what there is no room left for is withheld. */
	if (end - start > *job->budget)
		return STATUS_WITHHELD;
	*job->budget -= end - start;
	view_init(&view, end - start);
	read(&view, span_sub(job->text, start, end - start));
	status = scan_view(job, &view, start);
	view_done(&view);
	return status;
}

enum status layers_escapes(const struct scan_job *job, size_t at, size_t *ret_end)
{
	size_t start = at, end = at;

	/* HTML is escaped with its blanks. */
	bool is_html = job->text.ptr[at] == '&';

	while (start > 0 && at - start < MAX_WORD &&
	       (is_html ? job->text.ptr[start - 1] != '\n' : !ends_word(job->text, start - 1)))
		start--;
	while (end < job->text.len && end - at < MAX_ESCAPED &&
	       (is_html ? job->text.ptr[end] != '\n' : !ends_word(job->text, end)))
		end++;
	*ret_end = end;
	return scan_part(job, start, end, view_resolve_escapes);
}

/* A quote that no backslash stands before. */
static bool is_quote(struct span text, size_t at)
{
	return (text.ptr[at] == '"' || text.ptr[at] == '\'') && (at == 0 || text.ptr[at - 1] != '\\');
}

enum status layers_lines(const struct scan_job *job, size_t at, size_t *ret_end)
{
	/* rsyslog's #012 stands in no quotes. */
	bool is_quoted = job->text.ptr[at + 1] != '#';
	size_t start = at;

	while (start > 0 && at - start < MAX_WORD && job->text.ptr[start - 1] != '\n' &&
	       !(is_quoted && is_quote(job->text, start - 1)))
		start--;
	*ret_end = at + 1;
	while (*ret_end < job->text.len && *ret_end - at < MAX_ESCAPED && job->text.ptr[*ret_end] != '\n' &&
	       !(is_quoted && is_quote(job->text, *ret_end)))
		++*ret_end;
	return scan_part(job, start, *ret_end, view_resolve_lines);
}

enum status layers_signs(const struct scan_job *job, size_t at, size_t *ret_end)
{
	size_t start = at > MAX_WORD ? at - MAX_WORD : 0;
	size_t newline = chars_find_last(job->text, '\n', start, at);

	*ret_end = chars_find(span_sub(job->text, 0, at + MAX_WORD), '\n', at);
	return scan_part(job, newline == at ? start : newline + 1, *ret_end, view_fold_signs);
}

/*
 * Appends the run and the lines of base64 that follow it, without what stands before them on their lines. Whatever goes
 * beyond MAX_ENCODED sets *ret_cut.
 */
static size_t gather(struct span text, size_t start, size_t end, struct buf *encoded, bool *ret_cut)
{
	size_t len = end - start;

	*ret_cut = len > MAX_ENCODED;
	if (*ret_cut)
		return end;
	buf_append_span(encoded, span_sub(text, start, len));
	/* A sign at its end ends the block. */
	while (len >= MIN_LINE && text.ptr[end - 1] != '=' && end < text.len &&
	       (text.ptr[end] == '\n' || text.ptr[end] == '\r')) {
		size_t line = end, stop;

		while (line < text.len && is_space(text.ptr[line]) && line - end < 64)
			line++;
		for (stop = line; stop < text.len && stop - line < MAX_WORD && runs_is_member(text.ptr[stop]); stop++)
			continue;
		if (stop == line || (stop < text.len && !is_space(text.ptr[stop])) || stop - line > len)
			break;
		len = stop - line;
		end = stop;
		*ret_cut |= encoded->len + len > MAX_ENCODED;
		if (!*ret_cut)
			buf_append_span(encoded, span_sub(text, line, len));
	}
	return end;
}

static bool is_hex(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (hex_value(text.ptr[i]) < 0)
			return false;
	}
	return text.len % 2 == 0;
}

/* "name=base64": what stands before an inner '=' is not part of it. */
static size_t skip_name(struct span run)
{
	size_t sign;

	while (run.len > 0 && run.ptr[run.len - 1] == '=')
		run.len--;
	sign = chars_find_last(run, '=', 0, run.len);
	return sign == run.len ? 0 : sign + 1;
}

/* Whether the run begins like text in either encoding, and how many characters of it to skip first. */
static bool is_promising(struct span run, enum decode_kind *ret_kind, size_t *ret_skip)
{
	*ret_kind = is_hex(run) ? DECODE_HEX : DECODE_BASE64;
	for (*ret_skip = 0; *ret_skip < (*ret_kind == DECODE_HEX ? 1 : ALIGNMENTS); ++*ret_skip) {
		if (decode_is_promising(*ret_kind, span_sub(run, *ret_skip, run.len)))
			return true;
	}
	return false;
}

/* Takes the NULs out of ASCII that is written as UTF-16. */
static void narrow(struct buf *plain)
{
	size_t len = 0;

	for (size_t i = 0; i < plain->len; i++) {
		if (plain->ptr[i] != 0)
			plain->ptr[len++] = plain->ptr[i];
	}
	plain->len = len;
}

/*
 * Replaces gzip or a zlib stream by what it holds. When it is damaged or cut off, what came out before that is used;
 * STATUS_TOO_LARGE when there is more than the budget has room for. *ret_whole: it was neither, or not packed at all.
 */
static enum status unpack(struct buf *plain, size_t budget, bool *ret_whole)
{
	struct buf unpacked = BUF_INIT(budget);
	enum decode_packing packing = decode_packing(buf_span(plain));
	enum status status;

	*ret_whole = true;
	if (packing == DECODE_WIDE)
		narrow(plain);
	if (packing == DECODE_PLAIN || packing == DECODE_WIDE)
		return STATUS_OK;
	status = packing == DECODE_GZIP ? gzip_expand(buf_span(plain), &unpacked) :
	                                  gzip_expand_zlib(buf_span(plain), &unpacked);
	/* Text may begin like a zlib stream. */
	if (status == STATUS_INVALID && unpacked.len == 0)
		return STATUS_OK;
	buf_wipe(plain);
	*plain = unpacked;
	*ret_whole = status == STATUS_OK;
	return status == STATUS_NO_MEMORY || status == STATUS_TOO_LARGE ? status : STATUS_OK;
}

/* *ret_undecided: not all of it could be looked at. *ret_read: it could be read from end to end. */
static enum status scan_encoded(const struct scan_job *job, enum decode_kind kind, struct span encoded,
                                struct findings *ret_findings, bool *ret_undecided, bool *ret_read)
{
	/* Half of what is left, so that no single one takes it all. */
	size_t room = *job->budget / 2;
	struct buf plain = BUF_INIT(room);
	enum status status;
	bool whole;

	decode_append(kind, encoded, room, &plain);
	*ret_read = buf_status(&plain) == STATUS_OK && plain.len == decode_len(kind, encoded);
	status = buf_status(&plain) == STATUS_OK ? unpack(&plain, room, &whole) : buf_status(&plain);
	*ret_read = *ret_read && status == STATUS_OK && whole && decode_is_readable(buf_span(&plain));
	*ret_undecided = status == STATUS_TOO_LARGE || plain.len >= room;
	*job->budget -= plain.len < room ? plain.len : room;
	if (status == STATUS_OK && !*ret_undecided)
		status = scan_layer(job, buf_span(&plain), ret_findings);
	buf_wipe(&plain);
	return *ret_undecided ? STATUS_OK : status;
}

enum status layers_encoded(const struct scan_job *job, size_t start, size_t end, size_t *ret_end, bool *ret_readable)
{
	struct buf encoded = BUF_INIT(MAX_ENCODED);
	struct findings inner = { 0 };
	enum decode_kind kind;
	enum status status;
	bool undecided = false, read = false;
	size_t skip, named = skip_name(span_sub(job->text, start, end - start));
	struct span name = span_sub(job->text, start, named > 0 ? named - 1 : 0);

	*ret_end = end;
	*ret_readable = false;
	start += named;
	if (job->depth >= SCAN_DEPTH || end - start < RUNS_MIN ||
	    !is_promising(span_sub(job->text, start, end - start), &kind, &skip))
		return STATUS_OK;
	*ret_end = gather(job->text, start + skip, end, &encoded, &undecided);
	status = buf_status(&encoded);
	if (status == STATUS_OK && !undecided)
		status = scan_encoded(job, kind, buf_span(&encoded), &inner, &undecided, &read);
	*ret_readable = status == STATUS_OK && read && inner.count == 0 && !undecided && value_is_identifier(name);
	if (status == STATUS_OK && (inner.count > 0 || undecided))
		findings_add(job->findings, (struct finding){ .start = start,
		                                              .end = *ret_end,
		                                              .rank = FINDING_ENCODED,
		                                              .label = undecided ? "ENCODED" : inner.items[0].label,
		                                              .rule = undecided ? "encoded-undecided" : inner.items[0].rule });
	findings_done(&inner);
	buf_wipe(&encoded);
	return status;
}

enum status layers_dump(const struct scan_job *job, size_t at, size_t *ret_end)
{
	struct buf plain = BUF_INIT(MAX_DUMP);
	struct findings inner = { 0 };
	enum status status = STATUS_OK;
	size_t start;

	*ret_end = at + 1;
	if (job->depth < SCAN_DEPTH && dump_read(job->text, at, &plain, &start, ret_end)) {
		status = plain.len > *job->budget ? STATUS_WITHHELD : buf_status(&plain);
		*job->budget -= status == STATUS_OK ? plain.len : 0;
		if (status == STATUS_OK)
			status = scan_layer(job, buf_span(&plain), &inner);
		if (status == STATUS_OK && inner.count > 0)
			findings_add(job->findings, (struct finding){ .start = start,
			                                              .end = *ret_end,
			                                              .rank = FINDING_ENCODED,
			                                              .label = inner.items[0].label,
			                                              .rule = inner.items[0].rule });
	}
	findings_done(&inner);
	buf_wipe(&plain);
	return status;
}
