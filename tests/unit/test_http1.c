#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/http1.h"

/* What a request came to: the events' outcome in words, so that two ways of feeding can be compared. */
struct outcome {
	int code; /* 0: complete, -1: more is needed, else the error */
	struct buf text;
	size_t used;
};

/* Feeds at most `step` bytes at a time until the first request is complete or refused. */
static struct outcome feed(struct http1_parser *parser, struct span input, size_t step, size_t max_body)
{
	struct outcome outcome = { .code = -1, .text = BUF_INIT(1 << 20) };

	while (outcome.code == -1) {
		struct span piece = span_sub(input, outcome.used, step);
		size_t used;
		enum http1_event event = http1_parser_feed(parser, piece, &used);

		assert_true(used <= piece.len);
		outcome.used += used;
		if (event == HTTP1_HEADERS) {
			http1_parser_limit_body(parser, max_body);
		} else if (event == HTTP1_BAD) {
			outcome.code = http1_error_code(parser);
			assert_string_not_equal(http1_error_reason(parser), "");
		} else if (event == HTTP1_COMPLETE) {
			const struct http1_request *request = http1_parser_request(parser);

			outcome.code = 0;
			buf_printf(&outcome.text, "%.*s|%.*s|%.*s|%.*s|%d%d%d|%lld|%.*s", SPAN_ARG(request->method),
			           SPAN_ARG(request->path), SPAN_ARG(request->query), SPAN_ARG(request->content_encoding),
			           request->keep_alive, request->expect_continue, request->has_body,
			           (long long)request->content_length, SPAN_ARG(request->body));
		} else if (piece.len == 0) {
			break;
		} else {
			assert_int_equal(used, piece.len);
		}
	}
	return outcome;
}

#define H "Host: h\r\n"

static const struct {
	const char *input;
	const char *text;
	const char *rest;
} good[] = {
	{ "GET /v1/orders/next?wait=300 HTTP/1.1\r\n" H "\r\n", "GET|/v1/orders/next|wait=300||100|-1|", "" },
	{ "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", "GET|/|||000|-1|", "" },
	{ "GET /a HTTP/1.1\r\n" H "\r\nGET /b HTTP/1.1\r\n" H "\r\n", "GET|/a|||100|-1|", "GET /b HTTP/1.1\r\n" H "\r\n" },
	{ "PUT /b HTTP/1.1\r\n" H "content-LENGTH:  5 \r\nContent-Encoding: gzip\r\nExpect: 100-continue\r\n\r\nhelloGET",
	  "PUT|/b||gzip|111|5|hello", "GET" },
	{ "POST /c HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\nX", "POST|/c|||100|0|", "X" },
	{ "POST /d?a=b?c HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nNEXT",
	  "POST|/d|a=b?c||101|-1|abc0123456789", "NEXT" },
};

static void http1_reads_requests_in_one_piece_and_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct span input = span_cstr(good[i].input);

		for (size_t step = 1; step <= input.len; step++) {
			struct http1_parser *parser = http1_parser_new();
			struct outcome outcome = feed(parser, input, step, 100);

			assert_int_equal(outcome.code, 0);
			assert_string_equal(buf_cstr(&outcome.text), good[i].text);
			assert_string_equal(good[i].input + outcome.used, good[i].rest);
			buf_done(&outcome.text);
			http1_parser_free(parser);
		}
	}
}

#define CHUNKED "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
#define POST "POST / HTTP/1.1\r\n" H

static const struct {
	int code;
	const char *input;
} refused[] = {
	/* Two answers to the question where the body ends. */
	{ 400, POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
	{ 400, POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" },
	{ 400, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" },
	{ 400, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" },
	{ 400, POST "Content-Length: 5, 5\r\n\r\nhello" },
	{ 400, POST "Content-Length: +5\r\n\r\nhello" },
	{ 400, POST "Content-Length: -5\r\n\r\nhello" },
	{ 400, POST "Content-Length: 0x5\r\n\r\nhello" },
	{ 400, POST "Content-Length: 5 5\r\n\r\nhello" },
	{ 400, POST "Content-Length:\r\n\r\nhello" },
	{ 400, POST "Content-Length: 99999999999999999999\r\n\r\nhello" },
	{ 400, POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" },
	{ 400, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" },
	{ 400, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" },
	{ 400, POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n" },
	{ 400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
	{ 400, POST "Transfer-Encoding:\x0B" "chunked\r\n\r\n0\r\n\r\n" },
	/* Lines that end, begin or go on in odd ways. */
	{ 400, POST "Content-Length : 5\r\n\r\nhello" },
	{ 400, POST "X: a\r\n Content-Length: 5\r\n\r\nhello" },
	{ 400, POST "X: a\r\n\tb\r\n\r\n" },
	{ 400, "POST / HTTP/1.1\nHost: h\n\n" },
	{ 400, POST "X: a\nContent-Length: 5\r\n\r\nhello" },
	{ 400, POST "X: a\rContent-Length: 5\r\n\r\nhello" },
	{ 400, POST "X: a\r\r\n\r\n" },
	{ 400, POST "no colon\r\n\r\n" },
	{ 400, POST ": no name\r\n\r\n" },
	{ 400, POST "b@d: x\r\n\r\n" },
	{ 400, POST "X: a\x01\r\n\r\n" },
	{ 400, "\r\nGET / HTTP/1.1\r\n" H "\r\n" },
	{ 400, " GET / HTTP/1.1\r\n" H "\r\n" },
	/* Chunks. */
	{ 400, CHUNKED "3\nabc\r\n0\r\n\r\n" },
	{ 400, CHUNKED "3\r\nabcX\r\n0\r\n\r\n" },
	{ 400, CHUNKED "3\r\nabc\n0\r\n\r\n" },
	{ 400, CHUNKED "3\rXabc\r\n0\r\n\r\n" },
	{ 400, CHUNKED "3;ext=1\r\nabc\r\n0\r\n\r\n" },
	{ 400, CHUNKED "0x3\r\nabc\r\n0\r\n\r\n" },
	{ 400, CHUNKED "-3\r\nabc\r\n0\r\n\r\n" },
	{ 400, CHUNKED "FFFFFFFFFFFFFFFFF\r\nabc" },
	{ 400, CHUNKED "3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n" },
	{ 400, CHUNKED "0\r\nX" },
	/* Request lines. */
	{ 400, "GET http://other/ HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET h:80 HTTP/1.1\r\n" H "\r\n" },
	{ 400, "OPTIONS * HTTP/1.1\r\n" H "\r\n" },
	{ 400, "CONNECT h:80 HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /a b HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET  / HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET\t/ HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /#f HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /\xC3\xA9 HTTP/1.1\r\n" H "\r\n" },
	{ 400, "GET /\r\n\r\n" },
	{ 400, "get / HTTP/1.1\r\n" H "\r\n" },
	{ 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
	{ 505, "GET / HTTP/1.0\r\n" H "\r\n" },
	{ 505, "GET / HTTP/2.0\r\n" H "\r\n" },
	{ 400, "GET / http/1.1\r\n" H "\r\n" },
	{ 400, "GET / HTTP/1.1\r\n\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H H "\r\n" },
	{ 400, "GET / HTTP/1.1\r\n" H "Upgrade: h2c\r\nConnection: upgrade\r\n\r\n" },
	{ 400, "\x16\x03\x01\x02" },
	/* Larger than the owner allows (100). */
	{ 413, POST "Content-Length: 101\r\n\r\n" },
	{ 413, CHUNKED "65\r\n" "0123456789012345678901234567890123456789012345678901234567890123456789"
	       "0123456789012345678901234567890" },
};

static void http1_refuses_what_could_be_read_in_two_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct span input = span_cstr(refused[i].input);

		for (size_t step = 1; step <= input.len; step++) {
			struct http1_parser *parser = http1_parser_new();
			struct outcome outcome = feed(parser, input, step, 100);

			if (outcome.code != refused[i].code)
				fail_msg("step %zu: %d for %s", step, outcome.code, refused[i].input);
			buf_done(&outcome.text);
			http1_parser_free(parser);
		}
	}
}

static int code_of(const struct buf *input)
{
	struct http1_parser *parser = http1_parser_new();
	struct outcome outcome = feed(parser, buf_span(input), 1000, 100);

	buf_done(&outcome.text);
	http1_parser_free(parser);
	return outcome.code;
}

static void http1_caps_line_header_block_and_field_count(void **state)
{
	BUF_AUTO input = BUF_INIT(1 << 20);

	(void)state;
	buf_append_cstr(&input, "GET /");
	for (size_t i = 0; i < LIMIT_HTTP_REQUEST_LINE; i++)
		buf_append_byte(&input, 'a');
	assert_int_equal(code_of(&input), 414);
	buf_reset(&input);
	buf_append_cstr(&input, "GET / HTTP/1.1\r\n" H "X: ");
	for (size_t i = 0; i < LIMIT_HTTP_HEADER_BYTES; i++)
		buf_append_byte(&input, 'a');
	assert_int_equal(code_of(&input), 431);
	for (size_t extra = 0; extra < 2; extra++) {
		buf_reset(&input);
		buf_append_cstr(&input, "GET / HTTP/1.1\r\n" H);
		for (size_t i = 1; i < LIMIT_HTTP_HEADERS + extra; i++)
			buf_append_cstr(&input, "X: a\r\n");
		buf_append_cstr(&input, "\r\n");
		assert_int_equal(code_of(&input), extra == 0 ? 0 : 431);
	}
}

static void http1_refuses_chunk_framing_without_end(void **state)
{
	BUF_AUTO input = BUF_INIT(1 << 20);

	(void)state;
	buf_append_cstr(&input, CHUNKED);
	for (size_t i = 0; i < 20000; i++)
		buf_append_byte(&input, '0');
	assert_int_equal(code_of(&input), 400);
}

static void http1_stays_refused(void **state)
{
	struct http1_parser *parser = http1_parser_new();
	size_t used;

	(void)state;
	assert_int_equal(http1_parser_feed(parser, SPAN_LIT("\n"), &used), HTTP1_BAD);
	assert_int_equal(http1_parser_feed(parser, SPAN_LIT("GET / HTTP/1.1\r\n" H "\r\n"), &used), HTTP1_BAD);
	http1_parser_free(parser);
}

static void http1_serves_requests_one_after_the_other(void **state)
{
	static const char *const texts[] = { "PUT|/1|||101|3|abc", "POST|/2|||101|-1|de", "GET|/3|||100|-1|" };
	struct span rest = SPAN_LIT("PUT /1 HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"
	                            "POST /2 HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
	                            "GET /3 HTTP/1.1\r\n" H "\r\n");
	struct http1_parser *parser = http1_parser_new();

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct outcome outcome = feed(parser, rest, rest.len, 100);

		assert_int_equal(outcome.code, 0);
		assert_string_equal(buf_cstr(&outcome.text), texts[i]);
		rest = span_sub(rest, outcome.used, rest.len);
		buf_done(&outcome.text);
		http1_parser_next(parser);
	}
	assert_int_equal(rest.len, 0);
	http1_parser_free(parser);
}

static void http1_finds_query_parameters(void **state)
{
	static const struct {
		const char *query;
		const char *name;
		const char *value; /* NULL: absent */
	} rows[] = {
		{ "wait=300", "wait", "300" }, { "a=1&wait=2", "wait", "2" }, { "wait", "wait", "" },
		{ "await=1", "wait", NULL },   { "", "wait", NULL },          { "&&wait=a=b", "wait", "a=b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct span value = SPAN_LIT("untouched");
		bool found = http1_query_get(span_cstr(rows[i].query), span_cstr(rows[i].name), &value);

		assert_int_equal(found, rows[i].value != NULL);
		if (found)
			assert_true(span_eq(value, span_cstr(rows[i].value)));
	}
}

static void http1_formats_answers(void **state)
{
	const struct {
		struct http1_answer answer;
		const char *text;
	} rows[] = {
		{ { .code = 204 }, "HTTP/1.1 204 No Content\r\n\r\n" },
		{ { .code = 201 }, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n" },
		{ { .code = 200, .content_type = "text/plain", .body = SPAN_LIT("ok\n") },
		  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n" },
		{ { .code = 503, .retry_after_s = 5, .close = true },
		  "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		BUF_AUTO out = BUF_INIT(4096);

		http1_format_answer(&rows[i].answer, &out);
		assert_string_equal(buf_cstr(&out), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http1_reads_requests_in_one_piece_and_byte_by_byte),
		cmocka_unit_test(http1_refuses_what_could_be_read_in_two_ways),
		cmocka_unit_test(http1_caps_line_header_block_and_field_count),
		cmocka_unit_test(http1_refuses_chunk_framing_without_end),
		cmocka_unit_test(http1_stays_refused),
		cmocka_unit_test(http1_serves_requests_one_after_the_other),
		cmocka_unit_test(http1_finds_query_parameters),
		cmocka_unit_test(http1_formats_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
