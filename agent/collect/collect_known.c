/* The box's own secret values, told to the redactor before anything else is read. */
#include "agent/collect/collect.h"

#include "agent/collect/collect_file.h"

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\v' || byte == '\f';
}

static struct span trim(struct span text)
{
	while (text.len > 0 && is_blank(text.ptr[0]))
		text = span_sub(text, 1, text.len);
	while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

/* Each line too: a file may hold several, and a value may be quoted without its neighbours. */
static enum status add_values(struct span content, size_t *count, struct redactor *redactor)
{
	enum status status = STATUS_OK;
	struct span rest = content, line;

	if (trim(content).len > 0)
		status = redactor_add_value(redactor, trim(content), "KNOWN_VALUE");
	while (status == STATUS_OK && span_next_line(&rest, &line)) {
		line = trim(line);
		if (line.len == 0 || line.len == trim(content).len)
			continue;
		if (++*count > LIMIT_KNOWN_VALUES)
			return STATUS_TOO_LARGE;
		status = redactor_add_value(redactor, line, "KNOWN_VALUE");
	}
	return status;
}

enum status collect_known_values(const struct agent_config *config, struct redactor *redactor, struct err *err)
{
	const char *root = config->root == NULL || config->root[0] == '\0' ? "/" : config->root;
	size_t count = 0;

	for (size_t i = 0; i < config->redaction.known_value_files.count; i++) {
		const char *path = config->redaction.known_value_files.items[i];
		struct buf content = BUF_INIT(LIMIT_KNOWN_VALUE_BYTES);
		enum status status = collect_file_whole(root, path, &content, err);

		if (status == STATUS_OK) {
			status = add_values(buf_span(&content), &count, redactor);
			if (status != STATUS_OK)
				(void)err_set(err, status, "the values of %s cannot be told to the redactor: %s", path,
				              status_name(status));
		}
		buf_wipe(&content);
		if (status != STATUS_OK && status != STATUS_NOT_FOUND)
			return status;
	}
	return STATUS_OK;
}
