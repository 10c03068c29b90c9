/*
 * header: values of HTTP's Authorization and Cookie (RFC 9110, RFC 6265), which hold blanks and begin with a scheme.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_HEADER_H
#define RESCUE_SHARED_REDACT_HEADER_H

#include "shared/redact/verdict.h"

bool header_is(const struct assignment *name);

/* Makes `value`, which is what follows the name, end where the header's does, and begin behind the scheme, which stays. */
void header_take(struct span text, const struct assignment *name, struct literal *value);

/* "Authorization: token k3…": no sentence names a scheme and goes on with one word that holds a digit. */
bool header_is_behind_scheme(const struct assignment *name, size_t start, struct span value);

#endif
