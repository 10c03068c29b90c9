/*
 * member: where the value of a name stands when neither follows the other: {"value": "…", "name": "DB_PASSWORD"},
 * <name>password</name><value>…</value>, "db_password": {"type": "string", "value": "…"}, "--password" over its value.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_MEMBER_H
#define RESCUE_SHARED_REDACT_MEMBER_H

#include "shared/redact/verdict.h"

/* An object is looked at no further than so many bytes to either side of the name. */
enum { MEMBER_MAX_OBJECT = 2048 };

/*
 * The name is itself the value of a key such as "name": *ret_at is where the value of the key "value" begins, before or
 * behind it in the same object, the same item of a list, the same tag or the next element. False when there is none.
 */
bool member_beside(struct span text, const struct assignment *name, size_t *ret_at);

/* An object or a tag begins at `at`, where the value should: *ret_at is where the value in it begins. */
bool member_inside(struct span text, size_t at, size_t *ret_at);

/* An option is all of its line: *ret_at is where the only word of the next line begins, in the same column. */
bool member_below(struct span text, const struct assignment *name, size_t *ret_at);

#endif
