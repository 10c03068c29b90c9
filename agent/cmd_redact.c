#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/collect/collect.h"
#include "agent/commands.h"
#include "shared/fetch.h"
#include "shared/redact/stream.h"

enum { READ_STEP = 65536 };

/* The text goes through in pieces: however long it is, memory stays as it is. */
struct filter {
	const char *name; /* of the input, for the words about it */
	int fd;
	bool explain;
	bool cannot_write;
};

/* Which rule masks what and where, and never what stands there. */
static enum status print_maskings(void *ctx, const struct clean_text *clean)
{
	struct filter *filter = ctx;
	const struct redact_masking *masked;
	size_t count = clean_text_maskings(clean, &masked);

	for (size_t i = 0; i < count && !filter->cannot_write; i++)
		filter->cannot_write = printf("%s:%zu:%zu: %s %s\n", filter->name, masked[i].line, masked[i].column,
		                              masked[i].rule, masked[i].label) < 0;
	filter->cannot_write = filter->cannot_write || fflush(stdout) != 0;
	return filter->cannot_write ? STATUS_SYSTEM : STATUS_OK;
}

static enum status print_text(void *ctx, const struct clean_text *clean)
{
	struct filter *filter = ctx;

	filter->cannot_write = !command_write_stdout(clean_text_span(clean));
	return filter->cannot_write ? STATUS_SYSTEM : STATUS_OK;
}

/* STATUS_SYSTEM when the input cannot be read, STATUS_WITHHELD when the redactor cannot go on. */
static enum status feed_all(const struct filter *filter, struct redact_stream *stream, struct err *err)
{
	static uint8_t chunk[READ_STEP];
	enum status status = STATUS_OK;
	ssize_t got = 1;

	while (status == STATUS_OK && got != 0) {
		got = read(filter->fd, chunk, sizeof chunk);
		if (got > 0)
			status = redact_stream_feed(stream, span_of(chunk, (size_t)got), err);
		else if (got < 0 && errno != EINTR)
			status = err_set_errno(err, "cannot read %s", filter->name);
	}
	wipe(chunk, sizeof chunk);
	return status == STATUS_OK ? redact_stream_finish(stream, err) : status;
}

static int run_filter(struct filter *filter, const struct redactor *redactor)
{
	struct redact_stream *stream = redact_stream_new(redactor, NULL, filter->explain ? print_maskings : print_text,
	                                                 filter);
	struct err err = ERR_INIT;
	enum status status = stream == NULL ? err_set(&err, STATUS_NO_MEMORY, "out of memory") :
	                                      feed_all(filter, stream, &err);

	redact_stream_free(stream);
	if (status == STATUS_OK)
		return EXIT_DONE;
	/* What could not be written has been told. */
	if (!filter->cannot_write)
		(void)fprintf(stderr, "rescue-agent: nothing more is printed: %s\n", err.text);
	return status == STATUS_WITHHELD && !filter->cannot_write ? EXIT_WITHHELD : EXIT_FAILED;
}

static int redact_input(const struct agent_config *config, struct filter *filter)
{
	const struct redact_options options = { .rules_dir = config->redaction.rules_dir };
	struct redactor *redactor = NULL;
	struct collect_known known;
	struct err err = ERR_INIT;
	int code = EXIT_WITHHELD;
	enum status status = redactor_new(&options, &redactor, &err);

	if (status == STATUS_OK)
		status = collect_known_values(config, redactor, &known, &err);
	if (status == STATUS_OK)
		code = run_filter(filter, redactor);
	else
		(void)fprintf(stderr, "rescue-agent: nothing is printed: %s\n", err.text);
	redactor_free(redactor);
	return code;
}

int cmd_redact(const struct command_line *line)
{
	struct filter filter = { .name = "-", .fd = STDIN_FILENO, .explain = line->explain };
	struct agent_config *config = NULL;
	struct err err = ERR_INIT;
	int code = EXIT_FAILED;
	enum status status;

	/* The filter works on any machine: a configuration is used when it is named, else the defaults. */
	if (line->config != NULL && command_load_config(line, &config) != STATUS_OK)
		return EXIT_USAGE;
	status = config != NULL ? STATUS_OK : agent_config_new_default(&config, &err);
	if (status == STATUS_OK)
		status = fetch_global_init(&err);
	if (status == STATUS_OK && line->file != NULL) {
		filter.name = line->file;
		filter.fd = open(line->file, O_RDONLY | O_CLOEXEC);
		if (filter.fd < 0)
			status = err_set_errno(&err, "cannot open %s", line->file);
	}
	if (status == STATUS_OK)
		code = redact_input(config, &filter);
	else
		(void)fprintf(stderr, "rescue-agent: %s\n", err.text);
	if (line->file != NULL && filter.fd >= 0)
		(void)close(filter.fd);
	agent_config_free(config);
	return code;
}
