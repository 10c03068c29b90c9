#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/file.h"
#include "sweeper/ship/sink.h"
#include "tests/unit/ship_fixture.h"

#define ID "0195b0a4-1111-4222-8333-444455556666"

static const struct fixture_section one[] = { { "verdict", "v", OUTCOME_OK } };

/* Ships `cargo` into `dir` and gives its result. */
static enum status ship(char *dir, struct cargo *cargo)
{
	struct sink_config config = { .kind = SINK_ARCHIVE, .dir = dir };
	struct sink_options options = { .config = &config, .org = "acme" };
	struct lease lease = { .renewed_mono_ms = clock_mono_ms() };
	void *sink;

	assert_int_equal(archive_sink.make(&options, &sink, NULL), STATUS_OK);
	archive_sink.ship(sink, &lease, &cargo, 1);
	archive_sink.free(sink);
	return cargo->result;
}

static void archive_writes_the_bundle_for_its_owner_alone_and_again_the_same(void **state)
{
	char base[] = "/tmp/rescue-archive-XXXXXX", dir[64], path[160], torn[168];
	struct cargo cargo;
	struct stat info;

	(void)state;
	assert_non_null(mkdtemp(base));
	(void)snprintf(dir, sizeof dir, "%s/kept", base);
	(void)snprintf(path, sizeof path, "%s/acme/ws-1/" ID ".ndjson.gz", dir);
	fixture_cargo(ID, one, 1, &cargo);
	for (int i = 0; i < 2; i++) {
		BUF_AUTO content = BUF_INIT(4096);

		assert_int_equal(ship(dir, &cargo), STATUS_OK);
		assert_int_equal(file_read(path, &content, NULL), STATUS_OK);
		assert_true(span_eq(buf_span(&content), buf_span(&cargo.bundle_gzip)));
		/* As a killed sweeper leaves it. */
		(void)snprintf(torn, sizeof torn, "%s.a1B2c3", path);
		if (i == 0)
			assert_int_equal(file_write_atomic(torn, SPAN_LIT("half"), 0600, NULL), STATUS_OK);
	}
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof path, "%s/acme/ws-1", dir);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
	/* Nothing else is left beside the bundle. */
	assert_int_equal(rmdir(path), 0);
	(void)snprintf(path, sizeof path, "%s/acme", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(base), 0);
	cargo_done(&cargo);
}

static void archive_never_leaves_its_folder(void **state)
{
	static const char *const workspaces[] = { "..", ".", "a/b", "../x", "", "/etc" };
	char base[] = "/tmp/rescue-archive-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(base));
	for (size_t i = 0; i < sizeof workspaces / sizeof workspaces[0]; i++) {
		struct cargo cargo;

		fixture_cargo(ID, one, 1, &cargo);
		(void)snprintf(cargo.workspace_id, sizeof cargo.workspace_id, "%s", workspaces[i]);
		assert_int_equal(ship(base, &cargo), STATUS_INVALID);
		cargo_done(&cargo);
	}
	assert_int_equal(rmdir(base), 0);
}

static void archive_that_cannot_be_written_says_so(void **state)
{
	char dir[] = "/proc/nowhere";
	struct cargo cargo;

	(void)state;
	fixture_cargo(ID, one, 1, &cargo);
	assert_int_equal(ship(dir, &cargo), STATUS_SYSTEM);
	assert_non_null(strstr(cargo.err.text, "/proc/nowhere"));
	cargo_done(&cargo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(archive_writes_the_bundle_for_its_owner_alone_and_again_the_same),
		cmocka_unit_test(archive_never_leaves_its_folder),
		cmocka_unit_test(archive_that_cannot_be_written_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
