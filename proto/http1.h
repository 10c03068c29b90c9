/*
 * http1: HTTP/1.1 requests in (RFC 9112), answers out. Only http1.c knows llhttp. No I/O.
 *
 * Strict: no obsolete line folding, no ambiguous framing (both Content-Length and Transfer-Encoding, repeated or odd
 * values: refused, since that is how requests are smuggled), caps from limits.h on the request line, the header
 * block and the body. The body is kept whole, up to a cap that the owner sets once the headers are known.
 * Thread: one at a time for each parser.
 */
#ifndef RESCUE_PROTO_HTTP1_H
#define RESCUE_PROTO_HTTP1_H

#include "shared/buf.h"

struct http1_parser;

enum http1_event {
	HTTP1_NEED_MORE, /* all input was taken */
	HTTP1_HEADERS,   /* the header block is complete: look at the request, set the body's cap, go on */
	HTTP1_COMPLETE,  /* the whole request is there */
	HTTP1_BAD,       /* final: answer with http1_error_code and close */
};

struct http1_request {
	struct span method;  /* "GET" */
	struct span path;    /* without the query, not decoded */
	struct span query;   /* without '?'; may be empty */
	struct span content_encoding;
	struct span body;
	bool keep_alive;
	bool expect_continue; /* Expect: 100-continue */
	bool has_body;        /* Content-Length above 0, or chunked */
	int64_t content_length; /* -1 when chunked or absent */
};

struct http1_parser *http1_parser_new(void);
void http1_parser_free(struct http1_parser *parser);

/*
 * Takes bytes. *ret_used is how many were consumed: at HTTP1_COMPLETE the rest belongs to the next request and is fed
 * again after http1_parser_next.
 */
enum http1_event http1_parser_feed(struct http1_parser *parser, struct span bytes, size_t *ret_used);

/* From HTTP1_HEADERS on; borrowed until http1_parser_next or free. */
const struct http1_request *http1_parser_request(const struct http1_parser *parser);

/* At HTTP1_HEADERS: the largest body that is taken. A longer one is HTTP1_BAD with 413. */
void http1_parser_limit_body(struct http1_parser *parser, size_t max_body);

/* Ready for the next request on the connection; gives the body's memory back. */
void http1_parser_next(struct http1_parser *parser);

/* After HTTP1_BAD: 400, 413, 414, 431, 503 (out of memory) or 505, and the reason. */
int http1_error_code(const struct http1_parser *parser);
const char *http1_error_reason(const struct http1_parser *parser);

/* The value of a query parameter; false when it is absent. Not percent-decoded. */
bool http1_query_get(struct span query, struct span name, struct span *ret_value);

struct http1_answer {
	int code;
	const char *content_type;  /* NULL when there is no body */
	struct span body;
	int64_t retry_after_s;     /* > 0: a Retry-After header */
	bool close;                /* Connection: close */
};

/* Appends status line, headers and body. 204 carries no Content-Length and no body (RFC 9110 section 15.3.5). */
void http1_format_answer(const struct http1_answer *answer, struct buf *out);

#endif
