/*
 * expression: values that stand where a secret would stand and say only where it comes from: code, a variable, a file,
 * an entry of a secret store.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_EXPRESSION_H
#define RESCUE_SHARED_REDACT_EXPRESSION_H

#include "shared/redact/verdict.h"
#include "shared/span.h"

/* "config.token", "getToken()", "&token", "$db_password": an expression that names the secret. */
bool expression_is_code(struct span value);

/* "tiger.coffee": no part names a secret or what holds settings, so that it is none where settings stand. */
bool expression_is_words(struct span value);

/* Such an expression, where a program could have written it: behind an option "$db_password" is the only one. */
bool expression_is_written(struct span text, const struct assignment *name, struct span value);

/* Of these only what no YAML would hold: "getToken()", "session['token']", "self.token". */
bool expression_is_call(struct span value);

/* What else stands behind the " = " of a program: "args[0]", "DB_PASSWORD". */
bool expression_is_assigned(struct span value);

/* "file:///run/secrets/db", "op://vault/item/field", "%(DB_PASSWORD)s": where the secret is kept. */
bool expression_is_reference(struct span value);

/*
 * A value that was read up to the first blank, with all that its first bracket holds: "$(cat /run/secrets/db)",
 * "(known after apply)". The value itself when it begins with no bracket.
 */
struct span expression_whole(struct span text, size_t start, size_t end);

#endif
