/*
 * config: agent.yaml (design section 3). Every default and cap stands in config.c. Immutable once loaded.
 */
#ifndef RESCUE_AGENT_CONFIG_H
#define RESCUE_AGENT_CONFIG_H

#include "shared/config.h"

struct extra_section {
	char *name;
	char *path;         /* on the box, below root */
	int64_t tail_lines; /* 0: from the beginning */
};

struct agent_config {
	struct config_texts sweepers; /* https URLs without a path */
	struct {
		char *cert, *key, *ca;
		bool enroll;    /* get and renew the certificate by proving which EC2 instance this is */
		char *metadata; /* http URL of EC2's metadata service */
	} identity;
	char *root; /* prefix of every path on the box; "/" is the box itself */
	struct {
		char *socket; /* below root */
		struct {
			char *label, *name, *image; /* "" for unset */
		} container;
	} docker;
	struct {
		struct extra_section *extra;
		size_t extra_count;
		struct config_texts disable; /* names of sections not to collect */
	} sections;
	struct {
		char *rules_dir;                       /* not below root: it belongs to the agent */
		struct config_texts known_value_files; /* below root */
		bool number_secrets;                   /* [REDACTED:TOKEN#3]: the same secret has the same number */
		char *metadata;                        /* URL of the instance metadata service, "" for none */
	} redaction;
	char *spool_dir; /* not below root */
	int64_t capture_deadline_s;
	int64_t boot_deadline_s;
	char *console;
};

/* STATUS_INVALID names file, line, column, key and what was expected (exit code 2). */
enum status agent_config_load(const char *path, struct agent_config **ret_config, struct err *err);
/* Every default, and no sweeper: for what speaks to nobody. */
enum status agent_config_new_default(struct agent_config **ret_config, struct err *err);
void agent_config_free(struct agent_config *config);

/* The built-in sections in the order of a bundle, `verdict` first; NULL at the end. */
extern const char *const agent_section_names[];

#endif
