#include <stdio.h>
#include <unistd.h>

#include "shared/tls/session.h"
#include "sweeper/command.h"
#include "sweeper/issuer.h"
#include "sweeper/rules.h"

/* The configuration is well formed when this runs; what it points to may still be made later, so that is a warning. */
static void warn(const char *key, const char *words)
{
	(void)fprintf(stderr, "warning: %s: %s\n", key, words);
}

static void check_file(const char *key, const char *path)
{
	char words[LIMIT_ERROR_TEXT];

	if (path[0] == '\0' || access(path, R_OK) == 0)
		return;
	(void)snprintf(words, sizeof words, "%s cannot be read", path);
	warn(key, words);
}

static void check_tls(const struct sweeper_config *config)
{
	const struct tls_files files = { .cert = config->tls.cert, .key = config->tls.key,
	                                 .client_ca = config->tls.client_ca };
	struct tls_server *server = NULL;
	struct err err = ERR_INIT;

	if (tls_global_init(&err) != STATUS_OK || tls_server_new(&files, &server, &err) != STATUS_OK) {
		warn("tls", err.text);
		return;
	}
	tls_server_unref(server);
}

static void check_sinks(const struct sweeper_config *config)
{
	if (config->sink_count == 0)
		warn("sinks", "there are none: bundles stay in the database");
	for (size_t i = 0; i < config->sink_count; i++) {
		const struct sink_config *sink = &config->sinks[i];

		check_file("sinks: basic_auth_file", sink->basic_auth_file);
		check_file("sinks: bearer_file", sink->bearer_file);
		check_file("sinks: ca_file", sink->ca_file);
		check_file("sinks: dir", sink->dir);
	}
}

int command_check_config(const struct sweeper_config *config, const struct command_options *options)
{
	struct err err = ERR_INIT;

	(void)options;
	check_tls(config);
	if (issuer_load(config, &err) != STATUS_OK)
		warn("enroll", err.text);
	issuer_unload();
	check_sinks(config);
	check_file("events: webhook: headers_file", config->events.webhook_headers_file);
	for (size_t i = 0; i < config->tenant_count; i++)
		check_file("tenants: templates_dir", config->tenants[i].templates_dir);
	if (rules_load(config->rules_dir, &err) != STATUS_OK)
		warn("redaction: rules_dir", err.text);
	rules_unload();
	(void)printf("the configuration is good: %zu tenant%s, %zu sink%s\n", config->tenant_count,
	             config->tenant_count == 1 ? "" : "s", config->sink_count, config->sink_count == 1 ? "" : "s");
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
