#include "sweeper/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shared/config.h"

/* A label value that comes from outside must not grow the table without end: further ones are counted here. */
enum { MAX_SERIES = 256 };
#define OVERFLOW_LABEL "other"

struct metric_about {
	const char *name;
	const char *label; /* NULL: none */
	const char *help;
	bool gauge;
};

static const struct metric_about abouts[METRIC_COUNT] = {
	[METRIC_VERDICTS] = { "rescue_verdicts_total", "reason", "Workspaces flipped to failed.", false },
	[METRIC_SWEEP_ERRORS] = { "rescue_sweep_errors_total", NULL, "Sweeps that failed.", false },
	[METRIC_SWEEP_LAST_SUCCESS] = { "rescue_sweep_last_success_timestamp_seconds", NULL,
	                                "When a sweep last succeeded, seconds since 1970.", true },
	[METRIC_CONNECTIONS] = { "rescue_connections", NULL, "Connections open on the gate.", true },
	[METRIC_CONNECTIONS_TOTAL] = { "rescue_connections_total", NULL, "Connections accepted on the gate.", false },
	[METRIC_CONNECTIONS_CLOSED] = { "rescue_connections_closed_total", "cause", "Connections closed, by cause.", false },
	[METRIC_HANDSHAKES] = { "rescue_handshakes_total", "result", "TLS handshakes, by result.", false },
	[METRIC_REQUESTS] = { "rescue_requests_total", "code", "Requests answered, by HTTP status.", false },
	[METRIC_DENIED] = { "rescue_denied_total", "cause", "Requests refused for the identity of the caller.", false },
	[METRIC_ENROLMENTS] = { "rescue_enrolments_total", "result", "Certificates asked for by boxes, by result.", false },
	[METRIC_HELD] = { "rescue_held_agents", NULL, "Agents waiting for an order.", true },
	[METRIC_ORDERS_DELIVERED] = { "rescue_orders_delivered_total", NULL, "Orders given to agents.", false },
	[METRIC_BUNDLES] = { "rescue_bundles_total", "result", "Uploads: stored, same, conflict or refused.", false },
	[METRIC_SECTIONS] = { "rescue_sections_total", "outcome", "Sections of stored bundles, by outcome.", false },
	[METRIC_GATE_FINDINGS] = { "rescue_gate_findings_total", "rule",
	                           "Secrets that only the second redaction found.", false },
	[METRIC_UNREACHABLE] = { "rescue_unreachable_total", NULL, "Captures for which no agent came.", false },
	[METRIC_CONSOLES] = { "rescue_console_outputs_total", "result",
	                      "Questions for a box's console output, by result.", false },
	[METRIC_SHIPPED] = { "rescue_shipped_total", "sink", "Bundles a sink took.", false },
	[METRIC_SHIP_ERRORS] = { "rescue_ship_errors_total", "sink", "Attempts at shipping that failed.", false },
	[METRIC_POISONED] = { "rescue_poisoned_records_total", "sink", "Records a sink will never take, set aside.", false },
	[METRIC_BACKLOG] = { "rescue_backlog_bundles", "org", "Bundles stored and not yet shipped.", true },
	[METRIC_BACKLOG_AGE] = { "rescue_backlog_age_seconds", "org", "Age of the oldest bundle not yet shipped.", true },
	[METRIC_EVENTS_DELIVERED] = { "rescue_events_delivered_total", NULL, "Events the webhook took.", false },
	[METRIC_EVENT_ERRORS] = { "rescue_event_errors_total", NULL, "Attempts at the webhook that failed.", false },
	[METRIC_CLOCK_SKEW] = { "rescue_clock_skew_seconds", "org", "This machine's clock less the tenant's database's.", true },
	[METRIC_DATABASE_UP] = { "rescue_database_up", "org", "1 when the tenant's database answered last.", true },
};

/* Series are only ever put in front and never taken away, so that readers need no lock. */
struct series {
	struct series *next;
	_Atomic int64_t value;
	char label[]; /* "" without */
};

static struct {
	_Atomic(struct series *) first;
	_Atomic unsigned count;
} table[METRIC_COUNT];

static const struct {
	const char *name, *help;
} histogram_abouts[HISTOGRAM_COUNT] = {
	[HISTOGRAM_VERDICT_TO_SHIPPED] = { "rescue_verdict_to_shipped_seconds",
	                                   "From the verdict until every sink has the bundle." },
};

/* Upper bounds, inclusive, and how Prometheus writes them. What is above the last is only in +Inf. */
static const struct {
	int64_t ms;
	const char *le;
} bounds[] = {
	{ 10, "0.01" },   { 25, "0.025" },  { 50, "0.05" },  { 100, "0.1" },   { 250, "0.25" },
	{ 500, "0.5" },   { 1000, "1" },    { 2500, "2.5" }, { 5000, "5" },    { 10000, "10" },
	{ 30000, "30" },  { 60000, "60" },  { 300000, "300" }, { 3600000, "3600" },
};

static struct {
	_Atomic int64_t counts[ARRAY_LEN(bounds) + 1]; /* each value in one of them; the last one is above every bound */
	_Atomic int64_t sum_ms;
} histograms[HISTOGRAM_COUNT];

static struct series *find(enum metric metric, const char *label)
{
	struct series *series = atomic_load(&table[metric].first);

	while (series != NULL && strcmp(series->label, label) != 0)
		series = series->next;
	return series;
}

/* NULL only when memory runs out: a number is lost then, and nothing else. */
static struct series *find_or_add(enum metric metric, const char *label)
{
	struct series *series, *fresh;
	size_t size;

	if (label == NULL || abouts[metric].label == NULL)
		label = "";
	series = find(metric, label);
	if (series != NULL)
		return series;
	if (atomic_fetch_add(&table[metric].count, 1) >= MAX_SERIES)
		label = OVERFLOW_LABEL;
	size = strlen(label) + 1;
	fresh = calloc(1, sizeof *fresh + size);
	if (fresh == NULL)
		return NULL;
	memcpy(fresh->label, label, size);
	fresh->next = atomic_load(&table[metric].first);
	for (;;) {
		/* Somebody may have put the same series there meanwhile. */
		series = find(metric, label);
		if (series != NULL) {
			free(fresh);
			return series;
		}
		if (atomic_compare_exchange_strong(&table[metric].first, &fresh->next, fresh))
			return fresh;
	}
}

void metrics_add(enum metric metric, const char *label, int64_t by)
{
	struct series *series = find_or_add(metric, label);

	if (series != NULL)
		atomic_fetch_add(&series->value, by);
}

void metrics_set(enum metric metric, const char *label, int64_t value)
{
	struct series *series = find_or_add(metric, label);

	if (series != NULL)
		atomic_store(&series->value, value);
}

int64_t metrics_get(enum metric metric, const char *label)
{
	struct series *series = find(metric, label == NULL ? "" : label);

	return series == NULL ? 0 : atomic_load(&series->value);
}

/* The text format's escapes of a label value: backslash, quote and newline. */
static void append_label_value(struct buf *out, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			buf_append_byte(out, '\\');
		if (*value == '\n')
			buf_append_cstr(out, "\\n");
		else
			buf_append_byte(out, (uint8_t)*value);
	}
}

void metrics_observe_ms(enum metric_histogram histogram, int64_t ms)
{
	size_t at = 0;

	if (ms < 0)
		ms = 0;
	while (at < ARRAY_LEN(bounds) && ms > bounds[at].ms)
		at++;
	atomic_fetch_add(&histograms[histogram].counts[at], 1);
	atomic_fetch_add(&histograms[histogram].sum_ms, ms);
}

static void render_histogram(size_t at, struct buf *out)
{
	const char *name = histogram_abouts[at].name;
	int64_t count = 0, sum_ms = atomic_load(&histograms[at].sum_ms);

	buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, histogram_abouts[at].help, name);
	for (size_t i = 0; i <= ARRAY_LEN(bounds); i++) {
		count += atomic_load(&histograms[at].counts[i]);
		buf_printf(out, "%s_bucket{le=\"%s\"} %" PRId64 "\n", name, i < ARRAY_LEN(bounds) ? bounds[i].le : "+Inf", count);
	}
	buf_printf(out, "%s_sum %" PRId64 ".%03" PRId64 "\n%s_count %" PRId64 "\n", name, sum_ms / 1000, sum_ms % 1000, name,
	           count);
}

static void render_metrics(struct buf *out)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const struct metric_about *about = &abouts[i];
		struct series *series = atomic_load(&table[i].first);

		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", about->name, about->help, about->name,
		           about->gauge ? "gauge" : "counter");
		/* A series without label is there from the start, so that its absence means something. */
		if (series == NULL && about->label == NULL)
			buf_printf(out, "%s 0\n", about->name);
		for (; series != NULL; series = series->next) {
			buf_append_cstr(out, about->name);
			if (about->label != NULL) {
				buf_printf(out, "{%s=\"", about->label);
				append_label_value(out, series->label);
				buf_append_cstr(out, "\"}");
			}
			buf_printf(out, " %" PRId64 "\n", atomic_load(&series->value));
		}
	}
}

void metrics_render(struct buf *out)
{
	render_metrics(out);
	for (size_t i = 0; i < HISTOGRAM_COUNT; i++)
		render_histogram(i, out);
}
