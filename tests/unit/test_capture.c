#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/capture.h"
#include "agent/collect/collect.h"
#include "proto/bundle.h"
#include "shared/log.h"
#include "shared/redact/rule.h"

#define CAPTURE "11111111-2222-4333-8444-555555555555"
#define SECRET "OPENAI_API_KEY=sk-1234567890abcdefgh"

/* A box made of what a test says: takes the place of agent/collect. */
static struct {
	const char *names[4];
	struct span contents[4];
	enum record_outcome outcomes[4];
	size_t count;
	const char *first_error;
	enum status known_values;
	int64_t deadline_ms; /* as asked for */
	int runs;
} box;

const char *collect_known_source_name(enum known_source source)
{
	return source == KNOWN_CONTAINERS ? "containers" : "other";
}

enum status collect_known_values(const struct agent_config *config, struct redactor *redactor,
                                 struct collect_known *ret_known, struct err *err)
{
	(void)config;
	*ret_known = (struct collect_known){ .values[KNOWN_CONTAINERS] = 3, .unread[KNOWN_CONTAINERS] = true };
	if (box.known_values != STATUS_OK)
		return err_set(err, box.known_values, "cannot read a known value file");
	return redactor_add_value(redactor, SPAN_LIT("my-own-box-value"), "KNOWN_VALUE");
}

static void fill(struct raw_text *text, struct span bytes)
{
	raw_text_init(text, LIMIT_REDACT_OUTPUT);
	buf_append_span(&text->bytes, bytes);
}

enum status collect_run(const struct agent_config *config, const struct collect_request *request,
                        struct collection **ret_collection, struct err *err)
{
	struct collection *collection = calloc(1, sizeof *collection);

	(void)config;
	(void)err;
	box.runs++;
	box.deadline_ms = request->deadline_ms;
	collection->sections = calloc(4, sizeof *collection->sections);
	collection->count = box.count;
	for (size_t i = 0; i < box.count; i++) {
		struct collect_section *section = &collection->sections[i];

		(void)snprintf(section->name, sizeof section->name, "%s", box.names[i]);
		section->outcome = box.outcomes[i];
		section->took_ms = 7;
		fill(&section->content, box.contents[i]);
	}
	fill(&collection->facts.container, SPAN_LIT("ws-1 (molecule-agent:1.2) Exited\n"));
	collection->facts.container_rule = "name ws-";
	collection->facts.has_exit_code = true;
	collection->facts.exit_code = 137;
	collection->facts.oom_killed = true;
	fill(&collection->facts.first_error, span_cstr(box.first_error));
	fill(&collection->facts.boot_id, SPAN_LIT("6d2a1ad4-6b9f-4a0e-8b26-7e6a6a4a8d11\n"));
	collection->facts.uptime_s = 601;
	*ret_collection = collection;
	return STATUS_OK;
}

void collection_free(struct collection *collection)
{
	if (collection == NULL)
		return;
	for (size_t i = 0; i < collection->count; i++)
		raw_text_done(&collection->sections[i].content);
	raw_text_done(&collection->facts.container);
	raw_text_done(&collection->facts.first_error);
	raw_text_done(&collection->facts.boot_id);
	free(collection->sections);
	free(collection);
}

static struct agent_config *config;
static struct parcel *parcel;
static struct capture_table table;
static struct buf flat; /* the bundle, one line "section outcome" for each, its content below */

static int setup(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	log_set_level(LOG_ERROR + 1);
	memset(&box, 0, sizeof box);
	box.first_error = "";
	buf_init(&flat, LIMIT_BUNDLE_BYTES);
	return agent_config_new_default(&config, &err) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	agent_config_free(config);
	parcel_free(parcel);
	parcel = NULL;
	buf_done(&flat);
	return 0;
}

static void put_section(const char *name, enum record_outcome outcome, struct span content)
{
	box.names[box.count] = name;
	box.outcomes[box.count] = outcome;
	box.contents[box.count++] = content;
}

static enum status flatten(void *ctx, const struct bundle_section *section, struct err *err)
{
	(void)ctx;
	(void)err;
	buf_printf(&flat, "## %.*s %s\n", SPAN_ARG(section->first->section),
	           record_outcome_name(section->first->outcome));
	buf_append_span(&flat, section->content);
	buf_append_byte(&flat, '\n');
	return STATUS_OK;
}

static void capture(int64_t deadline_s)
{
	static const struct identity identity = { .role = IDENTITY_WORKSPACE, .org = "acme", .workspace_id = "ws-1" };
	const struct order order = {
		.capture_id = CAPTURE,
		.workspace_id = "ws-1",
		.reason = REASON_BOOTSTRAP,
		.deadline_s = deadline_s,
	};
	struct err err = ERR_INIT;

	assert_int_equal(capture_run(config, &identity, &order, -1, &parcel, &table, &err), STATUS_OK);
	assert_int_equal(bundle_read(parcel_ndjson(parcel), flatten, NULL, &err), STATUS_OK);
}

#define assert_tells(text) assert_non_null(strstr(buf_cstr(&flat), (text)))
#define assert_silent_about(text) assert_null(strstr(buf_cstr(&flat), (text)))

static void capture_redacts_every_section_and_keeps_their_order(void **state)
{
	(void)state;
	put_section("config.yaml", OUTCOME_OK, SPAN_LIT("runtime: hermes\n" SECRET "\nsaid my-own-box-value here\n"));
	put_section("docker-ps", OUTCOME_ABSENT, SPAN_LIT("(docker unavailable)"));
	put_section("host", OUTCOME_TRUNCATED, SPAN_LIT("load 1\n"));
	capture(45);
	assert_silent_about("sk-1234567890");
	assert_silent_about("my-own-box-value");
	assert_tells("OPENAI_API_KEY=[REDACTED:API_KEY]");
	assert_tells("## config.yaml ok\nruntime: hermes\n");
	assert_tells("## docker-ps absent\n(docker unavailable)\n## host truncated\nload 1\n");
	assert_int_equal(table.count, 3);
	assert_int_equal(table.rows[0].redactions, 2);
	assert_int_equal(table.rows[0].took_ms, 7);
	assert_false(table.withheld);
}

static void capture_verdict_comes_first_and_says_what_happened(void **state)
{
	static const char *const lines[] = {
		"reason: bootstrap_watcher\n", "workspace_id: ws-1\n", "captured_at: 20",
		"boot_id: 6d2a1ad4-6b9f-4a0e-8b26-7e6a6a4a8d11\n", "uptime_s: 601\n", "agent_version: " RESCUE_VERSION "\n",
		"container: ws-1 (molecule-agent:1.2) Exited\n", "container_rule: name ws-\n", "exit_code: 137\n",
		"oom_killed: true\n", "cloud_init_first_error: E: pull failed [REDACTED:", "\nsections:\n",
	};

	(void)state;
	box.first_error = "E: pull failed ghp_k3JxQ9wZr7TbN2vLm8HsYd4FcE6uAp1gXo5R\nsecond line\n";
	put_section("host", OUTCOME_OK, SPAN_LIT("load 1\n"));
	capture(45);
	assert_int_equal(strncmp(buf_cstr(&flat), "## verdict ok\nreason: ", 22), 0);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		if (strstr(buf_cstr(&flat), lines[i]) == NULL)
			fail_msg("the verdict lacks \"%s\":\n%s", lines[i], buf_cstr(&flat));
	}
	assert_silent_about("ghp_k3JxQ");
	assert_tells("  host                               ok                 7           0        7\n");
	assert_tells("containers 3 (not all read)");
	assert_silent_about("redactions:\n");
}

static void capture_verdict_has_a_receipt_of_what_was_masked(void **state)
{
	(void)state;
	put_section("config.yaml", OUTCOME_OK, SPAN_LIT("x\n" SECRET "\n" SECRET "2\nsaid my-own-box-value here\n"));
	put_section("host", OUTCOME_OK, SPAN_LIT("see ghp_k3JxQ9wZr7TbN2vLm8HsYd4FcE6uAp1gXo5R\n"));
	capture(45);
	assert_tells("redactions:\n"
	             "  section                            rule                           count\n"
	             "  config.yaml                        key-name                           2\n"
	             "  config.yaml                        known-value                        1\n"
	             "  host                               github-token                       1\n");
	assert_int_equal(table.receipt_count, 3);
}

static void capture_numbers_the_same_secret_alike_when_asked_to(void **state)
{
	(void)state;
	config->redaction.number_secrets = true;
	put_section("config.yaml", OUTCOME_OK, SPAN_LIT("x\n" SECRET "\nmy-own-box-value\n"));
	put_section("host", OUTCOME_OK, SPAN_LIT("saw my-own-box-value\n"));
	capture(45);
	assert_tells("OPENAI_API_KEY=[REDACTED:API_KEY#1]\n[REDACTED:KNOWN_VALUE#2]\n");
	assert_tells("saw [REDACTED:KNOWN_VALUE#2]\n");
}

/* The verdict is redacted as well: no rule's name may look like a secret in it. */
static void capture_receipt_shows_the_name_of_every_rule(void **state)
{
	struct redactor *redactor = NULL;
	struct buf text = BUF_INIT(LIMIT_SECTION_BYTES);
	struct clean_text *clean = NULL;

	(void)state;
	assert_int_equal(redactor_new(NULL, &redactor, NULL), STATUS_OK);
	for (size_t i = 0; i < rule_count; i++)
		buf_printf(&text, "  %-34s %-30s %5zu\n", "agent-container.logs.tail", rule_table[i].name, i);
	assert_int_equal(redact_span(redactor, buf_span(&text), &clean, NULL), STATUS_OK);
	assert_true(span_eq(clean_text_span(clean), buf_span(&text)));
	clean_text_free(clean);
	buf_done(&text);
	redactor_free(redactor);
}

static void capture_without_redactor_reads_nothing_and_ships_withheld_records(void **state)
{
	(void)state;
	box.known_values = STATUS_SYSTEM;
	put_section("host", OUTCOME_OK, SPAN_LIT("load 1\n"));
	capture(45);
	assert_int_equal(box.runs, 0);
	assert_true(table.withheld);
	assert_silent_about("load 1");
	assert_int_equal(strncmp(buf_cstr(&flat), "## verdict withheld\n(withheld: ", 31), 0);
	for (size_t i = 1; agent_section_names[i] != NULL; i++) {
		char head[128];

		(void)snprintf(head, sizeof head, "## %s withheld\n(withheld: ", agent_section_names[i]);
		assert_tells(head);
	}
	assert_silent_about(" ok\n");
}

static void capture_with_a_bad_site_rule_is_withheld(void **state)
{
	char dir[] = "/tmp/rescue-rules-XXXXXX";
	char path[64];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/bad.yaml", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("this is: [no rule", file) >= 0);
	assert_int_equal(fclose(file), 0);
	free(config->redaction.rules_dir);
	config->redaction.rules_dir = strdup(dir);
	put_section("host", OUTCOME_OK, SPAN_LIT("load 1\n"));
	capture(45);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(box.runs, 0);
	assert_true(table.withheld);
	assert_silent_about("load 1");
}

static void capture_obeys_the_shorter_deadline(void **state)
{
	(void)state;
	capture(5);
	assert_int_equal(box.deadline_ms, 5000);
	parcel_free(parcel);
	buf_reset(&flat);
	capture(3600);
	assert_int_equal(box.deadline_ms, 45000);
}

static void capture_section_that_does_not_fit_is_told(void **state)
{
	size_t size = LIMIT_REDACT_OUTPUT - 1;
	uint8_t *bytes = malloc(size);

	(void)state;
	/* A control byte takes six in JSON: two such sections are more than a bundle holds. */
	memset(bytes, 1, size);
	put_section("config.yaml", OUTCOME_OK, span_of(bytes, size));
	put_section("system-prompt.md", OUTCOME_OK, span_of(bytes, size));
	put_section("host", OUTCOME_OK, SPAN_LIT("load 1\n"));
	capture(45);
	free(bytes);
	assert_tells("## system-prompt.md error\n(left out: ");
	assert_tells("## host ok\nload 1\n");
	assert_int_equal(table.rows[0].outcome, OUTCOME_OK);
	assert_int_equal(table.rows[1].outcome, OUTCOME_ERROR);
	assert_true(parcel_ndjson(parcel).len <= LIMIT_BUNDLE_BYTES);
}

static void capture_withholds_only_the_section_in_doubt(void **state)
{
	size_t size = LIMIT_REDACT_OUTPUT;
	uint8_t *bytes = malloc(size);

	(void)state;
	/* Each bad byte becomes three, more than a redacted text may have. */
	memset(bytes, 0xff, size);
	put_section("config.yaml", OUTCOME_OK, span_of(bytes, size));
	put_section("host", OUTCOME_OK, SPAN_LIT("load 1\n"));
	capture(45);
	free(bytes);
	assert_tells("## config.yaml withheld\n(withheld: ");
	assert_tells("## host ok\nload 1\n");
	assert_true(table.withheld);
	assert_int_equal(table.rows[0].outcome, OUTCOME_WITHHELD);
}

#define CAPTURE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURE_TEST(capture_redacts_every_section_and_keeps_their_order),
		CAPTURE_TEST(capture_verdict_comes_first_and_says_what_happened),
		CAPTURE_TEST(capture_verdict_has_a_receipt_of_what_was_masked),
		CAPTURE_TEST(capture_numbers_the_same_secret_alike_when_asked_to),
		CAPTURE_TEST(capture_receipt_shows_the_name_of_every_rule),
		CAPTURE_TEST(capture_without_redactor_reads_nothing_and_ships_withheld_records),
		CAPTURE_TEST(capture_with_a_bad_site_rule_is_withheld),
		CAPTURE_TEST(capture_obeys_the_shorter_deadline),
		CAPTURE_TEST(capture_section_that_does_not_fit_is_told),
		CAPTURE_TEST(capture_withholds_only_the_section_in_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
