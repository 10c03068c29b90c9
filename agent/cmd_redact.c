#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/collect/collect.h"
#include "agent/commands.h"
#include "agent/doorkeeper.h"
#include "agent/sandbox/sandbox.h"
#include "shared/fetch.h"

enum { READ_STEP = 16384 };

static enum status read_all(int fd, const char *name, struct buf *content, struct err *err)
{
	uint8_t chunk[READ_STEP];
	enum status status = STATUS_AGAIN;

	while (status == STATUS_AGAIN) {
		ssize_t got = read(fd, chunk, sizeof chunk);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			status = err_set_errno(err, "cannot read %s", name);
		else if (got == 0)
			status = STATUS_OK;
		else
			buf_append(content, chunk, (size_t)got);
		if (buf_status(content) != STATUS_OK)
			status = err_set(err, buf_status(content), "%s is larger than %zu bytes; cut it at line ends "
			                 "and redact the pieces", name, content->max);
	}
	wipe(chunk, sizeof chunk);
	return status;
}

static enum status read_input(const char *path, struct raw_text *raw, struct err *err)
{
	enum status status;
	int fd;

	if (path == NULL)
		return read_all(STDIN_FILENO, "standard input", &raw->bytes, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, "cannot open %s", path);
	status = read_all(fd, path, &raw->bytes, err);
	(void)close(fd);
	return status;
}

/* Which rule masks what and where, and never what stands there. */
static bool explain(const char *name, const struct clean_text *clean)
{
	const struct redact_masking *masked;
	size_t count = clean_text_maskings(clean, &masked);

	for (size_t i = 0; i < count; i++) {
		if (printf("%s:%zu:%zu: %s %s\n", name, masked[i].line, masked[i].column, masked[i].rule,
		           masked[i].label) < 0)
			return false;
	}
	return fflush(stdout) == 0;
}

static int print(const struct command_line *line, const struct clean_text *clean)
{
	bool printed = line->explain ? explain(line->file == NULL ? "-" : line->file, clean) :
	                               command_write_stdout(clean_text_span(clean));

	return printed ? EXIT_DONE : EXIT_FAILED;
}

static int redact_and_print(const struct agent_config *config, const struct command_line *line,
                            const struct raw_text *raw)
{
	const struct redact_options options = { .rules_dir = config->redaction.rules_dir };
	struct redactor *redactor = NULL;
	struct clean_text *clean = NULL;
	struct collect_known known;
	struct err err = ERR_INIT;
	int code = EXIT_WITHHELD;
	enum status status = redactor_new(&options, &redactor, &err);

	if (status == STATUS_OK)
		status = collect_known_values(config, redactor, &known, &err);
	if (status == STATUS_OK)
		status = redact_text(redactor, raw, &clean, &err);
	if (status == STATUS_OK)
		code = print(line, clean);
	else
		(void)fprintf(stderr, "rescue-agent: nothing is printed: %s\n", err.text);
	clean_text_free(clean);
	redactor_free(redactor);
	return code;
}

int cmd_redact(const struct command_line *line)
{
	struct agent_config *config = NULL;
	struct doorkeeper keeper;
	struct raw_text raw;
	struct err err = ERR_INIT;
	int code = EXIT_FAILED;
	enum status status;

	/* The filter works on any machine: a configuration is used when it is named, else the defaults. */
	if (line->config != NULL && command_load_config(line, &config) != STATUS_OK)
		return EXIT_USAGE;
	status = config != NULL ? STATUS_OK : agent_config_new_default(&config, &err);
	raw_text_init(&raw, LIMIT_REDACT_OUTPUT);
	if (status == STATUS_OK)
		status = doorkeeper_open(config, NULL, 0, &keeper, &err);
	if (status == STATUS_OK) {
		doors_set(keeper.doors);
		sandbox_enter(SANDBOX_READER, NULL);
		status = fetch_global_init(&err);
	}
	if (status == STATUS_OK)
		status = read_input(line->file, &raw, &err);
	if (status == STATUS_OK)
		code = redact_and_print(config, line, &raw);
	else
		(void)fprintf(stderr, "rescue-agent: %s\n", err.text);
	raw_text_done(&raw);
	agent_config_free(config);
	return code;
}
