/*
 * redact: bytes of a box in, text that may leave it out. It stands between collect and spool on the box,
 * and once more between receive and store at the gate.
 *
 * It fails closed: when a rule does not compile, a match limit is hit, memory runs out, the output would be
 * larger than its cap, or anything else leaves a doubt, the result is STATUS_WITHHELD and no text at all.
 * A masked place reads [REDACTED:<LABEL>]. Bytes that are not UTF-8, and NUL, become U+FFFD.
 *
 * Where a name says that its value is a secret, the name stays and the value goes:
 *   export OPENAI_API_KEY=sk-… gives export OPENAI_API_KEY=[REDACTED:API_KEY]
 * with one exception: a text that is one environment assignment in capitals and nothing else, but for a newline
 * at its end, is replaced whole: OPENAI_API_KEY=sk-… gives [REDACTED:API_KEY]. There the name is the message of
 * nobody's log; it only tells what the label says as well.
 *
 * Thread: a struct redactor is immutable once it is ready and may be used by many threads at once; each call
 * makes its own working memory. Known values are added before the first use.
 */
#ifndef RESCUE_SHARED_REDACT_REDACT_H
#define RESCUE_SHARED_REDACT_REDACT_H

#include "shared/redact/text.h"

struct redactor;

struct redact_options {
	const char *rules_dir; /* site rules, *.yaml; NULL or a folder that does not exist: none */
};

/*
 * Compiles every rule. STATUS_INVALID names file and line of a bad site rule; STATUS_NO_MEMORY.
 * *ret_redactor is NULL on failure. All functions below accept a NULL redactor and then withhold, so a
 * program whose rules do not load still runs and ships nothing but withheld records.
 */
enum status redactor_new(const struct redact_options *options, struct redactor **ret_redactor, struct err *err);
void redactor_free(struct redactor *redactor);

/*
 * Makes every later occurrence of `value` in a text a finding, wherever it stands. Values under 6 bytes are
 * ignored. The redactor keeps its own copy, wiped when it is freed. `label` is a literal, as "KNOWN_VALUE".
 */
enum status redactor_add_value(struct redactor *redactor, struct span value, const char *label);

/*
 * The same for whatever in `text` is a secret to the finders (a token, a URL's password), under the label that they
 * give it; and for the value of a variable, as a whole and in its lines when the name says that it is a secret.
 */
enum status redactor_learn(struct redactor *redactor, struct span text);
enum status redactor_learn_variable(struct redactor *redactor, struct span name, struct span value);

/* How many values it knows by now. */
size_t redactor_known_count(const struct redactor *redactor);

/*
 * Redacts `raw`. On STATUS_OK *ret_text is owned by the caller. On any other result *ret_text is NULL, the status
 * is STATUS_WITHHELD and `err` has a reason without content.
 */
enum status redact_text(const struct redactor *redactor, const struct raw_text *raw, struct clean_text **ret_text,
                        struct err *err);

/* The same for bytes that are in memory anyway: error texts, host names, metadata. */
enum status redact_span(const struct redactor *redactor, struct span bytes, struct clean_text **ret_text,
                        struct err *err);

/*
 * Numbers for the secrets of one capture, so that a reader sees where the same one stands again:
 * [REDACTED:TOKEN#3]. The numbers say nothing about the secrets. May be shared by threads.
 * redact_tags_new gives NULL on out of memory.
 */
struct redact_tags;

struct redact_tags *redact_tags_new(void);
void redact_tags_free(struct redact_tags *tags);

/* As redact_text, with numbers from `tags`; NULL gives none. */
enum status redact_text_tagged(const struct redactor *redactor, struct redact_tags *tags, const struct raw_text *raw,
                               struct clean_text **ret_text, struct err *err);

/* One masked place. Line and column count from 1 in the text as it came, columns in bytes. */
struct redact_masking {
	const char *rule;
	const char *label;
	size_t line;
	size_t column;
};

/*
 * The receipt: every masked place of `text`, and how often each rule masked something. The list is borrowed from the
 * text, the names from the redactor that made it: ask before that is freed.
 */
size_t clean_text_maskings(const struct clean_text *text, const struct redact_masking **ret_maskings);
void clean_text_each_rule(const struct clean_text *text, void (*each)(void *ctx, const char *rule, size_t count),
                          void *ctx);

/*
 * A text that is ours alone: a string literal such as "(no env)" or a name from our own tables. For nothing
 * that was read, computed from input, or received. NULL on out of memory.
 */
struct clean_text *clean_text_literal(const char *literal);

#endif
