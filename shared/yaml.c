#include "shared/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "shared/file.h"

/* Nodes and texts live as long as the document; they are linked so that freeing needs no recursion. */
struct piece {
	struct piece *older;
	union {
		struct yaml_node node;
		char text[1];
	} as;
};

struct yaml {
	char *name;
	struct piece *pieces;
	struct yaml_node *root;
	size_t nodes;
};

struct reader {
	yaml_parser_t parser;
	struct yaml *yaml;
	struct err *err;
};

static enum status fail_at(struct reader *reader, enum status status, yaml_mark_t mark, const char *what)
{
	return err_set(reader->err, status, "%s:%zu:%zu: %s", reader->yaml->name, mark.line + 1, mark.column + 1, what);
}

static void *keep(struct yaml *yaml, size_t extra)
{
	struct piece *piece = calloc(1, sizeof *piece + extra);

	if (piece == NULL)
		return NULL;
	piece->older = yaml->pieces;
	yaml->pieces = piece;
	return &piece->as;
}

static enum status keep_text(struct reader *reader, const yaml_event_t *event, struct span *ret_text)
{
	size_t len = event->data.scalar.length;
	char *text = keep(reader->yaml, len + 1);

	if (text == NULL)
		return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
	memcpy(text, event->data.scalar.value, len);
	*ret_text = span_of(text, len);
	return STATUS_OK;
}

static enum status next_event(struct reader *reader, yaml_event_t *ret_event)
{
	if (yaml_parser_parse(&reader->parser, ret_event))
		return STATUS_OK;
	if (reader->parser.error == YAML_MEMORY_ERROR)
		return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
	return fail_at(reader, STATUS_INVALID, reader->parser.problem_mark,
	               reader->parser.problem != NULL ? reader->parser.problem : "not valid YAML");
}

static enum status read_value(struct reader *reader, const yaml_event_t *event, unsigned depth,
                              struct yaml_node **ret_node);

static bool has_key(const struct yaml_node *map, struct span key)
{
	for (const struct yaml_node *child = map->first; child != NULL; child = child->next) {
		if (span_eq(child->key, key))
			return true;
	}
	return false;
}

static void add_child(struct yaml_node *parent, struct yaml_node **last, struct yaml_node *child)
{
	if (*last == NULL)
		parent->first = child;
	else
		(*last)->next = child;
	*last = child;
	parent->count++;
}

/* One member or item; *ret_end says that the collection is closed. */
static enum status read_child(struct reader *reader, struct yaml_node *parent, struct yaml_node **last,
                              unsigned depth, bool *ret_end)
{
	struct yaml_node *child = NULL;
	struct span key = { NULL, 0 };
	yaml_event_t event;
	enum status status = next_event(reader, &event);

	if (status != STATUS_OK)
		return status;
	*ret_end = event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT;
	if (*ret_end)
		goto out;
	if (parent->kind == YAML_MAP) {
		if (event.type != YAML_SCALAR_EVENT) {
			status = fail_at(reader, STATUS_INVALID, event.start_mark, "a key must be plain text");
			goto out;
		}
		status = keep_text(reader, &event, &key);
		if (status == STATUS_OK && has_key(parent, key))
			status = err_set(reader->err, STATUS_INVALID, "%s:%zu:%zu: the key \"%.*s\" stands here a second time",
			                 reader->yaml->name, event.start_mark.line + 1, event.start_mark.column + 1,
			                 (int)(key.len > 100 ? 100 : key.len), (const char *)key.ptr);
		if (status != STATUS_OK)
			goto out;
		yaml_event_delete(&event);
		status = next_event(reader, &event);
		if (status != STATUS_OK)
			return status;
	}
	status = read_value(reader, &event, depth + 1, &child);
	if (status == STATUS_OK) {
		child->key = key;
		add_child(parent, last, child);
	}
out:
	yaml_event_delete(&event);
	return status;
}

static enum status read_value(struct reader *reader, const yaml_event_t *event, unsigned depth,
                              struct yaml_node **ret_node)
{
	struct yaml_node *node, *last = NULL;
	enum status status = STATUS_OK;
	bool end = false;

	if (depth > LIMIT_CONFIG_DEPTH || ++reader->yaml->nodes > LIMIT_CONFIG_NODES)
		return fail_at(reader, STATUS_TOO_LARGE, event->start_mark, "too deep, or too many values");
	if (event->type == YAML_ALIAS_EVENT)
		return fail_at(reader, STATUS_INVALID, event->start_mark, "aliases (*name) are not supported");
	node = keep(reader->yaml, 0);
	if (node == NULL)
		return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
	node->line = (unsigned)event->start_mark.line + 1;
	node->column = (unsigned)event->start_mark.column + 1;
	*ret_node = node;
	if (event->type == YAML_SCALAR_EVENT) {
		node->kind = YAML_SCALAR;
		node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		return keep_text(reader, event, &node->text);
	}
	node->kind = event->type == YAML_MAPPING_START_EVENT ? YAML_MAP : YAML_LIST;
	while (status == STATUS_OK && !end)
		status = read_child(reader, node, &last, depth, &end);
	return status;
}

static enum status read_document(struct reader *reader)
{
	enum status status;
	bool done = false;

	do {
		yaml_event_t event;

		status = next_event(reader, &event);
		if (status != STATUS_OK)
			return status;
		if (event.type == YAML_STREAM_END_EVENT)
			done = true;
		else if (event.type == YAML_DOCUMENT_START_EVENT && reader->yaml->root != NULL)
			status = fail_at(reader, STATUS_INVALID, event.start_mark, "a second document begins here; one is allowed");
		else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_MAPPING_START_EVENT ||
		         event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_ALIAS_EVENT)
			status = read_value(reader, &event, 0, &reader->yaml->root);
		yaml_event_delete(&event);
	} while (status == STATUS_OK && !done);
	if (status == STATUS_OK && reader->yaml->root == NULL) {
		reader->yaml->root = keep(reader->yaml, 0);
		if (reader->yaml->root == NULL)
			return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
		*reader->yaml->root = (struct yaml_node){ .kind = YAML_MAP, .line = 1, .column = 1 };
	}
	return status;
}

enum status yaml_parse(struct span text, const char *name, struct yaml **ret_yaml, struct err *err)
{
	struct reader reader = { .yaml = calloc(1, sizeof(struct yaml)), .err = err };
	enum status status = STATUS_OK;

	*ret_yaml = NULL;
	if (reader.yaml == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	reader.yaml->name = strdup(name);
	if (reader.yaml->name == NULL || !yaml_parser_initialize(&reader.parser)) {
		status = err_set(err, STATUS_NO_MEMORY, "out of memory");
	} else {
		/* libyaml takes no NULL, also for nothing. */
		yaml_parser_set_input_string(&reader.parser, text.len == 0 ? (const uint8_t *)"" : text.ptr, text.len);
		status = read_document(&reader);
		yaml_parser_delete(&reader.parser);
	}
	if (status == STATUS_OK)
		*ret_yaml = reader.yaml;
	else
		yaml_drop(reader.yaml);
	return status;
}

enum status yaml_load(const char *path, struct yaml **ret_yaml, struct err *err)
{
	BUF_AUTO content = BUF_INIT(LIMIT_CONFIG_FILE);
	enum status status = file_read(path, &content, err);

	*ret_yaml = NULL;
	return status != STATUS_OK ? status : yaml_parse(buf_span(&content), path, ret_yaml, err);
}

void yaml_drop(struct yaml *yaml)
{
	if (yaml == NULL)
		return;
	for (struct piece *piece = yaml->pieces, *older; piece != NULL; piece = older) {
		older = piece->older;
		free(piece);
	}
	free(yaml->name);
	free(yaml);
}

const struct yaml_node *yaml_root(const struct yaml *yaml)
{
	return yaml->root;
}

const char *yaml_name(const struct yaml *yaml)
{
	return yaml->name;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (map == NULL || map->kind != YAML_MAP)
		return NULL;
	for (const struct yaml_node *child = map->first; child != NULL; child = child->next) {
		if (span_eq(child->key, span_cstr(key)))
			return child;
	}
	return NULL;
}
