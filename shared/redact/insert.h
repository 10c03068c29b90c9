/*
 * insert: secrets among the rows that SQL puts into a table, by the names of its columns: INSERT INTO t (a, b) VALUES
 * ('…', '…'), and the rows below COPY t (a, b) FROM stdin.
 *
 * Pure; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_INSERT_H
#define RESCUE_SHARED_REDACT_INSERT_H

#include "shared/redact/finding.h"
#include "shared/span.h"

/* The bracket that ends the list of columns stands at `at`. *ret_end is how far the rows were read. */
void insert_find(struct span text, size_t at, struct findings *findings, size_t *ret_end);

#endif
