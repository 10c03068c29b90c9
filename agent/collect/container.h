/*
 * container: what is known of the box's containers, from the Engine's answers or from its files on disk, in one form.
 *
 * Texts are the Engine's, so they are raw: they go into raw_text only. Thread: immutable once read.
 */
#ifndef RESCUE_AGENT_COLLECT_CONTAINER_H
#define RESCUE_AGENT_COLLECT_CONTAINER_H

#include "shared/buf.h"
#include "shared/jdoc.h"

struct container_label {
	char *key;
	char *value;
};

struct container {
	char *id;      /* checked: letters and digits only, so that it may stand in a path */
	char *name;    /* without the slash before it */
	char *image;
	char *state;   /* "running", "exited", … */
	char *status;  /* for people: "Exited (3) 2 minutes ago"; may be "" */
	int64_t created_s; /* since 1970 */
	bool has_exit_code;
	int64_t exit_code;
	struct container_label *labels;
	size_t label_count;
	/* Only after container_read_details: */
	bool has_details;
	bool oom_killed;
	bool has_terminal;
	char *log_path;   /* as the Engine sees it; may be "" */
	char *error;      /* why it could not be started; may be "" */
	char **env;       /* "NAME=value" */
	size_t env_count;
};

struct container_list {
	struct container *items;
	size_t count;
	bool is_cut; /* there are more than LIMIT_CONTAINERS */
};

/* Reads the answer of GET /containers/json. STATUS_INVALID when it is not one. */
enum status container_read_list(struct span json, struct container_list *ret_list, struct err *err);

/*
 * Reads the answer of GET /containers/{id}/json, or a container's config.v2.json, over what is known already.
 * STATUS_INVALID when it is neither.
 */
enum status container_read_details(struct span json, struct container *container, struct err *err);

void container_done(struct container *container);
void container_list_done(struct container_list *list);

/* Letters and digits, 1 to 128. */
bool container_is_id(struct span id);

/* NULL when there is no such label. */
const char *container_get_label(const struct container *container, const char *key);

#endif
