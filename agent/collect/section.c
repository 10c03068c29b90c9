#include "agent/collect/section.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/collect/collect_file.h"

enum { CLOUD_INIT_LINES = 200 };

void section_init(struct section_result *result)
{
	result->outcome = OUTCOME_OK;
	raw_text_init(&result->content, COLLECT_FILE_RAW_MAX);
}

void section_done(struct section_result *result)
{
	raw_text_done(&result->content);
}

void section_set(struct section_result *result, enum record_outcome outcome, const char *fmt, ...)
{
	char words[2 * LIMIT_ERROR_TEXT];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(words, sizeof words, fmt, args);
	va_end(args);
	section_done(result);
	section_init(result);
	buf_append_cstr(&result->content.bytes, words);
	result->outcome = outcome;
}

void section_finish(struct section_result *result, enum status status, bool is_cut, const char *absent,
                    const struct err *err)
{
	if (status == STATUS_OK)
		result->outcome = is_cut ? OUTCOME_TRUNCATED : OUTCOME_OK;
	else if (status == STATUS_NOT_FOUND)
		section_set(result, OUTCOME_ABSENT, "%s", absent);
	else
		section_set(result, OUTCOME_ERROR, "(cannot be collected: %s)",
		            err->text[0] != '\0' ? err->text : status_name(status));
}

static void take_head(const struct plan *plan, const char *path, const char *absent, struct section_result *result)
{
	struct err err = ERR_INIT;
	bool is_cut;
	enum status status = collect_file_head(plan->root, path, LIMIT_SECTION_BYTES, &result->content, &is_cut, &err);

	section_finish(result, status, is_cut, absent, &err);
}

static void take_tail(const struct plan *plan, const char *path, int64_t lines, const char *absent,
                      struct section_result *result)
{
	struct err err = ERR_INIT;
	bool is_cut;
	enum status status = collect_file_tail(plan->root, path, lines, &result->content, &is_cut, &err);

	section_finish(result, status, is_cut, absent, &err);
}

void section_config(const struct plan *plan, struct section_result *result)
{
	take_head(plan, "/configs/config.yaml", "(/configs/config.yaml absent)", result);
}

void section_system_prompt(const struct plan *plan, struct section_result *result)
{
	take_head(plan, "/configs/system-prompt.md", "(/configs/system-prompt.md absent)", result);
}

void section_cloud_init_output(const struct plan *plan, struct section_result *result)
{
	take_tail(plan, "/var/log/cloud-init-output.log", CLOUD_INIT_LINES, "(cloud-init-output.log absent)", result);
}

void section_extra(const struct plan *plan, const struct plan_extra *extra, struct section_result *result)
{
	char absent[LIMIT_PATH + 16];

	(void)snprintf(absent, sizeof absent, "(%s absent)", extra->path);
	if (extra->tail_lines > 0)
		take_tail(plan, extra->path, extra->tail_lines, absent, result);
	else
		take_head(plan, extra->path, absent, result);
}

void section_cloud_init_status(const struct plan *plan, struct section_result *result)
{
	static const char *const paths[] = { "/run/cloud-init/status.json", "/run/cloud-init/result.json" };
	struct buf *content = &result->content.bytes;
	bool is_any = false, is_any_cut = false, has_failed = false;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct err err = ERR_INIT;
		bool is_cut;
		size_t before;
		enum status status;

		content->max = COLLECT_FILE_RAW_MAX;
		buf_printf(content, "== %s ==\n", paths[i]);
		before = content->len;
		status = collect_file_head(plan->root, paths[i], LIMIT_SECTION_BYTES / 2, &result->content, &is_cut, &err);
		content->max = COLLECT_FILE_RAW_MAX;
		if (status != STATUS_OK) {
			content->len = before;
			buf_printf(content, "(%s)\n", status == STATUS_NOT_FOUND ? "absent" : err.text);
		} else if (content->len > before && content->ptr[content->len - 1] != '\n') {
			buf_append_byte(content, '\n');
		}
		is_any = is_any || status != STATUS_NOT_FOUND;
		is_any_cut = is_any_cut || is_cut;
		has_failed = has_failed || (status != STATUS_OK && status != STATUS_NOT_FOUND);
	}
	if (!is_any)
		section_set(result, OUTCOME_ABSENT, "(cloud-init status absent)");
	else
		result->outcome = has_failed ? OUTCOME_ERROR : is_any_cut ? OUTCOME_TRUNCATED : OUTCOME_OK;
}
