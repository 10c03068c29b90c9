#include "shared/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status config_fail(const struct config_reader *reader, const struct yaml_node *node, const char *fmt, ...)
{
	char words[LIMIT_ERROR_TEXT / 2];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(words, sizeof words, fmt, args);
	va_end(args);
	if (node->key.len == 0)
		return err_set(reader->err, STATUS_INVALID, "%s:%u:%u: %s", reader->file, node->line, node->column, words);
	return err_set(reader->err, STATUS_INVALID, "%s:%u:%u: %.*s: %s", reader->file, node->line, node->column,
	               (int)(node->key.len > 64 ? 64 : node->key.len), (const char *)node->key.ptr, words);
}

enum status config_expect(const struct config_reader *reader, const struct yaml_node *node, enum yaml_kind kind)
{
	static const char *const kinds[] = { "a single value", "a list", "a map of keys and values" };

	if (node == NULL || node->kind == kind)
		return STATUS_OK;
	return config_fail(reader, node, "expected %s, found %s", kinds[kind], kinds[node->kind]);
}

static enum status read_int(const struct config_reader *reader, const struct yaml_node *node,
                            const struct config_field *field, int64_t *ret_value)
{
	const char *text = (const char *)node->text.ptr;
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (node->text.len == 0 || errno != 0 || end != text + node->text.len || value < field->min || value > field->max)
		return config_fail(reader, node, "expected a whole number from %" PRId64 " to %" PRId64 ", found \"%.40s\"",
		                   field->min, field->max, text);
	*ret_value = value;
	return STATUS_OK;
}

static enum status read_bool(const struct config_reader *reader, const struct yaml_node *node, bool *ret_value)
{
	*ret_value = span_eq(node->text, SPAN_LIT("true"));
	if (*ret_value || span_eq(node->text, SPAN_LIT("false")))
		return STATUS_OK;
	return config_fail(reader, node, "expected true or false, found \"%.40s\"", (const char *)node->text.ptr);
}

static enum status copy_text(const struct config_reader *reader, const struct yaml_node *node, char **ret_text)
{
	if (memchr(node->text.ptr, '\0', node->text.len) != NULL)
		return config_fail(reader, node, "a NUL character is not allowed");
	*ret_text = strndup((const char *)node->text.ptr, node->text.len);
	return *ret_text == NULL ? err_set(reader->err, STATUS_NO_MEMORY, "out of memory") : STATUS_OK;
}

static enum status read_texts(const struct config_reader *reader, const struct yaml_node *node,
                              struct config_texts *ret_texts)
{
	enum status status = config_expect(reader, node, YAML_LIST);

	if (status != STATUS_OK || node->count == 0)
		return status;
	ret_texts->items = calloc(node->count, sizeof *ret_texts->items);
	if (ret_texts->items == NULL)
		return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
	for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
		status = config_expect(reader, item, YAML_SCALAR);
		if (status == STATUS_OK)
			status = copy_text(reader, item, &ret_texts->items[ret_texts->count]);
		if (status != STATUS_OK)
			return status;
		ret_texts->count++;
	}
	return STATUS_OK;
}

static enum status read_field(const struct config_reader *reader, const struct yaml_node *node,
                              const struct config_field *field, void *place)
{
	enum status status;

	if (field->type == CONFIG_TYPE_NODE) {
		*(const struct yaml_node **)place = node;
		return STATUS_OK;
	}
	if (field->type == CONFIG_TYPE_TEXTS)
		return read_texts(reader, node, place);
	status = config_expect(reader, node, YAML_SCALAR);
	if (status != STATUS_OK)
		return status;
	if (field->type == CONFIG_TYPE_INT)
		return read_int(reader, node, field, place);
	if (field->type == CONFIG_TYPE_BOOL)
		return read_bool(reader, node, place);
	if (field->required && node->text.len == 0)
		return config_fail(reader, node, "must not be empty; expected %s",
		                   field->expected != NULL ? field->expected : "a text");
	return copy_text(reader, node, place);
}

static enum status set_default(const struct config_reader *reader, const struct config_field *field, void *place)
{
	if (field->type == CONFIG_TYPE_INT)
		*(int64_t *)place = field->int_default;
	if (field->type == CONFIG_TYPE_BOOL)
		*(bool *)place = field->int_default != 0;
	if (field->type == CONFIG_TYPE_TEXT && field->text_default != NULL) {
		*(char **)place = strdup(field->text_default);
		if (*(char **)place == NULL)
			return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
	}
	return STATUS_OK;
}

static enum status refuse_unknown(const struct config_reader *reader, const struct yaml_node *node,
                                  const struct config_field *fields, size_t count)
{
	for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
		char known[LIMIT_ERROR_TEXT / 2] = "";
		size_t len = 0;
		bool found = false;

		for (size_t i = 0; i < count && !found; i++) {
			found = span_eq(child->key, span_cstr(fields[i].key));
			len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i == 0 ? "" : ", ", fields[i].key);
			if (len >= sizeof known)
				len = sizeof known - 1;
		}
		if (!found)
			return config_fail(reader, child, "unknown key; known here: %s", known);
	}
	return STATUS_OK;
}

enum status config_read_map(const struct config_reader *reader, const struct yaml_node *node,
                            const struct config_field *fields, size_t count, void *object)
{
	static const struct yaml_node nothing = { .kind = YAML_MAP, .line = 1, .column = 1 };
	enum status status;

	/* "key:" with nothing behind it reads as an empty map. */
	if (node == NULL || (node->kind == YAML_SCALAR && node->plain && node->text.len == 0))
		node = &nothing;
	status = config_expect(reader, node, YAML_MAP);
	if (status == STATUS_OK)
		status = refuse_unknown(reader, node, fields, count);
	for (size_t i = 0; i < count && status == STATUS_OK; i++) {
		void *place = (char *)object + fields[i].offset;
		const struct yaml_node *child = yaml_get(node, fields[i].key);

		if (child != NULL)
			status = read_field(reader, child, &fields[i], place);
		else if (fields[i].required)
			status = config_fail(reader, node, "the key \"%s\" is missing; expected %s", fields[i].key,
			                     fields[i].expected != NULL ? fields[i].expected : "a text");
		else
			status = set_default(reader, &fields[i], place);
	}
	return status;
}

void config_free_map(const struct config_field *fields, size_t count, void *object)
{
	for (size_t i = 0; i < count; i++) {
		void *place = (char *)object + fields[i].offset;

		if (fields[i].type == CONFIG_TYPE_TEXT) {
			free(*(char **)place);
			*(char **)place = NULL;
		} else if (fields[i].type == CONFIG_TYPE_TEXTS) {
			struct config_texts *texts = place;

			for (size_t j = 0; j < texts->count; j++)
				free(texts->items[j]);
			free(texts->items);
			*texts = (struct config_texts){ NULL, 0 };
		}
	}
}
