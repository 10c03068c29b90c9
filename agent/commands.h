/*
 * commands: the subcommands of rescue-agent, one file each (design section 3).
 *
 * Each takes what main.c read from the command line and gives the process's exit code.
 */
#ifndef RESCUE_AGENT_COMMANDS_H
#define RESCUE_AGENT_COMMANDS_H

#include "agent/worker.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_WITHHELD = 3 };

#define AGENT_CONFIG_DEFAULT "/etc/rescue/agent.yaml"

struct command_line {
	const char *config; /* NULL when not given */
	const char *output; /* NULL when not given; "-" is stdout */
	const char *file;   /* the operand; NULL when not given */
	bool explain;
};

int cmd_run(const struct command_line *line);
int cmd_collect(const struct command_line *line);
int cmd_redact(const struct command_line *line);
int cmd_enroll(const struct command_line *line);
int cmd_check_config(const struct command_line *line);
int cmd_doctor(const struct command_line *line);

/* Loads the configuration of the command line, or the one at its usual place. Says what is wrong on stderr. */
enum status command_load_config(const struct command_line *line, struct agent_config **ret_config);
/*
 * Has the box read by another process, as when a sweeper orders it; the bundle is plain. For processes with one thread.
 */
enum status command_collect(const struct agent_config *config, const struct identity *identity,
                            struct worker_report *ret_report, struct err *err);
/* All of it, or false with a message on stderr. */
bool command_write_stdout(struct span bytes);

#endif
