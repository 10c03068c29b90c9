#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sweeper/metrics.h"

static bool renders(const char *line)
{
	BUF_AUTO out = BUF_INIT(1 << 20);

	metrics_render(&out);
	return strstr(buf_cstr(&out), line) != NULL;
}

static void metrics_count_and_set(void **state)
{
	(void)state;
	metrics_add(METRIC_REQUESTS, "200", 1);
	metrics_add(METRIC_REQUESTS, "200", 2);
	metrics_add(METRIC_REQUESTS, "404", 1);
	metrics_set(METRIC_DATABASE_UP, "acme", 1);
	metrics_set(METRIC_DATABASE_UP, "acme", 0);
	assert_int_equal(metrics_get(METRIC_REQUESTS, "200"), 3);
	assert_int_equal(metrics_get(METRIC_REQUESTS, "404"), 1);
	assert_int_equal(metrics_get(METRIC_REQUESTS, "500"), 0);
	assert_int_equal(metrics_get(METRIC_DATABASE_UP, "acme"), 0);
}

static void metrics_render_the_prometheus_text_format(void **state)
{
	(void)state;
	metrics_add(METRIC_SWEEP_ERRORS, NULL, 1);
	metrics_add(METRIC_SHIPPED, "loki", 4);
	assert_true(renders("# TYPE rescue_shipped_total counter\nrescue_shipped_total{sink=\"loki\"} 4\n"));
	assert_true(renders("\nrescue_sweep_errors_total 1\n"));
	assert_true(renders("# TYPE rescue_held_agents gauge\nrescue_held_agents 0\n"));
}

static void metrics_escape_label_values(void **state)
{
	(void)state;
	metrics_add(METRIC_GATE_FINDINGS, "a\"b\\c\nd", 1);
	assert_true(renders("rescue_gate_findings_total{rule=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

static void metrics_bound_the_number_of_series(void **state)
{
	int64_t sum = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		char label[16];

		(void)snprintf(label, sizeof label, "s%d", i);
		metrics_add(METRIC_DENIED, label, 1);
	}
	for (int i = 0; i < 1000; i++) {
		char label[16];

		(void)snprintf(label, sizeof label, "s%d", i);
		sum += metrics_get(METRIC_DENIED, label);
	}
	assert_int_equal(sum, 256);
	assert_int_equal(metrics_get(METRIC_DENIED, "other"), 1000 - 256);
}

static void metrics_histograms_count_each_time_once_and_cumulate(void **state)
{
	(void)state;
	metrics_observe_ms(HISTOGRAM_VERDICT_TO_SHIPPED, 10);
	metrics_observe_ms(HISTOGRAM_VERDICT_TO_SHIPPED, 11);
	metrics_observe_ms(HISTOGRAM_VERDICT_TO_SHIPPED, 3600001);
	assert_true(renders("# TYPE rescue_verdict_to_shipped_seconds histogram\n"
	                    "rescue_verdict_to_shipped_seconds_bucket{le=\"0.01\"} 1\n"
	                    "rescue_verdict_to_shipped_seconds_bucket{le=\"0.025\"} 2\n"));
	assert_true(renders("_bucket{le=\"3600\"} 2\nrescue_verdict_to_shipped_seconds_bucket{le=\"+Inf\"} 3\n"
	                    "rescue_verdict_to_shipped_seconds_sum 3600.022\nrescue_verdict_to_shipped_seconds_count 3\n"));
}

static void *add_many(void *unused)
{
	for (int i = 0; i < 10000; i++)
		metrics_add(METRIC_BUNDLES, i % 2 == 0 ? "stored" : "same", 1);
	return unused;
}

static void metrics_lose_nothing_between_threads(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(metrics_get(METRIC_BUNDLES, "stored"), 20000);
	assert_int_equal(metrics_get(METRIC_BUNDLES, "same"), 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_count_and_set),
		cmocka_unit_test(metrics_render_the_prometheus_text_format),
		cmocka_unit_test(metrics_escape_label_values),
		cmocka_unit_test(metrics_bound_the_number_of_series),
		cmocka_unit_test(metrics_histograms_count_each_time_once_and_cumulate),
		cmocka_unit_test(metrics_lose_nothing_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
