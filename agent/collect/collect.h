/*
 * collect: everything that the box can say about its boot, gathered side by side (design section 5). Between
 * wait and redact in the data's way. What is collected is decided here and by agent.yaml, never by an order.
 *
 * Each section runs in a thread of its own with its own deadline inside the capture's; one that hangs costs only
 * itself: its thread is left behind, its section says so. Output is raw_text: it goes to the redactor and nowhere else.
 * Thread: the caller's; several collections at once are not foreseen.
 */
#ifndef RESCUE_AGENT_COLLECT_COLLECT_H
#define RESCUE_AGENT_COLLECT_COLLECT_H

#include "agent/config.h"
#include "proto/record.h"
#include "shared/redact/redact.h"

struct collect_request {
	const char *workspace_id; /* for the container's name */
	int64_t deadline_ms;      /* for the whole collection; sections get at most LIMIT_SECTION_DEADLINE_MS of it */
};

struct collect_section {
	char name[LIMIT_SECTION_NAME + 1];
	enum record_outcome outcome; /* OK, ABSENT, ERROR or TRUNCATED */
	struct raw_text content;
	int64_t took_ms;
};

/* What the verdict section tells besides. Raw, too: the words come from the box. */
struct collect_facts {
	struct raw_text container;         /* name, id, image and state of the agent container; empty when there is none */
	const char *container_rule;        /* which rule chose it: a literal; NULL when there is none */
	bool has_exit_code;
	int64_t exit_code;
	bool oom_killed;
	struct raw_text first_error;       /* first error line of cloud-init-output.log; may be empty */
	struct raw_text boot_id;           /* /proc/sys/kernel/random/boot_id */
	int64_t uptime_s;                  /* -1: unknown */
};

struct collection {
	struct collect_section *sections; /* in the order of design section 5, without `verdict`; extra ones last */
	size_t count;
	struct collect_facts facts;
};

/* Where the box's own secret values come from. */
enum known_source {
	KNOWN_FILES,       /* redaction.known_value_files */
	KNOWN_ENVIRONMENT, /* secret variables of this process, of /proc/1/environ and of /etc/environment */
	KNOWN_HOMES,       /* .netrc, .docker/config.json, .aws/credentials */
	KNOWN_CONTAINERS,  /* secret variables of every container */
	KNOWN_METADATA,    /* the instance role's credentials */
	KNOWN_SOURCES,
};

/* What became of each, for the verdict. */
struct collect_known {
	size_t values[KNOWN_SOURCES]; /* that no earlier source had */
	bool unread[KNOWN_SOURCES];   /* something is there and could not be read; the log says what */
};

/* A name for people; a literal. */
const char *collect_known_source_name(enum known_source source);

/*
 * The box's own secret values, to be given to the redactor before anything else is read. The configured files are
 * told each as a whole without white space at its ends, and line by line. Missing ones are fine; anything else that
 * keeps one of them, or a value that was found, from being known is an error, and the caller must then withhold
 * everything. Other sources may fail to answer, as boxes do that never finished booting: that is told in
 * *ret_known, and leaves names, forms and randomness to find what they would have told.
 */
enum status collect_known_values(const struct agent_config *config, struct redactor *redactor,
                                 struct collect_known *ret_known, struct err *err);

/* Always gives a collection, unless memory runs out. */
enum status collect_run(const struct agent_config *config, const struct collect_request *request,
                        struct collection **ret_collection, struct err *err);
void collection_free(struct collection *collection);

#endif
