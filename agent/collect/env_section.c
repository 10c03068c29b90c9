#include "agent/collect/env_section.h"

#include "agent/collect/doors.h"

static bool contains_nocase(struct span text, struct span word)
{
	for (size_t i = 0; i + word.len <= text.len; i++) {
		if (span_eq_nocase(span_sub(text, i, word.len), word))
			return true;
	}
	return false;
}

bool env_section_wants(struct span variable)
{
	size_t equals = span_find(variable, SPAN_LIT("="), 0);
	struct span name = span_sub(variable, 0, equals);

	return equals < variable.len && (contains_nocase(name, SPAN_LIT("MODEL")) ||
	                                 contains_nocase(name, SPAN_LIT("PROVIDER")) ||
	                                 contains_nocase(name, SPAN_LIT("RUNTIME")));
}

/* The heading stands once, before the first variable of a source. */
static void put_variable(struct buf *out, const char *source, size_t *count, struct span variable)
{
	if (!env_section_wants(variable))
		return;
	if ((*count)++ == 0)
		buf_printf(out, "# from %s\n", source);
	buf_append_span(out, variable);
	buf_append_byte(out, '\n');
}

static size_t put_container(const struct container_view *view, struct buf *out)
{
	const struct container *container = view->chosen;
	size_t count = 0;

	for (size_t i = 0; container != NULL && i < container->env_count; i++)
		put_variable(out, view->is_from_disk ? "the container, as it is on disk" : "the container", &count,
		             span_cstr(container->env[i]));
	return count;
}

/* Variables end at `separator`. Blanks before them and "export" are left out. */
static size_t put_variables(const char *path, struct span rest, uint8_t separator, struct buf *out)
{
	size_t count = 0;

	while (rest.len > 0) {
		size_t end = span_find(rest, span_of(&separator, 1), 0);
		struct span variable = span_sub(rest, 0, end);

		rest = span_sub(rest, end + 1, rest.len);
		while (variable.len > 0 && (variable.ptr[0] == ' ' || variable.ptr[0] == '\t'))
			variable = span_sub(variable, 1, variable.len);
		if (separator == '\n' && span_starts_with(variable, SPAN_LIT("export ")))
			variable = span_sub(variable, 7, variable.len);
		if (variable.len > 0 && variable.ptr[0] != '#')
			put_variable(out, path, &count, variable);
	}
	return count;
}

/* A file that is missing has no variables; one that cannot be read says so. */
static size_t put_file(const struct plan *plan, const char *path, uint8_t separator, struct buf *out, bool *ret_failed)
{
	struct buf content = BUF_INIT(LIMIT_ENVIRON_BYTES);
	struct err err = ERR_INIT;
	enum status status = doors_read(plan->root, path, &content, &err);
	size_t count = 0;

	if (status == STATUS_OK) {
		count = put_variables(path, buf_span(&content), separator, out);
	} else if (status != STATUS_NOT_FOUND) {
		buf_printf(out, "(%s)\n", err.text);
		*ret_failed = true;
	}
	buf_wipe(&content);
	return count;
}

void env_section(const struct plan *plan, struct container_view *view, struct section_result *result)
{
	struct buf *out = &result->content.bytes;
	bool has_failed = false;

	if (container_view_wait(view, plan) && put_container(view, out) > 0)
		return;
	if (put_file(plan, "/proc/1/environ", '\0', out, &has_failed) +
	    put_file(plan, "/etc/environment", '\n', out, &has_failed) > 0)
		return;
	if (has_failed)
		result->outcome = OUTCOME_ERROR;
	else
		section_set(result, OUTCOME_ABSENT, "(no env)");
}
