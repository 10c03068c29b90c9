#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "agent/collect/container.h"

static void a_list_is_read_without_what_is_no_container(void **state)
{
	struct container_list list;

	(void)state;
	assert_int_equal(container_read_list(
		SPAN_LIT("[null,5,{},{\"Id\":\"../x\"},{\"Id\":\"ab12\",\"Names\":[\"/ws-1\"],\"Image\":\"i\","
	                 "\"State\":\"exited\",\"Status\":\"Exited (137) 2 minutes ago\",\"Created\":7,"
	                 "\"Labels\":{\"a\":\"b\",\"c\":5}},{\"Id\":\"cd\"}]"), &list, NULL), STATUS_OK);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].name, "ws-1");
	assert_true(list.items[0].has_exit_code);
	assert_int_equal(list.items[0].exit_code, 137);
	assert_int_equal(list.items[0].created_s, 7);
	assert_string_equal(container_get_label(&list.items[0], "a"), "b");
	assert_null(container_get_label(&list.items[0], "b"));
	assert_string_equal(list.items[1].name, "");
	assert_false(list.items[1].has_exit_code);
	container_list_done(&list);
}

static void what_is_no_list_is_refused(void **state)
{
	static const char *const bad[] = { "", "{}", "5", "[", "[{]", "null", "[{\"Id\":\"a\",\"Id\":\"b\"}]" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct container_list list;

		print_message("  %s\n", bad[i]);
		assert_int_equal(container_read_list(span_cstr(bad[i]), &list, NULL), STATUS_INVALID);
		assert_int_equal(list.count, 0);
		container_list_done(&list);
	}
}

static void details_are_read_from_the_engine_and_from_disk_alike(void **state)
{
	static const char *const same[] = {
		"{\"Id\":\"ab\",\"Name\":\"/ws-1\",\"Created\":\"2026-11-24T04:00:00.5Z\",\"LogPath\":\"/l\","
		"\"State\":{\"Status\":\"exited\",\"ExitCode\":137,\"OOMKilled\":true,\"Error\":\"\"},"
		"\"Config\":{\"Image\":\"i\",\"Tty\":true,\"Env\":[\"A=1\",\"B=\"],\"Labels\":{\"k\":\"v\"}}}",
		"{\"ID\":\"ab\",\"Name\":\"/ws-1\",\"Created\":\"2026-11-24T04:00:00.5Z\",\"LogPath\":\"/l\","
		"\"State\":{\"Running\":false,\"ExitCode\":137,\"OOMKilled\":true,\"StartedAt\":\"2026-11-24T04:00:01Z\"},"
		"\"Config\":{\"Image\":\"i\",\"Tty\":true,\"Env\":[\"A=1\",\"B=\"],\"Labels\":{\"k\":\"v\"}}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		struct container container = { 0 };

		assert_int_equal(container_read_details(span_cstr(same[i]), &container, NULL), STATUS_OK);
		assert_string_equal(container.id, "ab");
		assert_string_equal(container.name, "ws-1");
		assert_string_equal(container.state, "exited");
		assert_true(container.has_exit_code && container.exit_code == 137 && container.oom_killed);
		assert_true(container.has_terminal && container.has_details);
		assert_int_equal(container.env_count, 2);
		assert_string_equal(container.env[0], "A=1");
		assert_string_equal(container.log_path, "/l");
		assert_int_equal(container.created_s, 1795492800);
		assert_string_equal(container_get_label(&container, "k"), "v");
		container_done(&container);
	}
}

static void what_does_not_describe_a_container_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "[]", "{}", "{\"Id\":\"ab\"}", "{\"Id\":\"a/b\",\"State\":{},\"Config\":{}}",
		"{\"State\":{},\"Config\":{}}", "{\"Id\":\"ab\",\"State\":[],\"Config\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct container container = { 0 };

		print_message("  %s\n", bad[i]);
		assert_int_equal(container_read_details(span_cstr(bad[i]), &container, NULL), STATUS_INVALID);
		container_done(&container);
	}
}

static void members_of_wrong_types_are_as_if_missing(void **state)
{
	struct container container = { 0 };

	(void)state;
	assert_int_equal(container_read_details(
		SPAN_LIT("{\"Id\":\"ab\",\"Name\":5,\"Created\":{},\"State\":{\"ExitCode\":\"x\",\"Running\":1},"
	                 "\"Config\":{\"Env\":[5,null,\"A=1\"],\"Tty\":\"yes\",\"Labels\":[]}}"),
		&container, NULL), STATUS_OK);
	assert_string_equal(container.name, "");
	assert_false(container.has_terminal);
	assert_int_equal(container.env_count, 3);
	assert_string_equal(container.env[2], "A=1");
	container_done(&container);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_read_without_what_is_no_container),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(details_are_read_from_the_engine_and_from_disk_alike),
		cmocka_unit_test(what_does_not_describe_a_container_is_refused),
		cmocka_unit_test(members_of_wrong_types_are_as_if_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
