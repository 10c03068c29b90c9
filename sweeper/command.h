/*
 * command: the subcommands of rescue-sweeper, one file each. Each returns the process's exit code (design section 3).
 */
#ifndef RESCUE_SWEEPER_COMMAND_H
#define RESCUE_SWEEPER_COMMAND_H

#include "sweeper/config.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* What only `migrate` takes. */
struct command_options {
	bool create_index;
	bool drop_external_trigger;
};

int command_run(const struct sweeper_config *config, const struct command_options *options);
int command_migrate(const struct sweeper_config *config, const struct command_options *options);
int command_sweep_once(const struct sweeper_config *config, const struct command_options *options);
int command_check_config(const struct sweeper_config *config, const struct command_options *options);
int command_health(const struct sweeper_config *config, const struct command_options *options);
int command_version(const struct sweeper_config *config, const struct command_options *options);

#endif
