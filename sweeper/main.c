#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "shared/log.h"
#include "sweeper/command.h"

#define DEFAULT_CONFIG "/etc/rescue/sweeper.yaml"

struct command {
	const char *name;
	int (*run)(const struct sweeper_config *config, const struct command_options *options);
	bool needs_config;
};

static const struct command commands[] = {
	{ "run", command_run, true },
	{ "migrate", command_migrate, true },
	{ "sweep-once", command_sweep_once, true },
	{ "check-config", command_check_config, true },
	{ "health", command_health, true },
	{ "version", command_version, false },
};

static const char usage[] =
	"usage: rescue-sweeper [--config FILE] [COMMAND]\n"
	"\n"
	"  run           find workspaces that never booted, collect their evidence and ship it (default)\n"
	"  migrate       bring the schema \"rescue\" of every tenant's database to this version\n"
	"  sweep-once    flip what is overdue now, and end\n"
	"  check-config  read the configuration and say what is wrong with it\n"
	"  health        ask the sweeper that runs with this configuration whether it is ready\n"
	"  version       print the version\n"
	"\n"
	"  --config FILE            the configuration, " DEFAULT_CONFIG " when not given\n"
	"  --create-index           migrate: also make the indexes that are wanted on the workspaces table\n"
	"  --drop-external-trigger  migrate: take the trigger of verdicts.adopt_external away again, and do nothing else\n"
	"  --help                   print this\n"
	"\n"
	"exit codes: 0 done, 1 failed, 2 wrong usage or configuration\n";

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static int run_command(const struct command *command, const char *path, const struct command_options *options)
{
	struct sweeper_config *config = NULL;
	struct err err = ERR_INIT;
	int code;

	if (command->needs_config && sweeper_config_load(path, &config, &err) != STATUS_OK) {
		(void)fprintf(stderr, "rescue-sweeper: %s\n", err.text);
		return EXIT_USAGE;
	}
	code = command->run(config, options);
	sweeper_config_free(config);
	return code;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "create-index", no_argument, NULL, 'i' },
		{ "drop-external-trigger", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *command = &commands[0];
	struct command_options wanted = { false, false };
	const char *path = DEFAULT_CONFIG;
	int option;

	log_level_from_env();
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 'h')
			return fputs(usage, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
		if (option == '?') {
			(void)fputs(usage, stderr);
			return EXIT_USAGE;
		}
		path = option == 'c' ? optarg : path;
		wanted.create_index = wanted.create_index || option == 'i';
		wanted.drop_external_trigger = wanted.drop_external_trigger || option == 'd';
	}
	if (optind < argc)
		command = find_command(argv[optind]);
	if (command == NULL || optind + 1 < argc) {
		(void)fprintf(stderr, "rescue-sweeper: unknown command \"%s\"\n\n%s",
		              argv[command == NULL ? optind : optind + 1], usage);
		return EXIT_USAGE;
	}
	if (command->run != command_migrate && (wanted.create_index || wanted.drop_external_trigger)) {
		(void)fprintf(stderr, "rescue-sweeper: only migrate takes these options\n\n%s", usage);
		return EXIT_USAGE;
	}
	return run_command(command, path, &wanted);
}
