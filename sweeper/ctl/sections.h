/*
 * sections: the records of one bundle put together to whole sections, in the order in which the sections first appear,
 * the verdict before all others.
 *
 * Takes what there is: a bundle read back from Loki may lack a part or hold one twice. proto/bundle.h is the strict
 * reader. No I/O. Thread: one at a time.
 */
#ifndef RESCUE_SWEEPER_CTL_SECTIONS_H
#define RESCUE_SWEEPER_CTL_SECTIONS_H

#include "shared/jdoc.h"

struct section_view {
	const struct jdoc *first; /* the record of the first part that there is; borrowed from the array */
	struct buf content;       /* the parts joined */
	int64_t parts;            /* that there should be */
	int64_t missing;          /* that are not there */
};

struct sections {
	struct section_view *items;
	size_t count;
};

/* `records` is an array of records (proto/record.h) and must outlive the result. STATUS_INVALID, STATUS_NO_MEMORY. */
enum status sections_join(const struct jdoc *records, struct sections *ret_sections, struct err *err);
void sections_done(struct sections *sections);

/* The sum of the sections' redactions. */
int64_t sections_redactions(const struct sections *sections);

#endif
