/* The box's own secret values, told to the redactor before anything else is read. */
#include "agent/collect/collect.h"

#include "agent/collect/collect_file.h"
#include "agent/collect/doors.h"
#include "agent/collect/known_containers.h"
#include "agent/collect/known_files.h"
#include "agent/collect/known_metadata.h"
#include "shared/log.h"

extern char **environ;

struct gathering {
	const struct agent_config *config;
	const char *root;
	struct redactor *redactor;
};

/* Each line too: a file may hold several, and a value may be quoted without its neighbours. */
static enum status add_values(struct span content, size_t *count, struct redactor *redactor)
{
	enum status status = STATUS_OK;
	struct span rest = content, line;

	if (known_trim(content).len > 0)
		status = redactor_add_value(redactor, known_trim(content), "KNOWN_VALUE");
	while (status == STATUS_OK && span_next_line(&rest, &line)) {
		line = known_trim(line);
		if (line.len == 0 || line.len == known_trim(content).len)
			continue;
		if (++*count > LIMIT_KNOWN_VALUES)
			return STATUS_TOO_LARGE;
		status = redactor_add_value(redactor, line, "KNOWN_VALUE");
	}
	return status;
}

static enum status read_files(const struct gathering *gathering, bool *ret_unread, struct err *err)
{
	const struct config_texts *files = &gathering->config->redaction.known_value_files;
	size_t count = 0;

	(void)ret_unread;
	for (size_t i = 0; i < files->count; i++) {
		struct buf content = BUF_INIT(LIMIT_KNOWN_VALUE_BYTES);
		enum status status = collect_file_whole(gathering->root, files->items[i], &content, err);

		if (status == STATUS_OK) {
			status = add_values(buf_span(&content), &count, gathering->redactor);
			if (status != STATUS_OK)
				(void)err_set(err, status, "the values of %s cannot be told to the redactor: %s",
				              files->items[i], status_name(status));
		}
		buf_wipe(&content);
		if (status != STATUS_OK && status != STATUS_NOT_FOUND)
			return status;
	}
	return STATUS_OK;
}

static enum status learn_variable(struct span variable, struct redactor *redactor)
{
	size_t sign = span_find(variable, SPAN_LIT("="), 0);

	return redactor_learn_variable(redactor, span_sub(variable, 0, sign),
	                               span_sub(variable, sign + 1, variable.len));
}

/* NAME=value, each ended by NUL. */
static enum status read_environ(struct span content, struct redactor *redactor)
{
	enum status status = STATUS_OK;

	while (content.len > 0 && status == STATUS_OK) {
		size_t end = span_find(content, SPAN_LIT("\0"), 0);

		status = learn_variable(span_sub(content, 0, end), redactor);
		content = span_sub(content, end + 1, content.len);
	}
	return status;
}

static enum status read_environment(const struct gathering *gathering, bool *ret_unread, struct err *err)
{
	static const struct {
		const char *path;
		enum status (*read)(struct span content, struct redactor *redactor);
	} files[] = { { "/proc/1/environ", read_environ }, { "/etc/environment", known_read_variables } };
	enum status told = STATUS_OK;

	for (char **variable = environ; *variable != NULL && told == STATUS_OK; variable++)
		told = learn_variable(span_cstr(*variable), gathering->redactor);
	for (size_t i = 0; i < ARRAY_LEN(files) && told == STATUS_OK; i++) {
		struct buf content = BUF_INIT(LIMIT_ENVIRON_BYTES);
		enum status status = doors_read(gathering->root, files[i].path, &content, err);

		if (status == STATUS_OK)
			told = files[i].read(buf_span(&content), gathering->redactor);
		else if (status != STATUS_NOT_FOUND)
			*ret_unread = true;
		buf_wipe(&content);
	}
	return told;
}

static enum status read_homes(const struct gathering *gathering, bool *ret_unread, struct err *err)
{
	return known_read_homes(gathering->root, gathering->redactor, ret_unread, err);
}

static enum status read_containers(const struct gathering *gathering, bool *ret_unread, struct err *err)
{
	int64_t capture_ms = gathering->config->capture_deadline_s * 1000;
	struct plan *plan = plan_new(gathering->config, "", capture_ms / 4 < LIMIT_KNOWN_MS ? capture_ms / 4 :
	                                                                                      LIMIT_KNOWN_MS);
	enum status status;

	if (plan == NULL)
		return STATUS_NO_MEMORY;
	status = known_read_containers(plan, gathering->redactor, ret_unread, err);
	plan_free(plan);
	return status;
}

static enum status read_metadata(const struct gathering *gathering, bool *ret_unread, struct err *err)
{
	return known_read_metadata(gathering->root, gathering->config->redaction.metadata, gathering->redactor,
	                           ret_unread, err);
}

/* `read` fails for what must withhold everything: a value that was found and could not be kept. */
static const struct source {
	const char *name;
	enum status (*read)(const struct gathering *gathering, bool *ret_unread, struct err *err);
} sources[KNOWN_SOURCES] = {
	[KNOWN_FILES] = { "files", read_files },
	[KNOWN_ENVIRONMENT] = { "environment", read_environment },
	[KNOWN_HOMES] = { "homes", read_homes },
	[KNOWN_CONTAINERS] = { "containers", read_containers },
	[KNOWN_METADATA] = { "metadata", read_metadata },
};

const char *collect_known_source_name(enum known_source source)
{
	return sources[source].name;
}

enum status collect_known_values(const struct agent_config *config, struct redactor *redactor,
                                 struct collect_known *ret_known, struct err *err)
{
	const struct gathering gathering = {
		.config = config,
		.root = config->root == NULL || config->root[0] == '\0' ? "/" : config->root,
		.redactor = redactor,
	};

	*ret_known = (struct collect_known){ 0 };
	for (size_t i = 0; i < KNOWN_SOURCES; i++) {
		size_t before = redactor_known_count(redactor);
		struct err why = ERR_INIT;
		enum status status = sources[i].read(&gathering, &ret_known->unread[i], &why);

		ret_known->values[i] = redactor_known_count(redactor) - before;
		if (status != STATUS_OK)
			return err_set(err, status, "known values (%s): %s", sources[i].name,
			               why.text[0] != '\0' ? why.text : status_name(status));
		if (ret_known->unread[i])
			log_event(LOG_WARN, "known.unread", LOG_S("source", sources[i].name), LOG_S("error", why.text));
	}
	return STATUS_OK;
}
