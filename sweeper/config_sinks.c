#include "sweeper/config_sinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Loki takes 15 labels; kind, event_type, org and Loki's own service_name are four of them. */
enum { MAX_EXTRA_LABELS = 11, MAX_LABEL_VALUE = 2048, MAX_SINKS = 16 };

/* A sink as it stands in the file. Texts that are taken over are set to NULL. */
struct sink_text {
	char *kind, *url, *tenant_id, *basic_auth_file, *bearer_file, *ca_file, *dir;
	const struct yaml_node *labels;
	bool structured_metadata, verify;
};

static const struct config_field fields[] = {
	CONFIG_TEXT_REQUIRED(struct sink_text, kind, "loki, stdout or archive"),
	CONFIG_TEXT(struct sink_text, url, ""),
	CONFIG_TEXT(struct sink_text, tenant_id, ""),
	CONFIG_TEXT(struct sink_text, basic_auth_file, ""),
	CONFIG_TEXT(struct sink_text, bearer_file, ""),
	CONFIG_TEXT(struct sink_text, ca_file, ""),
	CONFIG_TEXT(struct sink_text, dir, ""),
	CONFIG_NODE(struct sink_text, labels),
	CONFIG_BOOL(struct sink_text, structured_metadata, true),
	CONFIG_BOOL(struct sink_text, verify, true),
};

static const char *const kind_names[] = { [SINK_LOKI] = "loki", [SINK_STDOUT] = "stdout", [SINK_ARCHIVE] = "archive" };

/* Keys that say nothing for the other kinds, so that one standing there is a mistake. */
static const char *const loki_keys[] = { "url", "tenant_id", "basic_auth_file", "bearer_file", "ca_file", "labels",
                                         "structured_metadata", "verify" };

bool config_is_http_url(const char *url)
{
	const char *host = strncmp(url, "http://", 7) == 0 ? url + 7 : strncmp(url, "https://", 8) == 0 ? url + 8 : "";

	if (*host == '\0' || *host == '/' || *host == ':')
		return false;
	for (const char *at = url; *at != '\0'; at++) {
		if (*at <= ' ' || *at >= 0x7f)
			return false;
	}
	return true;
}

static bool is_label_name(struct span name)
{
	if (name.len == 0 || name.len > LIMIT_LABEL_NAME || span_starts_with(name, SPAN_LIT("__")))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t byte = name.ptr[i];
		bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';

		if (!letter && (i == 0 || byte < '0' || byte > '9'))
			return false;
	}
	return true;
}

static bool is_reserved_label(struct span name)
{
	static const char *const reserved[] = { "kind", "event_type", "org", "service_name", "workspace_id", "capture_id",
	                                        "section" };

	for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
		if (span_eq(name, span_cstr(reserved[i])))
			return true;
	}
	return false;
}

static enum status read_label(const struct config_reader *reader, const struct yaml_node *node,
                              struct sink_label *ret_label)
{
	enum status status = config_expect(reader, node, YAML_SCALAR);

	if (status != STATUS_OK)
		return status;
	if (!is_label_name(node->key))
		return config_fail(reader, node, "not a label name: letters, digits and '_', no digit first, no \"__\" first");
	if (is_reserved_label(node->key))
		return config_fail(reader, node, "this label is set by the sweeper itself");
	if (node->text.len == 0 || node->text.len > MAX_LABEL_VALUE || memchr(node->text.ptr, 0, node->text.len) != NULL)
		return config_fail(reader, node, "expected a label value of 1 to %d bytes", MAX_LABEL_VALUE);
	ret_label->name = strndup((const char *)node->key.ptr, node->key.len);
	ret_label->value = strndup((const char *)node->text.ptr, node->text.len);
	return ret_label->name == NULL || ret_label->value == NULL ? err_set(reader->err, STATUS_NO_MEMORY, "out of memory")
	                                                           : STATUS_OK;
}

static enum status read_labels(const struct config_reader *reader, const struct yaml_node *map,
                               struct sink_config *sink)
{
	enum status status = config_expect(reader, map, YAML_MAP);

	if (status != STATUS_OK || map == NULL || map->count == 0)
		return status;
	if (map->count > MAX_EXTRA_LABELS)
		return config_fail(reader, map, "at most %d labels; found %zu", MAX_EXTRA_LABELS, map->count);
	sink->labels = calloc(map->count, sizeof *sink->labels);
	if (sink->labels == NULL)
		return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
	for (const struct yaml_node *node = map->first; node != NULL && status == STATUS_OK; node = node->next)
		status = read_label(reader, node, &sink->labels[sink->label_count++]);
	return status;
}

static enum status check_loki(const struct config_reader *reader, const struct yaml_node *node,
                              const struct sink_config *sink)
{
	const struct yaml_node *url = yaml_get(node, "url");

	if (!config_is_http_url(sink->url))
		return config_fail(reader, url != NULL ? url : node,
		                   "a loki sink needs a url beginning with http:// or https://");
	if (sink->basic_auth_file[0] != '\0' && sink->bearer_file[0] != '\0')
		return config_fail(reader, yaml_get(node, "bearer_file"), "only one of basic_auth_file and bearer_file");
	if (yaml_get(node, "dir") != NULL)
		return config_fail(reader, yaml_get(node, "dir"), "only an archive sink has this key");
	return STATUS_OK;
}

static enum status check_other(const struct config_reader *reader, const struct yaml_node *node,
                               const struct sink_config *sink)
{
	const struct yaml_node *dir = yaml_get(node, "dir");

	for (size_t i = 0; i < ARRAY_LEN(loki_keys); i++) {
		if (yaml_get(node, loki_keys[i]) != NULL)
			return config_fail(reader, yaml_get(node, loki_keys[i]), "only a loki sink has this key");
	}
	if (sink->kind == SINK_STDOUT && dir != NULL)
		return config_fail(reader, dir, "only an archive sink has this key");
	if (sink->kind == SINK_ARCHIVE && sink->dir[0] == '\0')
		return config_fail(reader, dir != NULL ? dir : node, "an archive sink needs a dir");
	return STATUS_OK;
}

static enum status read_kind(const struct config_reader *reader, const struct yaml_node *node, const char *text,
                             enum sink_kind *ret_kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kind_names); i++) {
		if (strcmp(text, kind_names[i]) == 0) {
			*ret_kind = (enum sink_kind)i;
			return STATUS_OK;
		}
	}
	return config_fail(reader, yaml_get(node, "kind"), "expected loki, stdout or archive, found \"%.40s\"", text);
}

/* The name under which deliveries are remembered: it follows from the order within a kind. */
static enum status set_name(const struct config_reader *reader, const struct sweeper_config *config,
                            struct sink_config *sink)
{
	const char *kind = kind_names[sink->kind];
	unsigned number = 0;
	int len;

	for (size_t i = 0; i < config->sink_count; i++)
		number += config->sinks[i].kind == sink->kind ? 1U : 0U;
	len = number <= 1 ? asprintf(&sink->name, "%s", kind) : asprintf(&sink->name, "%s-%u", kind, number);
	if (len >= 0)
		return STATUS_OK;
	sink->name = NULL;
	return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
}

static void take_texts(struct sink_text *text, struct sink_config *sink)
{
	char **const from[] = { &text->url, &text->tenant_id, &text->basic_auth_file, &text->bearer_file, &text->ca_file,
	                        &text->dir };
	char **const to[] = { &sink->url, &sink->tenant_id, &sink->basic_auth_file, &sink->bearer_file, &sink->ca_file,
	                      &sink->dir };

	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		*to[i] = *from[i];
		*from[i] = NULL;
	}
	sink->structured_metadata = text->structured_metadata;
	sink->verify = text->verify;
}

static enum status read_sink(const struct config_reader *reader, const struct yaml_node *node,
                             struct sweeper_config *config)
{
	struct sink_text text = { 0 };
	struct sink_config *sink = &config->sinks[config->sink_count++];
	enum status status = config_read_map(reader, node, fields, ARRAY_LEN(fields), &text);

	if (status == STATUS_OK)
		status = read_kind(reader, node, text.kind, &sink->kind);
	if (status == STATUS_OK)
		status = set_name(reader, config, sink);
	if (status == STATUS_OK) {
		take_texts(&text, sink);
		status = sink->kind == SINK_LOKI ? check_loki(reader, node, sink) : check_other(reader, node, sink);
	}
	if (status == STATUS_OK)
		status = read_labels(reader, text.labels, sink);
	config_free_map(fields, ARRAY_LEN(fields), &text);
	return status;
}

enum status config_sinks_read(const struct config_reader *reader, const struct yaml_node *list,
                              struct sweeper_config *config)
{
	enum status status = config_expect(reader, list, YAML_LIST);

	if (status != STATUS_OK || list == NULL || list->count == 0)
		return status;
	if (list->count > MAX_SINKS)
		return config_fail(reader, list, "at most %d sinks", MAX_SINKS);
	config->sinks = calloc(list->count, sizeof *config->sinks);
	if (config->sinks == NULL)
		return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
	for (const struct yaml_node *node = list->first; node != NULL && status == STATUS_OK; node = node->next)
		status = read_sink(reader, node, config);
	return status;
}

void config_sinks_free(struct sweeper_config *config)
{
	for (size_t i = 0; i < config->sink_count; i++) {
		struct sink_config *sink = &config->sinks[i];
		char *const texts[] = { sink->name, sink->url, sink->tenant_id, sink->basic_auth_file, sink->bearer_file,
		                        sink->ca_file, sink->dir };

		for (size_t j = 0; j < ARRAY_LEN(texts); j++)
			free(texts[j]);
		for (size_t j = 0; j < sink->label_count; j++) {
			free(sink->labels[j].name);
			free(sink->labels[j].value);
		}
		free(sink->labels);
	}
	free(config->sinks);
	config->sinks = NULL;
	config->sink_count = 0;
}
