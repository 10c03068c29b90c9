/*
 * keyname: does a name say that its value is a secret?
 *
 * A name is cut into words at signs and at camel humps; the last word that means something decides:
 * GITHUB_TOKEN is a secret, GITHUB_TOKEN_PROD too, token_type and tokenizer are not.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_KEYNAME_H
#define RESCUE_SHARED_REDACT_KEYNAME_H

#include <stdbool.h>

#include "shared/span.h"

enum key_strength {
	KEY_NONE,
	KEY_PUBLIC, /* its value is no secret, however random it looks: public_key, key_id, token_hash */
	KEY_WEAK,   /* could be one: the value has to look like it as well */
	KEY_STRONG, /* whatever stands there is masked, unless it is a placeholder */
};

/* *ret_label is a literal ("API_KEY") when the result is KEY_WEAK or KEY_STRONG. */
enum key_strength keyname_judge(struct span name, const char **ret_label);

/* What was thought of the names of one text, which repeats a few of them. Zeroed at first; borrows the names. */
enum { KEYNAME_MEMO = 32 };

struct keyname_memo {
	struct {
		struct span name;
		enum key_strength strength;
		const char *label;
	} slots[KEYNAME_MEMO];
};

/* As keyname_judge; a name that stands in the memo is not judged again. */
enum key_strength keyname_recall(struct keyname_memo *memo, struct span name, const char **ret_label);

/* Three or more bytes that every name with a meaning holds: what the prefilter looks for. NULL ends the list. */
const char *const *keyname_stems(void);

/* "acme_key", "acmeKey" and not "key". */
bool keyname_is_compound(struct span name);

/* "DB_PASSWORD": nobody writes so in a sentence. */
bool keyname_is_variable(struct span name);

#endif
