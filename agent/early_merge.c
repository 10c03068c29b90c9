/* The sections of an early capture, put beside the fresh ones. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/early.h"
#include "proto/bundle.h"
#include "shared/gzip.h"
#include "shared/log.h"

#define NAME_PREFIX "early."

enum { FRESH_MAX = LIMIT_SECTIONS + 1, READ_STEP = 65536 };

struct fresh {
	char name[LIMIT_SECTION_NAME + 1];
	char sha256[DIGEST_HEX_SIZE];
};

struct merge {
	const struct redactor *redactor;
	struct parcel *parcel;
	struct fresh fresh[FRESH_MAX];
	size_t fresh_count;
	struct buf unchanged; /* names */
};

static enum status note_fresh(void *ctx, const struct bundle_section *section, struct err *err)
{
	struct merge *merge = ctx;
	struct fresh *fresh = &merge->fresh[merge->fresh_count];

	(void)err;
	if (merge->fresh_count == FRESH_MAX)
		return STATUS_OK;
	merge->fresh_count++;
	(void)snprintf(fresh->name, sizeof fresh->name, "%.*s", SPAN_ARG(section->first->section));
	(void)snprintf(fresh->sha256, sizeof fresh->sha256, "%.*s", SPAN_ARG(section->first->sha256));
	return STATUS_OK;
}

static bool is_unchanged(const struct merge *merge, const struct record *record)
{
	for (size_t i = 0; i < merge->fresh_count; i++) {
		if (span_eq(record->section, span_cstr(merge->fresh[i].name)))
			return span_eq(record->sha256, span_cstr(merge->fresh[i].sha256));
	}
	return false;
}

static enum status add(struct merge *merge, const char *name, enum record_outcome outcome, struct span content,
                       int64_t earlier_redactions)
{
	struct clean_text *clean = NULL;
	struct section section = { .name = name, .outcome = outcome, .earlier_redactions = earlier_redactions };
	struct err err = ERR_INIT;
	enum status status = redact_span(merge->redactor, content, &clean, &err);

	if (status != STATUS_OK) {
		log_event(LOG_ERROR, "capture.withheld", LOG_S("section", name), LOG_S("error", err.text));
		section.outcome = OUTCOME_WITHHELD;
		clean = clean_text_literal("(withheld: the redaction could not be completed)");
	}
	section.content = clean;
	status = clean == NULL ? STATUS_NO_MEMORY : parcel_add(merge->parcel, &section);
	clean_text_free(clean);
	return status;
}

static enum status take_section(void *ctx, const struct bundle_section *section, struct err *err)
{
	struct merge *merge = ctx;
	const struct record *first = section->first;
	char name[LIMIT_SECTION_NAME + 1];
	enum status status;

	(void)err;
	if (is_unchanged(merge, first)) {
		buf_append_span(&merge->unchanged, first->section);
		buf_append_byte(&merge->unchanged, '\n');
		return STATUS_OK;
	}
	/* A name that gets too long loses its end. */
	(void)snprintf(name, sizeof name, NAME_PREFIX "%.*s",
	               SPAN_ARG(span_sub(first->section, 0, LIMIT_SECTION_NAME - strlen(NAME_PREFIX))));
	status = add(merge, name, first->outcome, section->content, first->redactions);
	if (status != STATUS_TOO_LARGE)
		return status;
	log_event(LOG_WARN, "capture.left_out", LOG_S("section", name), LOG_I("bytes", section->content.len));
	return STATUS_OK;
}

static enum status read_all(int fd, struct buf *content, struct err *err)
{
	for (;;) {
		uint8_t *room;
		ssize_t got;

		if (buf_reserve(content, READ_STEP, &room) != STATUS_OK)
			return err_set(err, buf_status(content), "the early capture is too large");
		got = read(fd, room, READ_STEP);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, "cannot read the early capture");
		if (got == 0)
			return STATUS_OK;
		buf_commit(content, (size_t)got);
	}
}

enum status early_take_in(int fd, const struct redactor *redactor, struct parcel *parcel, struct err *err)
{
	struct merge merge = {
		.redactor = redactor,
		.parcel = parcel,
		.unchanged = BUF_INIT(FRESH_MAX * (LIMIT_SECTION_NAME + 1)),
	};
	BUF_AUTO packed = BUF_INIT(LIMIT_BUNDLE_GZIP + READ_STEP);
	BUF_AUTO ndjson = BUF_INIT(LIMIT_BUNDLE_BYTES);
	enum status status = read_all(fd, &packed, err);

	if (status == STATUS_OK && gzip_expand(buf_span(&packed), &ndjson) != STATUS_OK)
		status = err_set(err, STATUS_INVALID, "the early capture is damaged");
	if (status == STATUS_OK)
		status = bundle_read(parcel_ndjson(parcel), note_fresh, &merge, err);
	if (status == STATUS_OK)
		status = bundle_read(buf_span(&ndjson), take_section, &merge, err);
	if (status == STATUS_OK && merge.unchanged.len > 0)
		status = add(&merge, NAME_PREFIX "unchanged", OUTCOME_OK, buf_span(&merge.unchanged), 0);
	buf_done(&merge.unchanged);
	return status;
}
