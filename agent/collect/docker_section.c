#include "agent/collect/docker_section.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/collect/container_disk.h"
#include "shared/clock.h"

enum { MAX_REFUSAL = 4096, COLUMNS = 6, MAX_CELL = 200, MAX_PADDING = 60 };

/* From the Engine if it can be asked, else, or if that fails, from disk. `refusal` gets the Engine's words. */
static enum status read_log(const struct plan *plan, const struct container_view *view, struct engine *engine,
                            struct container_log **log, struct buf *refusal, struct err *err)
{
	enum status status = STATUS_UNAVAILABLE, on_disk;
	struct container_log *second;

	if (engine != NULL && view->chosen->has_details)
		status = engine_logs(engine, view->chosen, *log, refusal, err);
	else
		*err = view->engine_err;
	if (status == STATUS_OK)
		return STATUS_OK;
	second = container_log_new();
	if (second == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	on_disk = container_disk_log(plan->root, view->chosen, second, NULL);
	if (on_disk == STATUS_OK) {
		struct container_log *first = *log;

		*log = second;
		second = first;
		status = STATUS_OK;
	}
	container_log_free(second);
	return status;
}

static void write_failure(const struct buf *refusal, const struct err *err, struct section_result *result)
{
	section_set(result, OUTCOME_ERROR, "(the container's log cannot be read: ");
	if (refusal->len > 0)
		buf_append_span(&result->content.bytes, buf_span(refusal));
	else
		buf_append_cstr(&result->content.bytes, err->text);
	buf_append_byte(&result->content.bytes, ')');
}

void docker_section_logs(const struct plan *plan, struct container_view *view, struct section_result *result)
{
	struct container_log *log = container_log_new();
	struct buf refusal = BUF_INIT(MAX_REFUSAL);
	struct err err = ERR_INIT;
	struct engine *engine;
	enum status status;
	bool is_cut;

	container_view_fill(view, plan, &engine);
	if (log == NULL) {
		section_set(result, OUTCOME_ERROR, "(out of memory)");
		goto out;
	}
	if (view->chosen == NULL) {
		section_set(result, OUTCOME_ABSENT, "(no agent container)");
		goto out;
	}
	status = read_log(plan, view, engine, &log, &refusal, &err);
	if (status != STATUS_OK && container_log_count(log) == 0) {
		write_failure(&refusal, &err, result);
		goto out;
	}
	if (container_log_write(log, LIMIT_CONTAINER_LOG_LINES, &result->content, &is_cut) != STATUS_OK) {
		section_set(result, OUTCOME_ERROR, "(out of memory)");
		goto out;
	}
	result->outcome = is_cut || status != STATUS_OK ? OUTCOME_TRUNCATED : OUTCOME_OK;
	if (status != STATUS_OK)
		buf_printf(&result->content.bytes, "[cut: %s]\n", err.text);
out:
	container_log_free(log);
	engine_free(engine);
	buf_wipe(&refusal);
}

struct row {
	char cells[COLUMNS][MAX_CELL];
};

/* One line, whatever the text holds. Nothing is cut: half a credential would not be known for one. */
static void put_cell(char cell[static MAX_CELL], const char *text)
{
	if (text[0] == '\0')
		text = "-";
	else if (strlen(text) >= MAX_CELL)
		text = "(too long)";
	(void)snprintf(cell, MAX_CELL, "%s", text);
	for (char *at = cell; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
	}
}

static void put_container(struct row *row, const struct container *container)
{
	char number[24] = "", when[CLOCK_RFC3339_SIZE] = "";

	if (container->has_exit_code)
		(void)snprintf(number, sizeof number, "%" PRId64, container->exit_code);
	if (container->created_s > 0 && container->created_s < INT64_MAX / 1000000000) {
		clock_format(container->created_s * 1000000000, when);
		(void)snprintf(when + 19, sizeof when - 19, "Z");
	}
	put_cell(row->cells[0], container->name);
	put_cell(row->cells[1], container->image);
	put_cell(row->cells[2], container->state);
	put_cell(row->cells[3], container->status);
	put_cell(row->cells[4], number);
	put_cell(row->cells[5], when);
}

static void write_rows(const struct row *rows, size_t count, struct buf *out)
{
	size_t widths[COLUMNS] = { 0 };

	for (size_t i = 0; i < count; i++) {
		for (size_t c = 0; c < COLUMNS; c++) {
			size_t len = strlen(rows[i].cells[c]);

			if (len > widths[c])
				widths[c] = len < MAX_PADDING ? len : MAX_PADDING;
		}
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t c = 0; c + 1 < COLUMNS; c++)
			buf_printf(out, "%-*s  ", (int)widths[c], rows[i].cells[c]);
		buf_printf(out, "%s\n", rows[i].cells[COLUMNS - 1]);
	}
}

void docker_section_ps(const struct plan *plan, struct container_view *view, struct section_result *result)
{
	static const struct row head = { { "NAME", "IMAGE", "STATE", "STATUS", "EXIT", "CREATED" } };
	struct row *rows;

	if (!container_view_wait(view, plan)) {
		section_set(result, OUTCOME_ERROR, "(docker unavailable)\nthe Engine did not answer in time");
		return;
	}
	if (view->engine_status != STATUS_OK) {
		section_set(result, view->engine_status == STATUS_NOT_FOUND ? OUTCOME_ABSENT : OUTCOME_ERROR,
		            "(docker unavailable)\n%s", view->engine_err.text);
		return;
	}
	rows = calloc(view->list.count + 1, sizeof *rows);
	if (rows == NULL) {
		section_set(result, OUTCOME_ERROR, "(out of memory)");
		return;
	}
	rows[0] = head;
	for (size_t i = 0; i < view->list.count; i++)
		put_container(&rows[i + 1], &view->list.items[i]);
	write_rows(rows, view->list.count + 1, &result->content.bytes);
	if (view->list.is_cut) {
		buf_printf(&result->content.bytes, "[cut: more than %d containers]\n", LIMIT_CONTAINERS);
		result->outcome = OUTCOME_TRUNCATED;
	}
	free(rows);
}
