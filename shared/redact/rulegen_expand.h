/*
 * rulegen_expand: the examples of builtin.rules, written out. Part of the generator, not of the library.
 */
#ifndef RESCUE_SHARED_REDACT_RULEGEN_EXPAND_H
#define RESCUE_SHARED_REDACT_RULEGEN_EXPAND_H

#include "shared/buf.h"

/*
 * "{alnum:36}" becomes 36 characters of that class, the same ones for the same example and the same draw; "\n"
 * is a newline, everything else stands for itself. False when a count is no number or the result does not fit.
 */
bool rulegen_expand(struct span text, unsigned draw, struct buf *out);

#endif
