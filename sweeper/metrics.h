/*
 * metrics: the numbers behind GET /metrics (Prometheus text format 0.0.4). One table in metrics.c names and
 * documents them all.
 *
 * Process-wide. Thread: any; updates are atomic and never block a loop.
 */
#ifndef RESCUE_SWEEPER_METRICS_H
#define RESCUE_SWEEPER_METRICS_H

#include "shared/buf.h"

/* Metrics without labels, and the label a labelled one has. The table in metrics.c is in this order. */
enum metric {
	METRIC_VERDICTS,              /* counter, reason */
	METRIC_SWEEP_ERRORS,          /* counter */
	METRIC_SWEEP_LAST_SUCCESS,    /* gauge, seconds since 1970 */
	METRIC_CONNECTIONS,           /* gauge: open on the gate */
	METRIC_CONNECTIONS_TOTAL,     /* counter */
	METRIC_CONNECTIONS_CLOSED,    /* counter, cause */
	METRIC_HANDSHAKES,            /* counter, result */
	METRIC_REQUESTS,              /* counter, code */
	METRIC_DENIED,                /* counter, cause */
	METRIC_ENROLMENTS,            /* counter, result: issued, renewed, or why not */
	METRIC_HELD,                  /* gauge: agents waiting for an order */
	METRIC_ORDERS_DELIVERED,      /* counter */
	METRIC_BUNDLES,               /* counter, result: stored, same, conflict, refused */
	METRIC_SECTIONS,              /* counter, outcome: of the sections of stored bundles */
	METRIC_GATE_FINDINGS,         /* counter, rule */
	METRIC_UNREACHABLE,           /* counter */
	METRIC_CONSOLES,              /* counter, result: output, none, refused, later */
	METRIC_SHIPPED,               /* counter, sink */
	METRIC_SHIP_ERRORS,           /* counter, sink */
	METRIC_POISONED,              /* counter, sink: records set aside */
	METRIC_BACKLOG,               /* gauge, org: stored and not yet shipped */
	METRIC_BACKLOG_AGE,           /* gauge, org: seconds of the oldest of them */
	METRIC_EVENTS_DELIVERED,      /* counter */
	METRIC_EVENT_ERRORS,          /* counter */
	METRIC_DATABASE_UP,           /* gauge, org */
	METRIC_CLOCK_SKEW,            /* gauge, org: this machine's clock less the database's, seconds */
	METRIC_COUNT
};

/* Times, each with the same buckets from 10 ms to an hour. */
enum metric_histogram {
	HISTOGRAM_VERDICT_TO_SHIPPED, /* from the flip until every sink has the bundle; a retry counts from the flip, too */
	HISTOGRAM_COUNT
};

/* `label` is the value of the metric's one label, NULL for a metric without. Unknown new values make new series. */
void metrics_add(enum metric metric, const char *label, int64_t by);
void metrics_set(enum metric metric, const char *label, int64_t value);
void metrics_observe_ms(enum metric_histogram histogram, int64_t ms);
/* The value now, 0 for a series that does not exist; for tests and readiness. */
int64_t metrics_get(enum metric metric, const char *label);
void metrics_render(struct buf *out);

#endif
