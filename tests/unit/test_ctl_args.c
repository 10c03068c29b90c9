/* Command lines of rescuectl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "shared/config.h"
#include "sweeper/ctl/args.h"

struct values {
	const char *name;
	bool flag;
	int64_t number;
};

enum { MAX_WORDS = 8 };

static enum status parse(const char *const *words, bool stop_early, struct values *ret_values, struct args *ret_args,
                         struct err *err)
{
	const struct args_option options[] = {
		ARGS_OPTION_TEXT("name", &ret_values->name),
		ARGS_OPTION_FLAG("flag", &ret_values->flag),
		ARGS_OPTION_INT("number", &ret_values->number, 1, 10),
	};
	const struct args_table table = { .options = options, .count = ARRAY_LEN(options) };
	char *argv[MAX_WORDS];
	int argc = 0;

	for (; words[argc] != NULL; argc++)
		memcpy(&argv[argc], &words[argc], sizeof argv[argc]);
	*ret_values = (struct values){ .name = NULL };
	return args_parse(argc, argv, &table, 1, stop_early, ret_args, err);
}

static void args_understands_both_forms_of_an_option(void **state)
{
	static const char *const lines[][MAX_WORDS] = {
		{ "--name", "x", "--number", "7", "--flag", "one" },
		{ "one", "--name=x", "--number=7", "--flag" },
		{ "--flag", "one", "--number=7", "--name", "x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct values values;
		struct args args;
		struct err err = ERR_INIT;

		assert_int_equal(parse(lines[i], false, &values, &args, &err), STATUS_OK);
		assert_string_equal(values.name, "x");
		assert_int_equal(values.number, 7);
		assert_true(values.flag);
		assert_int_equal(args.count, 1);
		assert_string_equal(args.positional[0], "one");
	}
}

static void args_says_what_is_wrong(void **state)
{
	static const struct {
		const char *words[MAX_WORDS];
		const char *says;
	} lines[] = {
		{ { "--nonsense" }, "--nonsense: there is no such option here" },
		{ { "--nam", "x" }, "--nam: there is no such option here" },
		{ { "--name" }, "--name needs a value" },
		{ { "--flag=yes" }, "--flag takes no value" },
		{ { "--number", "0" }, "--number: expected a whole number from 1 to 10" },
		{ { "--number", "11" }, "--number: expected a whole number from 1 to 10" },
		{ { "--number", "7x" }, "--number: expected a whole number from 1 to 10" },
		{ { "--number", "" }, "--number: expected a whole number from 1 to 10" },
		{ { "--number", "99999999999999999999" }, "--number: expected a whole number from 1 to 10" },
		{ { "-x" }, "-x: options begin with two dashes" },
		{ { "a", "b", "c", "d", "e" }, "e: too many arguments" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct values values;
		struct args args;
		struct err err = ERR_INIT;

		assert_int_equal(parse(lines[i].words, false, &values, &args, &err), STATUS_INVALID);
		assert_string_equal(err.text, lines[i].says);
	}
}

static void args_behind_two_dashes_are_no_options(void **state)
{
	static const char *const words[] = { "--", "--name", "-x", NULL };
	struct values values;
	struct args args;

	(void)state;
	assert_int_equal(parse(words, false, &values, &args, NULL), STATUS_OK);
	assert_null(values.name);
	assert_int_equal(args.count, 2);
	assert_string_equal(args.positional[0], "--name");
	assert_string_equal(args.positional[1], "-x");
}

static void args_leaves_the_words_of_a_subcommand_alone(void **state)
{
	static const char *const words[] = { "--name", "x", "show", "--unknown", "y", NULL };
	struct values values;
	struct args args;

	(void)state;
	assert_int_equal(parse(words, true, &values, &args, NULL), STATUS_OK);
	assert_int_equal(args.used, 3);
	assert_string_equal(args.positional[0], "show");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(args_understands_both_forms_of_an_option),
		cmocka_unit_test(args_says_what_is_wrong),
		cmocka_unit_test(args_behind_two_dashes_are_no_options),
		cmocka_unit_test(args_leaves_the_words_of_a_subcommand_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
