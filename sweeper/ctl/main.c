/*
 * rescuectl: reads captures from the sweeper or from Loki, and makes the certificates that the parts know each other
 * by. main.c finds the subcommand in the table and runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/config.h"
#include "shared/fetch.h"
#include "shared/tls/session.h"
#include "sweeper/ctl/ctl.h"

static const struct ctl_command commands[] = {
	{ "list", "[--workspace ID] [--limit N]", "Lists recent captures of the org, newest first", "", list_run },
	{ "show", "WORKSPACE [--capture ID] [--section NAME]", "Prints a workspace's newest capture",
	  "  --capture ID     this capture instead of the newest\n"
	  "  --section NAME   only this section; may be the beginning of its name\n",
	  show_run },
	{ "wait", "WORKSPACE [--state received|shipped] [--timeout SECONDS]",
	  "Waits until a workspace's newest capture is there",
	  "  --state STATE      received (default): stored by the sweeper; shipped: every sink has it. A box that\n"
	  "                     could not be reached counts as received when that is known\n"
	  "  --timeout SECONDS  give up after this long (default 300); exit 3 when there was no capture at all\n",
	  wait_run },
	{ "retry", "CAPTURE", "Ships a stored bundle again, or orders a missing one again", "", retry_run },
	{ "identity", "reset WORKSPACE", "Frees a workspace's identity for another key",
	  "  A box that enrolled is known by its key from then on. After a reset the next box that proves to be the\n"
	  "  workspace's instance is taken with whatever key it has. The old certificate stays good until it ends.\n",
	  identity_run },
	{ "ca", "init DIR … | issue DIR …", "Keeps a small certificate authority",
	  "  ca init DIR [--trust-domain NAME] [--days N]\n"
	  "      makes DIR with ca.crt, ca.key and trust-domain; never touches an authority that is there\n"
	  "  ca issue DIR --org ORG (--workspace ID | --control-plane | --operator) [--out PREFIX] [--days N] [--force]\n"
	  "  ca issue DIR --server NAME[,NAME|IP…] [--out PREFIX] [--days N] [--force]\n"
	  "      writes PREFIX.crt and PREFIX.key; --force replaces what is there\n",
	  ca_run },
	{ "doctor", "[--admin URL]", "Checks the way to the sweeper (or Loki) step by step",
	  "  --admin URL    RESCUE_ADMIN     the sweeper's admin listener, to ask /readyz\n", doctor_run },
};

static void print_help(FILE *to)
{
	fprintf(to, "Usage: rescuectl SUBCOMMAND …\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fprintf(to, "  %-8s Prints the version\n\n\"rescuectl SUBCOMMAND --help\" tells more.\n", "version");
}

static const struct ctl_command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static enum ctl_exit run(struct ctl *ctl, const char *name)
{
	struct err err = ERR_INIT;
	enum status status;

	ctl->command = find_command(name);
	if (ctl->command == NULL) {
		fprintf(stderr, "rescuectl: there is no such subcommand; \"rescuectl --help\" lists them\n");
		return CTL_USAGE;
	}
	status = tls_global_init(&err);
	if (status == STATUS_OK)
		status = fetch_global_init(&err);
	return status == STATUS_OK ? ctl->command->run(ctl) : ctl_fail(status, &err);
}

int main(int argc, char **argv)
{
	struct ctl ctl = { .style = style_detect(STDOUT_FILENO), .terminal_err = isatty(STDERR_FILENO) == 1 };
	struct args_table globals = ctl_globals(&ctl);
	struct err err = ERR_INIT;
	struct args args;

	/* Global options may also stand before the subcommand. */
	if (args_parse(argc - 1, argv + 1, &globals, 1, true, &args, &err) != STATUS_OK) {
		fprintf(stderr, "rescuectl: %s\n", err.text);
		return CTL_USAGE;
	}
	if (args.count == 0 || strcmp(args.positional[0], "help") == 0) {
		bool asked = ctl.help || args.count > 0;

		print_help(asked ? stdout : stderr);
		return asked ? CTL_DONE : CTL_USAGE;
	}
	if (strcmp(args.positional[0], "version") == 0) {
		printf("rescuectl %s\n", RESCUE_VERSION);
		return CTL_DONE;
	}
	ctl.argc = argc - 1 - args.used;
	ctl.argv = argv + 1 + args.used;
	return (int)run(&ctl, args.positional[0]);
}
