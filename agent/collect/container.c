#include "agent/collect/container.h"

#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"

enum { MAX_ID = 128, MAX_LABELS = 1000, MAX_ENV = 10000 };

bool container_is_id(struct span id)
{
	for (size_t i = 0; i < id.len; i++) {
		uint8_t byte = id.ptr[i];

		if (!((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')))
			return false;
	}
	return id.len > 0 && id.len <= MAX_ID;
}

/* Takes the place of *text when `span` has anything; NUL bytes end it early. False on out of memory. */
static bool put_text(char **text, struct span span)
{
	char *copied;

	if (span.len == 0 && *text != NULL)
		return true;
	copied = strndup(span.len == 0 ? "" : (const char *)span.ptr, span.len);
	if (copied == NULL)
		return false;
	free(*text);
	*text = copied;
	return true;
}

static struct span without_slash(struct span name)
{
	return span_sub(name, name.len > 0 && name.ptr[0] == '/' ? 1 : 0, name.len);
}

static void free_labels(struct container *container)
{
	for (size_t i = 0; i < container->label_count; i++) {
		free(container->labels[i].key);
		free(container->labels[i].value);
	}
	free(container->labels);
	container->labels = NULL;
	container->label_count = 0;
}

static void free_env(struct container *container)
{
	for (size_t i = 0; i < container->env_count; i++) {
		if (container->env[i] != NULL)
			wipe(container->env[i], strlen(container->env[i]));
		free(container->env[i]);
	}
	free(container->env);
	container->env = NULL;
	container->env_count = 0;
}

void container_done(struct container *container)
{
	free(container->id);
	free(container->name);
	free(container->image);
	free(container->state);
	free(container->status);
	free(container->log_path);
	free(container->error);
	free_labels(container);
	free_env(container);
	*container = (struct container){ 0 };
}

void container_list_done(struct container_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		container_done(&list->items[i]);
	free(list->items);
	*list = (struct container_list){ 0 };
}

struct labels_walk {
	struct container *container;
	bool ok;
};

static bool add_label(void *ctx, struct span key, struct jdoc *value)
{
	struct labels_walk *walk = ctx;
	struct container *container = walk->container;
	struct container_label *grown;

	if (container->label_count == MAX_LABELS)
		return false;
	grown = reallocarray(container->labels, container->label_count + 1, sizeof *grown);
	if (grown == NULL) {
		walk->ok = false;
		return false;
	}
	container->labels = grown;
	grown[container->label_count] = (struct container_label){ 0 };
	walk->ok = put_text(&grown[container->label_count].key, key) &&
	           put_text(&grown[container->label_count].value, jdoc_text(value));
	container->label_count++;
	return walk->ok;
}

static bool read_labels(const struct jdoc *labels, struct container *container)
{
	struct labels_walk walk = { .container = container, .ok = true };

	if (!jdoc_is_object(labels))
		return true;
	free_labels(container);
	jdoc_each(labels, add_label, &walk);
	return walk.ok;
}

static bool read_env(const struct jdoc *list, struct container *container)
{
	size_t count = jdoc_count(list) < MAX_ENV ? jdoc_count(list) : MAX_ENV;

	free_env(container);
	if (count == 0)
		return true;
	container->env = calloc(count, sizeof *container->env);
	if (container->env == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!put_text(&container->env[container->env_count], jdoc_text(jdoc_at(list, i))))
			return false;
		container->env_count++;
	}
	return true;
}

/* The list tells the exit code only in words: "Exited (3) 2 minutes ago". */
static void read_exit_code(struct container *container)
{
	const char *start = strstr(container->status, "Exited (");
	uint64_t code;
	size_t len;

	if (start != container->status)
		return;
	start += strlen("Exited (");
	len = strcspn(start, ")");
	container->has_exit_code = span_to_u64(span_of(start, len), &code);
	if (container->has_exit_code)
		container->exit_code = (int64_t)(code & 0xffffffff);
}

/* False on out of memory. */
static bool read_listed(const struct jdoc *doc, struct container *container)
{
	bool ok = put_text(&container->id, jdoc_get_text(doc, "Id")) &&
	          put_text(&container->name, without_slash(jdoc_text(jdoc_at(jdoc_get(doc, "Names"), 0)))) &&
	          put_text(&container->image, jdoc_get_text(doc, "Image")) &&
	          put_text(&container->state, jdoc_get_text(doc, "State")) &&
	          put_text(&container->status, jdoc_get_text(doc, "Status")) &&
	          put_text(&container->log_path, SPAN_LIT("")) && put_text(&container->error, SPAN_LIT("")) &&
	          read_labels(jdoc_get(doc, "Labels"), container);

	container->created_s = jdoc_get_int(doc, "Created", 0);
	if (ok)
		read_exit_code(container);
	return ok;
}

enum status container_read_list(struct span json, struct container_list *ret_list, struct err *err)
{
	JDOC_AUTO *doc = NULL;
	enum status status = jdoc_parse(json, &doc, err);
	size_t count;

	*ret_list = (struct container_list){ 0 };
	if (status != STATUS_OK)
		return status;
	if (!jdoc_is_array(doc))
		return err_set(err, STATUS_INVALID, "the list of containers is not a list");
	count = jdoc_count(doc);
	ret_list->is_cut = count > LIMIT_CONTAINERS;
	count = ret_list->is_cut ? LIMIT_CONTAINERS : count;
	ret_list->items = calloc(count + 1, sizeof *ret_list->items);
	if (ret_list->items == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < count; i++) {
		struct jdoc *item = jdoc_at(doc, i);

		if (!container_is_id(jdoc_get_text(item, "Id")))
			continue;
		if (!read_listed(item, &ret_list->items[ret_list->count++])) {
			container_list_done(ret_list);
			return err_set(err, STATUS_NO_MEMORY, "out of memory");
		}
	}
	return STATUS_OK;
}

/* On disk there are only flags, from which the Engine makes the word. */
static struct span state_word(const struct jdoc *state)
{
	if (jdoc_get_text(state, "Status").len > 0)
		return jdoc_get_text(state, "Status");
	if (jdoc_get_bool(state, "Paused", false))
		return SPAN_LIT("paused");
	if (jdoc_get_bool(state, "Restarting", false))
		return SPAN_LIT("restarting");
	if (jdoc_get_bool(state, "Running", false))
		return SPAN_LIT("running");
	if (jdoc_get_bool(state, "Dead", false))
		return SPAN_LIT("dead");
	/* "0001-…" is Go's zero time: it never ran. */
	if (span_starts_with(jdoc_get_text(state, "StartedAt"), SPAN_LIT("0001")))
		return SPAN_LIT("created");
	return SPAN_LIT("exited");
}

static void read_state(const struct jdoc *state, struct container *container)
{
	static const char *const ended[] = { "exited", "dead" };

	container->has_exit_code = false;
	for (size_t i = 0; i < sizeof ended / sizeof ended[0]; i++) {
		if (strcmp(container->state, ended[i]) == 0)
			container->has_exit_code = true;
	}
	container->exit_code = jdoc_get_int(state, "ExitCode", 0);
	/* One that the Engine could not start has a code, and words for it, without ever having run. */
	if (container->exit_code != 0 && strcmp(container->state, "created") == 0)
		container->has_exit_code = true;
	container->oom_killed = jdoc_get_bool(state, "OOMKilled", false);
}

enum status container_read_details(struct span json, struct container *container, struct err *err)
{
	JDOC_AUTO *doc = NULL;
	enum status status = jdoc_parse(json, &doc, err);
	const struct jdoc *config = jdoc_get(doc, "Config"), *state = jdoc_get(doc, "State");
	struct span id = jdoc_get_text(doc, "Id").len > 0 ? jdoc_get_text(doc, "Id") : jdoc_get_text(doc, "ID");
	int64_t created_ns;

	if (status != STATUS_OK)
		return status;
	if (!jdoc_is_object(config) || !jdoc_is_object(state) || !container_is_id(id))
		return err_set(err, STATUS_INVALID, "this does not describe a container");
	if (!put_text(&container->id, id) ||
	    !put_text(&container->name, without_slash(jdoc_get_text(doc, "Name"))) ||
	    !put_text(&container->image, jdoc_get_text(config, "Image")) ||
	    !put_text(&container->state, state_word(state)) || !put_text(&container->status, SPAN_LIT("")) ||
	    !put_text(&container->error, jdoc_get_text(state, "Error")) ||
	    !put_text(&container->log_path, jdoc_get_text(doc, "LogPath")) ||
	    !read_labels(jdoc_get(config, "Labels"), container) || !read_env(jdoc_get(config, "Env"), container))
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	read_state(state, container);
	if (clock_parse(jdoc_get_text(doc, "Created"), &created_ns))
		container->created_s = created_ns / INT64_C(1000000000);
	container->has_terminal = jdoc_get_bool(config, "Tty", false);
	container->has_details = true;
	return STATUS_OK;
}

const char *container_get_label(const struct container *container, const char *key)
{
	for (size_t i = 0; i < container->label_count; i++) {
		if (strcmp(container->labels[i].key, key) == 0)
			return container->labels[i].value;
	}
	return NULL;
}
