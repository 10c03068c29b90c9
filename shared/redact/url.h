/*
 * url: credentials in the authority of a URL of any scheme (RFC 3986 section 3.2.1).
 *
 * Pure; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_URL_H
#define RESCUE_SHARED_REDACT_URL_H

#include "shared/redact/finding.h"
#include "shared/span.h"

/* "://" stands at `at`: adds the password, or the user when it is a token. */
void url_find(struct span text, size_t at, struct findings *findings);

/* [start, end) is the user of a URL whose password url_find() finds: "https://token:…@host". */
bool url_is_user(struct span text, size_t start, size_t end);

#endif
