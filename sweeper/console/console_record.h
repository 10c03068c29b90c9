/*
 * console_record: puts the section `console-output` behind the record that says that no agent came.
 *
 * What EC2 gave is raw text and passes the redactor; the words of a failure are ours.
 * No I/O. Thread: any.
 */
#ifndef RESCUE_SWEEPER_CONSOLE_CONSOLE_RECORD_H
#define RESCUE_SWEEPER_CONSOLE_CONSOLE_RECORD_H

#include "proto/record.h"

/*
 * `bundle_gzip` is the stored one; its records stay as they are. `redactor` may be NULL: the section says that it is
 * withheld. STATUS_INVALID when the bundle cannot be read, or has such a section already.
 */
enum status console_record_add(struct span bundle_gzip, const struct redactor *redactor, enum record_outcome outcome,
                               const struct raw_text *content, struct buf *ret_bundle_gzip, struct err *err);

#endif
