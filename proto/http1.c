/*
 * A request goes HEAD → HEADERS → BODY → COMPLETE, and from anywhere to BAD.
 *
 * The head is gathered and judged by http1_head, then read a second time by llhttp: both must agree that it is a
 * request. The body is llhttp's alone.
 */
#include "proto/http1.h"

#include <assert.h>
#include <stdlib.h>

#include <llhttp.h>

#include "proto/http1_head.h"

enum phase { PHASE_HEAD, PHASE_HEADERS, PHASE_BODY, PHASE_COMPLETE, PHASE_BAD };

/* Chunks of one byte cost five more; whoever sends more framing than that sends no body at all. */
enum { FRAMING_FACTOR = 8, FRAMING_FREE = 4096 };

struct http1_parser {
	enum phase phase;
	struct http1_head head;
	struct http1_request request;
	struct buf body;
	size_t body_raw_len; /* with chunk framing */
	llhttp_t llhttp;
	bool is_done;        /* llhttp saw the end of the message */
	int error_code;
	const char *error_reason;
};

static enum http1_event bad(struct http1_parser *parser, int code, const char *reason)
{
	parser->phase = PHASE_BAD;
	parser->error_code = code;
	parser->error_reason = reason;
	buf_shrink(&parser->body);
	return HTTP1_BAD;
}

static int on_headers(llhttp_t *llhttp)
{
	struct http1_parser *parser = llhttp->data;

	parser->request.keep_alive = llhttp_should_keep_alive(llhttp) != 0;
	return 0;
}

static int on_body(llhttp_t *llhttp, const char *bytes, size_t len)
{
	struct http1_parser *parser = llhttp->data;

	buf_append(&parser->body, bytes, len);
	return buf_status(&parser->body) == STATUS_OK ? 0 : HPE_USER;
}

/* Chunk extensions and trailers have no use here and no limit of their own. */
static int on_extension(llhttp_t *llhttp, const char *bytes, size_t len)
{
	(void)bytes;
	(void)len;
	llhttp_set_error_reason(llhttp, "chunk extension");
	return HPE_USER;
}

static int on_field(llhttp_t *llhttp, const char *bytes, size_t len)
{
	const struct http1_parser *parser = llhttp->data;

	(void)bytes;
	(void)len;
	if (parser->phase == PHASE_HEAD)
		return 0;
	llhttp_set_error_reason(llhttp, "trailer field");
	return HPE_USER;
}

static int on_complete(llhttp_t *llhttp)
{
	struct http1_parser *parser = llhttp->data;

	parser->is_done = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
	.on_headers_complete = on_headers,
	.on_header_field = on_field,
	.on_body = on_body,
	.on_chunk_extension_name = on_extension,
	.on_message_complete = on_complete,
};

static void start(struct http1_parser *parser)
{
	parser->phase = PHASE_HEAD;
	parser->request = (struct http1_request){ .content_length = -1 };
	parser->body_raw_len = 0;
	parser->is_done = false;
	buf_init(&parser->body, LIMIT_HTTP_BODY_SMALL);
	llhttp_init(&parser->llhttp, HTTP_REQUEST, &callbacks);
	parser->llhttp.data = parser;
}

struct http1_parser *http1_parser_new(void)
{
	struct http1_parser *parser = calloc(1, sizeof *parser);

	if (parser == NULL)
		return NULL;
	http1_head_init(&parser->head);
	start(parser);
	return parser;
}

void http1_parser_free(struct http1_parser *parser)
{
	if (parser == NULL)
		return;
	http1_head_reset(&parser->head);
	buf_done(&parser->body);
	free(parser);
}

void http1_parser_next(struct http1_parser *parser)
{
	http1_head_reset(&parser->head);
	buf_done(&parser->body);
	start(parser);
}

/* True when llhttp reads the same request: no body, and its end, or a body that begins behind the head. */
static bool llhttp_agrees(struct http1_parser *parser)
{
	struct span head = buf_span(&parser->head.bytes);
	llhttp_errno_t code = llhttp_execute(&parser->llhttp, (const char *)head.ptr, head.len);

	if (parser->request.has_body)
		return code == HPE_OK && !parser->is_done;
	return code == HPE_PAUSED && parser->is_done &&
	       llhttp_get_error_pos(&parser->llhttp) == (const char *)head.ptr + head.len;
}

static enum http1_event feed_head(struct http1_parser *parser, struct span bytes, size_t *ret_used)
{
	enum status status = http1_head_take(&parser->head, bytes, ret_used);

	if (status == STATUS_AGAIN)
		return HTTP1_NEED_MORE;
	if (status == STATUS_OK)
		status = http1_head_read(&parser->head, &parser->request);
	if (status != STATUS_OK)
		return bad(parser, parser->head.error_code, parser->head.error_reason);
	if (!llhttp_agrees(parser))
		return bad(parser, 400, "malformed request");
	parser->phase = PHASE_HEADERS;
	return HTTP1_HEADERS;
}

static enum http1_event feed_body(struct http1_parser *parser, struct span bytes, size_t *ret_used)
{
	llhttp_errno_t code = llhttp_execute(&parser->llhttp, (const char *)bytes.ptr, bytes.len);

	*ret_used = bytes.len;
	if (buf_status(&parser->body) == STATUS_TOO_LARGE)
		return bad(parser, 413, "body too large");
	if (buf_status(&parser->body) != STATUS_OK)
		return bad(parser, 503, "out of memory");
	if (parser->is_done && code == HPE_PAUSED) {
		*ret_used = (size_t)((const uint8_t *)llhttp_get_error_pos(&parser->llhttp) - bytes.ptr);
		parser->request.body = buf_span(&parser->body);
		parser->phase = PHASE_COMPLETE;
		return HTTP1_COMPLETE;
	}
	if (code != HPE_OK)
		return bad(parser, 400, "malformed chunked body");
	parser->body_raw_len += bytes.len;
	if (parser->body_raw_len > FRAMING_FREE + FRAMING_FACTOR * parser->body.len)
		return bad(parser, 400, "more chunk framing than body");
	return HTTP1_NEED_MORE;
}

static enum http1_event begin_body(struct http1_parser *parser)
{
	const struct http1_request *request = &parser->request;

	if (!request->has_body) {
		parser->phase = PHASE_COMPLETE;
		return HTTP1_COMPLETE;
	}
	if (request->content_length > 0 && (uint64_t)request->content_length > parser->body.max)
		return bad(parser, 413, "body too large");
	parser->phase = PHASE_BODY;
	return HTTP1_NEED_MORE;
}

enum http1_event http1_parser_feed(struct http1_parser *parser, struct span bytes, size_t *ret_used)
{
	enum http1_event event = HTTP1_NEED_MORE;

	*ret_used = 0;
	if (parser->phase == PHASE_BAD)
		return HTTP1_BAD;
	if (parser->phase == PHASE_COMPLETE)
		return HTTP1_COMPLETE;
	if (parser->phase == PHASE_HEADERS)
		event = begin_body(parser);
	if (event != HTTP1_NEED_MORE || bytes.len == 0)
		return event;
	return parser->phase == PHASE_HEAD ? feed_head(parser, bytes, ret_used) : feed_body(parser, bytes, ret_used);
}

const struct http1_request *http1_parser_request(const struct http1_parser *parser)
{
	assert(parser->phase != PHASE_HEAD);
	return &parser->request;
}

void http1_parser_limit_body(struct http1_parser *parser, size_t max_body)
{
	assert(parser->phase == PHASE_HEADERS);
	parser->body.max = max_body;
}

int http1_error_code(const struct http1_parser *parser)
{
	return parser->error_code;
}

const char *http1_error_reason(const struct http1_parser *parser)
{
	return parser->error_reason != NULL ? parser->error_reason : "";
}

bool http1_query_get(struct span query, struct span name, struct span *ret_value)
{
	while (query.len > 0) {
		size_t end = span_find(query, SPAN_LIT("&"), 0);
		struct span pair = span_sub(query, 0, end);
		size_t equals = span_find(pair, SPAN_LIT("="), 0);

		if (span_eq(span_sub(pair, 0, equals), name)) {
			*ret_value = span_sub(pair, equals + 1, pair.len);
			return true;
		}
		query = span_sub(query, end + 1, query.len);
	}
	return false;
}

/* The phrase is for people only (RFC 9112 section 4). */
static const char *phrase(int code)
{
	static const struct {
		int code;
		const char *phrase;
	} table[] = {
		{ 100, "Continue" }, { 200, "OK" }, { 201, "Created" }, { 204, "No Content" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" },
		{ 411, "Length Required" }, { 413, "Content Too Large" }, { 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" }, { 422, "Unprocessable Content" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
		{ 503, "Service Unavailable" }, { 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (table[i].code == code)
			return table[i].phrase;
	}
	return "";
}

void http1_format_answer(const struct http1_answer *answer, struct buf *out)
{
	buf_printf(out, "HTTP/1.1 %d %s\r\n", answer->code, phrase(answer->code));
	if (answer->retry_after_s > 0)
		buf_printf(out, "Retry-After: %lld\r\n", (long long)answer->retry_after_s);
	if (answer->close)
		buf_append_cstr(out, "Connection: close\r\n");
	if (answer->code == 204 || answer->code < 200) {
		buf_append_cstr(out, "\r\n");
		return;
	}
	if (answer->content_type != NULL)
		buf_printf(out, "Content-Type: %s\r\n", answer->content_type);
	buf_printf(out, "Content-Length: %zu\r\n\r\n", answer->body.len);
	buf_append_span(out, answer->body);
}
