/*
 * log_tail: the texts of a bootstrap-failed call, cleaned and cut to what is kept.
 *
 * They are redacted whole and cut then: a cut made first could split a secret, and half a secret is not recognised.
 * Pure. Thread: any.
 */
#ifndef RESCUE_SWEEPER_GATE_LOG_TAIL_H
#define RESCUE_SWEEPER_GATE_LOG_TAIL_H

#include "shared/redact/redact.h"

/* Appends the last (or first) `max` bytes of the clean text, cut at a UTF-8 boundary, or "(withheld: …)". */
enum status log_tail_keep_last(const struct redactor *redactor, struct span raw, size_t max, struct buf *out);
enum status log_tail_keep_first(const struct redactor *redactor, struct span raw, size_t max, struct buf *out);

#endif
