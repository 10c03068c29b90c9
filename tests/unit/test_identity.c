#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "proto/identity.h"

static void identity_reads_each_role(void **state)
{
	static const struct {
		const char *uri;
		enum identity_role role;
		const char *workspace_id;
	} cases[] = {
		{ "spiffe://rescue.example/org/acme/workspace/ws-1", IDENTITY_WORKSPACE, "ws-1" },
		{ "spiffe://rescue.example/org/acme/control-plane", IDENTITY_CONTROL_PLANE, "" },
		{ "spiffe://rescue.example/org/acme/operator", IDENTITY_OPERATOR, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		BUF_AUTO again = BUF_INIT(LIMIT_SPIFFE_ID);
		struct identity identity;

		assert_int_equal(identity_parse(span_cstr(cases[i].uri), &identity, NULL), STATUS_OK);
		assert_int_equal(identity.role, cases[i].role);
		assert_string_equal(identity.trust_domain, "rescue.example");
		assert_string_equal(identity.org, "acme");
		assert_string_equal(identity.workspace_id, cases[i].workspace_id);
		assert_int_equal(identity_format(&identity, &again), STATUS_OK);
		assert_string_equal(buf_cstr(&again), cases[i].uri);
	}
}

static void identity_refuses_what_is_not_exactly_one_of_ours(void **state)
{
	static const char *const uris[] = {
		"",
		"https://rescue.example/org/acme/operator",
		"SPIFFE://rescue.example/org/acme/operator",
		"spiffe://Rescue.example/org/acme/operator",
		"spiffe:///org/acme/operator",
		"spiffe://rescue.example:8443/org/acme/operator",
		"spiffe://user@rescue.example/org/acme/operator",
		"spiffe://rescue.example/org/acme",
		"spiffe://rescue.example/org/acme/",
		"spiffe://rescue.example/org//operator",
		"spiffe://rescue.example/org/../operator",
		"spiffe://rescue.example/org/acme/operator/",
		"spiffe://rescue.example/org/acme/operator/x",
		"spiffe://rescue.example/org/acme/operator?x",
		"spiffe://rescue.example/org/acme/operator#x",
		"spiffe://rescue.example/org/acme/workspace",
		"spiffe://rescue.example/org/acme/workspace/",
		"spiffe://rescue.example/org/acme/workspace/..",
		"spiffe://rescue.example/org/acme/workspace/a/b",
		"spiffe://rescue.example/org/acme/workspace/a%2fb",
		"spiffe://rescue.example/org/acme/Workspace/a",
		"spiffe://rescue.example/acme/operator",
	};

	(void)state;
	for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
		struct identity identity;
		struct err err = ERR_INIT;

		assert_int_equal(identity_parse(span_cstr(uris[i]), &identity, &err), STATUS_INVALID);
		assert_true(err.text[0] != '\0');
	}
}

static void identity_refuses_a_nul_inside(void **state)
{
	static const uint8_t uri[] = "spiffe://rescue.example/org/acme/workspace/a\0b";
	struct identity identity;

	(void)state;
	assert_int_equal(identity_parse(span_of(uri, sizeof uri - 1), &identity, NULL), STATUS_INVALID);
}

static void identity_caps_each_part(void **state)
{
	char uri[LIMIT_SPIFFE_ID];
	struct identity identity;
	int len = snprintf(uri, sizeof uri, "spiffe://a/org/b/workspace/%0*d", LIMIT_WORKSPACE_ID, 1);

	(void)state;
	assert_int_equal(identity_parse(span_of(uri, (size_t)len), &identity, NULL), STATUS_OK);
	uri[len] = 'x';
	assert_int_equal(identity_parse(span_of(uri, (size_t)len + 1), &identity, NULL), STATUS_INVALID);
}

static void identity_does_not_format_what_it_would_refuse(void **state)
{
	BUF_AUTO out = BUF_INIT(LIMIT_SPIFFE_ID);
	struct identity identity = { .role = IDENTITY_WORKSPACE, .trust_domain = "a", .org = "b", .workspace_id = "c/d" };

	(void)state;
	assert_int_equal(identity_format(&identity, &out), STATUS_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_reads_each_role),
		cmocka_unit_test(identity_refuses_what_is_not_exactly_one_of_ours),
		cmocka_unit_test(identity_refuses_a_nul_inside),
		cmocka_unit_test(identity_caps_each_part),
		cmocka_unit_test(identity_does_not_format_what_it_would_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
