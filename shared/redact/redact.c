#include "shared/redact/redact.h"

#include <stdlib.h>

#include "shared/redact/assign.h"
#include "shared/redact/chars.h"
#include "shared/redact/keyname.h"
#include "shared/redact/known.h"
#include "shared/redact/mask.h"
#include "shared/redact/redactor.h"
#include "shared/redact/scan.h"
#include "shared/redact/utf8.h"
#include "shared/redact/value.h"

/* A mask can bring a further secret to light; text that is not quiet after so many rounds is not given out. */
enum { MAX_ROUNDS = 4 };

struct redactor {
	struct site *site;
	struct ruleset *rules;
	struct known *known;
};

enum status redactor_new(const struct redact_options *options, struct redactor **ret_redactor, struct err *err)
{
	struct redactor *redactor = calloc(1, sizeof *redactor);
	enum status status;

	*ret_redactor = NULL;
	if (redactor == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	status = site_load(options == NULL ? NULL : options->rules_dir, &redactor->site, err);
	if (status == STATUS_OK) {
		redactor->rules = ruleset_new(redactor->site);
		redactor->known = known_new();
		if (redactor->rules == NULL || redactor->known == NULL)
			status = err_set(err, STATUS_NO_MEMORY, "out of memory");
	}
	if (status != STATUS_OK) {
		redactor_free(redactor);
		return status;
	}
	*ret_redactor = redactor;
	return STATUS_OK;
}

void redactor_free(struct redactor *redactor)
{
	if (redactor == NULL)
		return;
	ruleset_free(redactor->rules);
	known_free(redactor->known);
	site_free(redactor->site);
	free(redactor);
}

enum status redactor_add_value(struct redactor *redactor, struct span value, const char *label)
{
	return redactor == NULL ? STATUS_WITHHELD : known_add(redactor->known, value, label);
}

size_t redactor_known_count(const struct redactor *redactor)
{
	return redactor == NULL ? 0 : known_count(redactor->known);
}

/* `known` NULL: by rules and names alone. */
static enum status find_with(const struct redactor *redactor, struct known *known, struct span text,
                             struct findings *ret_findings)
{
	size_t budget = SCAN_BUDGET;
	struct scan_job job = {
		.rules = redactor->rules,
		.known = known,
		.text = text,
		.budget = &budget,
		.findings = ret_findings,
	};

	return scan_run(&job);
}

static enum status find_all(const struct redactor *redactor, struct span text, struct findings *ret_findings)
{
	return find_with(redactor, redactor->known, text, ret_findings);
}

enum status redactor_learn(struct redactor *redactor, struct span text)
{
	struct findings findings = { 0 };
	enum status status = STATUS_WITHHELD;

	if (redactor != NULL)
		status = find_with(redactor, NULL, text, &findings);
	for (size_t i = 0; i < findings.count && status == STATUS_OK; i++) {
		const struct finding *found = &findings.items[i];

		status = known_add(redactor->known, span_sub(text, found->start, found->end - found->start), found->label);
	}
	findings_done(&findings);
	return status;
}

/* "/run/secrets/db" says where the secret is, and stands in the log for good reasons. */
static bool is_path(struct span value)
{
	return value.len > 0 && value.ptr[0] == '/' && value_is_identifier(value);
}

/* "NAME=value", as the finders know it. */
static enum status learn_as_text(struct redactor *redactor, struct span name, struct span value)
{
	struct buf text = BUF_INIT(name.len + value.len + 1);
	enum status status;

	buf_append_span(&text, name);
	buf_append_byte(&text, '=');
	buf_append_span(&text, value);
	status = buf_status(&text);
	if (status == STATUS_OK)
		status = redactor_learn(redactor, buf_span(&text));
	buf_wipe(&text);
	return status;
}

/* A key or a list over several lines may be logged line by line; what is no word of a format is masked there too. */
static enum status learn_lines(struct redactor *redactor, struct span value, const char *label)
{
	enum status status = STATUS_OK;
	struct span line;

	while (status == STATUS_OK && span_next_line(&value, &line)) {
		while (line.len > 0 && is_space(line.ptr[line.len - 1]))
			line.len--;
		if (value_is_random(line))
			status = known_add(redactor->known, line, label);
	}
	return status;
}

enum status redactor_learn_variable(struct redactor *redactor, struct span name, struct span value)
{
	const char *label;
	enum status status;

	if (redactor == NULL)
		return STATUS_WITHHELD;
	status = learn_as_text(redactor, name, value);
	if (status != STATUS_OK || keyname_judge(name, &label) != KEY_STRONG || is_path(value))
		return status;
	status = known_add(redactor->known, value, label);
	return status == STATUS_OK ? learn_lines(redactor, value, label) : status;
}

/* One environment assignment and nothing else: the name goes too (see redact.h). */
static void take_whole(struct span text, size_t context_len, struct findings *findings)
{
	if (context_len == 0 && findings->count == 1 && assign_is_whole(text, &findings->items[0]))
		findings->items[0].start = 0;
}

/* Scans what was written, and masks again, until nothing is found any more. */
static enum status settle(const struct redactor *redactor, struct redact_tags *tags, struct clean_text *clean)
{
	struct findings again = { 0 };
	enum status status = STATUS_OK;
	BUF_AUTO masked = BUF_INIT(clean->bytes.max);

	for (int round = 0; status == STATUS_OK; round++) {
		struct mask_job job = { .text = buf_span(&clean->bytes), .end = clean->bytes.len, .first_line = 1 };

		again.count = 0;
		status = find_all(redactor, job.text, &again);
		if (status != STATUS_OK || again.count == 0)
			break;
		job.findings = &again;
		job.tags = tags;
		status = round == MAX_ROUNDS ? STATUS_WITHHELD : mask_write(&job, clean, &masked);
		buf_wipe(&clean->bytes);
		buf_take(&masked, &clean->bytes);
	}
	findings_done(&again);
	return status;
}

/* A finding that reaches over the end is given out whole with the next part, or now when nothing else would be. */
static size_t end_between(const struct findings *findings, size_t from, size_t end)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		if (finding->start < end && finding->end > end)
			return finding->start > from ? finding->start : finding->end;
	}
	return end;
}

enum status redactor_part(const struct redactor *redactor, const struct redactor_window *window, struct clean_text *clean,
                          size_t *ret_end)
{
	struct findings findings = { 0 };
	struct mask_job job = {
		.text = window->text,
		.from = window->context_len,
		.first_line = window->first_line,
		.findings = &findings,
		.tags = window->tags,
	};
	enum status status = find_all(redactor, window->text, &findings);

	job.end = *ret_end = end_between(&findings, window->context_len, window->end);
	if (window->is_whole)
		take_whole(window->text, window->context_len, &findings);
	if (status == STATUS_OK)
		status = mask_write(&job, clean, &clean->bytes);
	/* With nothing masked and nothing cut off, what is given out is the very text that was scanned. */
	if (status == STATUS_OK && (clean->count > 0 || (!window->is_piece && clean->bytes.len < window->text.len)))
		status = settle(redactor, window->tags, clean);
	findings_done(&findings);
	return status;
}

enum status redactor_withhold(struct err *err, enum status cause)
{
	const char *why = cause == STATUS_NO_MEMORY ? "out of memory" :
	                  cause == STATUS_TOO_LARGE ? "text is too large after redaction" :
	                                              "redaction could not be completed";

	return err_set(err, STATUS_WITHHELD, "withheld: %s", why);
}

/* Context and the rest are repaired apart, so that the place between them is still known. */
static void repair(struct span *bytes, size_t *context_len, struct buf *repaired)
{
	if (utf8_valid_len(*bytes) == bytes->len)
		return;
	utf8_repair(span_sub(*bytes, 0, *context_len), repaired);
	*bytes = span_sub(*bytes, *context_len, bytes->len);
	*context_len = repaired->len;
	utf8_repair(*bytes, repaired);
	*bytes = buf_span(repaired);
}

static enum status redact_bytes(const struct redactor *redactor, struct redact_tags *tags, struct span bytes,
                                size_t context_len, struct clean_text **ret_text, struct err *err)
{
	struct buf repaired = BUF_INIT(3 * bytes.len);
	struct redactor_window window = { .tags = tags, .first_line = 1, .is_whole = true };
	struct clean_text *clean = NULL;
	enum status status;
	size_t end;

	*ret_text = NULL;
	if (redactor == NULL)
		return err_set(err, STATUS_WITHHELD, "withheld: redaction rules are not loaded");
	repair(&bytes, &context_len, &repaired);
	status = buf_status(&repaired);
	if (status == STATUS_OK) {
		clean = clean_text_new(LIMIT_REDACT_OUTPUT);
		status = clean == NULL ? STATUS_NO_MEMORY : STATUS_OK;
	}
	if (status == STATUS_OK) {
		window.text = bytes;
		window.context_len = context_len;
		window.end = bytes.len;
		status = redactor_part(redactor, &window, clean, &end);
	}
	buf_wipe(&repaired);
	if (status != STATUS_OK) {
		clean_text_free(clean);
		return redactor_withhold(err, status);
	}
	*ret_text = clean;
	return STATUS_OK;
}

enum status redact_text_tagged(const struct redactor *redactor, struct redact_tags *tags, const struct raw_text *raw,
                               struct clean_text **ret_text, struct err *err)
{
	struct span bytes = buf_span(&raw->bytes);

	*ret_text = NULL;
	if (buf_status(&raw->bytes) != STATUS_OK)
		return redactor_withhold(err, buf_status(&raw->bytes));
	return redact_bytes(redactor, tags, bytes, raw->context_len < bytes.len ? raw->context_len : bytes.len, ret_text,
	                    err);
}

enum status redact_text(const struct redactor *redactor, const struct raw_text *raw, struct clean_text **ret_text,
                        struct err *err)
{
	return redact_text_tagged(redactor, NULL, raw, ret_text, err);
}

enum status redact_span(const struct redactor *redactor, struct span bytes, struct clean_text **ret_text,
                        struct err *err)
{
	return redact_bytes(redactor, NULL, bytes, 0, ret_text, err);
}

struct clean_text *clean_text_literal(const char *literal)
{
	struct clean_text *text = clean_text_new(LIMIT_REDACT_OUTPUT);

	if (text == NULL)
		return NULL;
	buf_append_cstr(&text->bytes, literal);
	if (buf_status(&text->bytes) == STATUS_OK)
		return text;
	clean_text_free(text);
	return NULL;
}
