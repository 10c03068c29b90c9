#include "proto/http1_head.h"

/* What the header fields that matter said; each may come once. A pointer that is set means that it came. */
struct fields {
	struct span content_length;
	struct span transfer_encoding;
	struct span content_encoding;
	struct span expect;
	struct span host;
	struct span upgrade;
};

void http1_head_init(struct http1_head *head)
{
	*head = (struct http1_head){ .bytes = BUF_INIT(LIMIT_HTTP_REQUEST_LINE + LIMIT_HTTP_HEADER_BYTES) };
}

void http1_head_reset(struct http1_head *head)
{
	buf_done(&head->bytes);
	http1_head_init(head);
}

static enum status refuse(struct http1_head *head, int code, const char *reason)
{
	head->error_code = code;
	head->error_reason = reason;
	return STATUS_INVALID;
}

static enum status end_line(struct http1_head *head)
{
	bool is_empty = head->line_len == 1;

	head->after_cr = false;
	head->line_len = 0;
	if (is_empty && head->line_count == 0)
		return refuse(head, 400, "empty request line");
	if (is_empty)
		return STATUS_OK;
	head->line_count++;
	if (head->line_count > LIMIT_HTTP_HEADERS + 1)
		return refuse(head, 431, "too many header fields");
	return STATUS_AGAIN;
}

/* STATUS_OK: this byte ends the head. */
static enum status take_byte(struct http1_head *head, uint8_t byte)
{
	bool in_request_line = head->line_count == 0;

	if (!in_request_line && ++head->header_len > LIMIT_HTTP_HEADER_BYTES)
		return refuse(head, 431, "header block too large");
	if (head->after_cr)
		return byte == '\n' ? end_line(head) : refuse(head, 400, "CR without LF");
	if (byte == '\n')
		return refuse(head, 400, "LF without CR");
	if (byte == '\r')
		head->after_cr = true;
	else if (byte == 0x7F || (byte < ' ' && (byte != '\t' || in_request_line)))
		return refuse(head, 400, "control character in the header");
	else if (head->line_len == 0 && (byte == ' ' || byte == '\t'))
		return refuse(head, 400, "folded or indented line");
	head->line_len++;
	if (in_request_line && head->line_len >= LIMIT_HTTP_REQUEST_LINE)
		return refuse(head, 414, "request line too long");
	return STATUS_AGAIN;
}

enum status http1_head_take(struct http1_head *head, struct span bytes, size_t *ret_used)
{
	enum status status = STATUS_AGAIN;
	size_t used = 0;

	while (status == STATUS_AGAIN && used < bytes.len)
		status = take_byte(head, bytes.ptr[used++]);
	*ret_used = used;
	if (status == STATUS_INVALID)
		return status;
	buf_append_span(&head->bytes, span_sub(bytes, 0, used));
	if (buf_status(&head->bytes) == STATUS_NO_MEMORY)
		return refuse(head, 503, "out of memory");
	if (buf_status(&head->bytes) != STATUS_OK)
		return refuse(head, 431, "header block too large");
	return status;
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
			continue;
		if (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)
			return false;
	}
	return text.len > 0;
}

/* The origin form (RFC 9112 section 3.2.1) of visible ASCII. Nobody who speaks to us goes through a proxy. */
static bool is_origin_form(struct span target)
{
	if (target.len == 0 || target.ptr[0] != '/')
		return false;
	for (size_t i = 0; i < target.len; i++) {
		if (target.ptr[i] <= ' ' || target.ptr[i] >= 0x7F || target.ptr[i] == '#')
			return false;
	}
	return true;
}

static struct span trim(struct span text)
{
	while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
		text = span_sub(text, 1, text.len);
	while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
		text.len--;
	return text;
}

static enum status read_version(struct http1_head *head, struct span version)
{
	if (span_eq(version, SPAN_LIT("HTTP/1.1")))
		return STATUS_OK;
	if (version.len == 8 && span_starts_with(version, SPAN_LIT("HTTP/")) && version.ptr[6] == '.')
		return refuse(head, 505, "only HTTP/1.1 is spoken");
	return refuse(head, 400, "malformed request line");
}

static enum status read_request_line(struct http1_head *head, struct span line, struct http1_request *request)
{
	size_t method_end = span_find(line, SPAN_LIT(" "), 0);
	size_t target_end = span_find(line, SPAN_LIT(" "), method_end + 1);
	struct span target;
	size_t mark;

	if (method_end >= line.len || target_end >= line.len)
		return refuse(head, 400, "malformed request line");
	request->method = span_sub(line, 0, method_end);
	target = span_sub(line, method_end + 1, target_end - method_end - 1);
	if (!is_token(request->method))
		return refuse(head, 400, "malformed method");
	if (!is_origin_form(target))
		return refuse(head, 400, "the target must be a path");
	mark = span_find(target, SPAN_LIT("?"), 0);
	request->path = span_sub(target, 0, mark);
	request->query = span_sub(target, mark + 1, target.len);
	return read_version(head, span_sub(line, target_end + 1, line.len));
}

static enum status read_field(struct http1_head *head, struct span line, struct fields *fields)
{
	const struct {
		struct span name;
		struct span *value;
	} known[] = {
		{ SPAN_LIT("content-length"), &fields->content_length },
		{ SPAN_LIT("transfer-encoding"), &fields->transfer_encoding },
		{ SPAN_LIT("content-encoding"), &fields->content_encoding },
		{ SPAN_LIT("expect"), &fields->expect },
		{ SPAN_LIT("host"), &fields->host },
		{ SPAN_LIT("upgrade"), &fields->upgrade },
	};
	size_t colon = span_find(line, SPAN_LIT(":"), 0);
	struct span name = span_sub(line, 0, colon);

	if (colon == line.len || !is_token(name))
		return refuse(head, 400, "malformed header field");
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!span_eq_nocase(name, known[i].name))
			continue;
		if (known[i].value->ptr != NULL)
			return refuse(head, 400, "header field given twice");
		*known[i].value = trim(span_sub(line, colon + 1, line.len));
	}
	return STATUS_OK;
}

/* RFC 9112 section 6.3: where the body ends. */
static enum status read_framing(struct http1_head *head, const struct fields *fields, struct http1_request *request)
{
	struct span length = fields->content_length;
	uint64_t value;

	request->content_length = -1;
	if (fields->transfer_encoding.ptr != NULL) {
		if (length.ptr != NULL)
			return refuse(head, 400, "Content-Length and Transfer-Encoding");
		if (!span_eq_nocase(fields->transfer_encoding, SPAN_LIT("chunked")))
			return refuse(head, 400, "unknown Transfer-Encoding");
		request->has_body = true;
		return STATUS_OK;
	}
	if (length.ptr == NULL)
		return STATUS_OK;
	if (!span_to_u64(length, &value) || value > INT64_MAX)
		return refuse(head, 400, "malformed Content-Length");
	request->content_length = (int64_t)value;
	request->has_body = value > 0;
	return STATUS_OK;
}

static enum status judge_fields(struct http1_head *head, const struct fields *fields, struct http1_request *request)
{
	if (fields->host.ptr == NULL)
		return refuse(head, 400, "no Host header field");
	if (fields->upgrade.ptr != NULL)
		return refuse(head, 400, "nothing to upgrade to");
	request->content_encoding = fields->content_encoding;
	request->expect_continue = span_eq_nocase(fields->expect, SPAN_LIT("100-continue"));
	return read_framing(head, fields, request);
}

/* The next line without its CRLF; http1_head_take has seen to it that every line ends so. */
static struct span next_line(struct span *rest)
{
	size_t len = span_find(*rest, SPAN_LIT("\r\n"), 0);
	struct span line = span_sub(*rest, 0, len);

	*rest = span_sub(*rest, len + 2, rest->len);
	return line;
}

enum status http1_head_read(struct http1_head *head, struct http1_request *ret_request)
{
	struct fields fields = { 0 };
	struct span rest = buf_span(&head->bytes);
	enum status status;

	*ret_request = (struct http1_request){ .content_length = -1 };
	status = read_request_line(head, next_line(&rest), ret_request);
	while (status == STATUS_OK) {
		struct span line = next_line(&rest);

		if (line.len == 0)
			return judge_fields(head, &fields, ret_request);
		status = read_field(head, line, &fields);
	}
	return status;
}
