#include "sweeper/ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/config.h"

static const char global_help[] =
	"Options for every subcommand, and the variables that stand in for them:\n"
	"  --sweeper URL   RESCUE_SWEEPER   the sweeper, as https://HOST:PORT\n"
	"  --cert FILE     RESCUE_CERT      operator certificate (PEM)\n"
	"  --key FILE      RESCUE_KEY       its key\n"
	"  --ca FILE       RESCUE_CA        the authority that the sweeper's certificate must come from\n"
	"  --loki URL      RESCUE_LOKI      read from Loki instead of from the sweeper\n"
	"  --org ORG       RESCUE_ORG       only this org (Loki; ca issue)\n"
	"  --tenant ID     RESCUE_TENANT    Loki's tenant (X-Scope-OrgID)\n"
	"  --json                           one JSON document on stdout, for machines\n"
	"  --help\n"
	"Exit codes: 0 done, 1 failed, 2 usage, 3 nothing found.\n";

struct args_table ctl_globals(struct ctl *ctl)
{
	static struct args_option options[10];
	const struct args_option filled[] = {
		ARGS_OPTION_TEXT("sweeper", &ctl->sweeper), ARGS_OPTION_TEXT("admin", &ctl->admin),
		ARGS_OPTION_TEXT("cert", &ctl->cert),       ARGS_OPTION_TEXT("key", &ctl->key),
		ARGS_OPTION_TEXT("ca", &ctl->ca),           ARGS_OPTION_TEXT("loki", &ctl->loki),
		ARGS_OPTION_TEXT("org", &ctl->org),         ARGS_OPTION_TEXT("tenant", &ctl->tenant),
		ARGS_OPTION_FLAG("json", &ctl->json),       ARGS_OPTION_FLAG("help", &ctl->help),
	};

	_Static_assert(sizeof filled == sizeof options, "every global option has its place");
	memcpy(options, filled, sizeof filled);
	return (struct args_table){ .options = options, .count = ARRAY_LEN(options) };
}

static void read_env(const char *name, const char **option)
{
	const char *value = getenv(name);

	if (*option == NULL && value != NULL && value[0] != '\0')
		*option = value;
}

void ctl_read_env(struct ctl *ctl)
{
	read_env("RESCUE_SWEEPER", &ctl->sweeper);
	read_env("RESCUE_ADMIN", &ctl->admin);
	read_env("RESCUE_CERT", &ctl->cert);
	read_env("RESCUE_KEY", &ctl->key);
	read_env("RESCUE_CA", &ctl->ca);
	read_env("RESCUE_LOKI", &ctl->loki);
	read_env("RESCUE_ORG", &ctl->org);
	read_env("RESCUE_TENANT", &ctl->tenant);
}

void ctl_print_usage(const struct ctl_command *command, bool whole)
{
	FILE *to = whole ? stdout : stderr;

	fprintf(to, "Usage: rescuectl %s %s\n", command->name, command->usage);
	if (whole)
		fprintf(to, "\n%s.\n%s%s\n%s", command->summary, command->details[0] == '\0' ? "" : "\n",
		        command->details, global_help);
}

bool ctl_parse(struct ctl *ctl, const struct args_option *options, size_t count, size_t min, size_t max,
               struct args *ret_args, enum ctl_exit *ret_exit)
{
	const struct args_table tables[] = { ctl_globals(ctl), { .options = options, .count = count } };
	struct err err = ERR_INIT;

	if (args_parse(ctl->argc, ctl->argv, tables, ARRAY_LEN(tables), false, ret_args, &err) != STATUS_OK) {
		*ret_exit = ctl_usage(ctl, "%s", err.text);
		return false;
	}
	ctl_read_env(ctl);
	if (ctl->help) {
		ctl_print_usage(ctl->command, true);
		*ret_exit = CTL_DONE;
		return false;
	}
	if (ret_args->count < min || ret_args->count > max) {
		*ret_exit = ctl_usage(ctl, ret_args->count < min ? "something is missing" : "too many arguments");
		return false;
	}
	return true;
}

static void print_words(const char *words)
{
	BUF_AUTO line = BUF_INIT(8 * LIMIT_ERROR_TEXT);

	buf_append_cstr(&line, "rescuectl: ");
	style_put_field(span_cstr(words), &line);
	fprintf(stderr, "%s\n", buf_cstr(&line));
}

enum ctl_exit ctl_fail(enum status status, const struct err *err)
{
	print_words(err->text[0] != '\0' ? err->text : status_name(status));
	return status == STATUS_NOT_FOUND ? CTL_NOTHING : CTL_FAILED;
}

enum ctl_exit ctl_usage(const struct ctl *ctl, const char *fmt, ...)
{
	char words[LIMIT_ERROR_TEXT];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(words, sizeof words, fmt, args);
	va_end(args);
	print_words(words);
	ctl_print_usage(ctl->command, false);
	return CTL_USAGE;
}

enum ctl_exit ctl_print(const struct buf *text)
{
	struct err err = ERR_INIT;

	if (buf_status(text) != STATUS_OK)
		return ctl_fail(buf_status(text), &err);
	if (fwrite(text->ptr == NULL ? (const uint8_t *)"" : text->ptr, 1, text->len, stdout) != text->len ||
	    fflush(stdout) != 0)
		return ctl_fail(err_set_errno(&err, "standard output"), &err);
	return CTL_DONE;
}

enum ctl_exit ctl_print_json(const struct jdoc *doc)
{
	BUF_AUTO text = BUF_INIT(4 * (size_t)LIMIT_FETCH_BODY);
	struct err err = ERR_INIT;
	enum status status = doc == NULL ? STATUS_NO_MEMORY : jdoc_dump(doc, &text);

	if (status != STATUS_OK)
		return ctl_fail(status, &err);
	buf_append_byte(&text, '\n');
	return ctl_print(&text);
}

void ctl_url(const char *base, const char *path, struct buf *out)
{
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	buf_append(out, base, len);
	buf_append_cstr(out, path);
}
