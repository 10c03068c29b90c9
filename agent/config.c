#include "agent/config.h"

#include <stdlib.h>
#include <string.h>

#include "agent/config_urls.h"
#include "proto/record.h"

const char *const agent_section_names[] = {
	"verdict",
	"config.yaml",
	"system-prompt.md",
	"cloud-init-output.log.tail",
	"cloud-init.status",
	"docker-ps",
	"agent-container.logs.tail",
	"model-provider-runtime.env",
	"host",
	NULL,
};

static const char *const default_known_value_files[] = { "/configs/.auth_token", "/configs/.platform_inbound_secret" };

/* The document while it is read: maps inside it wait for a table of their own. */
struct top {
	struct agent_config config; /* first, so that the same table frees a finished configuration */
	const struct yaml_node *identity, *docker, *sections, *redaction;
};

/* A member of the map `sections` or `docker` that is itself read by hand. */
struct sections_nodes {
	struct config_texts disable;
	const struct yaml_node *extra;
};
struct docker_nodes {
	char *socket;
	const struct yaml_node *container;
};

#define MEMBER_TYPE(member_) __typeof__(((struct agent_config *)0)->member_)
#define TOP_FIELD(type_, key_, ...) \
	{ .key = #key_, .type = (type_), .offset = offsetof(struct top, config.key_), __VA_ARGS__ }

static const struct config_field top_fields[] = {
	TOP_FIELD(CONFIG_TYPE_TEXTS, sweepers, .required = false),
	TOP_FIELD(CONFIG_TYPE_TEXT, root, .text_default = "/"),
	TOP_FIELD(CONFIG_TYPE_TEXT, spool_dir, .text_default = "/var/lib/rescue/spool"),
	TOP_FIELD(CONFIG_TYPE_INT, capture_deadline_s, .int_default = 45, .min = 1, .max = LIMIT_CAPTURE_DEADLINE_S),
	TOP_FIELD(CONFIG_TYPE_INT, boot_deadline_s, .int_default = 0, .min = 0, .max = LIMIT_BOOT_DEADLINE_S),
	TOP_FIELD(CONFIG_TYPE_TEXT, console, .text_default = ""),
	CONFIG_NODE(struct top, identity),
	CONFIG_NODE(struct top, docker),
	CONFIG_NODE(struct top, sections),
	CONFIG_NODE(struct top, redaction),
};

static const struct config_field identity_fields[] = {
	CONFIG_TEXT(MEMBER_TYPE(identity), cert, NULL),
	CONFIG_TEXT(MEMBER_TYPE(identity), key, NULL),
	CONFIG_TEXT(MEMBER_TYPE(identity), ca, "/etc/rescue/ca.crt"),
	CONFIG_BOOL(MEMBER_TYPE(identity), enroll, false),
	CONFIG_TEXT(MEMBER_TYPE(identity), metadata, "http://169.254.169.254"),
};

static const struct config_field docker_fields[] = {
	CONFIG_TEXT(struct docker_nodes, socket, "/var/run/docker.sock"),
	CONFIG_NODE(struct docker_nodes, container),
};

static const struct config_field container_fields[] = {
	CONFIG_TEXT(MEMBER_TYPE(docker.container), label, ""),
	CONFIG_TEXT(MEMBER_TYPE(docker.container), name, ""),
	CONFIG_TEXT(MEMBER_TYPE(docker.container), image, ""),
};

static const struct config_field sections_fields[] = {
	CONFIG_TEXTS(struct sections_nodes, disable),
	CONFIG_NODE(struct sections_nodes, extra),
};

static const struct config_field extra_fields[] = {
	CONFIG_TEXT_REQUIRED(struct extra_section, name, "the section's name, as runtime.log.tail"),
	CONFIG_TEXT_REQUIRED(struct extra_section, path, "an absolute path on the box"),
	CONFIG_INT(struct extra_section, tail_lines, 0, 0, LIMIT_TAIL_LINES),
};

static const struct config_field redaction_fields[] = {
	CONFIG_TEXT(MEMBER_TYPE(redaction), rules_dir, "/etc/rescue/rules.d"),
	CONFIG_TEXTS(MEMBER_TYPE(redaction), known_value_files),
	CONFIG_TEXT(MEMBER_TYPE(redaction), metadata, "http://169.254.169.254"),
	CONFIG_BOOL(MEMBER_TYPE(redaction), number_secrets, false),
};

static bool is_builtin_section(const char *name)
{
	for (size_t i = 0; agent_section_names[i] != NULL; i++) {
		if (strcmp(name, agent_section_names[i]) == 0)
			return true;
	}
	return false;
}

/* `node` is NULL when the default holds. */
static enum status check_path(const struct config_reader *reader, const struct yaml_node *node)
{
	if (node == NULL)
		return STATUS_OK;
	if (node->text.len == 0 || node->text.ptr[0] != '/')
		return config_fail(reader, node, "expected an absolute path, found \"%.60s\"",
		                   (const char *)node->text.ptr);
	/* Half of the cap: a root stands before most paths. */
	if (node->text.len > LIMIT_PATH / 2)
		return config_fail(reader, node, "the path is longer than %d bytes", LIMIT_PATH / 2);
	return STATUS_OK;
}

static enum status check_paths(const struct config_reader *reader, const struct yaml_node *map,
                               const char *const *keys)
{
	enum status status = STATUS_OK;

	for (; *keys != NULL && status == STATUS_OK; keys++)
		status = check_path(reader, yaml_get(map, *keys));
	return status;
}

static enum status check_count(const struct config_reader *reader, const struct yaml_node *list, size_t max)
{
	if (list == NULL || list->count <= max)
		return STATUS_OK;
	return config_fail(reader, list, "expected at most %zu, found %zu", max, list->count);
}

static enum status check_sweepers(const struct config_reader *reader, const struct yaml_node *root)
{
	const struct yaml_node *list = yaml_get(root, "sweepers");
	enum status status;

	if (list == NULL)
		return config_fail(reader, root, "the key \"sweepers\" is missing; expected a list of https URLs, as "
		                                 "[https://sweeper.internal:8443]");
	if (list->count == 0)
		return config_fail(reader, list, "expected at least one https URL");
	status = check_count(reader, list, LIMIT_SWEEPERS);
	for (const struct yaml_node *item = list->first; item != NULL && status == STATUS_OK; item = item->next) {
		if (!config_urls_is_sweeper(item->text))
			status = config_fail(reader, item, "sweepers: expected https://host or https://host:port "
			                                   "without a path, found \"%.80s\"",
			                     (const char *)item->text.ptr);
	}
	return status;
}

static enum status check_disable(const struct config_reader *reader, const struct yaml_node *list)
{
	for (const struct yaml_node *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
		const char *name = (const char *)item->text.ptr;

		if (strcmp(name, "verdict") == 0)
			return config_fail(reader, item, "disable: the section verdict opens every bundle "
			                                 "and cannot be disabled");
		if (!is_builtin_section(name))
			return config_fail(reader, item, "disable: expected the name of a built-in section, "
			                                 "as docker-ps, found \"%.60s\"", name);
	}
	return STATUS_OK;
}

static enum status check_extra(const struct config_reader *reader, const struct yaml_node *node,
                               const struct extra_section *extra, const struct extra_section *others, size_t count)
{
	const struct yaml_node *name = yaml_get(node, "name");

	if (!record_is_section_name(span_cstr(extra->name)))
		return config_fail(reader, name, "expected 1 to %d letters, digits, '.', '-' or '_', found \"%.80s\"",
		                   LIMIT_SECTION_NAME, extra->name);
	if (is_builtin_section(extra->name))
		return config_fail(reader, name, "\"%s\" is the name of a built-in section", extra->name);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(extra->name, others[i].name) == 0)
			return config_fail(reader, name, "\"%s\" stands twice in this list", extra->name);
	}
	return check_path(reader, yaml_get(node, "path"));
}

static enum status read_extra(const struct config_reader *reader, const struct yaml_node *list,
                              struct agent_config *config)
{
	enum status status = config_expect(reader, list, YAML_LIST);

	if (status == STATUS_OK)
		status = check_count(reader, list, LIMIT_SECTIONS - (ARRAY_LEN(agent_section_names) - 1));
	if (status != STATUS_OK || list == NULL || list->count == 0)
		return status;
	config->sections.extra = calloc(list->count, sizeof *config->sections.extra);
	if (config->sections.extra == NULL)
		return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
	for (const struct yaml_node *item = list->first; item != NULL && status == STATUS_OK; item = item->next) {
		struct extra_section *extra = &config->sections.extra[config->sections.extra_count++];

		status = config_read_map(reader, item, extra_fields, ARRAY_LEN(extra_fields), extra);
		if (status == STATUS_OK)
			status = check_extra(reader, item, extra, config->sections.extra,
			                     config->sections.extra_count - 1);
	}
	return status;
}

static enum status read_sections(const struct config_reader *reader, const struct yaml_node *node,
                                 struct agent_config *config)
{
	struct sections_nodes nodes = { .extra = NULL };
	enum status status = config_read_map(reader, node, sections_fields, ARRAY_LEN(sections_fields), &nodes);

	config->sections.disable = nodes.disable;
	if (status == STATUS_OK)
		status = check_disable(reader, yaml_get(node, "disable"));
	if (status == STATUS_OK)
		status = read_extra(reader, nodes.extra, config);
	return status;
}

static enum status read_docker(const struct config_reader *reader, const struct yaml_node *node,
                               struct agent_config *config)
{
	struct docker_nodes nodes = { .socket = NULL };
	enum status status = config_read_map(reader, node, docker_fields, ARRAY_LEN(docker_fields), &nodes);

	config->docker.socket = nodes.socket;
	if (status == STATUS_OK)
		status = config_read_map(reader, nodes.container, container_fields, ARRAY_LEN(container_fields),
		                         &config->docker.container);
	if (status == STATUS_OK)
		status = check_path(reader, yaml_get(node, "socket"));
	return status;
}

static enum status set_default_known_values(const struct config_reader *reader, struct config_texts *texts)
{
	texts->items = calloc(ARRAY_LEN(default_known_value_files), sizeof *texts->items);
	for (size_t i = 0; texts->items != NULL && i < ARRAY_LEN(default_known_value_files); i++) {
		texts->items[i] = strdup(default_known_value_files[i]);
		if (texts->items[i] == NULL)
			break;
		texts->count++;
	}
	return texts->count == ARRAY_LEN(default_known_value_files) ? STATUS_OK :
	       err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
}

static enum status read_redaction(const struct config_reader *reader, const struct yaml_node *node,
                                  struct agent_config *config)
{
	const struct yaml_node *files;
	enum status status = config_read_map(reader, node, redaction_fields, ARRAY_LEN(redaction_fields),
	                                     &config->redaction);

	if (status != STATUS_OK)
		return status;
	files = yaml_get(node, "known_value_files");
	if (files == NULL)
		status = set_default_known_values(reader, &config->redaction.known_value_files);
	else
		status = check_count(reader, files, LIMIT_KNOWN_VALUE_FILES);
	for (const struct yaml_node *item = files == NULL ? NULL : files->first; item != NULL && status == STATUS_OK;
	     item = item->next)
		status = check_path(reader, item);
	return status == STATUS_OK ? check_path(reader, yaml_get(node, "rules_dir")) : status;
}

/* What others put there stands in /etc, what the agent gets for itself with its state. */
static enum status set_default_identity(const struct config_reader *reader, struct agent_config *config)
{
	bool is_own = config->identity.enroll;

	if (config->identity.cert == NULL)
		config->identity.cert = strdup(is_own ? "/var/lib/rescue/agent.crt" : "/etc/rescue/agent.crt");
	if (config->identity.key == NULL)
		config->identity.key = strdup(is_own ? "/var/lib/rescue/agent.key" : "/etc/rescue/agent.key");
	return config->identity.cert != NULL && config->identity.key != NULL ? STATUS_OK :
	       err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
}

/* Nobody behind a router is asked who this machine is. `node` is NULL when the default holds. */
static enum status check_metadata(const struct config_reader *reader, const struct yaml_node *node)
{
	return node == NULL || config_urls_is_metadata(node->text) ? STATUS_OK :
	       config_fail(reader, node, "expected http://169.254.169.254, http://[fd00:ec2::254] or http://127.0.0.1, with "
	                                 "or without a port, found \"%.60s\"", (const char *)node->text.ptr);
}

static const char *const identity_paths[] = { "cert", "key", "ca", NULL };

static enum status read_identity(const struct config_reader *reader, const struct yaml_node *node,
                                 struct agent_config *config)
{
	enum status status = config_read_map(reader, node, identity_fields, ARRAY_LEN(identity_fields),
	                                     &config->identity);

	if (status == STATUS_OK)
		status = set_default_identity(reader, config);
	if (status == STATUS_OK)
		status = check_metadata(reader, yaml_get(node, "metadata"));
	return status == STATUS_OK ? check_paths(reader, node, identity_paths) : status;
}

static enum status check_console(const struct config_reader *reader, const struct yaml_node *node)
{
	return node == NULL || node->text.len == 0 ? STATUS_OK : check_path(reader, node);
}

/* `root` is NULL for the defaults alone. */
static enum status read_config(const struct config_reader *reader, const struct yaml_node *root,
                               struct agent_config *ret_config)
{
	struct top top = { .identity = NULL };
	struct agent_config *config = &top.config;
	enum status status = config_read_map(reader, root, top_fields, ARRAY_LEN(top_fields), &top);

	if (status == STATUS_OK)
		status = read_identity(reader, top.identity, config);
	if (status == STATUS_OK)
		status = read_docker(reader, top.docker, config);
	if (status == STATUS_OK)
		status = read_sections(reader, top.sections, config);
	if (status == STATUS_OK)
		status = read_redaction(reader, top.redaction, config);
	if (status == STATUS_OK && root != NULL)
		status = check_sweepers(reader, root);
	if (status == STATUS_OK)
		status = check_paths(reader, root, (const char *const[]){ "root", "spool_dir", NULL });
	if (status == STATUS_OK)
		status = check_console(reader, yaml_get(root, "console"));
	*ret_config = *config;
	return status;
}

static enum status new_config(const struct config_reader *reader, const struct yaml_node *root,
                              struct agent_config **ret_config)
{
	struct agent_config *config = calloc(1, sizeof *config);
	enum status status;

	if (config == NULL)
		return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
	status = read_config(reader, root, config);
	if (status == STATUS_OK) {
		*ret_config = config;
		config = NULL;
	}
	agent_config_free(config);
	return status;
}

enum status agent_config_load(const char *path, struct agent_config **ret_config, struct err *err)
{
	struct config_reader reader = { .file = path, .err = err };
	struct yaml *yaml = NULL;
	enum status status;

	*ret_config = NULL;
	status = yaml_load(path, &yaml, err);
	if (status == STATUS_OK)
		status = new_config(&reader, yaml_root(yaml), ret_config);
	yaml_drop(yaml);
	return status;
}

enum status agent_config_new_default(struct agent_config **ret_config, struct err *err)
{
	struct config_reader reader = { .file = "(defaults)", .err = err };

	*ret_config = NULL;
	return new_config(&reader, NULL, ret_config);
}

void agent_config_free(struct agent_config *config)
{
	if (config == NULL)
		return;
	config_free_map(top_fields, ARRAY_LEN(top_fields), config);
	config_free_map(identity_fields, ARRAY_LEN(identity_fields), &config->identity);
	config_free_map(container_fields, ARRAY_LEN(container_fields), &config->docker.container);
	config_free_map(redaction_fields, ARRAY_LEN(redaction_fields), &config->redaction);
	config_free_map(sections_fields, 1, &(struct sections_nodes){ .disable = config->sections.disable });
	free(config->docker.socket);
	for (size_t i = 0; i < config->sections.extra_count; i++)
		config_free_map(extra_fields, ARRAY_LEN(extra_fields), &config->sections.extra[i]);
	free(config->sections.extra);
	free(config);
}
