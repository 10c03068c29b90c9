/*
 * rule: one kind of credential, known by the form in which it is issued. The table is made from builtin.rules at
 * build time by rulegen.c, which refuses a rule that is not sound.
 *
 * Thread: immutable.
 */
#ifndef RESCUE_SHARED_REDACT_RULE_H
#define RESCUE_SHARED_REDACT_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/span.h"

enum {
	RULE_MAX_KEYWORDS = 16,
	RULE_REACH = 512,      /* bytes from the keyword on that a match may cover, unless the rule says more */
	RULE_MAX_REACH = 16384,
	RULE_MAX_BACK = 128,   /* bytes before the keyword in which a match may begin */
};

/* Conditions that a match has to meet besides its pattern. */
enum rule_check {
	RULE_CHECK_DIGIT = 1,      /* holds a digit, or capitals as no name does */
	RULE_CHECK_MIXED = 2,      /* the same, and letters of both cases */
	RULE_CHECK_USERPASS = 4,   /* user:password, the password no placeholder */
	RULE_CHECK_CRC_BASE62 = 8, /* a valid CRC-32 at the end proves it, whatever its entropy (GitHub, npm) */
	RULE_CHECK_ANY = 16,       /* placeholders are masked too */
	RULE_CHECK_RANDOM = 32,    /* looks random */
	RULE_CHECK_TEXT64 = 64,    /* base64 of text */
};

struct rule {
	const char *name;
	const char *label;
	const char *keywords[RULE_MAX_KEYWORDS]; /* NULL behind the last */
	bool nocase;      /* of the keywords; the pattern says (?i) itself */
	const char *pattern;
	uint16_t reach;
	uint8_t back;
	uint8_t checks;
	uint16_t entropy; /* least, in hundredths of a bit for each byte */
};

/* One example of a rule: `text` holds a credential of this kind, or none at all. */
struct rule_example {
	const char *rule;
	bool is_secret;
	const char *text;
};

extern const struct rule rule_table[];
extern const size_t rule_count;
/* Only linked into tests. */
extern const struct rule_example rule_examples[];
extern const size_t rule_example_count;

/* Whether `secret`, which the rule's pattern found, meets the rule's conditions. */
bool rule_accepts(const struct rule *rule, struct span secret);

#endif
