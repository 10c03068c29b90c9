/*
 * redact_fixture: one redactor with the built-in rules for a whole group of tests.
 */
#ifndef RESCUE_TESTS_UNIT_REDACT_FIXTURE_H
#define RESCUE_TESTS_UNIT_REDACT_FIXTURE_H

#include "shared/redact/redact.h"

static struct redactor *redactor;

static int setup(void **state)
{
	(void)state;
	return redactor_new(NULL, &redactor, NULL) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	redactor_free(redactor);
	return 0;
}

#endif
