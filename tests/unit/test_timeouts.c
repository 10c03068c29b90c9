#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/file.h"
#include "shared/log.h"
#include "sweeper/verdict/timeouts.h"

static char hermes[] = "hermes";
static struct runtime_timeout configured[] = { { hermes, 1800 } };
static struct sweeper_config config;
static struct tenant_config tenant;
static char base[64];

static int setup(void **state)
{
	static char org[] = "acme";

	(void)state;
	log_set_level(LOG_ERROR + 1);
	(void)snprintf(base, sizeof base, "/tmp/rescue-timeouts-XXXXXX");
	if (mkdtemp(base) == NULL)
		return -1;
	config = (struct sweeper_config){ .timeouts = { .default_s = 600, .runtimes = configured, .runtime_count = 1 } };
	tenant = (struct tenant_config){ .org = org, .templates_dir = base };
	return 0;
}

/* Every folder that a test may have made. */
static int teardown(void **state)
{
	static const char *const folders[] = { "a", "b", "c", ".hidden" };
	char path[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		(void)snprintf(path, sizeof path, "%s/%s/config.yaml", base, folders[i]);
		if (unlink(path) != 0)
			(void)rmdir(path);
		(void)snprintf(path, sizeof path, "%s/%s", base, folders[i]);
		(void)rmdir(path);
	}
	return rmdir(base);
}

static void write_manifest(const char *folder, const char *text)
{
	struct err err = ERR_INIT;
	char path[160];

	(void)snprintf(path, sizeof path, "%s/%s", base, folder);
	assert_int_equal(file_make_dirs(path, 0755, &err), STATUS_OK);
	(void)snprintf(path, sizeof path, "%s/%s/config.yaml", base, folder);
	assert_int_equal(file_write_atomic(path, span_cstr(text), 0644, &err), STATUS_OK);
}

/* The timeout of a runtime as the ledger would apply it. */
static int64_t timeout_of(struct timeouts *timeouts, const char *runtime)
{
	struct ledger_timeouts now;
	struct err err = ERR_INIT;
	int64_t found = 0;

	assert_int_equal(timeouts_resolve(timeouts, &now, &err), STATUS_OK);
	for (size_t i = 0; i < now.runtime_count; i++) {
		if (strcmp(now.runtimes[i].runtime, runtime) != 0)
			continue;
		assert_int_equal(found, 0); /* each runtime stands there once */
		found = now.runtimes[i].timeout_s;
	}
	if (now.override_s != 0)
		return now.override_s;
	return found != 0 ? found : now.default_s;
}

#define MANIFEST(runtime, seconds) "runtime: " runtime "\nruntime_config: {provision_timeout_seconds: " seconds "}\n"

static void timeouts_come_from_the_configuration_without_manifests(void **state)
{
	struct timeouts *timeouts = timeouts_new(&config, &tenant);

	(void)state;
	assert_int_equal(timeout_of(timeouts, "hermes"), 1800);
	assert_int_equal(timeout_of(timeouts, "claude"), 600);
	assert_int_equal(timeout_of(timeouts, ""), 600);
	timeouts_free(timeouts);
}

static void timeouts_take_the_largest_manifest_before_the_configuration(void **state)
{
	struct timeouts *timeouts = timeouts_new(&config, &tenant);

	(void)state;
	write_manifest("a", MANIFEST("hermes", "700"));
	write_manifest("b", MANIFEST("hermes", "1200"));
	write_manifest("c", MANIFEST("\"hermes\"", "\"900\""));
	assert_int_equal(timeout_of(timeouts, "hermes"), 1200);
	assert_int_equal(timeout_of(timeouts, "claude"), 600);
	timeouts_free(timeouts);
}

static void timeouts_skip_manifests_that_say_nothing_or_nonsense(void **state)
{
	static const char *const texts[] = {
		"", "[]", "just words", "runtime: [", "runtime: x\n", "runtime_config: {provision_timeout_seconds: 5}\n",
		MANIFEST("x", "0"), MANIFEST("x", "-5"), MANIFEST("x", "soon"), MANIFEST("x", "1.5"),
		MANIFEST("x", "99999999999999999999"), MANIFEST("x", "400000000"), MANIFEST("\"\"", "50"),
		MANIFEST("[x]", "50"), MANIFEST("x", "[50]"), "runtime: x\nruntime_config: 7\n", "runtime: x\n\truntime_config: 7\n",
	};
	struct timeouts *timeouts = timeouts_new(&config, &tenant);

	(void)state;
	write_manifest("b", MANIFEST("crewai", "1200"));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		write_manifest("a", texts[i]);
		assert_int_equal(timeout_of(timeouts, "x"), 600);
		assert_int_equal(timeout_of(timeouts, ""), 600);
		assert_int_equal(timeout_of(timeouts, "crewai"), 1200);
	}
	timeouts_free(timeouts);
}

static void timeouts_follow_manifests_that_change_and_go(void **state)
{
	struct timeouts *timeouts = timeouts_new(&config, &tenant);
	char path[160];

	(void)state;
	write_manifest("a", MANIFEST("x", "700"));
	assert_int_equal(timeout_of(timeouts, "x"), 700);
	write_manifest("a", MANIFEST("x", "800"));
	assert_int_equal(timeout_of(timeouts, "x"), 800);
	write_manifest("a", "runtime: [");
	assert_int_equal(timeout_of(timeouts, "x"), 600);
	write_manifest("a", MANIFEST("y", "900"));
	assert_int_equal(timeout_of(timeouts, "x"), 600);
	assert_int_equal(timeout_of(timeouts, "y"), 900);
	(void)snprintf(path, sizeof path, "%s/a/config.yaml", base);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(timeout_of(timeouts, "y"), 600);
	write_manifest("a", MANIFEST("y", "900"));
	assert_int_equal(timeout_of(timeouts, "y"), 900);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof path, "%s/a", base);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(timeout_of(timeouts, "y"), 600);
	timeouts_free(timeouts);
}

static void timeouts_ignore_what_is_no_template(void **state)
{
	struct timeouts *timeouts = timeouts_new(&config, &tenant);
	char path[160];

	(void)state;
	write_manifest(".hidden", MANIFEST("x", "700"));
	(void)snprintf(path, sizeof path, "%s/a", base);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof path, "%s/b/config.yaml", base);
	assert_int_equal(file_make_dirs(path, 0755, NULL), STATUS_OK);
	(void)snprintf(path, sizeof path, "%s/c", base);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof path, "%s/c/config.yaml", base);
	/* A FIFO would block whoever opens it for reading. */
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(timeout_of(timeouts, "x"), 600);
	timeouts_free(timeouts);
}

static void timeouts_keep_what_they_knew_while_the_folder_is_away(void **state)
{
	struct timeouts *timeouts = timeouts_new(&config, &tenant);
	char away[80];

	(void)state;
	write_manifest("a", MANIFEST("x", "900"));
	assert_int_equal(timeout_of(timeouts, "x"), 900);
	(void)snprintf(away, sizeof away, "%s.away", base);
	assert_int_equal(rename(base, away), 0);
	assert_int_equal(timeout_of(timeouts, "x"), 900);
	assert_int_equal(rename(away, base), 0);
	assert_int_equal(timeout_of(timeouts, "x"), 900);
	timeouts_free(timeouts);
}

static void timeouts_of_the_environment_beat_everything(void **state)
{
	struct timeouts *timeouts = timeouts_new(&config, &tenant);

	(void)state;
	write_manifest("a", MANIFEST("x", "900"));
	config.timeouts.override_s = 60;
	assert_int_equal(timeout_of(timeouts, "x"), 60);
	assert_int_equal(timeout_of(timeouts, "hermes"), 60);
	assert_int_equal(timeout_of(timeouts, ""), 60);
	timeouts_free(timeouts);
}

#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(timeouts_come_from_the_configuration_without_manifests),
		EACH(timeouts_take_the_largest_manifest_before_the_configuration),
		EACH(timeouts_skip_manifests_that_say_nothing_or_nonsense),
		EACH(timeouts_follow_manifests_that_change_and_go),
		EACH(timeouts_ignore_what_is_no_template),
		EACH(timeouts_keep_what_they_knew_while_the_folder_is_away),
		EACH(timeouts_of_the_environment_beat_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
