#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>

#include <cmocka.h>

#include "ledger_fixture.h"
#include "shared/clock.h"

#define INSTANCE "i-0123456789abcdef0"
#define OTHER_INSTANCE "i-0fedcba9876543210"
#define KEY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER_KEY "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

enum { DAY_S = 86400, KEYS_AT_ONCE = 8 };

static int setup(void **state)
{
	config.enroll.max_age_s = 3600;
	return fixture_setup(state);
}

static struct ledger_identity enroll_through(struct ledger *through, const char *instance_id, const char *key_digest,
                                             int64_t age_s)
{
	struct ledger_proof proof = { .key_digest = key_digest,
		                      .pending_ns = clock_real_ns() - age_s * INT64_C(1000000000) };
	struct ledger_identity identity = { .binding = LEDGER_BOUND };
	struct err error = ERR_INIT;

	(void)snprintf(proof.instance_id, sizeof proof.instance_id, "%s", instance_id);
	if (ledger_enroll(through, &proof, &identity, &error) != STATUS_OK)
		fail_msg("%s", error.text);
	return identity;
}

static enum ledger_binding enroll(const char *instance_id, const char *key_digest, int64_t age_s)
{
	return enroll_through(ledger, instance_id, key_digest, age_s).binding;
}

static void set_status(const char *sql_value)
{
	char sql[128];

	(void)snprintf(sql, sizeof sql, "UPDATE workspaces SET status = %s", sql_value);
	(void)database_sql(sql);
}

static void enrolment_binds_the_workspace_that_names_the_instance(void **state)
{
	struct ledger_identity identity;
	int64_t count = 0;

	(void)state;
	assert_int_equal(enroll(INSTANCE, KEY, 0), LEDGER_NO_ROW);
	fixture_add(BOX, "provisioning", INSTANCE);
	fixture_add(OTHER_BOX, "provisioning", OTHER_INSTANCE);
	identity = enroll_through(ledger, INSTANCE, KEY, 0);
	assert_int_equal(identity.binding, LEDGER_BOUND);
	assert_string_equal(identity.workspace_id, BOX);
	assert_string_equal(identity.instance_id, INSTANCE);
	assert_string_equal(database_sql("SELECT key_sha256 FROM rescue.identities"), KEY);
	assert_int_equal(ledger_count_instance(ledger, INSTANCE, &count, &err), STATUS_OK);
	assert_int_equal(count, 1);
	assert_int_equal(ledger_count_instance(ledger, "i-00000000", &count, &err), STATUS_OK);
	assert_int_equal(count, 0);
}

static void enrolment_looks_at_the_age_only_until_the_key_is_known(void **state)
{
	(void)state;
	fixture_add(BOX, "provisioning", INSTANCE);
	assert_int_equal(enroll(INSTANCE, KEY, 3601), LEDGER_TOO_OLD);
	assert_int_equal(enroll(INSTANCE, KEY, -LIMIT_ENROLL_SKEW_S - 60), LEDGER_TOO_EARLY);
	assert_int_equal(enroll(INSTANCE, KEY, 3500), LEDGER_BOUND);
	assert_int_equal(enroll(INSTANCE, KEY, 30 * DAY_S), LEDGER_BOUND);
	assert_int_equal(enroll(INSTANCE, OTHER_KEY, 30 * DAY_S), LEDGER_TOO_OLD);
	/* A row that another workspace visited with a certificate made by hand is bound to no key. */
	(void)database_sql("UPDATE rescue.identities SET key_sha256 = NULL, instance_id = NULL");
	assert_int_equal(enroll(INSTANCE, OTHER_KEY, 3601), LEDGER_TOO_OLD);
	assert_int_equal(enroll(INSTANCE, OTHER_KEY, -60), LEDGER_BOUND);
}

static void enrolment_needs_a_row_that_is_booting_for_a_new_key(void **state)
{
	static const struct {
		const char *status;
		enum ledger_binding fresh, known;
	} rows[] = {
		{ "'provisioning'", LEDGER_BOUND, LEDGER_BOUND },
		{ "'failed'", LEDGER_WRONG_STATE, LEDGER_BOUND },
		{ "'awaiting_agent'", LEDGER_WRONG_STATE, LEDGER_BOUND },
		{ "NULL", LEDGER_WRONG_STATE, LEDGER_BOUND },
		{ "'online'", LEDGER_WRONG_STATE, LEDGER_OVER },
		{ "'removed'", LEDGER_WRONG_STATE, LEDGER_OVER },
	};

	(void)state;
	fixture_add(BOX, "provisioning", INSTANCE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)database_sql("DELETE FROM rescue.identities");
		set_status(rows[i].status);
		assert_int_equal(enroll(INSTANCE, KEY, 0), rows[i].fresh);
		set_status("'provisioning'");
		assert_int_equal(enroll(INSTANCE, KEY, 0), LEDGER_BOUND);
		set_status(rows[i].status);
		assert_int_equal(enroll(INSTANCE, KEY, 0), rows[i].known);
	}
}

struct contender {
	pthread_t thread;
	struct ledger *ledger;
	char key[sizeof KEY];
	enum ledger_binding binding;
};

static void *contend(void *ctx)
{
	struct contender *contender = ctx;

	contender->binding = enroll_through(contender->ledger, INSTANCE, contender->key, 0).binding;
	return NULL;
}

static void enrolment_of_many_keys_at_once_binds_exactly_one(void **state)
{
	struct contender contenders[KEYS_AT_ONCE];

	(void)state;
	fixture_add(BOX, "provisioning", INSTANCE);
	for (size_t i = 0; i < KEYS_AT_ONCE; i++) {
		assert_int_equal(ledger_new(&config, &tenant, &contenders[i].ledger), STATUS_OK);
		assert_int_equal(ledger_ping(contenders[i].ledger, &err), STATUS_OK);
		(void)snprintf(contenders[i].key, sizeof contenders[i].key, "%064zu", i);
	}
	for (int round = 0; round < 20; round++) {
		size_t bound = 0, winner = 0;

		(void)database_sql("DELETE FROM rescue.identities");
		for (size_t i = 0; i < KEYS_AT_ONCE; i++)
			assert_int_equal(pthread_create(&contenders[i].thread, NULL, contend, &contenders[i]), 0);
		for (size_t i = 0; i < KEYS_AT_ONCE; i++) {
			assert_int_equal(pthread_join(contenders[i].thread, NULL), 0);
			if (contenders[i].binding != LEDGER_BOUND) {
				assert_int_equal(contenders[i].binding, LEDGER_OTHER_KEY);
				continue;
			}
			bound++;
			winner = i;
		}
		assert_int_equal(bound, 1);
		assert_string_equal(database_sql("SELECT key_sha256 FROM rescue.identities"), contenders[winner].key);
	}
	for (size_t i = 0; i < KEYS_AT_ONCE; i++)
		ledger_free(contenders[i].ledger);
}

static enum ledger_binding renew(const char *key_digest)
{
	struct ledger_identity identity;

	assert_int_equal(ledger_renew_identity(ledger, SPAN_LIT(BOX), key_digest, &identity, &err), STATUS_OK);
	return identity.binding;
}

static void renewal_is_for_the_bound_key_on_the_same_instance(void **state)
{
	(void)state;
	fixture_add(BOX, "provisioning", INSTANCE);
	assert_int_equal(renew(KEY), LEDGER_NO_ROW);
	assert_int_equal(enroll(INSTANCE, KEY, 0), LEDGER_BOUND);
	assert_int_equal(renew(KEY), LEDGER_BOUND);
	assert_int_equal(renew(OTHER_KEY), LEDGER_OTHER_KEY);
	set_status("'online'");
	assert_int_equal(renew(KEY), LEDGER_WRONG_STATE);
	set_status("'failed'");
	assert_int_equal(renew(KEY), LEDGER_BOUND);
	(void)database_sql("UPDATE workspaces SET instance_id = '" OTHER_INSTANCE "'");
	assert_int_equal(renew(KEY), LEDGER_WRONG_STATE);
	assert_int_equal(enroll(OTHER_INSTANCE, OTHER_KEY, 0), LEDGER_WRONG_STATE);
	set_status("'provisioning'");
	assert_int_equal(enroll(OTHER_INSTANCE, OTHER_KEY, 0), LEDGER_BOUND);
	assert_int_equal(renew(KEY), LEDGER_OTHER_KEY);
}

static void certificates_are_given_while_a_capture_is_open(void **state)
{
	(void)state;
	(void)fixture_order(BOX, INSTANCE);
	set_status("'provisioning'");
	assert_int_equal(enroll(INSTANCE, KEY, 0), LEDGER_BOUND);
	set_status("'online'");
	assert_int_equal(renew(KEY), LEDGER_BOUND);
	assert_int_equal(enroll(INSTANCE, KEY, 0), LEDGER_BOUND);
	(void)database_sql("UPDATE rescue.captures SET grace_until = now()");
	assert_int_equal(renew(KEY), LEDGER_WRONG_STATE);
	assert_int_equal(enroll(INSTANCE, KEY, 0), LEDGER_OVER);
}

static void certificates_are_noted_for_the_bound_key_only(void **state)
{
	(void)state;
	fixture_add(BOX, "provisioning", INSTANCE);
	assert_int_equal(enroll(INSTANCE, KEY, 0), LEDGER_BOUND);
	assert_int_equal(ledger_identity_issued(ledger, BOX, KEY, "fingerprint", 2000000000, &err), STATUS_OK);
	assert_string_equal(database_sql("SELECT fingerprint || extract(epoch FROM not_after)::bigint"
	                                 " FROM rescue.identities"), "fingerprint2000000000");
	assert_int_equal(ledger_identity_issued(ledger, BOX, OTHER_KEY, "other", 2000000000, &err), STATUS_CONFLICT);
}

static void conflicts_become_one_event_in_ten_minutes(void **state)
{
	struct ledger_identity identity = { .workspace_id = BOX, .instance_id = INSTANCE };

	(void)state;
	fixture_add(BOX, "provisioning", INSTANCE);
	assert_int_equal(enroll(INSTANCE, KEY, 0), LEDGER_BOUND);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ledger_identity_conflict(ledger, &identity, OTHER_KEY, "192.0.2.1:7", &err), STATUS_OK);
	assert_string_equal(database_sql("SELECT count(*) || min(payload->>'key_sha256') FROM rescue.events WHERE event_type"
	                                 " = 'WORKSPACE_IDENTITY_CONFLICT'"), "1" OTHER_KEY);
	assert_string_equal(database_sql("SELECT count(*) FROM structure_events"), "1");
	(void)database_sql("UPDATE rescue.identities SET refused_at = now() - interval '11 minutes'");
	assert_int_equal(ledger_identity_conflict(ledger, &identity, OTHER_KEY, "192.0.2.1:7", &err), STATUS_OK);
	assert_string_equal(database_sql("SELECT count(*) FROM structure_events"), "2");
}

static void keep_event(void *ctx, const struct ledger_event *event)
{
	buf_append_span(ctx, event->json);
}

static void conflicts_go_to_the_channel_and_to_the_webhook_like_verdicts(void **state)
{
	struct ledger_identity identity = { .workspace_id = BOX, .instance_id = INSTANCE };
	BUF_AUTO posted = BUF_INIT(4096);
	PGnotify *notice;

	(void)state;
	fixture_add(BOX, "provisioning", INSTANCE);
	assert_int_equal(enroll(INSTANCE, KEY, 0), LEDGER_BOUND);
	(void)database_sql("LISTEN rescue_events");
	assert_int_equal(ledger_identity_conflict(ledger, &identity, OTHER_KEY, "192.0.2.1:7", &err), STATUS_OK);
	(void)database_sql("UNLISTEN rescue_events");
	notice = PQnotifies(database_admin);
	assert_non_null(notice);
	assert_non_null(strstr(notice->extra, "WORKSPACE_IDENTITY_CONFLICT"));
	PQfreemem(notice);
	assert_int_equal(ledger_claim_events(ledger, "owner", 60, 10, keep_event, &posted, &err), STATUS_OK);
	assert_non_null(strstr(buf_cstr(&posted), "\"event_type\" : \"WORKSPACE_IDENTITY_CONFLICT\""));
	assert_non_null(strstr(buf_cstr(&posted), "\"capture_id\" : null"));
}

static void reset_frees_the_identity_once_and_is_an_event(void **state)
{
	(void)state;
	fixture_add(BOX, "provisioning", INSTANCE);
	assert_int_equal(ledger_identity_reset(ledger, SPAN_LIT(BOX), "op", "192.0.2.1:7", &err), STATUS_NOT_FOUND);
	assert_int_equal(enroll(INSTANCE, KEY, 0), LEDGER_BOUND);
	assert_int_equal(enroll(INSTANCE, OTHER_KEY, 0), LEDGER_OTHER_KEY);
	assert_int_equal(ledger_identity_reset(ledger, SPAN_LIT(BOX), "op", "192.0.2.1:7", &err), STATUS_OK);
	assert_int_equal(ledger_identity_reset(ledger, SPAN_LIT(BOX), "op", "192.0.2.1:7", &err), STATUS_NOT_FOUND);
	assert_int_equal(renew(KEY), LEDGER_NO_ROW);
	assert_int_equal(enroll(INSTANCE, OTHER_KEY, 0), LEDGER_BOUND);
	assert_string_equal(database_sql("SELECT (payload->>'operator') || (payload->>'key_sha256') FROM rescue.events"
	                                 " WHERE event_type = 'WORKSPACE_IDENTITY_RESET'"), "op" KEY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(enrolment_binds_the_workspace_that_names_the_instance),
		TEST(enrolment_looks_at_the_age_only_until_the_key_is_known),
		TEST(enrolment_needs_a_row_that_is_booting_for_a_new_key),
		TEST(enrolment_of_many_keys_at_once_binds_exactly_one),
		TEST(renewal_is_for_the_bound_key_on_the_same_instance),
		TEST(certificates_are_given_while_a_capture_is_open),
		TEST(certificates_are_noted_for_the_bound_key_only),
		TEST(conflicts_become_one_event_in_ten_minutes),
		TEST(conflicts_go_to_the_channel_and_to_the_webhook_like_verdicts),
		TEST(reset_frees_the_identity_once_and_is_an_event),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
