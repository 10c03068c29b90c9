/*
 * section: the result that every collector fills in, and the sections that are files.
 *
 * A collector gets a result that section_init has made ready, runs in a thread of its own, and must leave either
 * content or words in it. Whatever fails is told in the content, since that is what a reader sees.
 */
#ifndef RESCUE_AGENT_COLLECT_SECTION_H
#define RESCUE_AGENT_COLLECT_SECTION_H

#include "agent/collect/plan.h"
#include "proto/record.h"

struct section_result {
	enum record_outcome outcome;
	struct raw_text content;
};

void section_init(struct section_result *result);
void section_done(struct section_result *result);

/* Replaces the content by words of ours, as "(no env)". */
void section_set(struct section_result *result, enum record_outcome outcome, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * What became of reading: OK or TRUNCATED with the content that is there, ABSENT with `absent` for
 * STATUS_NOT_FOUND, else ERROR with the words of `err`.
 */
void section_finish(struct section_result *result, enum status status, bool is_cut, const char *absent,
                    const struct err *err);

/* The sections that are files (design section 5). */
void section_config(const struct plan *plan, struct section_result *result);
void section_system_prompt(const struct plan *plan, struct section_result *result);
void section_cloud_init_output(const struct plan *plan, struct section_result *result);
void section_cloud_init_status(const struct plan *plan, struct section_result *result);
void section_extra(const struct plan *plan, const struct plan_extra *extra, struct section_result *result);

#endif
