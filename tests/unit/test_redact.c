#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/redact/rule.h"
#include "tests/unit/redact_fixture.h"

/* The redacted text as a C string; freed by the caller. */
static char *redacted(const char *text)
{
	struct clean_text *clean = NULL;
	struct err err = ERR_INIT;
	struct span out;
	char *copy;

	assert_int_equal(redact_span(redactor, span_cstr(text), &clean, &err), STATUS_OK);
	out = clean_text_span(clean);
	copy = strndup((const char *)out.ptr, out.len);
	clean_text_free(clean);
	return copy != NULL ? copy : strdup("");
}

static void redact_replaces_a_text_that_is_one_environment_assignment(void **state)
{
	static const struct pair pairs[] = {
		{ "OPENAI_API_KEY=sk-1234567890abcdefgh", "[REDACTED:API_KEY]" },
		{ "MY_SERVICE_TOKEN=ghp_ABCDEFGH1234567890", "[REDACTED:TOKEN]" },
		{ "DATABASE_SECRET=supersecret", "[REDACTED:SECRET]" },
		{ "DATABASE_SECRET=supersecret\n", "[REDACTED:SECRET]\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_keeps_the_name_in_longer_text(void **state)
{
	static const struct pair pairs[] = {
		{ "export OPENAI_API_KEY=sk-1234567890abcdefgh", "export OPENAI_API_KEY=[REDACTED:API_KEY]" },
		{ "A=1\nDATABASE_SECRET=supersecret\nB=2\n", "A=1\nDATABASE_SECRET=[REDACTED:SECRET]\nB=2\n" },
		{ "DATABASE_SECRET=super secret words\nB=2", "DATABASE_SECRET=[REDACTED:SECRET]\nB=2" },
		{ "password: hunter2\nuser: x", "password: [REDACTED:PASSWORD]\nuser: x" },
		{ "{\"password\": \"hunter2\", \"user\": \"x\"}", "{\"password\": \"[REDACTED:PASSWORD]\", \"user\": \"x\"}" },
		{ "{\"a\": \"{\\\"password\\\": \\\"hunter2\\\"}\"}",
		  "{\"a\": \"{\\\"password\\\": \\\"[REDACTED:PASSWORD]\\\"}\"}" },
		{ "db:\n  secret_key: 'a b c'\n", "db:\n  secret_key: '[REDACTED:SECRET_KEY]'\n" },
		{ "\"Env\": [\"DB_PASSWORD=correct horse\", \"PATH=/bin\"]",
		  "\"Env\": [\"DB_PASSWORD=[REDACTED:PASSWORD]\", \"PATH=/bin\"]" },
		{ "- name: DB_PASSWORD\n  value: hunter2\n", "- name: DB_PASSWORD\n  value: [REDACTED:PASSWORD]\n" },
		{ "run --password hunter2 --verbose", "run --password [REDACTED:PASSWORD] --verbose" },
		{ "GET /cb?token=abc123def&x=1", "GET /cb?token=[REDACTED:TOKEN]&x=1" },
		{ "token: |\n  abc\n  def\nnext: 1\n", "token: |\n  [REDACTED:TOKEN]\nnext: 1\n" },
		{ "machine h login u password hunter2\n", "machine h login u password [REDACTED:PASSWORD]\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_masks_by_name_in_every_notation(void **state)
{
	static const struct pair pairs[] = {
		{ "ENV DB_PASSWORD hunter22\nRUN x", "ENV DB_PASSWORD [REDACTED:PASSWORD]\nRUN x" },
		{ "Environment=\"DB_PASSWORD=hunter22 x\" \"B=2\"", "Environment=\"DB_PASSWORD=[REDACTED:PASSWORD]\" \"B=2\"" },
		{ "password = \"hunter22\" # toml", "password = \"[REDACTED:PASSWORD]\" # toml" },
		{ "secret: 'it''s secret'", "secret: '[REDACTED:SECRET]'" },
		{ "tokens:\n  - abcd1234efgh\n  - b\nnext: 1", "tokens:\n  [REDACTED:TOKEN]\nnext: 1" },
		{ "client_secret:\n  abcd1234efgh\nnext: 1", "client_secret:\n  [REDACTED:SECRET]\nnext: 1" },
		{ "auth_token:\n  path: /x\n", "auth_token:\n  path: /x\n" },
		{ "A_TOKEN=$(cat <<EOF\nabcd\nEOF\n)\nB=1", "A_TOKEN=$(cat <<EOF\n[REDACTED:TOKEN]\nEOF\n)\nB=1" },
		{ "x\nexport A_SECRET=\"one \\\ntwo\"\nB=1", "x\nexport A_SECRET=\"[REDACTED:SECRET]\"\nB=1" },
		{ "\"Cmd\": [\"--db-password\", \"hunter22\", \"-v\"]",
		  "\"Cmd\": [\"--db-password\", \"[REDACTED:PASSWORD]\", \"-v\"]" },
		{ "docker run -e DB_PASSWORD=hunter22 -e X=1 i", "docker run -e DB_PASSWORD=[REDACTED:PASSWORD] -e X=1 i" },
		{ "Server=db;Password=hunt;er22;Encrypt=true", "Server=db;Password=[REDACTED:PASSWORD];Encrypt=true" },
		{ "<apiToken>\n  abcd1234\n</apiToken>", "<apiToken>\n  [REDACTED:TOKEN]\n</apiToken>" },
		{ "<add key=\"Password\" value=\"hunter22\"/>", "<add key=\"Password\" value=\"[REDACTED:PASSWORD]\"/>" },
		{ "{\"name\":\"DB_PASSWORD\",\"value\":\"hunter22\"}",
		  "{\"name\":\"DB_PASSWORD\",\"value\":\"[REDACTED:PASSWORD]\"}" },
		{ "a_token = \"a_token = \"abcd1234efgh\"\"", "a_token = \"a_token = \"[REDACTED:TOKEN]\"\"" },
		{ "chpasswd:\n  list: |\n    root:hunter22\nusers: []", "chpasswd:\n  list: |\n    [REDACTED:PASSWORD]\nusers: []" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_judges_names_of_unknown_vendors(void **state)
{
	static const struct pair pairs[] = {
		{ "x: 1\nacme_key: 0cc175b9c0f1b6a831c399e269772661\n", "x: 1\nacme_key: [REDACTED:KEY]\n" },
		{ "x: 1\nkey: 0cc175b9c0f1b6a831c399e269772661\n", "x: 1\nkey: 0cc175b9c0f1b6a831c399e269772661\n" },
		{ "cache_key: 0cc175b9c0f1b6a831c399e269772661\n", "cache_key: 0cc175b9c0f1b6a831c399e269772661\n" },
		{ "x acme_api = \"q8Zk2vLm4xWc7RbJ\"", "x acme_api = \"[REDACTED:API_KEY]\"" },
		{ "x vault_secret_id=abcd-efgh-1", "x vault_secret_id=[REDACTED:SECRET]" },
		{ "session_id: q8Zk2vLm4xWc7RbJ", "session_id: [REDACTED:SESSION]" },
		{ "session_id: 123e4567-e89b-12d3-a456-426614174000", "session_id: 123e4567-e89b-12d3-a456-426614174000" },
		{ "api: http://h/v1 access: granted refresh: 30s", "api: http://h/v1 access: granted refresh: 30s" },
		{ "acmePw = \"hunter22\"", "acmePw = \"[REDACTED:PASSWORD]\"" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_tells_a_uuid_that_is_a_key_from_an_id(void **state)
{
	static const struct pair pairs[] = {
		{ "const HEROKU_KEY = \"832d2129-a846-4e27-99f4-7004b6ad53ef\"", "const HEROKU_KEY = \"[REDACTED:KEY]\"" },
		{ "heroku_api_key: 832d2129-a846-4e27-99f4-7004b6ad53ef", "heroku_api_key: [REDACTED:API_KEY]" },
		{ "boot_key=832d2129-a846-4e27-99f4-7004b6ad53ef", "boot_key=832d2129-a846-4e27-99f4-7004b6ad53ef" },
		{ "CACHE_KEY=832d2129-a846-4e27-99f4-7004b6ad53ef", "CACHE_KEY=832d2129-a846-4e27-99f4-7004b6ad53ef" },
		{ "LOGIN_SESSION=832d2129-a846-4e27-99f4-7004b6ad53ef",
		  "LOGIN_SESSION=832d2129-a846-4e27-99f4-7004b6ad53ef" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_masks_headers_and_urls(void **state)
{
	static const struct pair pairs[] = {
		{ "Authorization: Bearer abcdef123456", "Authorization: Bearer [REDACTED:AUTHORIZATION]" },
		{ "curl -H 'Authorization: Basic dXNlcjpwYXNz' http://h/",
		  "curl -H 'Authorization: Basic [REDACTED:AUTHORIZATION]' http://h/" },
		{ "curl -H \"Authorization: token q64juulvmdaowaqccuourxtxwzyshoa7\" http://h/",
		  "curl -H \"Authorization: token [REDACTED:AUTHORIZATION]\" http://h/" },
		{ "curl -H \"X-Api-Key: wVZDdoefdvttcphyyNf1\" http://h/", "curl -H \"X-Api-Key: [REDACTED:API_KEY]\" http://h/" },
		{ "got \"X-Api-Key: missing\" from h", "got \"X-Api-Key: missing\" from h" },
		{ "got Authorization: Bearer header without 401", "got Authorization: Bearer header without 401" },
		{ "Cookie: a=b; session=c\nHost: h", "Cookie: [REDACTED:COOKIE]\nHost: h" },
		{ "postgres://app:s3cr3t@db:5432/x", "postgres://app:[REDACTED:URL_PASSWORD]@db:5432/x" },
		{ "amqp+ssl://u:p%40ss@h", "amqp+ssl://u:[REDACTED:URL_PASSWORD]@h" },
		{ "git clone https://x-access-token:tigercoffee@h/a.git /opt",
		  "git clone https://x-access-token:[REDACTED:URL_PASSWORD]@h/a.git /opt" },
		{ "https://token:k3Jx9QpLw2zv", "https://token:[REDACTED:TOKEN]" },
		{ "using repository token github_pat_11ABCDEFG0aZ3kQ9xW7vT5_yB2nM8cR4uL6sD1fH3jK5pN7mX9zV0tG2wE4",
		  "using repository token [REDACTED:GITHUB_TOKEN]" },
		{ "redis://:pa/ss@h:6379/0", "redis://:[REDACTED:URL_PASSWORD]@h:6379/0" },
		{ "https://h:8080/@scope/x", "https://h:8080/@scope/x" },
		{ "git@github.com:a/b.git ssh://git@h/a", "git@github.com:a/b.git ssh://git@h/a" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_masks_known_forms_without_a_name(void **state)
{
	static const struct pair pairs[] = {
		{ "using sk-1234567890abcdefgh now", "using [REDACTED:API_KEY] now" },
		{ "ctx7_abcdefgh12345678 x", "[REDACTED:API_KEY] x" },
		{ "saw ghp_ABCDEFGH1234567890.", "saw [REDACTED:GITHUB_TOKEN]." },
		{ "id AKIA2J5PH6W7ZD2LV4ZP ok", "id [REDACTED:AWS_ACCESS_KEY] ok" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_leaves_what_a_reader_needs(void **state)
{
	static const char *const texts[] = {
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"request 123e4567-e89b-12d3-a456-426614174000 done",
		"container 4f5e6d7c8b9a exited, instance i-0abcd1234ef567890",
		"HEAD is now at da39a3ee5e6b4b0d3255bfef95601890afd80709 fix",
		"arn:aws:iam::123456789012:role/web 10.0.0.1 02:42:ac:11:00:02",
		"\"integrity\": \"sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==\"",
		"Get:1 http://deb.mirror.example/debian bookworm/main amd64 libssl3 amd64 3.0.11-1~deb12u2 [2,019 kB]",
		"/usr/lib/python3.11/site-packages/charset_normalizer-3.3.2.dist-info/METADATA",
		"PuttyPassword=0",
		"db-password: ENC[AES256_GCM,data:O+5l4g==,iv:c/dS4BCBMbnKsXYuzBuCuVQt8RV9bOv5HgdpL+iwmns=,"
		"tag:KkQfh6OymvCt4uC13p318g==,type:str]",
		"token: YourAccessTokenHere",
		"GITHUB_API_KEY=\nDYNATRACE_API_KEY=",
		"PERPLEXITY_API_KEY=pplx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"Authorization: Bearer ${TOKEN}",
		"-----BEGIN CERTIFICATE-----\n"
		"MIIBszCCAVmgAwIBAgIUQ5zX7vN1mK8pL2wR4tY6uI9oP0swCgYIKoZIzj0EAwIw\n"
		"-----END CERTIFICATE-----\n",
		"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7vN1mK8pL2wR4tY6uI9oP0sXcVbNm root@h",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char *out = redacted(texts[i]);

		assert_string_equal(out, texts[i]);
		free(out);
	}
}

#define KEY_BODY                                                             \
	"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDAC4AWkdwKYSd8\n" \
	"Ks14IReLcYgADhoXk56ZzXI7Ks14IReLcYgADhoXk56ZzXI7Ks14IReLcYgADhoX\n"

static void redact_masks_private_keys_whole_and_cut_off(void **state)
{
	static const struct pair pairs[] = {
		{ "a\n-----BEGIN RSA PRIVATE KEY-----\n" KEY_BODY "-----END RSA PRIVATE KEY-----\nb",
		  "a\n[REDACTED:PRIVATE_KEY]\nb" },
		{ KEY_BODY "Zz==\n-----END PRIVATE KEY-----\nb", "[REDACTED:PRIVATE_KEY]\nb" },
		{ "a\n-----BEGIN OPENSSH PRIVATE KEY-----\n" KEY_BODY "and more", "a\n[REDACTED:PRIVATE_KEY]\nand more" },
		{ "x: \"-----BEGIN EC PRIVATE KEY-----\\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtL\\n-----END EC PRIVATE KEY-----\\n\"",
		  "x: \"[REDACTED:PRIVATE_KEY]\\n\"" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_sees_the_context_and_does_not_give_it_out(void **state)
{
	static const char context[] = "secret context\n-----BEGIN PRIVATE KEY-----\nMIIE\n";
	struct raw_text raw;
	struct clean_text *clean = NULL;

	(void)state;
	raw_text_init(&raw, 4096);
	buf_append_cstr(&raw.bytes, context);
	raw.context_len = sizeof context - 1;
	buf_append_cstr(&raw.bytes, KEY_BODY "-----END PRIVATE KEY-----\nvisible\n");
	assert_int_equal(redact_text(redactor, &raw, &clean, NULL), STATUS_OK);
	assert_true(span_eq(clean_text_span(clean), SPAN_LIT("[REDACTED:PRIVATE_KEY]\nvisible\n")));
	assert_int_equal(clean_text_redactions(clean), 1);
	clean_text_free(clean);
	raw_text_done(&raw);
}

static void redact_repairs_what_is_not_utf8(void **state)
{
	static const uint8_t bytes[] = { 'a', 0, 'b', 0xFF, 0xC3, 0xA9, 0xED, 0xA0, 0x80, 0xE2, 0x82 };
	struct clean_text *clean = NULL;

	(void)state;
	assert_int_equal(redact_span(redactor, span_of(bytes, sizeof bytes), &clean, NULL), STATUS_OK);
	assert_true(span_eq(clean_text_span(clean),
	                    SPAN_LIT("a\xEF\xBF\xBD" "b\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
	                             "\xEF\xBF\xBD\xEF\xBF\xBD")));
	clean_text_free(clean);
}

static void redact_masks_known_values_wherever_they_stand(void **state)
{
	/* p@ss "w'rd"/9 and its spellings; the letters around are there to shift base64 by one and by two. */
	static const char *const texts[] = {
		"a p@ss \"w'rd\"/9 b",
		"cEBzcyAidydyZCIvOQ==",
		"eHBAc3MgIncncmQiLzk=",
		"eHhwQHNzICJ3J3JkIi85",
		"x 7040737320227727726422 2f39",
		"x 70407373202277277264222f39 y",
		"x 70407373202277277264222F39",
		"q=p%40ss%20%22w%27rd%22%2F9",
		"{\"v\":\"p@ss \\\"w'rd\\\"/9\"}",
		"{\"log\":\"{\\\"v\\\":\\\"p@ss \\\\\\\"w'rd\\\\\\\"/9\\\"}\"}",
		"echo 'p@ss \"w'\\''rd\"/9'",
		"q=p%2540ss%2520%2522w%2527rd%2522%252F9",
		"x OBAHG4ZAEJ3SO4TEEIXTS===",
		"<p>p@ss &quot;w&#x27;rd&quot;/9</p>",
		"<p>p@ss &#34;w&#39;rd&#34;/9</p>",
	};
	struct redactor *own = NULL;

	(void)state;
	assert_int_equal(redactor_new(NULL, &own, NULL), STATUS_OK);
	assert_int_equal(redactor_add_value(own, SPAN_LIT("p@ss \"w'rd\"/9"), "KNOWN_VALUE"), STATUS_OK);
	assert_int_equal(redactor_add_value(own, SPAN_LIT("short"), "KNOWN_VALUE"), STATUS_OK);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct clean_text *clean = NULL;
		bool is_broken = i == 4;

		assert_int_equal(redact_span(own, span_cstr(texts[i]), &clean, NULL), STATUS_OK);
		if ((clean_text_redactions(clean) == 0) != is_broken)
			fail_msg("%s", texts[i]);
		clean_text_free(clean);
	}
	redactor_free(own);
}

static void redact_takes_nothing_random_for_a_placeholder(void **state)
{
	static const struct pair pairs[] = {
		{ "git clone https://x:XXxV5k4vKjq1lo5LUixT7jtz@h/r", "git clone https://x:[REDACTED:URL_PASSWORD]@h/r" },
		{ "db_password: [Xk39fjs82hGhs8]", "db_password: [REDACTED:PASSWORD]" },
		{ "db_password: \"<Xk39fjs82hGhs8>\"", "db_password: \"[REDACTED:PASSWORD]\"" },
		{ "secret: %Xk39fjs82hGhs8%", "secret: [REDACTED:SECRET]" },
		{ "token: your-Xk39fjs82hGhs8-28hsKa0", "token: [REDACTED:TOKEN]" },
		{ "export DB_PASSWORD=${PW:-s3cr3tP4ssw0rd9}", "export DB_PASSWORD=[REDACTED:PASSWORD]" },
		{ "token: xxxxxxxxxxxx", "token: xxxxxxxxxxxx" },
		{ "token: <your-token>", "token: <your-token>" },
		{ "using XXXzkXWlwN5QEkzFbs4piSIgJvoA now", "using [REDACTED:KNOWN_VALUE] now" },
		{ "using your_pet_hamster now", "using [REDACTED:KNOWN_VALUE] now" },
	};
	struct redactor *own = NULL;

	(void)state;
	assert_int_equal(redactor_new(NULL, &own, NULL), STATUS_OK);
	assert_int_equal(redactor_add_value(own, SPAN_LIT("XXXzkXWlwN5QEkzFbs4piSIgJvoA"), "KNOWN_VALUE"), STATUS_OK);
	assert_int_equal(redactor_add_value(own, SPAN_LIT("your_pet_hamster"), "KNOWN_VALUE"), STATUS_OK);
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct clean_text *clean = NULL;

		assert_int_equal(redact_span(own, span_cstr(pairs[i].in), &clean, NULL), STATUS_OK);
		if (!span_eq(clean_text_span(clean), span_cstr(pairs[i].out)))
			fail_msg("%s became %.*s", pairs[i].in, SPAN_ARG(clean_text_span(clean)));
		clean_text_free(clean);
	}
	redactor_free(own);
}

static void redact_finds_every_one_of_many_known_values(void **state)
{
	enum { VALUES = 2000 };
	struct redactor *own = NULL;
	struct buf text = BUF_INIT(1024 * 1024);
	struct clean_text *clean = NULL;
	char value[32];

	(void)state;
	assert_int_equal(redactor_new(NULL, &own, NULL), STATUS_OK);
	for (int i = 0; i < VALUES; i++) {
		(void)snprintf(value, sizeof value, "quiet-%d-harbor", i);
		assert_int_equal(redactor_add_value(own, span_cstr(value), "KNOWN_VALUE"), STATUS_OK);
		buf_printf(&text, "<%s>", value);
	}
	assert_int_equal(redact_span(own, buf_span(&text), &clean, NULL), STATUS_OK);
	assert_int_equal(clean_text_redactions(clean), VALUES);
	clean_text_free(clean);
	buf_done(&text);
	redactor_free(own);
}

static void redact_withholds_without_a_redactor(void **state)
{
	struct clean_text *clean = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(redact_span(NULL, SPAN_LIT("x"), &clean, &err), STATUS_WITHHELD);
	assert_null(clean);
	assert_true(err.text[0] != '\0');
	assert_int_equal(redactor_add_value(NULL, SPAN_LIT("abcdefgh"), "X"), STATUS_WITHHELD);
}

static void redact_withholds_output_beyond_its_cap(void **state)
{
	struct clean_text *clean = NULL;
	size_t size = LIMIT_REDACT_OUTPUT + 1;
	uint8_t *bytes = malloc(size);

	(void)state;
	assert_non_null(bytes);
	memset(bytes, ' ', size);
	assert_int_equal(redact_span(redactor, span_of(bytes, size), &clean, NULL), STATUS_WITHHELD);
	assert_null(clean);
	free(bytes);
}

static void redact_gives_the_same_when_done_twice(void **state)
{
	static const char text[] = "password: hunter2\nAuthorization: Bearer abcdef123456\nx https://u:p@h/ y";
	char *once, *twice;

	(void)state;
	once = redacted(text);
	twice = redacted(once);
	assert_string_equal(once, twice);
	free(once);
	free(twice);
}

static void redact_rules_find_their_true_examples_and_no_false_one(void **state)
{
	(void)state;
	assert_true(rule_example_count >= 4 * rule_count);
	for (size_t i = 0; i < rule_example_count; i++) {
		const struct rule_example *example = &rule_examples[i];
		char *out = redacted(example->text);

		/* A false example may still be caught by a general finder; that it is none of its rule, rulegen checked. */
		if (example->is_secret && strstr(out, "[REDACTED:") == NULL)
			fail_msg("%s: %s", example->rule, example->text);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redact_replaces_a_text_that_is_one_environment_assignment),
		cmocka_unit_test(redact_keeps_the_name_in_longer_text),
		cmocka_unit_test(redact_masks_by_name_in_every_notation),
		cmocka_unit_test(redact_judges_names_of_unknown_vendors),
		cmocka_unit_test(redact_tells_a_uuid_that_is_a_key_from_an_id),
		cmocka_unit_test(redact_masks_headers_and_urls),
		cmocka_unit_test(redact_masks_known_forms_without_a_name),
		cmocka_unit_test(redact_leaves_what_a_reader_needs),
		cmocka_unit_test(redact_masks_private_keys_whole_and_cut_off),
		cmocka_unit_test(redact_sees_the_context_and_does_not_give_it_out),
		cmocka_unit_test(redact_repairs_what_is_not_utf8),
		cmocka_unit_test(redact_masks_known_values_wherever_they_stand),
		cmocka_unit_test(redact_takes_nothing_random_for_a_placeholder),
		cmocka_unit_test(redact_finds_every_one_of_many_known_values),
		cmocka_unit_test(redact_withholds_without_a_redactor),
		cmocka_unit_test(redact_withholds_output_beyond_its_cap),
		cmocka_unit_test(redact_gives_the_same_when_done_twice),
		cmocka_unit_test(redact_rules_find_their_true_examples_and_no_false_one),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
