#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sweeper/gate/held.h"

enum { MANY = 5000 };

struct agent {
	struct held_entry entry;
	char id[16];
};

static struct agent agents[MANY];
static const int tenant_a = 1, tenant_b = 2;

static void agent_init(struct agent *agent, const void *tenant, int number)
{
	(void)snprintf(agent->id, sizeof agent->id, "ws-%d", number);
	agent->entry = (struct held_entry){ .tenant = tenant, .workspace_id = span_cstr(agent->id) };
}

static void held_finds_each_of_many_and_no_removed_one(void **state)
{
	struct held held;

	(void)state;
	held_init(&held);
	for (int i = 0; i < MANY; i++) {
		agent_init(&agents[i], &tenant_a, i);
		assert_int_equal(held_add(&held, &agents[i].entry), STATUS_OK);
	}
	for (int i = 0; i < MANY; i += 2)
		held_remove(&held, &agents[i].entry);
	assert_int_equal(held.count, MANY / 2);
	for (int i = 0; i < MANY; i++) {
		struct held_entry *found = held_find(&held, &tenant_a, span_cstr(agents[i].id), NULL);

		assert_ptr_equal(found, i % 2 == 0 ? NULL : &agents[i].entry);
	}
	held_done(&held);
}

static void held_keeps_tenants_apart(void **state)
{
	struct held held;

	(void)state;
	held_init(&held);
	agent_init(&agents[0], &tenant_a, 7);
	assert_int_equal(held_add(&held, &agents[0].entry), STATUS_OK);
	assert_null(held_find(&held, &tenant_b, SPAN_LIT("ws-7"), NULL));
	assert_non_null(held_find(&held, &tenant_a, SPAN_LIT("ws-7"), NULL));
	held_done(&held);
}

static void held_gives_every_connection_of_one_workspace(void **state)
{
	struct held held;
	struct held_entry *entry = NULL;
	int count = 0;

	(void)state;
	held_init(&held);
	assert_null(held_find(&held, &tenant_a, SPAN_LIT("ws-7"), NULL));
	for (int i = 0; i < 3; i++) {
		agent_init(&agents[i], &tenant_a, 7);
		assert_int_equal(held_add(&held, &agents[i].entry), STATUS_OK);
	}
	while ((entry = held_find(&held, &tenant_a, SPAN_LIT("ws-7"), entry)) != NULL)
		count++;
	assert_int_equal(count, 3);
	held_done(&held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_finds_each_of_many_and_no_removed_one),
		cmocka_unit_test(held_keeps_tenants_apart),
		cmocka_unit_test(held_gives_every_connection_of_one_workspace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
