#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "shared/file.h"
static void make_folder(char folder[static 32])
{
	(void)snprintf(folder, 32, "/tmp/rescue-file-XXXXXX");
	assert_non_null(mkdtemp(folder));
}

static void file_written_atomically_reads_back_with_its_mode(void **state)
{
	char folder[32], path[64];
	BUF_AUTO content = BUF_INIT(100);
	struct stat info;

	(void)state;
	make_folder(folder);
	(void)snprintf(path, sizeof path, "%s/a", folder);
	assert_int_equal(file_write_atomic(path, SPAN_LIT("old"), 0600, NULL), STATUS_OK);
	assert_int_equal(file_write_atomic(path, SPAN_LIT("new"), 0640, NULL), STATUS_OK);
	assert_int_equal(file_read(path, &content, NULL), STATUS_OK);
	assert_string_equal(buf_cstr(&content), "new");
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0640);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0); /* fails if a temporary file was left */
}

static void file_write_replaces_no_pipe_and_output_goes_into_it(void **state)
{
	char folder[32], path[64], read_back[8] = "";
	struct err err = ERR_INIT;
	struct stat info;
	int fd;

	(void)state;
	make_folder(folder);
	(void)snprintf(path, sizeof path, "%s/pipe", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_write_atomic(path, SPAN_LIT("x"), 0600, &err), STATUS_INVALID);
	assert_non_null(strstr(err.text, path));
	fd = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(file_write_output(path, SPAN_LIT("x"), 0600, &err), STATUS_OK);
	assert_int_equal(read(fd, read_back, sizeof read_back), 1);
	assert_string_equal(read_back, "x");
	(void)close(fd);
	assert_int_equal(stat(path, &info), 0);
	assert_true(S_ISFIFO(info.st_mode));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void file_failed_write_leaves_the_old_content(void **state)
{
	char folder[32], path[64];
	struct err err = ERR_INIT;

	(void)state;
	make_folder(folder);
	(void)snprintf(path, sizeof path, "%s/missing/a", folder);
	assert_int_equal(file_write_atomic(path, SPAN_LIT("x"), 0600, &err), STATUS_SYSTEM);
	assert_non_null(strstr(err.text, path));
	(void)rmdir(folder);
}

static void file_read_tells_absent_large_and_odd_apart(void **state)
{
	char folder[32], path[64];
	BUF_AUTO content = BUF_INIT(3);

	(void)state;
	make_folder(folder);
	(void)snprintf(path, sizeof path, "%s/a", folder);
	assert_int_equal(file_read(path, &content, NULL), STATUS_NOT_FOUND);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_read(path, &content, NULL), STATUS_INVALID); /* and does not wait for a writer */
	(void)unlink(path);
	assert_int_equal(file_write_atomic(path, SPAN_LIT("1234"), 0600, NULL), STATUS_OK);
	assert_int_equal(file_read(path, &content, NULL), STATUS_TOO_LARGE);
	assert_int_equal(file_read(folder, &content, NULL), STATUS_INVALID);
	(void)unlink(path);
	(void)rmdir(folder);
}

static void file_new_is_written_once(void **state)
{
	BUF_AUTO content = BUF_INIT(64);
	char folder[32], path[64];

	(void)state;
	make_folder(folder);
	(void)snprintf(path, sizeof path, "%s/key", folder);
	assert_int_equal(file_write_new(path, SPAN_LIT("first"), 0600, NULL), STATUS_OK);
	assert_int_equal(file_write_new(path, SPAN_LIT("second"), 0600, NULL), STATUS_CONFLICT);
	assert_int_equal(file_read(path, &content, NULL), STATUS_OK);
	assert_true(span_eq(buf_span(&content), SPAN_LIT("first")));
	(void)unlink(path);
	/* Nothing is left beside it. */
	assert_int_equal(rmdir(folder), 0);
}

static void file_makes_missing_parents(void **state)
{
	char folder[32], path[64];

	(void)state;
	make_folder(folder);
	(void)snprintf(path, sizeof path, "%s/a/b/c", folder);
	assert_int_equal(file_make_dirs(path, 0700, NULL), STATUS_OK);
	assert_int_equal(file_make_dirs(path, 0700, NULL), STATUS_OK);
	for (int level = 0; level < 4; level++) {
		assert_int_equal(rmdir(path), 0);
		*strrchr(path, '/') = '\0';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_written_atomically_reads_back_with_its_mode),
		cmocka_unit_test(file_write_replaces_no_pipe_and_output_goes_into_it),
		cmocka_unit_test(file_failed_write_leaves_the_old_content),
		cmocka_unit_test(file_read_tells_absent_large_and_odd_apart),
		cmocka_unit_test(file_new_is_written_once),
		cmocka_unit_test(file_makes_missing_parents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
