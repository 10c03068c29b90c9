/*
 * substitute: the small record that goes in place of one that a sink refuses for what it is, so that a reader
 * sees that something was there, how big it was, and why it is not here.
 *
 * The same record and reason give the same bytes, so that pushing it again is the same entry.
 */
#ifndef RESCUE_SWEEPER_SHIP_SUBSTITUTE_H
#define RESCUE_SWEEPER_SHIP_SUBSTITUTE_H

#include "proto/record.h"

/*
 * Appends the record without a newline: all fields as in `line`, but outcome "error", a content that names the
 * sink's reason, and, where the record is its section's only part, the sha256 of that content. Otherwise the sha256
 * stays that of the section's true content. `reason` is a text of ours.
 */
enum status substitute_make(struct span line, const char *reason, struct buf *ret_line, struct err *err);

#endif
