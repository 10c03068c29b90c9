#include "sweeper/config.h"

#include <stdlib.h>
#include <string.h>

#include "proto/identity.h"
#include "sweeper/address.h"
#include "sweeper/config_console.h"
#include "sweeper/config_enroll.h"
#include "sweeper/config_sinks.h"

/* A year: longer timeouts are mistakes. */
enum { MAX_TIMEOUT_S = 366 * 24 * 3600, MAX_TENANTS = 1000, MAX_RUNTIMES = 1000, MAX_IDENTIFIER = 63 };

/* The top level as it stands in the file, with the parts that are read by tables of their own. */
struct top {
	char *trust_domain, *listen, *admin_listen;
	const struct yaml_node *tls, *tenants, *sweep, *verdicts, *timeouts, *capture, *sinks, *events, *redaction, *enroll,
	                       *console_fallback;
};

static const struct config_field top_fields[] = {
	CONFIG_TEXT(struct top, trust_domain, NULL),
	CONFIG_TEXT(struct top, listen, "0.0.0.0:8443"),
	CONFIG_TEXT(struct top, admin_listen, "127.0.0.1:9464"),
	CONFIG_NODE(struct top, tls),
	CONFIG_NODE(struct top, tenants),
	CONFIG_NODE(struct top, sweep),
	CONFIG_NODE(struct top, verdicts),
	CONFIG_NODE(struct top, timeouts),
	CONFIG_NODE(struct top, capture),
	CONFIG_NODE(struct top, sinks),
	CONFIG_NODE(struct top, events),
	CONFIG_NODE(struct top, redaction),
	CONFIG_NODE(struct top, enroll),
	CONFIG_NODE(struct top, console_fallback),
};

#define MEMBER(type_, key_, path_, ...) \
	{ .key = key_, .type = (type_), .offset = offsetof(struct sweeper_config, path_), __VA_ARGS__ }

static const struct config_field tls_fields[] = {
	MEMBER(CONFIG_TYPE_TEXT, "cert", tls.cert, .required = true, .expected = "a file with the certificate chain (PEM)"),
	MEMBER(CONFIG_TYPE_TEXT, "key", tls.key, .required = true, .expected = "a file with the private key (PEM)"),
	MEMBER(CONFIG_TYPE_TEXT, "client_ca", tls.client_ca, .required = true,
	       .expected = "a file with the authority of the clients' certificates (PEM)"),
};

static const struct config_field tenant_fields[] = {
	CONFIG_TEXT_REQUIRED(struct tenant_config, org, "the organisation's name"),
	CONFIG_TEXT_REQUIRED(struct tenant_config, database, "a libpq connection string"),
	CONFIG_TEXT(struct tenant_config, workspaces_table, "public.workspaces"),
	CONFIG_TEXT(struct tenant_config, templates_dir, ""),
	CONFIG_TEXTS(struct tenant_config, accounts),
};

static const struct config_field sweep_fields[] = {
	MEMBER(CONFIG_TYPE_INT, "interval_s", sweep.interval_s, .int_default = 30, .min = 1, .max = 3600),
	MEMBER(CONFIG_TYPE_INT, "batch", sweep.batch, .int_default = 500, .min = 1, .max = 10000),
};

static const struct config_field verdicts_fields[] = {
	MEMBER(CONFIG_TYPE_BOOL, "adopt_external", verdicts.adopt_external, .int_default = false),
};

struct timeouts {
	int64_t default_s;
	const struct yaml_node *runtimes;
};

static const struct config_field timeouts_fields[] = {
	CONFIG_INT(struct timeouts, default_s, 600, 1, MAX_TIMEOUT_S),
	CONFIG_NODE(struct timeouts, runtimes),
};

static const struct config_field capture_fields[] = {
	MEMBER(CONFIG_TYPE_INT, "deadline_s", capture.deadline_s, .int_default = 45, .min = 1,
	       .max = LIMIT_CAPTURE_DEADLINE_S),
	MEMBER(CONFIG_TYPE_INT, "grace_h", capture.grace_h, .int_default = 24, .min = 1, .max = 24 * 31),
};

struct events {
	bool structure_events;
	char *notify_channel;
	const struct yaml_node *webhook;
};

static const struct config_field events_fields[] = {
	CONFIG_BOOL(struct events, structure_events, true),
	CONFIG_TEXT(struct events, notify_channel, "rescue_events"),
	CONFIG_NODE(struct events, webhook),
};

static const struct config_field webhook_fields[] = {
	MEMBER(CONFIG_TYPE_TEXT, "url", events.webhook_url, .text_default = ""),
	MEMBER(CONFIG_TYPE_TEXT, "headers_file", events.webhook_headers_file, .text_default = ""),
};

static const struct config_field redaction_fields[] = {
	MEMBER(CONFIG_TYPE_TEXT, "rules_dir", rules_dir, .text_default = "/etc/rescue/rules.d"),
};

static enum status no_memory(const struct config_reader *reader)
{
	return err_set(reader->err, STATUS_NO_MEMORY, "out of memory");
}

/* A name that needs no quotes in SQL. */
static bool is_identifier(struct span text)
{
	if (text.len == 0 || text.len > MAX_IDENTIFIER)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];
		bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';

		if (!letter && (i == 0 || byte < '0' || byte > '9'))
			return false;
	}
	return true;
}

static bool is_table_name(struct span text)
{
	size_t dot = span_find(text, SPAN_LIT("."), 0);

	return is_identifier(span_sub(text, 0, dot)) && (dot == text.len || is_identifier(span_sub(text, dot + 1, text.len)));
}

static enum status check_tenant(const struct config_reader *reader, const struct yaml_node *node,
                                const struct sweeper_config *config)
{
	const struct tenant_config *tenant = &config->tenants[config->tenant_count - 1];

	if (!identity_is_segment(span_cstr(tenant->org), LIMIT_ORG))
		return config_fail(reader, yaml_get(node, "org"), "expected 1 to %d letters, digits, '.', '-' or '_'", LIMIT_ORG);
	for (size_t i = 0; i + 1 < config->tenant_count; i++) {
		if (strcmp(config->tenants[i].org, tenant->org) == 0)
			return config_fail(reader, yaml_get(node, "org"), "the org \"%.64s\" stands here twice", tenant->org);
	}
	if (!is_table_name(span_cstr(tenant->workspaces_table)))
		return config_fail(reader, yaml_get(node, "workspaces_table"),
		                   "expected a table name as public.workspaces, found \"%.64s\"", tenant->workspaces_table);
	return config_enroll_check_accounts(reader, node);
}

static enum status read_tenants(const struct config_reader *reader, const struct yaml_node *list,
                                struct sweeper_config *config)
{
	enum status status = config_expect(reader, list, YAML_LIST);

	if (status != STATUS_OK || list == NULL)
		return status;
	if (list->count == 0)
		return config_fail(reader, list, "at least one tenant is needed");
	if (list->count > MAX_TENANTS)
		return config_fail(reader, list, "at most %d tenants", MAX_TENANTS);
	config->tenants = calloc(list->count, sizeof *config->tenants);
	if (config->tenants == NULL)
		return no_memory(reader);
	for (const struct yaml_node *node = list->first; node != NULL && status == STATUS_OK; node = node->next) {
		status = config_read_map(reader, node, tenant_fields, ARRAY_LEN(tenant_fields),
		                         &config->tenants[config->tenant_count++]);
		if (status == STATUS_OK)
			status = check_tenant(reader, node, config);
	}
	return status;
}

static enum status read_runtime(const struct config_reader *reader, const struct yaml_node *node,
                                struct runtime_timeout *ret_timeout)
{
	enum status status = config_expect(reader, node, YAML_SCALAR);
	uint64_t seconds;

	if (status != STATUS_OK)
		return status;
	if (!span_to_u64(node->text, &seconds) || seconds < 1 || seconds > MAX_TIMEOUT_S)
		return config_fail(reader, node, "expected seconds from 1 to %d, found \"%.40s\"", MAX_TIMEOUT_S,
		                   (const char *)node->text.ptr);
	ret_timeout->timeout_s = (int64_t)seconds;
	ret_timeout->runtime = strndup((const char *)node->key.ptr, node->key.len);
	return ret_timeout->runtime == NULL ? no_memory(reader) : STATUS_OK;
}

static enum status read_override(const struct config_reader *reader, struct sweeper_config *config)
{
	const char *text = getenv("PROVISION_TIMEOUT_SECONDS");
	uint64_t seconds;

	/* An empty variable is how a compose file says that there is none. */
	if (text == NULL || *text == '\0')
		return STATUS_OK;
	if (!span_to_u64(span_cstr(text), &seconds) || seconds < 1 || seconds > MAX_TIMEOUT_S)
		return err_set(reader->err, STATUS_INVALID,
		               "environment: PROVISION_TIMEOUT_SECONDS: expected seconds from 1 to %d, found \"%.40s\"",
		               MAX_TIMEOUT_S, text);
	config->timeouts.override_s = (int64_t)seconds;
	return STATUS_OK;
}

static enum status read_timeouts(const struct config_reader *reader, const struct yaml_node *node,
                                 struct sweeper_config *config)
{
	struct timeouts timeouts = { 0 };
	enum status status = config_read_map(reader, node, timeouts_fields, ARRAY_LEN(timeouts_fields), &timeouts);
	const struct yaml_node *map = timeouts.runtimes;

	config->timeouts.default_s = timeouts.default_s;
	if (status == STATUS_OK)
		status = config_expect(reader, map, YAML_MAP);
	if (status != STATUS_OK || map == NULL || map->count == 0)
		return status == STATUS_OK ? read_override(reader, config) : status;
	if (map->count > MAX_RUNTIMES)
		return config_fail(reader, map, "at most %d runtimes", MAX_RUNTIMES);
	config->timeouts.runtimes = calloc(map->count, sizeof *config->timeouts.runtimes);
	if (config->timeouts.runtimes == NULL)
		return no_memory(reader);
	for (const struct yaml_node *child = map->first; child != NULL && status == STATUS_OK; child = child->next)
		status = read_runtime(reader, child, &config->timeouts.runtimes[config->timeouts.runtime_count++]);
	return status == STATUS_OK ? read_override(reader, config) : status;
}

static enum status read_events(const struct config_reader *reader, const struct yaml_node *node,
                               struct sweeper_config *config)
{
	struct events events = { 0 };
	enum status status = config_read_map(reader, node, events_fields, ARRAY_LEN(events_fields), &events);

	config->events.structure_events = events.structure_events;
	config->events.notify_channel = events.notify_channel;
	if (status == STATUS_OK && !is_identifier(span_cstr(events.notify_channel)))
		status = config_fail(reader, yaml_get(node, "notify_channel"), "expected a name of letters, digits and '_'");
	if (status == STATUS_OK)
		status = config_read_map(reader, events.webhook, webhook_fields, ARRAY_LEN(webhook_fields), config);
	if (status == STATUS_OK && config->events.webhook_url[0] != '\0' && !config_is_http_url(config->events.webhook_url))
		status = config_fail(reader, yaml_get(events.webhook, "url"), "expected a URL with http:// or https://");
	return status;
}

static enum status check_listen(const struct config_reader *reader, const struct yaml_node *root, const char *key,
                                const char *text)
{
	struct address address;

	if (address_parse(span_cstr(text), &address) == STATUS_OK)
		return STATUS_OK;
	return config_fail(reader, yaml_get(root, key), "expected host:port, as 0.0.0.0:8443 or [::]:8443, found \"%.64s\"",
	                   text);
}

/* SPIFFE-ID section 2.1: lower-case letters, digits, '.', '-' and '_'. */
static enum status check_trust_domain(const struct config_reader *reader, const struct yaml_node *root,
                                      const char *text)
{
	struct span domain = span_cstr(text);
	bool good = identity_is_segment(domain, LIMIT_TRUST_DOMAIN);

	for (size_t i = 0; good && i < domain.len; i++)
		good = domain.ptr[i] < 'A' || domain.ptr[i] > 'Z';
	return good ? STATUS_OK
	            : config_fail(reader, yaml_get(root, "trust_domain"),
	                          "expected lower-case letters, digits, '.', '-' and '_', found \"%.64s\"", text);
}

static enum status read_top(const struct config_reader *reader, const struct yaml_node *root,
                            struct sweeper_config *config, struct top *top)
{
	enum status status = config_read_map(reader, root, top_fields, ARRAY_LEN(top_fields), top);

	config->trust_domain = top->trust_domain;
	config->listen = top->listen;
	config->admin_listen = top->admin_listen;
	if (status == STATUS_OK && top->trust_domain != NULL)
		status = check_trust_domain(reader, root, top->trust_domain);
	if (status == STATUS_OK)
		status = check_listen(reader, root, "listen", top->listen);
	if (status == STATUS_OK)
		status = check_listen(reader, root, "admin_listen", top->admin_listen);
	return status;
}

/* What is missing is said last: what is there and wrong has a better place to point to. */
static enum status check_complete(const struct config_reader *reader, const struct yaml_node *root)
{
	static const struct {
		const char *key, *expected;
	} needed[] = {
		{ "trust_domain", "the SPIFFE trust domain of the certificates, as rescue.example" },
		{ "tls", "{cert: …, key: …, client_ca: …}" },
		{ "tenants", "[{org: …, database: …}]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (yaml_get(root, needed[i].key) == NULL)
			return config_fail(reader, root, "the key \"%s\" is missing; expected %s", needed[i].key, needed[i].expected);
	}
	return STATUS_OK;
}

static enum status read_all(const struct config_reader *reader, const struct yaml_node *root,
                            struct sweeper_config *config)
{
	struct top top = { 0 };
	enum status status = read_top(reader, root, config, &top);

	if (status == STATUS_OK && top.tls != NULL)
		status = config_read_map(reader, top.tls, tls_fields, ARRAY_LEN(tls_fields), config);
	if (status == STATUS_OK)
		status = read_tenants(reader, top.tenants, config);
	if (status == STATUS_OK)
		status = config_read_map(reader, top.sweep, sweep_fields, ARRAY_LEN(sweep_fields), config);
	if (status == STATUS_OK)
		status = config_read_map(reader, top.verdicts, verdicts_fields, ARRAY_LEN(verdicts_fields), config);
	if (status == STATUS_OK)
		status = read_timeouts(reader, top.timeouts, config);
	if (status == STATUS_OK)
		status = config_read_map(reader, top.capture, capture_fields, ARRAY_LEN(capture_fields), config);
	if (status == STATUS_OK)
		status = config_sinks_read(reader, top.sinks, config);
	if (status == STATUS_OK)
		status = read_events(reader, top.events, config);
	if (status == STATUS_OK)
		status = config_read_map(reader, top.redaction, redaction_fields, ARRAY_LEN(redaction_fields), config);
	if (status == STATUS_OK)
		status = config_enroll_read(reader, top.enroll, &config->enroll);
	if (status == STATUS_OK)
		status = config_console_read(reader, top.console_fallback, &config->console_fallback);
	if (status == STATUS_OK)
		status = check_complete(reader, root);
	return status;
}

enum status sweeper_config_load(const char *path, struct sweeper_config **ret_config, struct err *err)
{
	const struct config_reader reader = { .file = path, .err = err };
	struct sweeper_config *config = calloc(1, sizeof *config);
	struct yaml *yaml = NULL;
	enum status status;

	if (config == NULL)
		return no_memory(&reader);
	status = yaml_load(path, &yaml, err);
	if (status == STATUS_OK)
		status = read_all(&reader, yaml_root(yaml), config);
	yaml_drop(yaml);
	if (status == STATUS_OK)
		*ret_config = config;
	else
		sweeper_config_free(config);
	return status;
}

void sweeper_config_free(struct sweeper_config *config)
{
	if (config == NULL)
		return;
	free(config->trust_domain);
	free(config->listen);
	free(config->admin_listen);
	free(config->events.notify_channel);
	config_free_map(tls_fields, ARRAY_LEN(tls_fields), config);
	config_free_map(webhook_fields, ARRAY_LEN(webhook_fields), config);
	config_free_map(redaction_fields, ARRAY_LEN(redaction_fields), config);
	for (size_t i = 0; i < config->tenant_count; i++)
		config_free_map(tenant_fields, ARRAY_LEN(tenant_fields), &config->tenants[i]);
	for (size_t i = 0; i < config->timeouts.runtime_count; i++)
		free(config->timeouts.runtimes[i].runtime);
	free(config->timeouts.runtimes);
	free(config->tenants);
	config_sinks_free(config);
	config_enroll_free(&config->enroll);
	config_console_free(&config->console_fallback);
	free(config);
}

const struct tenant_config *sweeper_config_tenant(const struct sweeper_config *config, struct span org)
{
	for (size_t i = 0; i < config->tenant_count; i++) {
		if (span_eq(org, span_cstr(config->tenants[i].org)))
			return &config->tenants[i];
	}
	return NULL;
}
