/*
 * rules: the redactor that the whole process uses now, replaced as a whole when the rules are read again.
 *
 * Rules that do not load leave no redactor at all, at start and at a reload alike: then every text is withheld
 * (redact.h accepts NULL and does that). An older set is never used on, since its successor may exist because
 * the older one missed something.
 * Thread: any. A redactor lives until the last one who acquired it released it.
 */
#ifndef RESCUE_SWEEPER_RULES_H
#define RESCUE_SWEEPER_RULES_H

#include "shared/redact/redact.h"

/* Reads the rules and makes them the current ones. A failure is logged and returned, and withholds everything. */
enum status rules_load(const char *rules_dir, struct err *err);

/* The current redactor, NULL when there is none; give it back with rules_release, which accepts NULL. */
const struct redactor *rules_acquire(void);
void rules_release(const struct redactor *redactor);

/* Drops the current redactor at the end of the process. */
void rules_unload(void);

#endif
