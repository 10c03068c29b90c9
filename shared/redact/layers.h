/*
 * layers: texts inside the text: behind colour codes, percent and \u escapes, signs beyond ASCII, base64, hexadecimal,
 * gzip. Each is undone and scanned as a job of its own; findings come back to where the text stands.
 *
 * Thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_LAYERS_H
#define RESCUE_SHARED_REDACT_LAYERS_H

#include "shared/redact/scan.h"

/* Scans the job's text without its colour codes. */
enum status layers_colours(const struct scan_job *job);

/*
 * An escape stands at `at`: scans the word around it, resolved. *ret_end is where that word ends. STATUS_WITHHELD when
 * the layers so far have used the budget up.
 */
enum status layers_escapes(const struct scan_job *job, size_t at, size_t *ret_end);

/*
 * The end of a line is written as \n at `at`: scans the quoted text around it with its lines. As layers_escapes.
 */
enum status layers_lines(const struct scan_job *job, size_t at, size_t *ret_end);

/*
 * A sign stands at `at` that is read as one of ASCII or not at all: scans the line around it in ASCII. As layers_escapes.
 */
enum status layers_signs(const struct scan_job *job, size_t at, size_t *ret_end);

/*
 * The number of a dump's line stands at `at`: scans the bytes of that line and the following ones, and masks all of them
 * when they hold a secret. *ret_end is where the last line ends.
 */
enum status layers_dump(const struct scan_job *job, size_t at, size_t *ret_end);

/*
 * Scans what the run [start, end) stands for, together with the lines that continue it, and masks all of it when
 * that holds a secret, or when it is too much to look at. *ret_end is how far it was looked at: `end`, or the end of the
 * last such line. *ret_readable: it stands for nothing but text without a secret, and so may be left.
 */
enum status layers_encoded(const struct scan_job *job, size_t start, size_t end, size_t *ret_end, bool *ret_readable);

#endif
