#include <stdio.h>

#include "sweeper/command.h"

int command_version(const struct sweeper_config *config)
{
	(void)config;
	return printf("rescue-sweeper %s\n", RESCUE_VERSION) > 0 && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
