#include "sweeper/console/aws_answer.h"

#include <stdio.h>
#include <string.h>

enum { TAG_SIZE = 64, GROUP = 4 };

bool aws_answer_text(struct span body, const char *name, struct span *ret_text)
{
	char open[TAG_SIZE], close[TAG_SIZE];
	size_t from, to;

	(void)snprintf(open, sizeof open, "<%s>", name);
	(void)snprintf(close, sizeof close, "</%s>", name);
	from = span_find(body, span_cstr(open), 0);
	if (from == body.len)
		return false;
	from += strlen(open);
	to = span_find(body, span_cstr(close), from);
	if (to == body.len)
		return false;
	*ret_text = span_sub(body, from, to - from);
	return span_find(*ret_text, SPAN_LIT("<"), 0) == ret_text->len &&
	       span_find(*ret_text, SPAN_LIT("&"), 0) == ret_text->len;
}

void aws_answer_code(struct span body, char ret_code[static AWS_CODE_SIZE])
{
	struct span code;

	ret_code[0] = '\0';
	if (!aws_answer_text(body, "Code", &code) || code.len >= AWS_CODE_SIZE)
		return;
	for (size_t i = 0; i < code.len; i++) {
		uint8_t byte = code.ptr[i];

		if (!((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') && !(byte >= '0' && byte <= '9') && byte != '.')
			return;
	}
	memcpy(ret_code, code.ptr, code.len);
	ret_code[code.len] = '\0';
}

static int value_of(uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 26;
	if (byte >= '0' && byte <= '9')
		return byte - '0' + 52;
	return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* Padding is at the end, and the bits that it leaves over are not looked at. */
static enum status decode(struct span text, struct buf *out)
{
	uint32_t bits = 0;
	size_t count = 0, padding = 0;

	for (size_t i = 0; i < text.len; i++) {
		int value = value_of(text.ptr[i]);

		if (text.ptr[i] == '\n' || text.ptr[i] == '\r' || text.ptr[i] == ' ' || text.ptr[i] == '\t')
			continue;
		padding += text.ptr[i] == '=' ? 1 : 0;
		if (value < 0 && text.ptr[i] != '=')
			return STATUS_INVALID;
		if (value >= 0 && padding > 0)
			return STATUS_INVALID;
		bits = bits << 6 | (uint32_t)(value < 0 ? 0 : value);
		if (++count % GROUP != 0)
			continue;
		for (size_t j = 0; j < 3 - (padding < 3 ? padding : 3); j++)
			buf_append_byte(out, (uint8_t)(bits >> (16 - 8 * j)));
	}
	return count % GROUP == 0 && padding <= 2 ? buf_status(out) : STATUS_INVALID;
}

enum status aws_answer_console(struct span body, struct buf *ret_output)
{
	struct span text;
	enum status status;

	if (!aws_answer_text(body, "output", &text) || text.len == 0)
		return STATUS_NOT_FOUND;
	status = decode(text, ret_output);
	if (status == STATUS_OK && ret_output->len > LIMIT_CONSOLE_OUTPUT)
		buf_consume(ret_output, ret_output->len - LIMIT_CONSOLE_OUTPUT);
	if (status == STATUS_OK && ret_output->len == 0)
		return STATUS_NOT_FOUND;
	return status;
}
