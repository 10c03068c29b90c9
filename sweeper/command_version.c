#include <stdio.h>

#include "sweeper/command.h"

int command_version(const struct sweeper_config *config, const struct command_options *options)
{
	(void)config;
	(void)options;
	return printf("rescue-sweeper %s\n", RESCUE_VERSION) > 0 && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
