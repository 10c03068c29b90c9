#include "agent/commands.h"
#include "agent/supervisor.h"

int cmd_run(const struct command_line *line)
{
	struct agent_config *config = NULL;
	int code;

	if (command_load_config(line, &config) != STATUS_OK)
		return EXIT_USAGE;
	code = supervisor_run(config);
	agent_config_free(config);
	return code;
}
