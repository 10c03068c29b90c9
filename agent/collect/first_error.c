#include "agent/collect/first_error.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/collect/collect_file.h"

enum { BLOCK = 65536 };

enum place {
	ANYWHERE,  /* in the line, also within a word: "ModuleNotFoundError: …" */
	AS_A_WORD,
	AT_START,
};

static const struct sign {
	const char *words;
	enum place place;
} signs[] = {
	{ "error", AS_A_WORD },
	{ "failed", AS_A_WORD },
	{ "failure", AS_A_WORD },
	{ "fatal", AS_A_WORD },
	{ "panic", AS_A_WORD },
	{ "critical", AS_A_WORD },
	{ "exception", AS_A_WORD },
	{ "traceback", AS_A_WORD },
	{ "killed", AS_A_WORD },
	{ "error:", ANYWHERE },
	{ "exception:", ANYWHERE },
	{ "cannot ", AS_A_WORD },
	{ "command not found", ANYWHERE },
	{ "no such file or directory", ANYWHERE },
	{ "no space left on device", ANYWHERE },
	{ "permission denied", ANYWHERE },
	{ "connection refused", ANYWHERE },
	{ "e: ", AT_START },
};

/* A hyphen belongs to a word here, so that parts of package names are none. */
static bool is_word_byte(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       byte == '-' || byte == '_' || byte == '.' || byte == '/';
}

static bool is_there(struct span line, size_t at, struct span words, enum place place)
{
	if (!span_eq_nocase(span_sub(line, at, words.len), words))
		return false;
	if (place == ANYWHERE)
		return true;
	if (place == AT_START)
		return at == 0;
	if (at > 0 && is_word_byte(line.ptr[at - 1]))
		return false;
	/* A full stop ends a sentence. */
	at += words.len;
	return words.ptr[words.len - 1] == ' ' || at >= line.len || !is_word_byte(line.ptr[at]) ||
	       (line.ptr[at] == '.' && (at + 1 == line.len || line.ptr[at + 1] == ' ' || line.ptr[at + 1] == '.'));
}

bool first_error_is_one(struct span line)
{
	while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
		line.len--;
	for (size_t at = 0; at < line.len; at++) {
		/* All signs begin with a letter. */
		uint8_t first = (uint8_t)(line.ptr[at] | 0x20);

		for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
			if ((uint8_t)signs[i].words[0] == first &&
			    is_there(line, at, span_cstr(signs[i].words), signs[i].place))
				return true;
		}
	}
	return false;
}

/* Where the first such line stands: [*ret_start, *ret_end) without its newline. Lines over the cap are passed over. */
static enum status search(int fd, off_t *ret_start, off_t *ret_end, struct err *err)
{
	BUF_AUTO held = BUF_INIT(BLOCK + LIMIT_FIRST_ERROR_LINE);
	off_t held_at = 0;
	bool is_inside_long = false, is_end = false;
	enum status status = STATUS_NOT_FOUND;

	while (status == STATUS_NOT_FOUND && !is_end && held_at < LIMIT_FIRST_ERROR_SCAN) {
		struct span rest, line;

		status = collect_file_range(fd, held_at + (off_t)held.len, held_at + (off_t)held.len + BLOCK, &held, err);
		if (status != STATUS_OK)
			break;
		status = STATUS_NOT_FOUND;
		is_end = held.len < BLOCK;
		rest = buf_span(&held);
		while (status == STATUS_NOT_FOUND && span_next_line(&rest, &line)) {
			bool is_whole = line.ptr[line.len - 1] == '\n';

			if (!is_whole && !is_end && line.len <= LIMIT_FIRST_ERROR_LINE) {
				rest = line;
				break;
			}
			if (!is_inside_long && line.len <= LIMIT_FIRST_ERROR_LINE && first_error_is_one(line)) {
				*ret_start = held_at + (line.ptr - held.ptr);
				*ret_end = *ret_start + (off_t)line.len - (is_whole ? 1 : 0);
				status = STATUS_OK;
			}
			is_inside_long = !is_whole;
		}
		held_at += (off_t)(held.len - rest.len);
		wipe(held.ptr, held.len - rest.len);
		buf_consume(&held, held.len - rest.len);
	}
	if (held.ptr != NULL)
		wipe(held.ptr, held.cap);
	return status;
}

enum status first_error_find(const char *root, const char *path, struct raw_text *ret_text, struct err *err)
{
	off_t start = 0, end = 0, context;
	enum status status;
	int fd;

	ret_text->bytes.max = LIMIT_SECTION_CONTEXT + LIMIT_FIRST_ERROR_LINE;
	status = collect_file_open(root, path, S_IFREG, &fd, err);
	if (status != STATUS_OK)
		return status;
	status = search(fd, &start, &end, err);
	if (status == STATUS_OK) {
		context = start > LIMIT_SECTION_CONTEXT ? start - LIMIT_SECTION_CONTEXT : 0;
		status = collect_file_range(fd, context, end, &ret_text->bytes, err);
		ret_text->context_len = (size_t)(start - context);
		if (ret_text->context_len > ret_text->bytes.len)
			ret_text->context_len = ret_text->bytes.len;
	} else if (status == STATUS_NOT_FOUND) {
		status = STATUS_OK;
	}
	(void)close(fd);
	return status;
}
