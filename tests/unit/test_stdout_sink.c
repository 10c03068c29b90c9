#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/clock.h"
#include "sweeper/ship/sink.h"
#include "tests/unit/ship_fixture.h"

#define ID "0195b0a4-1111-4222-8333-444455556666"

static const struct fixture_section two[] = { { "verdict", "v\n", OUTCOME_OK }, { "host", "h\n", OUTCOME_OK } };

/* Ships with `fd` as standard output, which is put back afterwards. */
static void ship_to(int fd, struct cargo *cargo)
{
	struct lease lease = { .renewed_mono_ms = clock_mono_ms() };
	int kept = dup(STDOUT_FILENO);

	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	stdout_sink.ship(NULL, &lease, &cargo, 1);
	assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
	(void)close(kept);
}

static void stdout_prints_each_record_as_one_whole_line(void **state)
{
	char got[8192], wanted[8192];
	struct cargo cargo;
	int ends[2];
	ssize_t len;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fixture_cargo(ID, two, 2, &cargo);
	ship_to(ends[1], &cargo);
	assert_int_equal(cargo.result, STATUS_OK);
	len = read(ends[0], got, sizeof got - 1);
	assert_true(len > 0);
	got[len] = '\0';
	(void)snprintf(wanted, sizeof wanted, "%.*s\n%.*s\n", SPAN_ARG(cargo.entries[0].line),
	               SPAN_ARG(cargo.entries[1].line));
	assert_string_equal(got, wanted);
	(void)close(ends[0]);
	(void)close(ends[1]);
	cargo_done(&cargo);
}

static void stdout_that_cannot_be_written_says_so(void **state)
{
	struct cargo cargo;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	fixture_cargo(ID, two, 2, &cargo);
	ship_to(fd, &cargo);
	assert_int_equal(cargo.result, STATUS_SYSTEM);
	assert_non_null(strstr(cargo.err.text, "standard output"));
	(void)close(fd);
	cargo_done(&cargo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stdout_prints_each_record_as_one_whole_line),
		cmocka_unit_test(stdout_that_cannot_be_written_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
