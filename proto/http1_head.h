/*
 * http1_head: the request line and the header block, byte by byte in, as a judged request out. Part of http1: nobody
 * else includes it.
 *
 * It reads what RFC 9112 sections 2 to 6 allow, and of that only what Rescue's own peers send. Whatever two readers
 * could understand differently (bare CR or LF, folded lines, two lengths, a length and a coding) is refused here,
 * before anything depends on it.
 */
#ifndef RESCUE_PROTO_HTTP1_HEAD_H
#define RESCUE_PROTO_HTTP1_HEAD_H

#include "proto/http1.h"

struct http1_head {
	struct buf bytes;  /* everything up to and with the empty line; the request's spans point into it */
	size_t line_len;   /* of the unfinished line, its CR counted */
	size_t line_count; /* finished lines */
	size_t header_len; /* bytes of the header lines */
	bool after_cr;
	int error_code;    /* after STATUS_INVALID: 400, 414, 431, 503 or 505 */
	const char *error_reason;
};

void http1_head_init(struct http1_head *head);
/* Gives the memory back; ready for the next head. */
void http1_head_reset(struct http1_head *head);

/* STATUS_OK: the empty line came, *ret_used bytes were taken. STATUS_AGAIN: all were taken. STATUS_INVALID. */
enum status http1_head_take(struct http1_head *head, struct span bytes, size_t *ret_used);

/* After STATUS_OK from http1_head_take: fills all fields but body and keep_alive. STATUS_OK or STATUS_INVALID. */
enum status http1_head_read(struct http1_head *head, struct http1_request *ret_request);

#endif
