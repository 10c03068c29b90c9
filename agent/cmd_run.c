#include <stdio.h>

#include "agent/commands.h"
#include "agent/run.h"
#include "shared/fetch.h"
#include "shared/log.h"
#include "shared/stop.h"

static void warn_of_later(const struct agent_config *config)
{
	if (config->boot_deadline_s > 0)
		log_event(LOG_WARN, "config.not_yet", LOG_S("key", "boot_deadline_s"),
		          LOG_S("error", "this version only captures when it is ordered to"));
	if (config->console[0] != '\0')
		log_event(LOG_WARN, "config.not_yet", LOG_S("key", "console"),
		          LOG_S("error", "this version prints no summary there"));
}

int cmd_run(const struct command_line *line)
{
	struct agent_config *config = NULL;
	struct err err = ERR_INIT;
	enum status status;

	if (command_load_config(line, &config) != STATUS_OK)
		return EXIT_USAGE;
	warn_of_later(config);
	status = stop_init(&err);
	if (status == STATUS_OK)
		status = fetch_global_init(&err);
	if (status == STATUS_OK)
		status = agent_run(config, &err);
	if (status != STATUS_OK)
		(void)fprintf(stderr, "rescue-agent: %s\n", err.text);
	agent_config_free(config);
	return status == STATUS_OK ? EXIT_DONE : EXIT_FAILED;
}
