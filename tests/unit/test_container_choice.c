#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "agent/collect/container_choice.h"

enum { MAX = 4 };

/* Written as { name, image, label or NULL, created }. */
struct given {
	const char *name, *image, *label;
	int64_t created_s;
};

struct choice_case {
	const char *claim;
	struct given given[MAX];
	struct container_wish wish;
	const char *chosen; /* NULL: none */
	const char *rule;
};

#define WORKSPACE .workspace_id = "abcdef01-2345-6789"

static const struct choice_case cases[] = {
	{ "a configured label comes before all else",
	  { { "a", "x", "role=agent", 1 }, { "ws-abcdef01-234", "x", "molecule.platform.managed=", 2 },
	    { "n", "i", NULL, 3 } },
	  { .label = "role", .name = "n", .image = "i", WORKSPACE }, "a", "configured label" },
	{ "a label with a value must have it",
	  { { "a", "x", "role=other", 2 }, { "b", "x", "role=agent", 1 } },
	  { .label = "role=agent" }, "b", "configured label" },
	{ "a configured name comes before an image",
	  { { "n", "x", NULL, 1 }, { "b", "i", NULL, 2 } },
	  { .name = "n", .image = "i" }, "n", "configured name" },
	{ "a configured image matches any tag, behind any registry",
	  { { "a", "reg.example:5000/acme/agent:7", NULL, 1 }, { "b", "acme/agent-tools:7", NULL, 2 } },
	  { .image = "acme/agent" }, "a", "configured image" },
	{ "a configured image with a tag wants that tag",
	  { { "a", "agent:7", NULL, 1 }, { "b", "agent:8", NULL, 2 } },
	  { .image = "agent:7" }, "a", "configured image" },
	{ "a configured image also matches a digest",
	  { { "a", "agent@sha256:00", NULL, 1 } }, { .image = "agent" }, "a", "configured image" },
	{ "what is configured and not there falls through",
	  { { "a", "x", "molecule.platform.managed=true", 1 }, { "b", "x", NULL, 2 } },
	  { .label = "l", .name = "n", .image = "i", WORKSPACE }, "a", "label molecule.platform.managed" },
	{ "the platform's label comes before the workspace's name",
	  { { "ws-abcdef01-234", "x", NULL, 2 }, { "b", "x", "molecule.platform.managed=1", 1 } },
	  { WORKSPACE }, "b", "label molecule.platform.managed" },
	{ "the workspace's name is ws- and twelve characters",
	  { { "ws-abcdef01-234", "x", NULL, 1 }, { "ws-abcdef01-2345", "x", NULL, 2 }, { "c", "x", NULL, 3 } },
	  { WORKSPACE }, "ws-abcdef01-234", "name ws-<workspace id>" },
	{ "without a workspace id no name is guessed",
	  { { "ws-", "x", NULL, 1 }, { "b", "x", NULL, 2 } },
	  { .workspace_id = "" }, "b", "newest that is not a known sidecar" },
	{ "the newest that is no sidecar",
	  { { "old", "x", NULL, 1 }, { "new", "x", NULL, 2 }, { "w", "containrrr/watchtower", NULL, 3 },
	    { "otel-collector-1", "x", NULL, 4 } },
	  { WORKSPACE }, "new", "newest that is not a known sidecar" },
	{ "a sidecar's name within a longer word makes no sidecar",
	  { { "a", "acme/vectordb-agent", NULL, 1 } }, { WORKSPACE }, "a", "newest that is not a known sidecar" },
	{ "a sidecar may be chosen by configuration",
	  { { "w", "vector", NULL, 1 } }, { .name = "/w" }, "w", "configured name" },
	{ "of several that meet a rule the newest",
	  { { "a", "x", "l=1", 1 }, { "b", "x", "l=2", 3 }, { "c", "x", "l=3", 2 } },
	  { .label = "l" }, "b", "configured label" },
	{ "only sidecars are no agent",
	  { { "a", "fluent/fluent-bit:3", NULL, 1 }, { "cadvisor", "x", NULL, 2 } }, { WORKSPACE }, NULL, NULL },
	{ "nothing is chosen from nothing", { { 0 } }, { WORKSPACE }, NULL, NULL },
};

static char *unconst(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void the_container_is_chosen_by_the_first_rule_that_any_meets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct container containers[MAX] = { 0 };
		struct container_label labels[MAX];
		char keys[MAX][64];
		struct container_list list = { .items = containers };
		const struct container *chosen;
		const char *rule;

		for (; list.count < MAX && cases[i].given[list.count].name != NULL; list.count++) {
			const struct given *given = &cases[i].given[list.count];
			struct container *container = &containers[list.count];

			container->name = unconst(given->name);
			container->image = unconst(given->image);
			container->created_s = given->created_s;
			if (given->label == NULL)
				continue;
			(void)snprintf(keys[list.count], sizeof keys[0], "%.*s", (int)strcspn(given->label, "="), given->label);
			labels[list.count].key = keys[list.count];
			labels[list.count].value = unconst(strchr(given->label, '=') + 1);
			container->labels = &labels[list.count];
			container->label_count = 1;
		}
		chosen = container_choose(&list, &cases[i].wish, &rule);
		print_message("  %s\n", cases[i].claim);
		if (cases[i].chosen == NULL) {
			assert_null(chosen);
			assert_null(rule);
		} else {
			assert_non_null(chosen);
			assert_string_equal(chosen->name, cases[i].chosen);
			assert_string_equal(rule, cases[i].rule);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_container_is_chosen_by_the_first_rule_that_any_meets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
