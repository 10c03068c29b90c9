#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/spool.h"
#include "shared/file.h"
#include "shared/log.h"

static char base[64];
static char dir[80];

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR + 1);
	(void)snprintf(base, sizeof base, "/tmp/rescue-spool-XXXXXX");
	if (mkdtemp(base) == NULL)
		return -1;
	(void)snprintf(dir, sizeof dir, "%s/a/spool", base);
	return 0;
}

static int teardown(void **state)
{
	struct spool spool = { .dir = dir };
	struct spool_list list;
	char path[160];

	(void)state;
	if (spool_list(&spool, &list, NULL) == STATUS_OK) {
		for (size_t i = 0; i < list.count; i++) {
			spool_drop(&spool, list.items[i].capture_id);
			(void)snprintf(path, sizeof path, "%s/%s.ndjson.gz.refused", dir, list.items[i].capture_id);
			(void)unlink(path);
		}
	}
	(void)rmdir(dir);
	(void)snprintf(path, sizeof path, "%s/a", base);
	(void)rmdir(path);
	return rmdir(base);
}

static void open_spool(struct spool *spool)
{
	struct err err = ERR_INIT;

	assert_int_equal(spool_init(spool, dir, &err), STATUS_OK);
}

static struct order make_order(int number)
{
	struct order order = { .workspace_id = "ws-1", .reason = REASON_BOOTSTRAP, .deadline_s = 45 };

	(void)snprintf(order.capture_id, sizeof order.capture_id, "%08x-2222-4333-8444-555555555555", (unsigned)number);
	order.grace_until_ns = (1700000000 + (int64_t)number) * 1000000000;
	return order;
}

static struct parcel *make_parcel(const struct order *order)
{
	const struct record_origin origin = {
		.org = SPAN_LIT("acme"),
		.workspace_id = SPAN_LIT("ws-1"),
		.capture_id = span_cstr(order->capture_id),
	};
	struct parcel *parcel = parcel_new(&origin);
	struct clean_text *content = clean_text_literal("words");
	struct err err = ERR_INIT;

	assert_int_equal(parcel_add(parcel, &(struct section){ .name = "verdict", .content = content }), STATUS_OK);
	assert_int_equal(parcel_seal(parcel, &err), STATUS_OK);
	clean_text_free(content);
	return parcel;
}

/* Spools number `number` and makes it that many seconds young. */
static void put(struct spool *spool, int number)
{
	struct order order = make_order(number);
	struct parcel *parcel = make_parcel(&order);
	struct timespec times[2] = { { .tv_sec = 1700000000 + number }, { .tv_sec = 1700000000 + number } };
	struct err err = ERR_INIT;
	char path[160];

	assert_int_equal(spool_put(spool, &order, parcel, &err), STATUS_OK);
	(void)snprintf(path, sizeof path, "%s/%s.ndjson.gz", dir, order.capture_id);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	parcel_free(parcel);
}

static void check_states(const struct spool *spool, const char *expected)
{
	struct spool_list list;
	char states[SPOOL_LIST_MAX * 4] = "";
	size_t len = 0;
	struct err err = ERR_INIT;

	assert_int_equal(spool_list(spool, &list, &err), STATUS_OK);
	for (size_t i = 0; i < list.count; i++)
		len += (size_t)snprintf(states + len, sizeof states - len, "%ld%c ",
		                        strtol(list.items[i].capture_id, NULL, 16),
		                        list.items[i].state == SPOOL_REFUSED ? 'r' : 'w');
	assert_string_equal(states, expected);
}

static void spool_gives_back_the_bytes_that_were_put(void **state)
{
	struct spool spool;
	struct order order = make_order(1), found;
	struct parcel *parcel = make_parcel(&order), *loaded = NULL;
	struct err err = ERR_INIT;
	struct stat info;
	char path[160];

	(void)state;
	open_spool(&spool);
	assert_int_equal(spool_find(&spool, order.capture_id, &found), SPOOL_NONE);
	assert_int_equal(spool_put(&spool, &order, parcel, &err), STATUS_OK);
	assert_int_equal(spool_find(&spool, order.capture_id, &found), SPOOL_WAITING);
	assert_int_equal(found.grace_until_ns, order.grace_until_ns);
	assert_int_equal(spool_load(&spool, order.capture_id, &loaded, &err), STATUS_OK);
	assert_true(span_eq(parcel_gzip(parcel), parcel_gzip(loaded)));
	assert_int_equal(stat(dir, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
	(void)snprintf(path, sizeof path, "%s/%s.ndjson.gz", dir, order.capture_id);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	parcel_free(parcel);
	parcel_free(loaded);
}

static void spool_lists_oldest_first_and_drops(void **state)
{
	struct spool spool;
	struct order found;

	(void)state;
	open_spool(&spool);
	put(&spool, 3);
	put(&spool, 1);
	put(&spool, 2);
	check_states(&spool, "1w 2w 3w ");
	spool_drop(&spool, make_order(2).capture_id);
	check_states(&spool, "1w 3w ");
	assert_int_equal(spool_find(&spool, make_order(2).capture_id, &found), SPOOL_NONE);
}

static void spool_set_aside_is_kept_with_its_order(void **state)
{
	struct spool spool;
	struct order found;
	struct parcel *parcel;
	struct err err = ERR_INIT;

	(void)state;
	open_spool(&spool);
	put(&spool, 5);
	spool_set_aside(&spool, make_order(5).capture_id);
	check_states(&spool, "5r ");
	assert_int_equal(spool_find(&spool, make_order(5).capture_id, &found), SPOOL_REFUSED);
	assert_int_equal(found.grace_until_ns, make_order(5).grace_until_ns);
	assert_int_equal(spool_load(&spool, make_order(5).capture_id, &parcel, &err), STATUS_NOT_FOUND);
	/* An operator's retry brings a new capture in its place. */
	put(&spool, 5);
	check_states(&spool, "5w ");
}

static void spool_full_removes_the_oldest_refused_then_the_oldest_waiting(void **state)
{
	struct spool spool;

	(void)state;
	open_spool(&spool);
	for (int i = 1; i <= LIMIT_SPOOL_BUNDLES; i++)
		put(&spool, i);
	spool_set_aside(&spool, make_order(4).capture_id);
	spool_set_aside(&spool, make_order(9).capture_id);
	put(&spool, 17);
	check_states(&spool, "1w 2w 3w 5w 6w 7w 8w 9r 10w 11w 12w 13w 14w 15w 16w 17w ");
	put(&spool, 18);
	check_states(&spool, "1w 2w 3w 5w 6w 7w 8w 10w 11w 12w 13w 14w 15w 16w 17w 18w ");
	put(&spool, 19);
	check_states(&spool, "2w 3w 5w 6w 7w 8w 10w 11w 12w 13w 14w 15w 16w 17w 18w 19w ");
	/* Putting one again replaces it and removes no other. */
	put(&spool, 19);
	check_states(&spool, "2w 3w 5w 6w 7w 8w 10w 11w 12w 13w 14w 15w 16w 17w 18w 19w ");
}

static void spool_full_of_bytes_makes_room_too(void **state)
{
	struct spool spool;
	char path[160];

	(void)state;
	open_spool(&spool);
	put(&spool, 1);
	put(&spool, 2);
	(void)snprintf(path, sizeof path, "%s/%s.ndjson.gz", dir, make_order(2).capture_id);
	assert_int_equal(truncate(path, LIMIT_SPOOL_BYTES), 0);
	put(&spool, 3);
	/* 1 is small and older, but goes first all the same; 2 alone is the whole room. */
	check_states(&spool, "3w ");
}

static void check_order(const struct spool *spool, int number)
{
	struct order found;

	(void)spool_find(spool, make_order(number).capture_id, &found);
	assert_int_equal(found.grace_until_ns, make_order(number).grace_until_ns);
}

static void spool_clears_what_a_crash_left_half_written(void **state)
{
	struct spool spool;
	static const char *const names[] = {
		"00000001-2222-4333-8444-555555555555.ndjson.gz.a1B2c3",
		"00000001-2222-4333-8444-555555555555.order.json.a1B2c3",
		"00000003-2222-4333-8444-555555555555.order.json",
		"not-ours.ndjson.gz.a1B2c3",
	};
	char paths[4][160];
	struct err err = ERR_INIT;

	(void)state;
	open_spool(&spool);
	put(&spool, 2);
	spool_set_aside(&spool, make_order(2).capture_id);
	put(&spool, 4);
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(paths[i], sizeof paths[i], "%s/%s", dir, names[i]);
		assert_int_equal(file_write_atomic(paths[i], SPAN_LIT("x"), 0600, &err), STATUS_OK);
	}
	open_spool(&spool);
	assert_int_not_equal(access(paths[0], F_OK), 0);
	assert_int_not_equal(access(paths[1], F_OK), 0);
	assert_int_not_equal(access(paths[2], F_OK), 0);
	assert_int_equal(access(paths[3], F_OK), 0);
	check_states(&spool, "2r 4w ");
	check_order(&spool, 2);
	check_order(&spool, 4);
	assert_int_equal(unlink(paths[3]), 0);
}

static void spool_never_leaves_its_folder(void **state)
{
	struct spool spool;
	struct order found;
	struct parcel *parcel;
	struct err err = ERR_INIT;

	(void)state;
	open_spool(&spool);
	assert_int_equal(spool_find(&spool, "../../../../etc/passwd", &found), SPOOL_NONE);
	assert_int_equal(spool_load(&spool, "../x", &parcel, &err), STATUS_INVALID);
	spool_drop(&spool, "../x");
	spool_set_aside(&spool, "../x");
}

#define SPOOL_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPOOL_TEST(spool_gives_back_the_bytes_that_were_put),
		SPOOL_TEST(spool_lists_oldest_first_and_drops),
		SPOOL_TEST(spool_set_aside_is_kept_with_its_order),
		SPOOL_TEST(spool_full_removes_the_oldest_refused_then_the_oldest_waiting),
		SPOOL_TEST(spool_full_of_bytes_makes_room_too),
		SPOOL_TEST(spool_clears_what_a_crash_left_half_written),
		SPOOL_TEST(spool_never_leaves_its_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
