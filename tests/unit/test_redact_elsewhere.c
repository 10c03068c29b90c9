/*
 * Values that do not follow their name: in another member of the same object, in the next element or on the next line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/redact_fixture.h"

static void redact_finds_a_value_before_its_name(void **state)
{
	static const struct pair pairs[] = {
		{ "[{\"value\":\"b\",\"name\":\"A\"},{\"value\":\"tigercoffee\",\"name\":\"DB_PASSWORD\"}]",
		  "[{\"value\":\"b\",\"name\":\"A\"},{\"value\":\"[REDACTED:PASSWORD]\",\"name\":\"DB_PASSWORD\"}]" },
		{ "{\n  \"Value\": \"tigercoffee\",\n  \"Key\": \"DB_PASSWORD\"\n}",
		  "{\n  \"Value\": \"[REDACTED:PASSWORD]\",\n  \"Key\": \"DB_PASSWORD\"\n}" },
		{ "{\\\"value\\\":\\\"tigercoffee\\\",\\\"name\\\":\\\"DB_PASSWORD\\\"}",
		  "{\\\"value\\\":\\\"[REDACTED:PASSWORD]\\\",\\\"name\\\":\\\"DB_PASSWORD\\\"}" },
		{ "env:\n- value: tigercoffee\n  name: DB_PASSWORD\n- value: b\n  name: A\n",
		  "env:\n- value: [REDACTED:PASSWORD]\n  name: DB_PASSWORD\n- value: b\n  name: A\n" },
		{ "<add value=\"tigercoffee\" key=\"DbPassword\" />", "<add value=\"[REDACTED:PASSWORD]\" key=\"DbPassword\" />" },
		{ "{\"value\": \"open\", \"name\": \"door\"}", "{\"value\": \"open\", \"name\": \"door\"}" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_finds_a_value_behind_other_members(void **state)
{
	static const struct pair pairs[] = {
		{ "{\"Parameter\": {\"Name\": \"/prod/db/password\", \"Type\": \"String\", \"Value\": \"tigercoffee\"}}",
		  "{\"Parameter\": {\"Name\": \"/prod/db/password\", \"Type\": \"String\", \"Value\": \"[REDACTED:PASSWORD]\"}}" },
		{ "{\"ParameterKey\": \"DBPassword\", \"ParameterValue\": \"tigercoffee\"}",
		  "{\"ParameterKey\": \"DBPassword\", \"ParameterValue\": \"[REDACTED:PASSWORD]\"}" },
		{ "{\"name\": \"password\", \"type\": \"string\"}, {\"value\": \"open\"}",
		  "{\"name\": \"password\", \"type\": \"string\"}, {\"value\": \"open\"}" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_finds_a_value_inside_an_object(void **state)
{
	static const struct pair pairs[] = {
		{ "\"db_password\": {\n  \"sensitive\": true,\n  \"type\": \"string\",\n  \"value\": \"tigercoffee\"\n}",
		  "\"db_password\": {\n  \"sensitive\": true,\n  \"type\": \"string\",\n  \"value\": \"[REDACTED:PASSWORD]\"\n}" },
		{ "<property name=\"password\"><value>tigercoffee</value></property>",
		  "<property name=\"password\"><value>[REDACTED:PASSWORD]</value></property>" },
		{ "<property>\n  <name>fs.s3a.secret.key</name>\n  <value>tigercoffee</value>\n</property>",
		  "<property>\n  <name>fs.s3a.secret.key</name>\n  <value>[REDACTED:SECRET_KEY]</value>\n</property>" },
		{ "<tr><td class=\"e\">DB_PASSWORD</td><td class=\"v\">tigercoffee</td></tr>",
		  "<tr><td class=\"e\">DB_PASSWORD</td><td class=\"v\">[REDACTED:PASSWORD]</td></tr>" },
		{ "<Password>\n  <Value>tigercoffee</Value>\n</Password>", "<Password>\n  <Value>[REDACTED:PASSWORD]</Value>\n</Password>" },
		{ "<key>Password</key>\n\t<string>tigercoffee</string>", "<key>Password</key>\n\t<string>[REDACTED:PASSWORD]</string>" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_finds_a_value_on_the_line_below_its_option(void **state)
{
	static const struct pair pairs[] = {
		{ "command:\n  - redis-server\n  - --requirepass\n  - tigercoffee\n  - --save\n",
		  "command:\n  - redis-server\n  - --requirepass\n  - [REDACTED:PASSWORD]\n  - --save\n" },
		{ "    Args:\n      --db-password\n      tigercoffee\n      --port=80\n",
		  "    Args:\n      --db-password\n      [REDACTED:PASSWORD]\n      --port=80\n" },
		{ "ExecStart=x --prompt-root-password\nStandardOutput=tty\n", "ExecStart=x --prompt-root-password\nStandardOutput=tty\n" },
		{ "  --password\n        The password to use\n", "  --password\n        The password to use\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_finds_a_value_that_is_a_member_of_its_name(void **state)
{
	static const struct pair pairs[] = {
		{ "db:\n  password:\n    value: tigercoffee\n    key: pw\n",
		  "db:\n  password:\n    value: [REDACTED:PASSWORD]\n    key: pw\n" },
		{ "password:\n  valueFrom:\n    path: /run/secrets/pw\n", "password:\n  valueFrom:\n    path: /run/secrets/pw\n" },
		{ "password:\nvalue: tigercoffee\n", "password:\nvalue: tigercoffee\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_masks_the_rows_that_sql_puts_in(void **state)
{
	static const struct pair pairs[] = {
		{ "INSERT INTO `users` (`name`, `password`) VALUES ('bob', 'tigercoffee'), ('eve', NULL),\n('al', 'hunter22');\n",
		  "INSERT INTO `users` (`name`, `password`) VALUES ('bob', '[REDACTED:PASSWORD]'), ('eve', NULL),\n"
		  "('al', '[REDACTED:PASSWORD]');\n" },
		{ "INSERT INTO users (id,api_token,at) VALUES (1,'it''s, (tiger)',now());",
		  "INSERT INTO users (id,api_token,at) VALUES (1,'[REDACTED:TOKEN]',now());" },
		{ "COPY public.users (id, password, name) FROM stdin;\n1\ttigercoffee\tbob\n2\t\\N\teve\n\\.\n",
		  "COPY public.users (id, password, name) FROM stdin;\n1\t[REDACTED:PASSWORD]\tbob\n2\t\\N\teve\n\\.\n" },
		{ "INSERT INTO t (a, b) VALUES ('x', 'y');", "INSERT INTO t (a, b) VALUES ('x', 'y');" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_masks_a_value_wherever_it_stands_again(void **state)
{
	static const struct pair pairs[] = {
		{ "+ f 'Gr33n-Tea!77'\n+ DB_PASSWORD='Gr33n-Tea!77'\n+ mysql '-pGr33n-Tea!77'\n",
		  "+ f '[REDACTED:PASSWORD]'\n+ DB_PASSWORD='[REDACTED:PASSWORD]'\n+ mysql '-p[REDACTED:PASSWORD]'\n" },
		{ "using token kV9zQ2mX7w\nid kV9zQ2mX7w\n", "using token [REDACTED:TOKEN]\nid [REDACTED:TOKEN]\n" },
		{ "token: kV9zQ2mX7w\nid kV9zQ2mX7w, layer 9kV9zQ2mX7wf\n", "token: [REDACTED:TOKEN]\nid [REDACTED:TOKEN], layer 9kV9zQ2mX7wf\n" },
		{ "password: tigercoffee\nthe tigercoffee bar\n", "password: [REDACTED:PASSWORD]\nthe tigercoffee bar\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_takes_a_value_with_what_is_written_around_it(void **state)
{
	static const struct pair pairs[] = {
		{ "password: Some(\"tigercoffee\"), x: 1", "password: Some(\"[REDACTED:PASSWORD]\"), x: 1" },
		{ "Settings(db_password=SecretStr('tigercoffee'))", "Settings(db_password=SecretStr('[REDACTED:PASSWORD]'))" },
		{ "{u'password': u'tigercoffee'}", "{u'password': u'[REDACTED:PASSWORD]'}" },
		{ "ALTER LOGIN sa WITH PASSWORD=N'tigercoffee';", "ALTER LOGIN sa WITH PASSWORD=N'[REDACTED:PASSWORD]';" },
		{ "password = getpass(\"Enter it here: \")", "password = getpass(\"Enter it here: \")" },
		{ "x DB_PASSWORD=\"tiger\"'coffee'7 y", "x DB_PASSWORD=[REDACTED:PASSWORD] y" },
		{ "x DB_PASSWORD=tiger\"coffee\" y", "x DB_PASSWORD=[REDACTED:PASSWORD] y" },
		{ "{\"cmd\": \"x --password=tiger\",\"n\":1}", "{\"cmd\": \"x --password=[REDACTED:PASSWORD]\",\"n\":1}" },
		{ "password: ${DB_PASSWORD:-tigercoffee}", "password: [REDACTED:PASSWORD]" },
		{ "~ pw = \\\"tiger\\\" -> \\\"coffee\\\"", "~ pw = \\\"[REDACTED:PASSWORD]\\\" -> \\\"[REDACTED:PASSWORD]\\\"" },
		{ "db_password:\n  tiger:coffee\nnext: 1\n", "db_password:\n  [REDACTED:PASSWORD]\nnext: 1\n" },
		{ "[('user', 'bob'), ('password', 'tigercoffee')]", "[('user', 'bob'), ('password', '[REDACTED:PASSWORD]')]" },
		{ "getattr(form, 'password', 'tigercoffee') Field('password', 'required')",
		  "getattr(form, 'password', 'tigercoffee') Field('password', 'required')" },
		{ "admin_pass\tQO4M1nz/sTj2oUpG\npass\t0.012s\n", "admin_pass\t[REDACTED:PASSWORD]\npass\t0.012s\n" },
		{ "password: ${DB_PASSWORD:?must be set} ${env:DB_PASSWORD}", "password: ${DB_PASSWORD:?must be set} ${env:DB_PASSWORD}" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_masks_the_column_that_a_header_names(void **state)
{
	static const struct pair pairs[] = {
		{ "id,name,secret,created\n1,app,tigercoffee,2024-01-01\n2,db,,2024-01-02\n3,x,hunter22,2024-01-03\ndone\n",
		  "id,name,secret,created\n1,app,[REDACTED:SECRET],2024-01-01\n2,db,,2024-01-02\n"
		  "3,x,[REDACTED:SECRET],2024-01-03\ndone\n" },
		{ "User name,Password,Access key ID,Secret access key\nbob,tigercoffee,17,hunter22/x\n",
		  "User name,Password,Access key ID,Secret access key\nbob,[REDACTED:PASSWORD],17,[REDACTED:SECRET_KEY]\n" },
		{ "\"user\",\"password\"\r\n\"bob\",\"tiger,coffee\"\r\n",
		  "\"user\",\"password\"\r\n\"bob\",\"[REDACTED:PASSWORD]\"\r\n" },
		{ "user\tpassword\nbob\ttigercoffee\n", "user\tpassword\nbob\t[REDACTED:PASSWORD]\n" },
		{ "a|token|b\n--\nx|hunter22|y\n--\nb|a|token\nx|horse7|hunter33\n",
		  "a|token|b\n--\nx|[REDACTED:TOKEN]|y\n--\nb|a|token\nx|[REDACTED:TOKEN]|[REDACTED:TOKEN]\n" },
		{ " id | user | password \n----+------+----------\n  1 | bob  | tigercoffee\n(1 row)\n",
		  " id | user | password \n----+------+----------\n  1 | bob  | [REDACTED:PASSWORD]\n(1 row)\n" },
		{ "+----+-------------+\n| id | password    |\n+----+-------------+\n|  1 | tigercoffee |\n+----+-------------+\n",
		  "+----+-------------+\n| id | password    |\n+----+-------------+\n|  1 | [REDACTED:PASSWORD] |\n"
		  "+----+-------------+\n" },
		{ "| adminPass | kV9zQ2mX7wLp |\n| name | vm7 |\n", "| adminPass | [REDACTED:PASSWORD] |\n| name | vm7 |\n" },
		{ "suite,pass,fail\nunit,1012,0\n", "suite,pass,fail\nunit,1012,0\n" },
		{ "checks the user,password\nand then goes on, slowly\n", "checks the user,password\nand then goes on, slowly\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redact_finds_a_value_before_its_name),
		cmocka_unit_test(redact_finds_a_value_behind_other_members),
		cmocka_unit_test(redact_finds_a_value_inside_an_object),
		cmocka_unit_test(redact_finds_a_value_on_the_line_below_its_option),
		cmocka_unit_test(redact_finds_a_value_that_is_a_member_of_its_name),
		cmocka_unit_test(redact_masks_the_column_that_a_header_names),
		cmocka_unit_test(redact_masks_the_rows_that_sql_puts_in),
		cmocka_unit_test(redact_masks_a_value_wherever_it_stands_again),
		cmocka_unit_test(redact_takes_a_value_with_what_is_written_around_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
