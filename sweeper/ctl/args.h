/*
 * args: command-line options by tables. "--name VALUE", "--name=VALUE" and "--flag" are understood, anywhere among
 * the positional arguments; "--" ends the options.
 *
 * Pure: no output, no exit. Texts are borrowed from argv. Thread: any.
 */
#ifndef RESCUE_SWEEPER_CTL_ARGS_H
#define RESCUE_SWEEPER_CTL_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/status.h"

enum args_kind { ARGS_TEXT, ARGS_FLAG, ARGS_INT };

struct args_option {
	const char *name; /* without the dashes */
	enum args_kind kind;
	const char **text;
	bool *flag;
	int64_t *number;
	int64_t min, max; /* of the number */
};

#define ARGS_OPTION_TEXT(name_, dest_) { .name = (name_), .kind = ARGS_TEXT, .text = (dest_) }
#define ARGS_OPTION_FLAG(name_, dest_) { .name = (name_), .kind = ARGS_FLAG, .flag = (dest_) }
#define ARGS_OPTION_INT(name_, dest_, min_, max_) \
	{ .name = (name_), .kind = ARGS_INT, .number = (dest_), .min = (min_), .max = (max_) }

struct args_table {
	const struct args_option *options;
	size_t count;
};

enum { ARGS_MAX_POSITIONAL = 4 };

struct args {
	const char *positional[ARGS_MAX_POSITIONAL];
	size_t count;
	int used; /* how many words of argv were taken */
};

/*
 * Reads argv[0] to argv[argc - 1] (no program name among them). `stop_early`: ends before the second positional
 * argument's options, that is, right behind the first. STATUS_INVALID names the word and what was expected.
 */
enum status args_parse(int argc, char *const *argv, const struct args_table *tables, size_t table_count,
                       bool stop_early, struct args *ret_args, struct err *err);

#endif
