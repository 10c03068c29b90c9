#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/config.h"

#define SWEEPERS "sweepers: [https://sweeper.internal:8443]\n"

static char path[] = "/tmp/rescue-agent-config-XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd >= 0 ? close(fd) : -1;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static enum status load(const char *text, struct agent_config **ret_config, struct err *err)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return agent_config_load(path, ret_config, err);
}

static void agent_config_defaults_hold_where_nothing_is_said(void **state)
{
	struct agent_config *config;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load(SWEEPERS, &config, &err), STATUS_OK);
	assert_int_equal(config->sweepers.count, 1);
	assert_string_equal(config->sweepers.items[0], "https://sweeper.internal:8443");
	assert_string_equal(config->identity.cert, "/etc/rescue/agent.crt");
	assert_string_equal(config->identity.key, "/etc/rescue/agent.key");
	assert_string_equal(config->identity.ca, "/etc/rescue/ca.crt");
	assert_string_equal(config->root, "/");
	assert_string_equal(config->docker.socket, "/var/run/docker.sock");
	assert_string_equal(config->docker.container.label, "");
	assert_string_equal(config->docker.container.name, "");
	assert_string_equal(config->docker.container.image, "");
	assert_int_equal(config->sections.extra_count, 0);
	assert_int_equal(config->sections.disable.count, 0);
	assert_string_equal(config->redaction.rules_dir, "/etc/rescue/rules.d");
	assert_int_equal(config->redaction.known_value_files.count, 2);
	assert_string_equal(config->redaction.known_value_files.items[0], "/configs/.auth_token");
	assert_string_equal(config->redaction.known_value_files.items[1], "/configs/.platform_inbound_secret");
	assert_string_equal(config->spool_dir, "/var/lib/rescue/spool");
	assert_int_equal(config->capture_deadline_s, 45);
	assert_int_equal(config->boot_deadline_s, 0);
	assert_string_equal(config->console, "");
	agent_config_free(config);
}

static void agent_config_reads_every_key(void **state)
{
	static const char text[] =
		"sweepers: [https://a, 'https://[::1]:9']\n"
		"identity: {cert: /c, key: /k, ca: /a}\n"
		"root: /box\n"
		"docker: {socket: /d.sock, container: {label: l, name: n, image: i}}\n"
		"sections:\n"
		"  extra:\n"
		"    - {name: runtime.log.tail, path: /var/log/r.log, tail_lines: 200}\n"
		"    - {name: whole, path: /w}\n"
		"  disable: [docker-ps, host]\n"
		"redaction: {rules_dir: /rules, known_value_files: [/s1]}\n"
		"spool_dir: /spool\n"
		"capture_deadline_s: 7\n"
		"boot_deadline_s: 600\n"
		"console: /dev/console\n";
	struct agent_config *config;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load(text, &config, &err), STATUS_OK);
	assert_int_equal(config->sweepers.count, 2);
	assert_string_equal(config->sweepers.items[1], "https://[::1]:9");
	assert_string_equal(config->identity.key, "/k");
	assert_string_equal(config->root, "/box");
	assert_string_equal(config->docker.socket, "/d.sock");
	assert_string_equal(config->docker.container.label, "l");
	assert_string_equal(config->docker.container.image, "i");
	assert_int_equal(config->sections.extra_count, 2);
	assert_string_equal(config->sections.extra[0].name, "runtime.log.tail");
	assert_string_equal(config->sections.extra[0].path, "/var/log/r.log");
	assert_int_equal(config->sections.extra[0].tail_lines, 200);
	assert_int_equal(config->sections.extra[1].tail_lines, 0);
	assert_int_equal(config->sections.disable.count, 2);
	assert_string_equal(config->redaction.rules_dir, "/rules");
	assert_int_equal(config->redaction.known_value_files.count, 1);
	assert_string_equal(config->spool_dir, "/spool");
	assert_int_equal(config->capture_deadline_s, 7);
	assert_int_equal(config->boot_deadline_s, 600);
	assert_string_equal(config->console, "/dev/console");
	agent_config_free(config);
}

static void agent_config_keeps_an_enrolled_identity_with_the_agents_state(void **state)
{
	struct agent_config *config;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(load(SWEEPERS "identity: {enroll: true}\n", &config, &err), STATUS_OK);
	assert_true(config->identity.enroll);
	assert_string_equal(config->identity.cert, "/var/lib/rescue/agent.crt");
	assert_string_equal(config->identity.key, "/var/lib/rescue/agent.key");
	assert_string_equal(config->identity.metadata, "http://169.254.169.254");
	agent_config_free(config);
	assert_int_equal(load(SWEEPERS "identity: {enroll: true, key: /k, metadata: 'http://[fd00:ec2::254]:80'}\n", &config,
	                      &err), STATUS_OK);
	assert_string_equal(config->identity.key, "/k");
	agent_config_free(config);
}

static void agent_config_names_place_key_and_expectation(void **state)
{
	static const struct {
		const char *text;
		const char *place; /* line:column, then some words */
		const char *words;
	} cases[] = {
		{ "root: /\n", ":1:1: ", "\"sweepers\" is missing" },
		{ "sweepers: []\n", ":1:11: sweepers: ", "at least one https URL" },
		{ "sweepers: https://a\n", ":1:11: sweepers: ", "a list" },
		{ "sweepers: [http://a]\n", ":1:12: sweepers: ", "https://host" },
		{ "sweepers: [https://a, https://b/path]\n", ":1:23: sweepers: ", "without a path" },
		{ "sweepers: ['https://a/']\n", ":1:12: sweepers: ", "without a path" },
		{ "sweepers: ['https://']\n", ":1:12: ", "https://host" },
		{ "sweepers: ['https://u@h']\n", ":1:12: ", "https://host" },
		{ "sweepers: ['https://h:0']\n", ":1:12: ", "https://host" },
		{ "sweepers: ['https://h:65536']\n", ":1:12: ", "https://host" },
		{ "sweepers: ['https://h:']\n", ":1:12: ", "https://host" },
		{ "sweepers: ['https://h?q']\n", ":1:12: ", "https://host" },
		{ SWEEPERS "colour: red\n", ":2:9: colour: ", "unknown key" },
		{ SWEEPERS "identity: {crt: /x}\n", ":2:17: crt: ", "unknown key; known here: cert, key, ca" },
		{ SWEEPERS "identity: {cert: x}\n", ":2:18: cert: ", "an absolute path" },
		{ SWEEPERS "identity: {enroll: perhaps}\n", ":2:20: enroll: ", "true or false" },
		{ SWEEPERS "identity: {metadata: 'http://169.254.169.254.x'}\n", ":2:22: metadata: ", "169.254.169.254" },
		{ SWEEPERS "identity: {metadata: 'http://10.0.0.1'}\n", ":2:22: metadata: ", "169.254.169.254" },
		{ SWEEPERS "identity: {metadata: 'http://127.0.0.1:0'}\n", ":2:22: metadata: ", "169.254.169.254" },
		{ SWEEPERS "identity: {metadata: 'http://127.0.0.1:1@h'}\n", ":2:22: metadata: ", "169.254.169.254" },
		{ SWEEPERS "root: box\n", ":2:7: root: ", "an absolute path" },
		{ SWEEPERS "spool_dir: ''\n", ":2:12: spool_dir: ", "an absolute path" },
		{ SWEEPERS "console: tty\n", ":2:10: console: ", "an absolute path" },
		{ SWEEPERS "docker: {socket: s}\n", ":2:18: socket: ", "an absolute path" },
		{ SWEEPERS "docker: {container: {id: s}}\n", ":2:26: id: ", "unknown key" },
		{ SWEEPERS "capture_deadline_s: 0\n", ":2:21: capture_deadline_s: ", "from 1 to 3600" },
		{ SWEEPERS "capture_deadline_s: 3601\n", ":2:21: capture_deadline_s: ", "from 1 to 3600" },
		{ SWEEPERS "boot_deadline_s: -1\n", ":2:18: boot_deadline_s: ", "from 0 to 86400" },
		{ SWEEPERS "sections: {disable: [nope]}\n", ":2:22: ", "built-in section" },
		{ SWEEPERS "sections: {disable: [verdict]}\n", ":2:22: ", "cannot be disabled" },
		{ SWEEPERS "sections: {extra: [{name: host, path: /x}]}\n", ":2:27: name: ", "a built-in section" },
		{ SWEEPERS "sections: {extra: [{name: verdict, path: /x}]}\n", ":2:27: name: ", "a built-in section" },
		{ SWEEPERS "sections: {extra: [{name: 'a b', path: /x}]}\n", ":2:27: name: ", "letters" },
		{ SWEEPERS "sections: {extra: [{name: a, path: x}]}\n", ":2:36: path: ", "an absolute path" },
		{ SWEEPERS "sections: {extra: [{name: a}]}\n", ":2:20: ", "\"path\" is missing" },
		{ SWEEPERS "sections: {extra: [{name: a, path: /x}, {name: a, path: /y}]}\n", ":2:48: name: ", "twice" },
		{ SWEEPERS "sections: {extra: [{name: a, path: /x, tail_lines: -1}]}\n", ":2:52: tail_lines: ", "from 0" },
		{ SWEEPERS "redaction: {known_value_files: [x]}\n", ":2:33: ", "an absolute path" },
		{ SWEEPERS "redaction: {rules_dir: x}\n", ":2:24: rules_dir: ", "an absolute path" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct agent_config *config;
		struct err err = ERR_INIT;
		char start[128];

		assert_int_equal(load(cases[i].text, &config, &err), STATUS_INVALID);
		assert_null(config);
		(void)snprintf(start, sizeof start, "%s%s", path, cases[i].place);
		if (strncmp(err.text, start, strlen(start)) != 0 || strstr(err.text, cases[i].words) == NULL)
			fail_msg("case %zu: \"%s\" is not \"%s…%s\"", i, err.text, start, cases[i].words);
	}
}

static void agent_config_caps_its_lists(void **state)
{
	BUF_AUTO sweepers = BUF_INIT(65536);
	BUF_AUTO extra = BUF_INIT(65536);
	struct agent_config *config;
	struct err err = ERR_INIT;

	(void)state;
	buf_append_cstr(&sweepers, "sweepers:\n");
	for (int i = 0; i <= LIMIT_SWEEPERS; i++)
		buf_printf(&sweepers, "  - https://s%d\n", i);
	assert_int_equal(load(buf_cstr(&sweepers), &config, &err), STATUS_INVALID);
	assert_non_null(strstr(err.text, "at most 16, found 17"));
	buf_append_cstr(&extra, SWEEPERS "sections:\n  extra:\n");
	for (int i = 0; i <= LIMIT_SECTIONS - 9; i++)
		buf_printf(&extra, "    - {name: s%d, path: /x}\n", i);
	assert_int_equal(load(buf_cstr(&extra), &config, &err), STATUS_INVALID);
	assert_non_null(strstr(err.text, "at most 23, found 24"));
}

static void agent_config_defaults_alone_need_no_sweeper(void **state)
{
	struct agent_config *config;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(agent_config_new_default(&config, &err), STATUS_OK);
	assert_int_equal(config->sweepers.count, 0);
	assert_string_equal(config->redaction.rules_dir, "/etc/rescue/rules.d");
	agent_config_free(config);
	agent_config_free(NULL);
}

static void agent_config_missing_file_is_named(void **state)
{
	struct agent_config *config;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(agent_config_load("/nonexistent/agent.yaml", &config, &err), STATUS_NOT_FOUND);
	assert_non_null(strstr(err.text, "/nonexistent/agent.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agent_config_defaults_hold_where_nothing_is_said),
		cmocka_unit_test(agent_config_reads_every_key),
		cmocka_unit_test(agent_config_keeps_an_enrolled_identity_with_the_agents_state),
		cmocka_unit_test(agent_config_names_place_key_and_expectation),
		cmocka_unit_test(agent_config_caps_its_lists),
		cmocka_unit_test(agent_config_defaults_alone_need_no_sweeper),
		cmocka_unit_test(agent_config_missing_file_is_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
