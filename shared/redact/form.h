/*
 * form: how a value is tied to a name, and where it may begin: NAME=value, "name": "value", <name>value</name>,
 * --name value and the like.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_FORM_H
#define RESCUE_SHARED_REDACT_FORM_H

#include "shared/redact/verdict.h"

/* A first look, which tells nearly every word of a sentence: false when form_read() could find nothing. */
bool form_is_possible(struct span text, const struct assignment *name);

/*
 * Sets the form of `name`, whose bounds are known; `at`, which is where the name ends, moves to where the value may
 * begin. False when nothing is given to the name.
 */
bool form_read(struct span text, struct assignment *name, size_t *at);

#endif
