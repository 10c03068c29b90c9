#include "agent/collect/container_log.h"

#include <stdlib.h>

#include "shared/clock.h"
#include "shared/jdoc.h"

enum {
	ENGINE_PART = 16384,    /* the Engine cuts lines into parts of this size */
	PREFIX_LEN = 27 + 5,    /* time, blank, source, blank */
	MAX_TIME = 40,
	LINE_COST = 64,         /* counted for a line besides its bytes */
	MAX_LINE = LIMIT_SECTION_BYTES - PREFIX_LEN - 1,
	MAX_HELD = LIMIT_SECTION_BYTES + LIMIT_SECTION_CONTEXT,
};

static const char *const source_names[CONTAINER_LOG_SOURCES] = { "out", "err", "tty" };

struct line {
	struct line *next;
	int64_t real_ns;
	uint64_t number; /* order of arrival */
	enum container_log_source source;
	size_t len;
	uint8_t text[];
};

/* A line of which not all parts are there. */
struct unfinished {
	struct buf text;
	int64_t real_ns;
	bool is_open;
	bool is_too_long; /* its bytes are dropped */
};

struct container_log {
	struct engine_frames frames;
	struct buf message;  /* the frame, or the terminal's line, that is still coming in */
	struct unfinished unfinished[CONTAINER_LOG_SOURCES];
	int64_t last_real_ns;
	struct line *first, *last;
	size_t count;
	size_t held;         /* bytes in all lines */
	size_t dropped;      /* lines */
	uint64_t next_number;
	enum status failed;
};

struct container_log *container_log_new(void)
{
	struct container_log *log = calloc(1, sizeof *log);

	if (log == NULL)
		return NULL;
	buf_init(&log->message, MAX_LINE + MAX_LINE / 8);
	for (size_t i = 0; i < CONTAINER_LOG_SOURCES; i++)
		buf_init(&log->unfinished[i].text, MAX_LINE);
	return log;
}

static void drop_first(struct container_log *log)
{
	struct line *line = log->first;

	log->first = line->next;
	if (log->first == NULL)
		log->last = NULL;
	log->count--;
	log->held -= line->len + LINE_COST;
	wipe(line->text, line->len);
	free(line);
}

void container_log_free(struct container_log *log)
{
	if (log == NULL)
		return;
	while (log->first != NULL)
		drop_first(log);
	buf_wipe(&log->message);
	for (size_t i = 0; i < CONTAINER_LOG_SOURCES; i++)
		buf_wipe(&log->unfinished[i].text);
	free(log);
}

/* Length of the time and the blank at the beginning, 0 when there is none. */
static size_t read_time(struct span text, int64_t *ret_real_ns)
{
	size_t len = span_find(span_sub(text, 0, MAX_TIME), SPAN_LIT(" "), 0);

	if (len >= text.len || len >= MAX_TIME || !clock_parse(span_sub(text, 0, len), ret_real_ns))
		return 0;
	return len + 1;
}

static void add_line(struct container_log *log, enum container_log_source source, int64_t real_ns, struct span text)
{
	struct line *line = malloc(sizeof *line + text.len);

	if (line == NULL) {
		log->failed = STATUS_NO_MEMORY;
		return;
	}
	*line = (struct line){ .real_ns = real_ns, .number = log->next_number++, .source = source, .len = text.len };
	if (text.len > 0)
		memcpy(line->text, text.ptr, text.len);
	if (log->last == NULL)
		log->first = line;
	else
		log->last->next = line;
	log->last = line;
	log->count++;
	log->held += text.len + LINE_COST;
	for (; log->held > MAX_HELD && log->first != log->last; log->dropped++)
		drop_first(log);
}

static void end_line(struct container_log *log, enum container_log_source source)
{
	struct unfinished *line = &log->unfinished[source];
	struct span text = buf_span(&line->text);

	if (!line->is_open)
		return;
	if (text.len > 0 && text.ptr[text.len - 1] == '\r')
		text.len--;
	if (line->is_too_long)
		text = SPAN_LIT("[cut: a line that is longer than a section]");
	add_line(log, source, line->real_ns, text);
	if (line->text.ptr != NULL)
		wipe(line->text.ptr, line->text.len);
	buf_reset(&line->text);
	line->is_open = false;
	line->is_too_long = false;
}

/* `text` has no newline but perhaps at its end. `real_ns` of the first part is the line's; 0: not known. */
static void add_part(struct container_log *log, enum container_log_source source, int64_t real_ns, struct span text)
{
	struct unfinished *line = &log->unfinished[source];
	bool ends = text.len > 0 && text.ptr[text.len - 1] == '\n';

	if (real_ns == 0)
		real_ns = log->last_real_ns;
	log->last_real_ns = real_ns;
	if (!line->is_open)
		line->real_ns = real_ns;
	line->is_open = true;
	if (ends)
		text.len--;
	if (!line->is_too_long)
		buf_append_span(&line->text, text);
	if (buf_status(&line->text) == STATUS_TOO_LARGE) {
		line->is_too_long = true;
		buf_reset(&line->text);
	} else if (buf_status(&line->text) != STATUS_OK) {
		log->failed = buf_status(&line->text);
	}
	if (ends)
		end_line(log, source);
}

/* Takes the message that has come in, so that the next one may come. */
static void clear_message(struct container_log *log, enum container_log_source source)
{
	struct unfinished *line = &log->unfinished[source];

	if (buf_status(&log->message) == STATUS_TOO_LARGE) {
		line->is_open = true;
		line->is_too_long = true;
		end_line(log, source);
	} else if (buf_status(&log->message) != STATUS_OK) {
		log->failed = buf_status(&log->message);
	}
	if (log->message.ptr != NULL)
		wipe(log->message.ptr, log->message.len);
	buf_reset(&log->message);
}

/* A whole frame: a line, or a part of one. */
static void take_frame(struct container_log *log, enum container_log_source source)
{
	struct span rest = buf_span(&log->message);
	struct span part;

	while (buf_status(&log->message) == STATUS_OK && span_next_line(&rest, &part)) {
		int64_t real_ns = 0;
		size_t skip = read_time(part, &real_ns);

		add_part(log, source, real_ns, span_sub(part, skip, part.len));
	}
	clear_message(log, source);
}

/* A whole line of a terminal. The parts of a long one can only be told by their length. */
static void take_terminal_line(struct container_log *log)
{
	struct span rest = buf_span(&log->message);

	while (buf_status(&log->message) == STATUS_OK && rest.len > 0) {
		int64_t real_ns = 0;
		size_t skip = read_time(rest, &real_ns);

		rest = span_sub(rest, skip, rest.len);
		add_part(log, CONTAINER_LOG_TTY, real_ns, span_sub(rest, 0, ENGINE_PART));
		rest = span_sub(rest, ENGINE_PART, rest.len);
	}
	clear_message(log, CONTAINER_LOG_TTY);
}

enum status container_log_add_frames(struct container_log *log, struct span bytes)
{
	struct engine_piece piece;
	enum status status;

	while ((status = engine_frames_next(&log->frames, &bytes, &piece)) == STATUS_OK) {
		buf_append_span(&log->message, piece.bytes);
		if (piece.ends_frame)
			take_frame(log, piece.stream == ENGINE_STREAM_OUT || piece.stream == ENGINE_STREAM_IN ?
			           CONTAINER_LOG_OUT : CONTAINER_LOG_ERR);
	}
	return status == STATUS_AGAIN ? log->failed : status;
}

bool container_log_frames_are_whole(const struct container_log *log)
{
	return engine_frames_is_whole(&log->frames);
}

enum status container_log_add_raw(struct container_log *log, struct span bytes)
{
	struct span part;

	while (span_next_line(&bytes, &part)) {
		buf_append_span(&log->message, part);
		if (part.ptr[part.len - 1] == '\n')
			take_terminal_line(log);
	}
	return log->failed;
}

enum status container_log_add_json(struct container_log *log, struct span line)
{
	struct jdoc *doc = NULL;
	int64_t real_ns = 0;
	enum status status = jdoc_parse(line, &doc, NULL);

	if (status == STATUS_NO_MEMORY)
		log->failed = status;
	if (status == STATUS_OK && jdoc_is_string(jdoc_get(doc, "log"))) {
		bool is_err = span_eq(jdoc_get_text(doc, "stream"), SPAN_LIT("stderr"));

		if (!clock_parse(jdoc_get_text(doc, "time"), &real_ns))
			real_ns = 0;
		add_part(log, is_err ? CONTAINER_LOG_ERR : CONTAINER_LOG_OUT, real_ns, jdoc_get_text(doc, "log"));
	}
	jdoc_free(doc);
	return log->failed;
}

void container_log_mark_incomplete(struct container_log *log)
{
	log->dropped++;
}

size_t container_log_count(const struct container_log *log)
{
	return log->count;
}

static int by_time(const void *a, const void *b)
{
	const struct line *left = *(struct line *const *)a, *right = *(struct line *const *)b;

	if (left->real_ns != right->real_ns)
		return left->real_ns < right->real_ns ? -1 : 1;
	return left->number < right->number ? -1 : left->number > right->number;
}

static void write_line(const struct line *line, struct buf *out)
{
	char when[CLOCK_RFC3339_SIZE] = "---------------------------";

	if (line->real_ns != 0)
		clock_format(line->real_ns, when);
	buf_printf(out, "%s %s ", when, source_names[line->source]);
	buf_append(out, line->text, line->len);
	buf_append_byte(out, '\n');
}

/* The first of the lines before `end` that fit into `bytes`, at most `lines` of them. */
static size_t fit(struct line *const *sorted, size_t end, size_t lines, size_t bytes)
{
	size_t first = end, used = 0;

	while (first > 0 && end - first < lines) {
		used += PREFIX_LEN + sorted[first - 1]->len + 1;
		if (used > bytes)
			break;
		first--;
	}
	return first;
}

static void end_input(struct container_log *log)
{
	if (log->message.len > 0 && log->frames.header_len == 0)
		take_terminal_line(log);
	else if (log->message.len > 0)
		take_frame(log, log->frames.header[0] == ENGINE_STREAM_ERR ? CONTAINER_LOG_ERR : CONTAINER_LOG_OUT);
	for (unsigned i = 0; i < CONTAINER_LOG_SOURCES; i++)
		end_line(log, (enum container_log_source)i);
}

enum status container_log_write(struct container_log *log, size_t lines, struct raw_text *ret_text, bool *ret_is_cut)
{
	struct line **sorted;
	size_t count = 0, first, context;

	*ret_is_cut = false;
	end_input(log);
	sorted = calloc(log->count + 1, sizeof(struct line *));
	if (sorted == NULL)
		return STATUS_NO_MEMORY;
	for (struct line *line = log->first; line != NULL; line = line->next)
		sorted[count++] = line;
	qsort(sorted, count, sizeof(struct line *), by_time);
	first = fit(sorted, count, lines, LIMIT_SECTION_BYTES);
	context = fit(sorted, first, SIZE_MAX, LIMIT_SECTION_CONTEXT);
	for (size_t i = context; i < count; i++) {
		if (i == first)
			ret_text->context_len = ret_text->bytes.len;
		write_line(sorted[i], &ret_text->bytes);
	}
	if (count - first < lines && first + log->dropped > 0) {
		size_t left_out = lines - (count - first);

		*ret_is_cut = true;
		buf_printf(&ret_text->bytes, "[cut: %zu lines before the first line]\n",
		           left_out < first + log->dropped ? left_out : first + log->dropped);
	}
	free(sorted);
	return log->failed != STATUS_OK ? log->failed : buf_status(&ret_text->bytes);
}
