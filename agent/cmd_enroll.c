#include <stdio.h>

#include "agent/commands.h"
#include "agent/enroll.h"
#include "agent/link.h"
#include "shared/stop.h"

static int enroll(const struct agent_config *config)
{
	struct identity identity;
	struct err err = ERR_INIT;
	int64_t renew_in_s;
	enum status status = stop_init(&err);

	if (status == STATUS_OK)
		status = fetch_global_init(&err);
	if (status == STATUS_OK)
		status = enroll_run(config, false, &renew_in_s, &err);
	if (status == STATUS_OK)
		status = link_read_identity(config, &identity, &err);
	if (status != STATUS_OK) {
		(void)fprintf(stderr, "rescue-agent: cannot enrol: %s\n", err.text[0] != '\0' ? err.text : status_name(status));
		return EXIT_FAILED;
	}
	(void)printf("enrolled as workspace %s of %s: %s\n", identity.workspace_id, identity.org, config->identity.cert);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

int cmd_enroll(const struct command_line *line)
{
	struct agent_config *config = NULL;
	int code;

	if (command_load_config(line, &config) != STATUS_OK)
		return EXIT_USAGE;
	code = enroll(config);
	agent_config_free(config);
	return code;
}
