/*
 * aws_answer: any bytes as an answer of EC2 or STS. What comes out stays within its caps and within the answer.
 *
 * Seeds in corpus-aws_answer/.
 */
#include <stdlib.h>

#include "sweeper/console/aws_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "output", "AccessKeyId", "SessionToken", "Expiration", "Code" };
	struct span body = span_of(data, size), text;
	BUF_AUTO output = BUF_INIT(LIMIT_AWS_ANSWER);
	char code[AWS_CODE_SIZE];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (aws_answer_text(body, names[i], &text))
			must(text.len == 0 || (text.ptr >= data && text.ptr + text.len <= data + size));
	}
	aws_answer_code(body, code);
	must(memchr(code, '\0', sizeof code) != NULL);
	if (aws_answer_console(body, &output) == STATUS_OK)
		must(output.len > 0 && output.len <= LIMIT_CONSOLE_OUTPUT && output.len <= size);
	return 0;
}
