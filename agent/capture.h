/*
 * capture: one step from an order to a sealed parcel: collect, redact, put into records. It is the only place where
 * raw text and clean text meet on the box.
 *
 * Every capture makes its redactor anew, so that site rules and the box's own secret values are those of the
 * moment, and frees it again, so that an idle agent is small. Without a redactor nothing is read, and the parcel
 * holds nothing but withheld records.
 * Thread: the caller's; collect starts its own. fetch_global_init has run.
 */
#ifndef RESCUE_AGENT_CAPTURE_H
#define RESCUE_AGENT_CAPTURE_H

#include "agent/collect/collect.h"
#include "agent/parcel.h"
#include "proto/identity.h"

/* What became of one section, for the verdict and for a person at a terminal. */
struct capture_row {
	char name[LIMIT_SECTION_NAME + 1];
	enum record_outcome outcome;
	size_t bytes;      /* of its content after redaction */
	size_t redactions;
	int64_t took_ms;   /* to collect it */
};

/* How often one rule masked something in one section. */
struct capture_receipt {
	size_t row;
	char rule[48]; /* cut off when it is longer */
	size_t count;
};

enum { CAPTURE_RECEIPTS = 256 };

struct capture_table {
	struct capture_row rows[LIMIT_SECTIONS]; /* in the bundle's order, without the verdict */
	size_t count;
	struct capture_receipt receipts[CAPTURE_RECEIPTS]; /* in the order of the rows */
	size_t receipt_count;
	bool has_more_receipts;
	struct collect_known known;
	bool withheld;   /* at least one section, or the verdict, was withheld */
	bool early_done; /* the early capture went along, or will never be able to */
};

/*
 * The parcel is not sealed yet. `early_fd` is an early capture whose sections go along (early.h), or -1. `ret_table` may
 * be NULL. Fails only for want of memory; what fails on the box is told by the sections.
 */
enum status capture_run(const struct agent_config *config, const struct identity *identity, const struct order *order,
                        int early_fd, struct parcel **ret_parcel, struct capture_table *ret_table, struct err *err);

#endif
