#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/tls/digest.h"

static const struct {
	const char *text;
	const char *hex;
} vectors[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void digest_gives_the_published_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		char hex[DIGEST_HEX_SIZE];

		digest_hex(span_cstr(vectors[i].text), hex);
		assert_string_equal(hex, vectors[i].hex);
	}
}

static void digest_of_pieces_is_the_digest_of_the_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct span text = span_cstr(vectors[i].text);
		struct digest *digest = digest_new();
		char hex[DIGEST_HEX_SIZE];

		assert_non_null(digest);
		for (size_t at = 0; at < text.len; at++)
			digest_add(digest, span_sub(text, at, 1));
		digest_add(digest, (struct span){ NULL, 0 });
		digest_finish(digest, hex);
		assert_string_equal(hex, vectors[i].hex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_gives_the_published_values),
		cmocka_unit_test(digest_of_pieces_is_the_digest_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
