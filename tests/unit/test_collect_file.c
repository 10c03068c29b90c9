#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/collect/collect_file.h"

static char root[] = "/tmp/rescue-collect-file-XXXXXX";

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) == NULL ? -1 : 0;
}

static const char *below(const char *path)
{
	static char full[256];

	(void)snprintf(full, sizeof full, "%s%s", root, path);
	return full;
}

static int drop_root(void **state)
{
	(void)state;
	(void)unlink(below("/f"));
	(void)unlink(below("/fifo"));
	(void)unlink(below("/in"));
	(void)unlink(below("/out"));
	(void)unlink(below("/loop"));
	return rmdir(root);
}

static void put(struct span content)
{
	FILE *file = fopen(below("/f"), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(content.ptr, 1, content.len, file), content.len);
	assert_int_equal(fclose(file), 0);
}

static void a_tail_is_whole_lines_with_what_stands_before_as_context(void **state)
{
	static const struct {
		const char *content;
		int64_t lines;
		const char *context, *tail;
	} cases[] = {
		{ "", 3, "", "" },
		{ "\n", 1, "", "\n" },
		{ "a", 1, "", "a" },
		{ "a\nb\nc\n", 2, "a\n", "b\nc\n" },
		{ "a\nb\nc", 2, "a\n", "b\nc" },
		{ "a\nb\nc\n", 3, "", "a\nb\nc\n" },
		{ "a\nb\nc\n", 100, "", "a\nb\nc\n" },
		{ "a\n\n\n", 2, "a\n", "\n\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct raw_text text;
		bool is_cut;

		put(span_cstr(cases[i].content));
		raw_text_init(&text, 0);
		assert_int_equal(collect_file_tail(root, "/f", cases[i].lines, &text, &is_cut, NULL), STATUS_OK);
		assert_false(is_cut);
		assert_int_equal(text.context_len, strlen(cases[i].context));
		assert_true(span_eq(span_sub(buf_span(&text.bytes), 0, text.context_len), span_cstr(cases[i].context)));
		assert_string_equal(buf_cstr(&text.bytes) + text.context_len, cases[i].tail);
		raw_text_done(&text);
	}
}

/* `before` bytes of 'b', a newline, one line of `len` bytes of 'x' with an 'S' at its beginning, a newline. */
static enum status tail_of_long_line(size_t before, size_t len, struct raw_text *ret_text, bool *ret_is_cut)
{
	BUF_AUTO content = BUF_INIT(before + len + 2);

	for (size_t i = 0; i < before; i++)
		buf_append_byte(&content, 'b');
	buf_append_byte(&content, '\n');
	buf_append_byte(&content, 'S');
	for (size_t i = 1; i < len; i++)
		buf_append_byte(&content, 'x');
	buf_append_byte(&content, '\n');
	put(buf_span(&content));
	raw_text_init(ret_text, 0);
	return collect_file_tail(root, "/f", 200, ret_text, ret_is_cut, NULL);
}

static void a_line_at_the_edge_of_the_caps_never_shows_an_end_without_its_known_beginning(void **state)
{
	static const struct {
		size_t len; /* with its newline one more */
		enum status status;
		bool has_beginning_in_content;
	} cases[] = {
		{ LIMIT_SECTION_BYTES - 2, STATUS_OK, true },
		{ LIMIT_SECTION_BYTES - 1, STATUS_OK, true },
		{ LIMIT_SECTION_BYTES, STATUS_OK, false },
		{ LIMIT_SECTION_BYTES + LIMIT_SECTION_CONTEXT - 1, STATUS_OK, false },
		{ LIMIT_SECTION_BYTES + LIMIT_SECTION_CONTEXT, STATUS_TOO_LARGE, false },
		{ 2 * LIMIT_SECTION_BYTES, STATUS_TOO_LARGE, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct raw_text text;
		const uint8_t *beginning;
		bool is_cut;

		print_message("  line of %zu bytes\n", cases[i].len);
		assert_int_equal(tail_of_long_line(100, cases[i].len, &text, &is_cut), cases[i].status);
		if (cases[i].status == STATUS_OK) {
			assert_true(is_cut);
			beginning = memchr(text.bytes.ptr, 'S', text.bytes.len);
			assert_non_null(beginning);
			assert_int_equal((size_t)(beginning - text.bytes.ptr) >= text.context_len,
			                 cases[i].has_beginning_in_content);
			assert_true(text.context_len <= LIMIT_SECTION_CONTEXT);
		}
		raw_text_done(&text);
	}
}

static void a_head_is_cut_behind_a_whole_line(void **state)
{
	static const struct {
		const char *content;
		size_t max;
		enum status status;
		const char *head;
	} cases[] = {
		{ "a\nbb\ncc\n", 8, STATUS_OK, "a\nbb\ncc\n" },
		{ "a\nbb\ncc\n", 7, STATUS_OK, "a\nbb\n[cut: 3 bytes after this]\n" },
		{ "a\nbb\ncc\n", 5, STATUS_OK, "a\nbb\n[cut: 3 bytes after this]\n" },
		{ "a\nbb\ncc\n", 4, STATUS_OK, "a\n[cut: 6 bytes after this]\n" },
		{ "a\nbb\ncc", 7, STATUS_OK, "a\nbb\ncc" },
		{ "aaaa\n", 4, STATUS_TOO_LARGE, NULL },
		{ "", 4, STATUS_OK, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct raw_text text;
		bool is_cut;

		put(span_cstr(cases[i].content));
		raw_text_init(&text, 0);
		assert_int_equal(collect_file_head(root, "/f", cases[i].max, &text, &is_cut, NULL), cases[i].status);
		if (cases[i].head != NULL) {
			assert_string_equal(buf_cstr(&text.bytes), cases[i].head);
			assert_int_equal(is_cut, strcmp(cases[i].head, cases[i].content) != 0);
		}
		raw_text_done(&text);
	}
}

static void a_whole_file_beyond_its_cap_is_refused(void **state)
{
	BUF_AUTO fits = BUF_INIT(5), small = BUF_INIT(4);

	(void)state;
	put(SPAN_LIT("12345"));
	assert_int_equal(collect_file_whole(root, "/f", &fits, NULL), STATUS_OK);
	assert_string_equal(buf_cstr(&fits), "12345");
	assert_int_equal(collect_file_whole(root, "/f", &small, NULL), STATUS_TOO_LARGE);
}

static void what_is_no_file_is_refused_without_opening_it(void **state)
{
	BUF_AUTO content = BUF_INIT(100);
	struct err err = ERR_INIT;
	int fd;

	(void)state;
	assert_int_equal(mkfifo(below("/fifo"), 0600), 0);
	assert_int_equal(collect_file_whole(root, "/fifo", &content, &err), STATUS_INVALID);
	assert_string_equal(err.text, "/fifo is a FIFO, not a regular file");
	/* With a reader a writer could be opened without waiting: nobody reads. */
	assert_int_equal(open(below("/fifo"), O_WRONLY | O_NONBLOCK), -1);
	assert_int_equal(collect_file_whole(root, "/", &content, &err), STATUS_INVALID);
	assert_int_equal(collect_file_whole("/", "/dev/zero", &content, &err), STATUS_INVALID);
	assert_int_equal(collect_file_open(root, "/fifo", S_IFSOCK, &fd, &err), STATUS_INVALID);
}

static void no_way_leads_out_of_the_root(void **state)
{
	BUF_AUTO content = BUF_INIT(100000);
	struct err err = ERR_INIT;

	(void)state;
	put(SPAN_LIT("inside"));
	assert_int_equal(symlink("/f", below("/in")), 0);
	assert_int_equal(symlink("/etc/passwd", below("/out")), 0);
	assert_int_equal(symlink("/loop", below("/loop")), 0);
	assert_int_equal(collect_file_whole(root, "/in", &content, &err), STATUS_OK);
	assert_string_equal(buf_cstr(&content), "inside");
	assert_int_equal(collect_file_whole(root, "/out", &content, &err), STATUS_NOT_FOUND);
	assert_int_equal(collect_file_whole(root, "/../../etc/passwd", &content, &err), STATUS_NOT_FOUND);
	assert_int_equal(collect_file_whole(root, "/loop", &content, &err), STATUS_SYSTEM);
	assert_int_equal(collect_file_whole(root, "/nowhere/at/all", &content, &err), STATUS_NOT_FOUND);
	assert_string_equal(err.text, "/nowhere/at/all does not exist");
}

static void a_file_that_says_it_is_empty_is_read_all_the_same(void **state)
{
	struct raw_text text;
	bool is_cut;

	(void)state;
	raw_text_init(&text, 0);
	assert_int_equal(collect_file_tail("/", "/proc/self/status", 5, &text, &is_cut, NULL), STATUS_OK);
	assert_true(span_starts_with(buf_span(&text.bytes), SPAN_LIT("Name:")));
	raw_text_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tail_is_whole_lines_with_what_stands_before_as_context),
		cmocka_unit_test(a_line_at_the_edge_of_the_caps_never_shows_an_end_without_its_known_beginning),
		cmocka_unit_test(a_head_is_cut_behind_a_whole_line),
		cmocka_unit_test(a_whole_file_beyond_its_cap_is_refused),
		cmocka_unit_test(what_is_no_file_is_refused_without_opening_it),
		cmocka_unit_test(no_way_leads_out_of_the_root),
		cmocka_unit_test(a_file_that_says_it_is_empty_is_read_all_the_same),
	};

	return cmocka_run_group_tests(tests, make_root, drop_root);
}
