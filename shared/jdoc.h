/*
 * jdoc: JSON documents (RFC 8259). The only file that knows jansson is jdoc.c.
 *
 * A document is a tree of reference-counted values; jdoc_free drops the root and everything below.
 * Values got from a tree are borrowed from it. Texts are UTF-8 and may hold NUL. What a tree held is wiped.
 * A tree belongs to one thread at a time.
 */
#ifndef RESCUE_SHARED_JDOC_H
#define RESCUE_SHARED_JDOC_H

#include "shared/buf.h"

struct jdoc; /* any JSON value */

/*
 * Parses exactly one JSON value with nothing but white space behind it. Duplicate keys, invalid UTF-8 and
 * lone surrogates are STATUS_INVALID, depth is bounded by jansson (2,048). The words give line and column.
 */
enum status jdoc_parse(struct span text, struct jdoc **ret_doc, struct err *err);
void jdoc_free(struct jdoc *doc);
#define JDOC_AUTO __attribute__((cleanup(jdoc_cleanup))) struct jdoc
static inline void jdoc_cleanup(struct jdoc **doc)
{
	jdoc_free(*doc);
}

/* Appends the value as compact JSON (object keys in insertion order). */
enum status jdoc_dump(const struct jdoc *doc, struct buf *out);

/* Appends the text, which is UTF-8, as a JSON string; much cheaper than a document that is dumped. */
void jdoc_dump_text(struct span text, struct buf *out);

/* Reading. NULL in gives NULL, false or the default out, so that lookups may be chained. */
bool jdoc_is_object(const struct jdoc *doc);
bool jdoc_is_array(const struct jdoc *doc);
bool jdoc_is_string(const struct jdoc *doc);
struct jdoc *jdoc_get(const struct jdoc *object, const char *key);
size_t jdoc_count(const struct jdoc *array);
struct jdoc *jdoc_at(const struct jdoc *array, size_t index);
/* Borrowed; the empty span when the value is not a string. */
struct span jdoc_text(const struct jdoc *string);
struct span jdoc_get_text(const struct jdoc *object, const char *key);
int64_t jdoc_get_int(const struct jdoc *object, const char *key, int64_t otherwise);
bool jdoc_get_bool(const struct jdoc *object, const char *key, bool otherwise);
/* Calls `each` for every member in order until it returns false. */
void jdoc_each(const struct jdoc *object, bool (*each)(void *ctx, struct span key, struct jdoc *value), void *ctx);

/* Building. NULL on out of memory, or for text that is not UTF-8. */
struct jdoc *jdoc_object(void);
struct jdoc *jdoc_array(void);
/*
 * Setting takes the value, also on failure. False when value or object is NULL or memory runs out, so that a
 * builder may write `ok = jdoc_set_…(…) && jdoc_set_…(…)` and check once.
 */
MUST_USE bool jdoc_set(struct jdoc *object, const char *key, struct jdoc *value);
MUST_USE bool jdoc_set_text(struct jdoc *object, const char *key, struct span text);
MUST_USE bool jdoc_set_cstr(struct jdoc *object, const char *key, const char *text);
MUST_USE bool jdoc_set_int(struct jdoc *object, const char *key, int64_t number);
MUST_USE bool jdoc_set_bool(struct jdoc *object, const char *key, bool value);
MUST_USE bool jdoc_set_null(struct jdoc *object, const char *key);
MUST_USE bool jdoc_push(struct jdoc *array, struct jdoc *value);
struct jdoc *jdoc_new_text(struct span text);
/* One more reference to a borrowed value, to be put into another tree. */
struct jdoc *jdoc_share(struct jdoc *value);

#endif
