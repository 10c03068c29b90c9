/*
 * verdict: whether a value that was given to a suspicious name is a secret, and which part of it.
 *
 * Pure functions; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_VERDICT_H
#define RESCUE_SHARED_REDACT_VERDICT_H

#include "shared/redact/finding.h"
#include "shared/redact/keyname.h"
#include "shared/redact/literal.h"

/* How a value is tied to its name. */
enum assign_form {
	ASSIGN_EQUALS,   /* name=value, name := value, "name" => value */
	ASSIGN_COLON,    /* name: value */
	ASSIGN_ELEMENT,  /* <name>value</name> */
	ASSIGN_MEMBER,   /* name: N, value: V */
	ASSIGN_ARGUMENT, /* set("name", "value") */
	ASSIGN_BLANK,    /* --name value */
	ASSIGN_BLOCK,    /* name: | and deeper lines */
};

struct assignment {
	size_t start; /* of the name */
	size_t end;
	size_t outer; /* with the dashes before it */
	enum key_strength strength;
	const char *label;
	enum assign_form form;
	bool is_quoted;   /* the name stands in quotes of its own */
	bool is_flag;     /* a dash stands before it: a command line option */
	bool is_env;      /* capitals at the very start of a line */
	bool is_cell;     /* a bar stands between it and its value, as in a table */
	struct literal value;
};

/* Adds the secret part of the value, if there is one, and then sets *ret_end to where it ends. */
void verdict_add(struct span text, const struct assignment *name, struct findings *findings, size_t *ret_end);

#endif
