/*
 * aws_answer: what is needed of the XML in which EC2 and STS answer. Only leaf elements are looked for, by name; what a
 * document means beyond that does not matter here.
 *
 * Pure. Thread: any. Texts are borrowed from the answer.
 */
#ifndef RESCUE_SWEEPER_CONSOLE_AWS_ANSWER_H
#define RESCUE_SWEEPER_CONSOLE_AWS_ANSWER_H

#include "shared/buf.h"

enum { AWS_CODE_SIZE = 65 };

/* The text of the first element of that name. False when there is none, or it holds elements or entities. */
bool aws_answer_text(struct span body, const char *name, struct span *ret_text);

/* The error's code, as "RequestLimitExceeded": letters, digits and dots. "" when the answer names none. */
void aws_answer_code(struct span body, char ret_code[static AWS_CODE_SIZE]);

/*
 * Decodes the element `output` of GetConsoleOutput, white space in it allowed; the end is kept when it is longer than
 * LIMIT_CONSOLE_OUTPUT. STATUS_NOT_FOUND: there is none, or it is empty. STATUS_INVALID: no base64 (RFC 4648).
 */
enum status aws_answer_console(struct span body, struct buf *ret_output);

#endif
