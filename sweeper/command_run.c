#include <stdio.h>

#include "sweeper/command.h"
#include "sweeper/service.h"

int command_run(const struct sweeper_config *config, const struct command_options *options)
{
	struct err err = ERR_INIT;
	enum status status = service_run(config, &err);

	(void)options;
	if (status == STATUS_OK)
		return EXIT_DONE;
	(void)fprintf(stderr, "rescue-sweeper: %s\n", err.text);
	return status == STATUS_INVALID ? EXIT_USAGE : EXIT_FAILED;
}
