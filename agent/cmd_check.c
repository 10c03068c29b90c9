#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/commands.h"
#include "shared/redact/redact.h"

enum status command_load_config(const struct command_line *line, struct agent_config **ret_config)
{
	struct err err = ERR_INIT;
	enum status status = agent_config_load(line->config != NULL ? line->config : AGENT_CONFIG_DEFAULT, ret_config,
	                                       &err);

	if (status != STATUS_OK)
		(void)fprintf(stderr, "rescue-agent: %s\n", err.text);
	return status;
}

bool command_write_stdout(struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t put = write(STDOUT_FILENO, bytes.ptr, bytes.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			(void)fprintf(stderr, "rescue-agent: cannot write to standard output: %s\n", strerror(errno));
			return false;
		}
		bytes = span_sub(bytes, (size_t)put, bytes.len);
	}
	return true;
}

int cmd_check_config(const struct command_line *line)
{
	struct agent_config *config = NULL;
	struct redactor *redactor = NULL;
	struct err err = ERR_INIT;
	enum status status = command_load_config(line, &config);

	if (status != STATUS_OK)
		return EXIT_USAGE;
	status = redactor_new(&(struct redact_options){ .rules_dir = config->redaction.rules_dir }, &redactor, &err);
	if (status != STATUS_OK)
		(void)fprintf(stderr, "rescue-agent: %s\n", err.text);
	else
		(void)printf("%s: good\n", line->config != NULL ? line->config : AGENT_CONFIG_DEFAULT);
	redactor_free(redactor);
	agent_config_free(config);
	return status == STATUS_OK ? EXIT_DONE : EXIT_USAGE;
}
