#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/commands.h"
#include "shared/log.h"

static const char usage[] =
	"Usage: rescue-agent [--config FILE] [COMMAND]\n"
	"\n"
	"Waits on a machine that is booting until its sweeper says that it never finished, then collects what the\n"
	"machine can say about it, redacts it, and sends it there.\n"
	"\n"
	"Commands:\n"
	"  run                       wait for an order and answer it (the default)\n"
	"  collect [--output F|-]    do the same now without a sweeper: print the redacted bundle, send nothing\n"
	"  redact [--explain] [FILE] print FILE or standard input without its secrets\n"
	"  enroll                    prove by EC2's metadata service which machine this is, and get a certificate\n"
	"  doctor                    say what would be collected, which identity this box has and whether a sweeper answers,\n"
	"                            each failure with its remedy; send nothing\n"
	"  check-config              read the configuration and the redaction rules and say whether they are good\n"
	"  version                   print the version\n"
	"\n"
	"Options:\n"
	"  --config FILE             configuration (default " AGENT_CONFIG_DEFAULT ")\n"
	"  --output FILE             collect: write the bundle there, \"-\" for standard output\n"
	"  --explain                 redact: print which rule masks what instead: FILE:LINE:COLUMN: RULE LABEL\n"
	"  --help                    print this\n"
	"  --version                 print the version\n"
	"\n"
	"Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 something was withheld.\n"
	"RESCUE_LOG=debug|info|warn|error sets how much is logged on standard error.\n";

static int cmd_version(const struct command_line *line)
{
	(void)line;
	return puts("rescue-agent " RESCUE_VERSION) >= 0 ? EXIT_DONE : EXIT_FAILED;
}

static const struct command {
	const char *name;
	int (*run)(const struct command_line *line);
	bool takes_output, takes_file; /* what takes a file explains itself as well */
} commands[] = {
	{ "run", cmd_run, false, false },
	{ "collect", cmd_collect, true, false },
	{ "redact", cmd_redact, false, true },
	{ "doctor", cmd_doctor, false, false },
	{ "check-config", cmd_check_config, false, false },
	{ "version", cmd_version, false, false },
	{ "enroll", cmd_enroll, false, false },
};

static int wrong_usage(const char *what, const char *word)
{
	(void)fprintf(stderr, "rescue-agent: %s%s\nTry: rescue-agent --help\n", what, word);
	return EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

/* -1 to go on, else the exit code. */
static int read_options(int argc, char **argv, struct command_line *line)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "output", required_argument, NULL, 'o' },
		{ "explain", no_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:o:hV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			line->config = optarg;
			break;
		case 'o':
			line->output = optarg;
			break;
		case 'e':
			line->explain = true;
			break;
		case 'h':
			return fputs(usage, stdout) >= 0 ? EXIT_DONE : EXIT_FAILED;
		case 'V':
			return cmd_version(line);
		default:
			return EXIT_USAGE; /* getopt_long has said why */
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct command_line line = { .config = NULL };
	const struct command *command = &commands[0];
	int code = read_options(argc, argv, &line);
	int operands;

	if (code >= 0)
		return code;
	operands = argc - optind;
	if (operands > 0) {
		command = find_command(argv[optind]);
		if (command == NULL)
			return wrong_usage("no such command: ", argv[optind]);
	}
	if (operands > 2 || (operands == 2 && !command->takes_file))
		return wrong_usage("too many words after ", command->name);
	if (line.output != NULL && !command->takes_output)
		return wrong_usage("--output is not for ", command->name);
	if (line.explain && !command->takes_file)
		return wrong_usage("--explain is not for ", command->name);
	if (operands == 2)
		line.file = argv[optind + 1];
	log_level_from_env();
	/* A reader or peer that went away is an error from write, not the end of the process. */
	(void)signal(SIGPIPE, SIG_IGN);
	return command->run(&line);
}
