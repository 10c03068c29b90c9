#include "agent/collect/container_choice.h"

#include <stdio.h>
#include <string.h>

enum { WORKSPACE_PREFIX = 12 };

/* Words in names and images of what commonly runs beside an agent, to watch, to ship, to update or to connect. */
static const char *const sidecar_words[] = {
	"otel-collector", "opentelemetry-collector", "otelcol", "fluent-bit", "fluentbit", "fluentd", "watchtower",
	"cloudflared", "node-exporter", "node_exporter", "cadvisor", "promtail", "alloy", "grafana-agent", "vector",
	"datadog-agent", "dd-agent", "aws-xray", "xray-daemon", "ecs-agent", "cloudwatch-agent", "ssm-agent",
	"filebeat", "metricbeat", "telegraf", "vault-agent", "autoheal", "envoy", "nginx-proxy", "tailscale", "pause",
};

static bool is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static bool has_label(const struct container *container, const char *wanted)
{
	char key[512];
	const char *equals = strchr(wanted, '=');
	size_t len = equals == NULL ? strlen(wanted) : (size_t)(equals - wanted);
	const char *value;

	if (len >= sizeof key)
		return false;
	memcpy(key, wanted, len);
	key[len] = '\0';
	value = container_get_label(container, key);
	return value != NULL && (equals == NULL || strcmp(value, equals + 1) == 0);
}

static bool meets_label(const struct container *container, const struct container_wish *wish)
{
	return is_set(wish->label) && has_label(container, wish->label);
}

static bool meets_name(const struct container *container, const struct container_wish *wish)
{
	return is_set(wish->name) && strcmp(container->name, wish->name + (wish->name[0] == '/' ? 1 : 0)) == 0;
}

/* The registry may be left out of the wish, and the tag or digest too. */
static bool meets_image(const struct container *container, const struct container_wish *wish)
{
	size_t len;

	if (!is_set(wish->image))
		return false;
	len = strlen(wish->image);
	for (const char *at = container->image;; at++) {
		if (strncmp(at, wish->image, len) == 0 && (at[len] == '\0' || at[len] == ':' || at[len] == '@'))
			return true;
		at = strchr(at, '/');
		if (at == NULL)
			return false;
	}
}

static bool meets_platform_label(const struct container *container, const struct container_wish *wish)
{
	(void)wish;
	return container_get_label(container, "molecule.platform.managed") != NULL;
}

static bool meets_workspace_name(const struct container *container, const struct container_wish *wish)
{
	char name[WORKSPACE_PREFIX + 4];

	if (!is_set(wish->workspace_id))
		return false;
	(void)snprintf(name, sizeof name, "ws-%.*s", WORKSPACE_PREFIX, wish->workspace_id);
	return strcmp(container->name, name) == 0;
}

static bool is_word_byte(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* As a whole word, so that "vector" does not make a sidecar of "vectordb-agent". */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
		if ((at == text || !is_word_byte(at[-1])) && !is_word_byte(at[len]))
			return true;
	}
	return false;
}

static bool is_no_sidecar(const struct container *container, const struct container_wish *wish)
{
	(void)wish;
	for (size_t i = 0; i < sizeof sidecar_words / sizeof sidecar_words[0]; i++) {
		if (has_word(container->name, sidecar_words[i]) || has_word(container->image, sidecar_words[i]))
			return false;
	}
	return true;
}

static const struct rule {
	const char *name;
	bool (*meets)(const struct container *container, const struct container_wish *wish);
} rules[] = {
	{ "configured label", meets_label },
	{ "configured name", meets_name },
	{ "configured image", meets_image },
	{ "label molecule.platform.managed", meets_platform_label },
	{ "name ws-<workspace id>", meets_workspace_name },
	{ "newest that is not a known sidecar", is_no_sidecar },
};

struct container *container_choose(const struct container_list *list, const struct container_wish *wish,
                                   const char **ret_rule)
{
	*ret_rule = NULL;
	for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
		struct container *chosen = NULL;

		for (size_t i = 0; i < list->count; i++) {
			struct container *container = &list->items[i];

			if (rules[r].meets(container, wish) &&
			    (chosen == NULL || container->created_s > chosen->created_s))
				chosen = container;
		}
		if (chosen != NULL) {
			*ret_rule = rules[r].name;
			return chosen;
		}
	}
	return NULL;
}
