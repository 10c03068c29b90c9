/*
 * pattern: a compiled regular expression (PCRE2, byte mode) and its bounded use. Only pattern.c knows PCRE2.
 *
 * Thread: a pattern is immutable and may be used by many threads; a matcher belongs to one call.
 */
#ifndef RESCUE_SHARED_REDACT_PATTERN_H
#define RESCUE_SHARED_REDACT_PATTERN_H

#include "shared/span.h"
#include "shared/status.h"

struct pattern;
struct matcher;

struct pattern_hit {
	size_t start; /* of group 1 when the pattern has one that took part, else of the whole match */
	size_t end;
	size_t match_end;
};

/*
 * Compiles `source`. `anchored`: a match begins exactly where it is looked for.
 * STATUS_INVALID says at which offset it is wrong, STATUS_NO_MEMORY. Where the machine refuses executable
 * memory the pattern is interpreted instead: slower, the same result.
 */
enum status pattern_new(const char *source, bool anchored, struct pattern **ret_pattern, struct err *err);
void pattern_free(struct pattern *pattern);

/* NULL on out of memory. */
struct matcher *matcher_new(void);
void matcher_free(struct matcher *matcher);

/*
 * Looks for a match that starts in [from, last]. Bytes of `text` before `from` are seen by lookbehind only.
 * STATUS_NOT_FOUND, or STATUS_WITHHELD when a match limit was hit or PCRE2 failed in any other way.
 */
enum status pattern_find(const struct pattern *pattern, struct matcher *matcher, struct span text, size_t from,
                         size_t last, struct pattern_hit *ret_hit);

#endif
