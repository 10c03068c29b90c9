#include "sweeper/ctl/args.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct args_option *find_option(const struct args_table *tables, size_t table_count, const char *name,
                                             size_t name_len)
{
	for (size_t t = 0; t < table_count; t++) {
		for (size_t i = 0; i < tables[t].count; i++) {
			const struct args_option *option = &tables[t].options[i];

			if (strlen(option->name) == name_len && memcmp(option->name, name, name_len) == 0)
				return option;
		}
	}
	return NULL;
}

static enum status set_number(const struct args_option *option, const char *value, struct err *err)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	if (end == value || *end != '\0' || errno != 0 || number < option->min || number > option->max)
		return err_set(err, STATUS_INVALID, "--%s: expected a whole number from %" PRId64 " to %" PRId64,
		               option->name, option->min, option->max);
	*option->number = number;
	return STATUS_OK;
}

/* `next` is the word behind, NULL at the end; *ret_took_next says whether it was the value. */
static enum status read_option(const char *word, const char *next, const struct args_table *tables,
                               size_t table_count, bool *ret_took_next, struct err *err)
{
	const char *equals = strchr(word, '=');
	size_t name_len = equals == NULL ? strlen(word) : (size_t)(equals - word);
	const struct args_option *option = find_option(tables, table_count, word, name_len);
	const char *value = equals == NULL ? next : equals + 1;

	*ret_took_next = false;
	if (option == NULL)
		return err_set(err, STATUS_INVALID, "--%.*s: there is no such option here", (int)name_len, word);
	if (option->kind == ARGS_FLAG) {
		if (equals != NULL)
			return err_set(err, STATUS_INVALID, "--%s takes no value", option->name);
		*option->flag = true;
		return STATUS_OK;
	}
	if (value == NULL)
		return err_set(err, STATUS_INVALID, "--%s needs a value", option->name);
	*ret_took_next = equals == NULL;
	if (option->kind == ARGS_INT)
		return set_number(option, value, err);
	*option->text = value;
	return STATUS_OK;
}

enum status args_parse(int argc, char *const *argv, const struct args_table *tables, size_t table_count,
                       bool stop_early, struct args *ret_args, struct err *err)
{
	bool options_ended = false;
	int at = 0;

	memset(ret_args, 0, sizeof *ret_args);
	while (at < argc && !(stop_early && ret_args->count == 1)) {
		const char *word = argv[at++];

		if (!options_ended && strcmp(word, "--") == 0) {
			options_ended = true;
		} else if (!options_ended && strncmp(word, "--", 2) == 0) {
			bool took_next;
			enum status status = read_option(word + 2, at < argc ? argv[at] : NULL, tables, table_count,
			                                 &took_next, err);

			if (status != STATUS_OK)
				return status;
			at += took_next ? 1 : 0;
		} else if (!options_ended && word[0] == '-' && word[1] != '\0') {
			return err_set(err, STATUS_INVALID, "%s: options begin with two dashes", word);
		} else if (ret_args->count == ARGS_MAX_POSITIONAL) {
			return err_set(err, STATUS_INVALID, "%s: too many arguments", word);
		} else {
			ret_args->positional[ret_args->count++] = word;
		}
	}
	ret_args->used = at;
	return STATUS_OK;
}
