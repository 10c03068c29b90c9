/*
 * config: sweeper.yaml, read once at start (design section 3). Every default and cap stands in config.c.
 *
 * Immutable after sweeper_config_load, so any thread may read it. Times keep the unit of their name.
 */
#ifndef RESCUE_SWEEPER_CONFIG_H
#define RESCUE_SWEEPER_CONFIG_H

#include "shared/config.h"

struct tenant_config {
	char *org;
	char *database;         /* libpq connection string */
	char *workspaces_table; /* schema-qualified name, checked to be one */
	char *templates_dir;    /* "" when there is none */
	struct config_texts accounts; /* AWS accounts whose instances may enrol for this org; empty: all of enroll.accounts */
};

struct runtime_timeout {
	char *runtime;
	int64_t timeout_s;
};

enum sink_kind { SINK_LOKI, SINK_STDOUT, SINK_ARCHIVE };

struct sink_label {
	char *name;
	char *value;
};

struct sink_config {
	enum sink_kind kind;
	char *name;               /* "loki", "archive"; a second one of a kind is "loki-2": stable across restarts */
	char *url;                /* loki: base URL, without /loki/api/v1/push */
	char *tenant_id;          /* loki: X-Scope-OrgID; "" for none */
	char *basic_auth_file;    /* loki: holds user:password; "" for none */
	char *bearer_file;        /* loki: holds a token; "" for none */
	char *ca_file;            /* loki over https: verify against this; "" for the system's */
	char *dir;                /* archive */
	struct sink_label *labels;
	size_t label_count;
	bool structured_metadata; /* loki */
	bool verify;              /* loki: ask back whether every entry is there before calling it shipped */
};

/* console_fallback: EC2's console output for boxes whose agent never came. */
struct console_config {
	bool enabled;
	char *region;
	char *role;          /* ARN of the role that is assumed for it; "" for none */
	char *endpoint;      /* base URLs; "" for AWS's own of the region */
	char *sts_endpoint;
	char *metadata;      /* where the instance's role is asked for, when the environment has no credentials */
};

struct enroll_region {
	char *name;
	char *path; /* PEM: AWS's RSA certificates for instance identity documents of the region */
};

struct enroll_config {
	bool enabled;
	struct enroll_region *regions;
	size_t region_count;
	struct config_texts accounts; /* 12 digits each */
	char *ca_cert, *ca_key;       /* the authority that signs the boxes' certificates */
	int64_t max_age_s;            /* of a document's pendingTime */
	int64_t lifetime_s;           /* of a certificate */
	int64_t per_address_per_min, per_instance_per_min;
};

struct sweeper_config {
	char *trust_domain;
	char *listen;
	char *admin_listen;
	struct {
		char *cert, *key, *client_ca;
	} tls;
	struct tenant_config *tenants;
	size_t tenant_count;
	struct {
		int64_t interval_s, batch;
	} sweep;
	struct {
		bool adopt_external; /* other programs' flips get a capture, by a trigger */
	} verdicts;
	struct {
		int64_t default_s;
		int64_t override_s; /* PROVISION_TIMEOUT_SECONDS; 0 when not set */
		struct runtime_timeout *runtimes;
		size_t runtime_count;
	} timeouts;
	struct {
		int64_t deadline_s, grace_h;
	} capture;
	struct sink_config *sinks;
	size_t sink_count;
	struct {
		bool structure_events;
		char *notify_channel;
		char *webhook_url;          /* "" for none */
		char *webhook_headers_file; /* lines "Name: value"; "" for none */
	} events;
	char *rules_dir;
	struct enroll_config enroll;
	struct console_config console_fallback;
};

/* STATUS_INVALID names file, line, column, key and what was expected (exit code 2). */
enum status sweeper_config_load(const char *path, struct sweeper_config **ret_config, struct err *err);
void sweeper_config_free(struct sweeper_config *config);

/* The tenant of an org; NULL when there is none. */
const struct tenant_config *sweeper_config_tenant(const struct sweeper_config *config, struct span org);

#endif
