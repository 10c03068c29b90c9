/*
 * verdict: the first section of a bundle: what the rest is about, in lines that a person reads first.
 *
 * Words of the box are redacted one by one, and the finished text once more as a whole.
 * Thread: any; nothing is shared.
 */
#ifndef RESCUE_AGENT_VERDICT_H
#define RESCUE_AGENT_VERDICT_H

#include "agent/capture.h"
#include "agent/collect/collect.h"

/*
 * `ordered_ns` is when the order was sent by the sweeper's clock, 0 when it is not known; the capture began right after
 * it came. STATUS_WITHHELD when the redactor cannot vouch for it, or STATUS_NO_MEMORY.
 */
enum status verdict_make(const struct redactor *redactor, const struct record_origin *origin,
                         int64_t ordered_ns, const struct collect_facts *facts, const struct capture_table *table,
                         struct clean_text **ret_text, struct err *err);

#endif
