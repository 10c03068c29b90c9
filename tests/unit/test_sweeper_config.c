#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "sweeper/address.h"
#include "sweeper/config.h"

#define GOOD_HEAD "trust_domain: rescue.example\ntls: {cert: c, key: k, client_ca: a}\n"
#define ENROLL "enroll: {enabled: true, certificates: {us-east-1: /p}, accounts: ['012345678901'], ca_cert: /c, ca_key: /k"
#define GOOD GOOD_HEAD "tenants: [{org: acme, database: dbname=acme}]\n"

static enum status load(const char *text, struct sweeper_config **ret_config, struct err *err)
{
	char path[] = "/tmp/rescue-config-XXXXXX";
	int fd = mkstemp(path);
	enum status status;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
	*ret_config = NULL;
	status = sweeper_config_load(path, ret_config, err);
	(void)unlink(path);
	return status;
}

static void config_fills_in_every_default(void **state)
{
	struct sweeper_config *config;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load(GOOD, &config, &err), STATUS_OK);
	assert_string_equal(config->listen, "0.0.0.0:8443");
	assert_string_equal(config->admin_listen, "127.0.0.1:9464");
	assert_string_equal(config->tenants[0].workspaces_table, "public.workspaces");
	assert_string_equal(config->tenants[0].templates_dir, "");
	assert_int_equal(config->sweep.interval_s, 30);
	assert_int_equal(config->sweep.batch, 500);
	assert_false(config->verdicts.adopt_external);
	assert_int_equal(config->timeouts.default_s, 600);
	assert_int_equal(config->timeouts.override_s, 0);
	assert_int_equal(config->capture.deadline_s, 45);
	assert_int_equal(config->capture.grace_h, 24);
	assert_int_equal(config->sink_count, 0);
	assert_true(config->events.structure_events);
	assert_string_equal(config->events.notify_channel, "rescue_events");
	assert_string_equal(config->events.webhook_url, "");
	assert_string_equal(config->rules_dir, "/etc/rescue/rules.d");
	sweeper_config_free(config);
}

static void config_reads_every_part(void **state)
{
	struct sweeper_config *config;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load(GOOD_HEAD
	                      "listen: '[::1]:1'\n"
	                      "tenants:\n"
	                      "  - {org: acme, database: a, workspaces_table: plat.ws, templates_dir: /t}\n"
	                      "  - {org: beta, database: b}\n"
	                      "verdicts: {adopt_external: true}\n"
	                      "timeouts: {default_s: 5, runtimes: {hermes: 1800, '': 7}}\n"
	                      "sinks:\n"
	                      "  - {kind: loki, url: 'http://l:3100', labels: {env: prod}, verify: false, bearer_file: /b}\n"
	                      "  - {kind: stdout}\n"
	                      "  - {kind: archive, dir: /x}\n"
	                      "  - {kind: loki, url: 'https://m'}\n"
	                      "events: {webhook: {url: 'http://h/', headers_file: /h}}\n"
	                      "redaction: {rules_dir: /r}\n",
	                      &config, &err), STATUS_OK);
	assert_int_equal(config->tenant_count, 2);
	assert_ptr_equal(sweeper_config_tenant(config, SPAN_LIT("beta")), &config->tenants[1]);
	assert_null(sweeper_config_tenant(config, SPAN_LIT("bet")));
	assert_true(config->verdicts.adopt_external);
	assert_int_equal(config->timeouts.runtime_count, 2);
	assert_string_equal(config->timeouts.runtimes[0].runtime, "hermes");
	assert_int_equal(config->timeouts.runtimes[0].timeout_s, 1800);
	assert_int_equal(config->sink_count, 4);
	assert_string_equal(config->sinks[0].name, "loki");
	assert_string_equal(config->sinks[1].name, "stdout");
	assert_string_equal(config->sinks[2].name, "archive");
	assert_string_equal(config->sinks[3].name, "loki-2");
	assert_false(config->sinks[0].verify);
	assert_true(config->sinks[3].verify);
	assert_string_equal(config->sinks[0].labels[0].name, "env");
	assert_string_equal(config->sinks[0].labels[0].value, "prod");
	assert_string_equal(config->events.webhook_headers_file, "/h");
	sweeper_config_free(config);
}

static void config_reads_enrolment_and_lets_nobody_in_by_default(void **state)
{
	struct sweeper_config *config;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load(GOOD, &config, &err), STATUS_OK);
	assert_false(config->enroll.enabled);
	sweeper_config_free(config);
	assert_int_equal(load(GOOD ENROLL ", lifetime_s: 3600, per_address_per_min: 7}\n", &config, &err), STATUS_OK);
	assert_true(config->enroll.enabled);
	assert_int_equal(config->enroll.region_count, 1);
	assert_string_equal(config->enroll.regions[0].name, "us-east-1");
	assert_string_equal(config->enroll.regions[0].path, "/p");
	assert_string_equal(config->enroll.accounts.items[0], "012345678901");
	assert_string_equal(config->enroll.ca_key, "/k");
	assert_int_equal(config->enroll.lifetime_s, 3600);
	assert_int_equal(config->enroll.max_age_s, 3600);
	assert_int_equal(config->enroll.per_address_per_min, 7);
	assert_int_equal(config->enroll.per_instance_per_min, 30);
	sweeper_config_free(config);
	assert_int_equal(load(GOOD_HEAD "tenants: [{org: a, database: x, accounts: ['111111111111']}]\n", &config, &err),
	                 STATUS_OK);
	assert_string_equal(config->tenants[0].accounts.items[0], "111111111111");
	sweeper_config_free(config);
}

static void config_refuses_and_names_the_place(void **state)
{
	static const struct {
		const char *text;
		const char *words; /* the place and what else must be said */
	} cases[] = {
		{ GOOD "lissten: x\n", ":4:10: lissten: unknown key" },
		{ GOOD "sweep: {interval_s: 0}\n", ":4:" },
		{ GOOD "verdicts: {adopt_external: perhaps}\n", ":4:28: adopt_external: expected true or false" },
		{ GOOD "verdicts: {adopt: true}\n", ": adopt: unknown key" },
		{ GOOD "listen: nonsense\n", ":4:9: listen: expected host:port" },
		{ GOOD "admin_listen: ::1:9\n", "admin_listen: expected host:port" },
		{ GOOD "timeouts: {default_s: 0}\n", "default_s: expected a whole number from 1" },
		{ GOOD "timeouts: {runtimes: {hermes: -1}}\n", "hermes: expected seconds" },
		{ GOOD "timeouts: {runtimes: {hermes: 10x}}\n", "hermes: expected seconds" },
		{ GOOD "sinks: [{kind: fax}]\n", "kind: expected loki, stdout or archive" },
		{ GOOD "sinks: [{url: 'http://x'}]\n", "the key \"kind\" is missing" },
		{ GOOD "sinks: [{kind: loki}]\n", "a loki sink needs a url" },
		{ GOOD "sinks: [{kind: loki, url: 'ftp://x'}]\n", "url: a loki sink needs a url" },
		{ GOOD "sinks: [{kind: loki, url: 'http://x', dir: /d}]\n", "dir: only an archive sink" },
		{ GOOD "sinks: [{kind: loki, url: 'http://x', bearer_file: /d, basic_auth_file: /e}]\n", "only one of" },
		{ GOOD "sinks: [{kind: loki, url: 'http://x', labels: {a-b: c}}]\n", "a-b: not a label name" },
		{ GOOD "sinks: [{kind: loki, url: 'http://x', labels: {kind: c}}]\n", "kind: this label is set by" },
		{ GOOD "sinks: [{kind: loki, url: 'http://x', labels: {x: ''}}]\n", "x: expected a label value" },
		{ GOOD "sinks: [{kind: loki, url: 'http://x', labels: {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, "
		       "j: 1, k: 1, l: 1}}]\n", "labels: at most 11 labels; found 12" },
		{ GOOD "sinks: [{kind: archive}]\n", "an archive sink needs a dir" },
		{ GOOD "sinks: [{kind: stdout, verify: true}]\n", "verify: only a loki sink" },
		{ GOOD "events: {webhook: {url: 'x'}}\n", "url: expected a URL" },
		{ GOOD "events: {notify_channel: 'a b'}\n", "notify_channel: expected a name" },
		{ GOOD "enroll: {enabled: true}\n", "the key \"certificates\" is missing" },
		{ GOOD "enroll: {enabled: true, certificates: {us-east-1: /p}}\n", "the key \"accounts\" is missing" },
		{ GOOD "enroll: {enabled: true, certificates: {us-east-1: /p}, accounts: ['012345678901'], ca_cert: /c}\n",
		  "the key \"ca_key\" is missing" },
		{ GOOD "enroll: {accounts: [12345]}\n", "accounts: expected the 12 digits" },
		{ GOOD "enroll: {certificates: {../x: /p}}\n", "certificates: expected a region's name" },
		{ GOOD "enroll: {certificates: {us-east-1: ''}}\n", "certificates: expected a file" },
		{ GOOD ENROLL ", lifetime_s: 5}\n", "lifetime_s: expected a whole number from 10" },
		{ GOOD ENROLL ", max_age_s: 99999999}\n", "max_age_s: expected a whole number from 60" },
		{ GOOD ENROLL ", per_instance_per_min: 0}\n", "per_instance_per_min: expected" },
		{ GOOD_HEAD "tenants: [{org: a, database: x, accounts: [all]}]\n", "accounts: expected the 12 digits" },
		{ GOOD_HEAD "tenants: []\n", "tenants: at least one tenant" },
		{ GOOD_HEAD "tenants: [{org: a/b, database: x}]\n", "org: expected 1 to" },
		{ GOOD_HEAD "tenants: [{org: a, database: x}, {org: a, database: y}]\n", "org: the org \"a\" stands here twice" },
		{ GOOD_HEAD "tenants: [{org: a}]\n", "the key \"database\" is missing" },
		{ GOOD_HEAD "tenants: [{org: a, database: x, workspaces_table: 'w; drop'}]\n", "workspaces_table: expected a table" },
		{ GOOD_HEAD "tenants: [{org: a, database: x, workspaces_table: a.b.c}]\n", "workspaces_table: expected a table" },
		{ GOOD_HEAD, "the key \"tenants\" is missing" },
		{ "trust_domain: x\ntenants: [{org: a, database: x}]\n", "the key \"tls\" is missing" },
		{ "tls: {cert: c, key: k}\n", "the key \"client_ca\" is missing" },
		{ "trust_domain: Rescue.Example\n", "trust_domain: expected lower-case" },
		{ "", "the key \"trust_domain\" is missing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sweeper_config *config;
		struct err err = ERR_INIT;

		assert_int_equal(load(cases[i].text, &config, &err), STATUS_INVALID);
		assert_null(config);
		if (strstr(err.text, cases[i].words) == NULL)
			fail_msg("case %zu says \"%s\", not \"%s\"", i, err.text, cases[i].words);
	}
}

static void environment_overrides_timeouts_or_is_refused(void **state)
{
	static const struct {
		const char *value;
		enum status status;
		int64_t override_s;
	} cases[] = {
		{ "", STATUS_OK, 0 },          { "1", STATUS_OK, 1 },        { "900", STATUS_OK, 900 },
		{ "0", STATUS_INVALID, 0 },    { "-5", STATUS_INVALID, 0 },  { "10s", STATUS_INVALID, 0 },
		{ " 10", STATUS_INVALID, 0 },  { "99999999999999999999", STATUS_INVALID, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sweeper_config *config;
		struct err err = ERR_INIT;

		assert_int_equal(setenv("PROVISION_TIMEOUT_SECONDS", cases[i].value, 1), 0);
		assert_int_equal(load(GOOD, &config, &err), cases[i].status);
		if (cases[i].status == STATUS_OK)
			assert_int_equal(config->timeouts.override_s, cases[i].override_s);
		else
			assert_non_null(strstr(err.text, "PROVISION_TIMEOUT_SECONDS"));
		sweeper_config_free(config);
	}
	(void)unsetenv("PROVISION_TIMEOUT_SECONDS");
}

static void address_takes_hosts_with_ports_and_nothing_else(void **state)
{
	static const struct {
		const char *text, *host, *port; /* host NULL: refused */
	} cases[] = {
		{ "0.0.0.0:8443", "0.0.0.0", "8443" }, { "[::]:8443", "::", "8443" },     { "localhost:0", "localhost", "0" },
		{ "a:65535", "a", "65535" },           { "a:65536", NULL, NULL },         { "::1:80", NULL, NULL },
		{ ":80", NULL, NULL },                 { "[]:80", NULL, NULL },           { "a:", NULL, NULL },
		{ "a", NULL, NULL },                   { "", NULL, NULL },                { "a:8x", NULL, NULL },
		{ "[::1]", NULL, NULL },               { "a:-1", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct address address;
		enum status status = address_parse(span_cstr(cases[i].text), &address);

		assert_int_equal(status, cases[i].host == NULL ? STATUS_INVALID : STATUS_OK);
		if (cases[i].host == NULL)
			continue;
		assert_string_equal(address.host, cases[i].host);
		assert_string_equal(address.port, cases[i].port);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_fills_in_every_default),
		cmocka_unit_test(config_reads_every_part),
		cmocka_unit_test(config_reads_enrolment_and_lets_nobody_in_by_default),
		cmocka_unit_test(config_refuses_and_names_the_place),
		cmocka_unit_test(environment_overrides_timeouts_or_is_refused),
		cmocka_unit_test(address_takes_hosts_with_ports_and_nothing_else),
	};

	(void)unsetenv("PROVISION_TIMEOUT_SECONDS");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
