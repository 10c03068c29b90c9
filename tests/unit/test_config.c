#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "shared/config.h"
struct sample {
	char *name;
	int64_t count;
	bool on;
	struct config_texts list;
	const struct yaml_node *rest;
};

static const struct config_field fields[] = {
	CONFIG_TEXT_REQUIRED(struct sample, name, "a name"),
	CONFIG_INT(struct sample, count, 7, 1, 10),
	CONFIG_BOOL(struct sample, on, true),
	CONFIG_TEXTS(struct sample, list),
	CONFIG_NODE(struct sample, rest),
};

static enum status read_sample(const char *text, struct sample *sample, struct yaml **ret_yaml, struct err *err)
{
	struct config_reader reader = { .file = "f.yaml", .err = err };
	enum status status = yaml_parse(span_cstr(text), "f.yaml", ret_yaml, err);

	memset(sample, 0, sizeof *sample);
	return status != STATUS_OK ? status
	                           : config_read_map(&reader, yaml_root(*ret_yaml), fields, ARRAY_LEN(fields), sample);
}

static void config_fills_in_values_and_defaults(void **state)
{
	struct sample sample;
	struct yaml *yaml;

	(void)state;
	assert_int_equal(read_sample("name: \"a b\"\nlist: [x, 'y']\nrest: {deep: [1]}\n", &sample, &yaml, NULL), STATUS_OK);
	assert_string_equal(sample.name, "a b");
	assert_int_equal(sample.count, 7);
	assert_true(sample.on);
	assert_int_equal(sample.list.count, 2);
	assert_string_equal(sample.list.items[1], "y");
	assert_non_null(yaml_get(sample.rest, "deep"));
	config_free_map(fields, ARRAY_LEN(fields), &sample);
	yaml_drop(yaml);
}

static void config_errors_name_file_line_column_key_and_expectation(void **state)
{
	static const struct {
		const char *text, *words[4];
	} cases[] = {
		{ "count: 3\n", { "f.yaml:1:1", "name", "missing", "a name" } },
		{ "name: x\ncount: 11\n", { "f.yaml:2:8", "count", "1 to 10", "11" } },
		{ "name: x\ncount: 3x\n", { "f.yaml:2:8", "count", "whole number", "3x" } },
		{ "name: x\ncount: [1]\n", { "f.yaml:2:8", "count", "single value", "list" } },
		{ "name: x\non: maybe\n", { "f.yaml:2:5", "on", "true or false", "maybe" } },
		{ "name: x\nlist: y\n", { "f.yaml:2:7", "list", "a list", "single" } },
		{ "name: x\n  nmae: y\n", { "f.yaml:2:", "", "", "" } },
		{ "name: x\nnmae: y\n", { "f.yaml:2:7", "nmae", "unknown key", "known here: name, count" } },
		{ "name: ''\n", { "f.yaml:1:7", "name", "empty", "a name" } },
		{ "name: x\nname: y\n", { "f.yaml:2:1", "name", "second time", "" } },
		{ "name: &a x\nlist: *a\n", { "f.yaml:2:7", "alias", "", "" } },
		{ "- a\n", { "f.yaml:1:1", "a map", "", "" } },
		{ "name: x\n---\nname: y\n", { "f.yaml:2:1", "second document", "", "" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		struct sample sample;
		struct yaml *yaml = NULL;

		assert_int_equal(read_sample(cases[i].text, &sample, &yaml, &err), STATUS_INVALID);
		for (size_t word = 0; word < 4; word++) {
			if (strstr(err.text, cases[i].words[word]) == NULL)
				fail_msg("\"%s\" not in \"%s\"", cases[i].words[word], err.text);
		}
		config_free_map(fields, ARRAY_LEN(fields), &sample);
		yaml_drop(yaml);
	}
}

static void yaml_depth_is_capped(void **state)
{
	BUF_AUTO text = BUF_INIT(1000);
	struct yaml *yaml;

	(void)state;
	for (int n = 0; n < 100; n++)
		buf_append_byte(&text, '[');
	for (int n = 0; n < 100; n++)
		buf_append_byte(&text, ']');
	assert_int_equal(yaml_parse(buf_span(&text), "x", &yaml, NULL), STATUS_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_fills_in_values_and_defaults),
		cmocka_unit_test(config_errors_name_file_line_column_key_and_expectation),
		cmocka_unit_test(yaml_depth_is_capped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
