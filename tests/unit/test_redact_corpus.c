#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/file.h"
#include "shared/redact/redact.h"

/* Boot output without a secret in it: whoever reads a bundle needs these lines as they are. */
enum { MIN_LINES = 2000, MAX_CHANGED_PER_MILLE = 5, MAX_FILE = 4 * 1024 * 1024 };

struct tally {
	size_t lines;
	size_t changed;
};

static void compare(struct span before, struct span after, struct tally *tally)
{
	struct span a, b;

	while (span_next_line(&before, &a)) {
		bool has_line = span_next_line(&after, &b);

		tally->lines++;
		if (!has_line || !span_eq(a, b)) {
			tally->changed++;
			printf("  %.*s", SPAN_ARG(a));
		}
	}
}

static void read_file(const struct redactor *redactor, const char *name, struct tally *tally)
{
	char path[4096];
	struct buf content = BUF_INIT(MAX_FILE);
	struct clean_text *clean = NULL;

	(void)snprintf(path, sizeof path, "%s/%s", REDACT_CORPUS, name);
	assert_int_equal(file_read(path, &content, NULL), STATUS_OK);
	assert_int_equal(redact_span(redactor, buf_span(&content), &clean, NULL), STATUS_OK);
	compare(buf_span(&content), clean_text_span(clean), tally);
	clean_text_free(clean);
	buf_done(&content);
}

static void redact_leaves_boot_output_readable(void **state)
{
	struct redactor *redactor = NULL;
	struct tally tally = { 0 };
	struct dirent *entry;
	DIR *dir = opendir(REDACT_CORPUS);

	(void)state;
	assert_non_null(dir);
	assert_int_equal(redactor_new(NULL, &redactor, NULL), STATUS_OK);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			read_file(redactor, entry->d_name, &tally);
	}
	(void)closedir(dir);
	redactor_free(redactor);
	printf("%zu of %zu lines changed\n", tally.changed, tally.lines);
	assert_true(tally.lines >= MIN_LINES);
	assert_true(tally.changed * 1000 <= tally.lines * MAX_CHANGED_PER_MILLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redact_leaves_boot_output_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
