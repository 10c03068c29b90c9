/*
 * The notations in which a name and its secret are written on a box, one by one: the name stays, the value goes, and
 * nothing else changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/redact_fixture.h"

static void redact_understands_dockerfile(void **state)
{
	static const struct pair pairs[] = {
		{ "FROM x\nENV A=1 \\\n    DB_PASSWORD=kV9zQ2mX7wLp4TnB8rYc \\\n    B=2\n",
		  "FROM x\nENV A=1 \\\n    DB_PASSWORD=[REDACTED:PASSWORD] \\\n    B=2\n" },
		{ "ARG NPM_TOKEN=kV9zQ2mX7wLp4TnB8rYc\nRUN x\n",
		  "ARG NPM_TOKEN=[REDACTED:TOKEN]\nRUN x\n" },
		{ "RUN curl -H 'X-Auth-Token: kV9zQ2mX7wLp4TnB8rYc' http://x && rm\n",
		  "RUN curl -H 'X-Auth-Token: [REDACTED:TOKEN]' http://x && rm\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_markup_and_tables(void **state)
{
	static const struct pair pairs[] = {
		{ "<wsse:Password Type=\"x\">hunter22</wsse:Password>",
		  "<wsse:Password Type=\"x\">[REDACTED:PASSWORD]</wsse:Password>" },
		{ "<property name=\"connection.password\">hunter22</property>",
		  "<property name=\"connection.password\">[REDACTED:PASSWORD]</property>" },
		{ "<Password><![CDATA[hunter22]]></Password>", "<Password><![CDATA[[REDACTED:PASSWORD]]]></Password>" },
		{ "curl -u <user:password> https://x.example/", "curl -u <user:password> https://x.example/" },
		{ "| adminPass | kV9zQ2mX7wLp    |", "| adminPass | [REDACTED:PASSWORD]    |" },
		{ "| password | string | no |", "| password | string | no |" },
		{ "[\"password\"]=> string(8) \"hunter22\"", "[\"password\"]=> string(8) \"[REDACTED:PASSWORD]\"" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_reads_escaped_quotes(void **state)
{
	static const struct pair pairs[] = {
		{ "{&quot;password&quot;: &quot;hunter22&quot;}", "{&quot;password&quot;: &quot;[REDACTED:PASSWORD]&quot;}" },
		{ "{&#34;password&#34;:&#34;hunter22&#34;}", "{&#34;password&#34;:&#34;[REDACTED:PASSWORD]&#34;}" },
		{ "{\\x22password\\x22: \\x22hunter22\\x22}", "{\\x22password\\x22: \\x22[REDACTED:PASSWORD]\\x22}" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_sentences(void **state)
{
	static const struct pair pairs[] = {
		{ "using password kV9zQ2mX7wLp4TnB8rYc for admin", "using password [REDACTED:PASSWORD] for admin" },
		{ "map[host:db password:tigercoffee user:app]", "map[host:db password:[REDACTED:PASSWORD] user:app]" },
		{ "secret my-app-7d9c8b7f6d-x2x9q not found", "secret my-app-7d9c8b7f6d-x2x9q not found" },
		{ "token 9f86d081884c7d659a2feaa0c55ad015 seen", "token 9f86d081884c7d659a2feaa0c55ad015 seen" },
		{ "{'password': 'MdhxhfmjbrL6rvguq0ztcw=='}", "{'password': '[REDACTED:PASSWORD]'}" },
		{ "secret_key_base: 0a14e81c8f689023c71c049e36647b66a69caf4e739cd53e039f34aca41f3c03",
		  "secret_key_base: [REDACTED:SECRET_KEY]" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_systemd(void **state)
{
	static const struct pair pairs[] = {
		{ "[Service]\nEnvironment=A=1 \"API_TOKEN=kV9zQ2mX7wLp4TnB8rYc\" 'B=2'\n"
		  "ExecStart=/bin/x --password=kV9zQ2mX7wLp4TnB8rYc --v\n",
		  "[Service]\nEnvironment=A=1 \"API_TOKEN=[REDACTED:TOKEN]\" 'B=2'\n"
		  "ExecStart=/bin/x --password=[REDACTED:PASSWORD] --v\n" },
		{ "[Service]\nExecStart=/usr/bin/app \\\n  --db-password kV9zQ2mX7wLp4TnB8rYc \\\n" "  --port 80\n",
		  "[Service]\nExecStart=/usr/bin/app \\\n  --db-password [REDACTED:PASSWORD] \\\n" "  --port 80\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_docker_inspect(void **state)
{
	static const struct pair pairs[] = {
		{ "[{\"Id\":\"abc\",\"Config\":{\"Env\":[\"PATH=/bin\",\"POSTGRES_PASSWORD=kV9"
		  "zQ2mX7wLp4TnB8rYc\",\"A=b\"],\"Cmd\":[\"--token=kV9zQ2mX7wLp4TnB8rYc\"]"
		  ",\"Labels\":{\"api.key\":\"kV9zQ2mX7wLp4TnB8rYc\"}}}]",
		  "[{\"Id\":\"abc\",\"Config\":{\"Env\":[\"PATH=/bin\",\"POSTGRES_PASSWORD=[RE"
		  "DACTED:PASSWORD]\",\"A=b\"],\"Cmd\":[\"--token=[REDACTED:TOKEN]\"],\"Lab"
		  "els\":{\"api.key\":\"[REDACTED:API_KEY]\"}}}]" },
		{ "{\"log\":\"password: kV9zQ2mX7wLp4TnB8rYc\\n\",\"stream\":\"stdout\"}",
		  "{\"log\":\"password: [REDACTED:PASSWORD]\\n\",\"stream\":\"stdout\"}" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_http_headers(void **state)
{
	static const struct pair pairs[] = {
		{ "> GET / HTTP/1.1\n> X-Api-Key: kV9zQ2mX7wLp4TnB8rYc\n> Host: h\n",
		  "> GET / HTTP/1.1\n> X-Api-Key: [REDACTED:API_KEY]\n> Host: h\n" },
		{ "Set-Cookie: session=kV9zQ2mX7wLp4TnB8rYc; Path=/; HttpOnly\n",
		  "Set-Cookie: [REDACTED:COOKIE]\n" },
		{ "Proxy-Authorization: Basic dXNlcjprVjl6UTJtWDd3THA0VG5C\n",
		  "Proxy-Authorization: Basic [REDACTED:AUTHORIZATION]\n" },
		{ "\"headers\":{\"authorization\":\"Token kV9zQ2mX7wLp4TnB8rYc\",\"x-reque" "st-id\":\"1\"}",
		  "\"headers\":{\"authorization\":\"Token [REDACTED:AUTHORIZATION]\",\"x-r" "equest-id\":\"1\"}" },
		{ "x-amz-security-token: kV9zQ2mX7wLp4TnB8rYc\r\ncookie: a=kV9zQ2mX7wLp4TnB8rYc\r\n",
		  "x-amz-security-token: [REDACTED:TOKEN]\r\ncookie: [REDACTED:COOKIE]\r\n" },
		{ "GET /x?api_key=kV9zQ2mX7wLp4TnB8rYc&y=1 HTTP/1.1",
		  "GET /x?api_key=[REDACTED:API_KEY]&y=1 HTTP/1.1" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_toml_and_ini(void **state)
{
	static const struct pair pairs[] = {
		{ "password = '''\nkV9zQ2mX7wLp4TnB8rYc\n'''\nx = 1\n",
		  "password = '''\n[REDACTED:PASSWORD]\n'''\nx = 1\n" },
		{ "secret = \"\"\"\nkV9zQ2mX7wLp4TnB8rYc\"\"\"\nx = 1\n",
		  "secret = \"\"\"\n[REDACTED:SECRET]\"\"\"\nx = 1\n" },
		{ "[db]\npassword   =   correct horse staple\n; c\n",
		  "[db]\npassword   =   [REDACTED:PASSWORD]\n; c\n" },
		{ "[db]\npassword : kV9zQ2mX7wLp4TnB8rYc\n",
		  "[db]\npassword : [REDACTED:PASSWORD]\n" },
		{ "spring.datasource.password=kV9zQ2mX7wLp4TnB8rYc\n",
		  "spring.datasource.password=[REDACTED:PASSWORD]\n" },
		{ "[pypi]\nusername = __token__\npassword = kV9zQ2mX7wLp4TnB8rYc\n",
		  "[pypi]\nusername = __token__\npassword = [REDACTED:PASSWORD]\n" },
		{ "//registry.example/:_authToken=kV9zQ2mX7wLp4TnB8rYc\n",
		  "//registry.example/:_authToken=[REDACTED:TOKEN]\n" },
		{ "Driver={x};Server=h;Uid=a;Pwd=kV9zQ2mX7wLp4TnB8rYc;Port=1",
		  "Driver={x};Server=h;Uid=a;Pwd=[REDACTED:PASSWORD];Port=1" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_yaml(void **state)
{
	static const struct pair pairs[] = {
		{ "api_token: >-\n  kV9zQ2mX7wLp4TnB8rYc\nnext: 1\n",
		  "api_token: >-\n  [REDACTED:TOKEN]\nnext: 1\n" },
		{ "db:\n  password: |+\n    kV9zQ2mX7wLp4TnB8rYc\n  next: 1\n",
		  "db:\n  password: |+\n    [REDACTED:PASSWORD]\n  next: 1\n" },
		{ "private_key: |2\n    kV9zQ2mX7wLp4TnB8rYc\nnext: 1\n",
		  "private_key: |2\n    [REDACTED:PRIVATE_KEY]\nnext: 1\n" },
		{ "password: \"kV9zQ2mX7wLp4TnB8rYc\n  more\"\nnext: 1\n",
		  "password: \"[REDACTED:PASSWORD]\"\nnext: 1\n" },
		{ "tokens:\n- kV9zQ2mX7wLp4TnB8rYc\n- x\nnext: 1",
		  "tokens:\n[REDACTED:TOKEN]\nnext: 1" },
		{ "password: &pw kV9zQ2mX7wLp4TnB8rYc\nother: *pw\n",
		  "password: &pw [REDACTED:PASSWORD]\nother: *pw\n" },
		{ "{user: bob, password: kV9zQ2mX7wLp4TnB8rYc, x: 1}",
		  "{user: bob, password: [REDACTED:PASSWORD], x: 1}" },
		{ "password: !!str kV9zQ2mX7wLp4TnB8rYc\n",
		  "password: !!str [REDACTED:PASSWORD]\n" },
		{ "env:\n- name: DB_PASSWORD\n  value: \"kV9zQ2mX7wLp4TnB8rYc\"\n- name: A\n" "  value: b\n",
		  "env:\n- name: DB_PASSWORD\n  value: \"[REDACTED:PASSWORD]\"\n- name: A\n  value: b\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_shell(void **state)
{
	static const struct pair pairs[] = {
		{ "cat > /etc/app.env <<'EOF'\nDB_PASSWORD=kV9zQ2mX7wLp4TnB8rYc\nPORT=80\nEOF\n",
		  "cat > /etc/app.env <<'EOF'\nDB_PASSWORD=[REDACTED:PASSWORD]\nPORT=80\nEOF\n" },
		{ "export API_TOKEN=$(cat <<-EOF\n\tkV9zQ2mX7wLp4TnB8rYc\n\tEOF\n)\n",
		  "export API_TOKEN=$(cat <<-EOF\n[REDACTED:TOKEN]\n\tEOF\n)\n" },
		{ "mysql <<SQL\nALTER USER 'root'@'%' IDENTIFIED BY 'kV9zQ2mX7wLp4TnB8rYc';\nSQL\n",
		  "mysql <<SQL\nALTER USER 'root'@'%' IDENTIFIED BY '[REDACTED:PASSWORD]';\nSQL\n" },
		{ "curl -u bob:kV9zQ2mX7wLp4TnB8rYc \\\n  http://h/\n",
		  "curl -u [REDACTED:CREDENTIAL] \\\n  http://h/\n" },
		{ "app --token \\\n   kV9zQ2mX7wLp4TnB8rYc \\\n  --v\n",
		  "app --token \\\n   [REDACTED:TOKEN] \\\n  --v\n" },
		{ "declare -x API_TOKEN=\"kV9zQ2mX7wLp4TnB8rYc\"\n",
		  "declare -x API_TOKEN=\"[REDACTED:TOKEN]\"\n" },
		{ "+ export API_TOKEN=kV9zQ2mX7wLp4TnB8rYc\n++ API_TOKEN=kV9zQ2mX7wLp4TnB8rYc\n",
		  "+ export API_TOKEN=[REDACTED:TOKEN]\n++ API_TOKEN=[REDACTED:TOKEN]\n" },
		{ "root 1 0 app --api-key=kV9zQ2mX7wLp4TnB8rYc --listen :80\n",
		  "root 1 0 app --api-key=[REDACTED:API_KEY] --listen :80\n" },
		{ "mysql -uroot -pkV9zQ2mX7wLp4TnB8rYc db\n",
		  "mysql -uroot -p[REDACTED:PASSWORD] db\n" },
		{ "sshpass -p kV9zQ2mX7wLp4TnB8rYc ssh h\n",
		  "sshpass -p [REDACTED:PASSWORD] ssh h\n" },
		{ "helm upgrade x --set auth.password=kV9zQ2mX7wLp4TnB8rYc --set a=b",
		  "helm upgrade x --set auth.password=[REDACTED:PASSWORD] --set a=b" },
		{ "$env:API_TOKEN = \"kV9zQ2mX7wLp4TnB8rYc\"\n",
		  "$env:API_TOKEN = \"[REDACTED:TOKEN]\"\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_json_in_json(void **state)
{
	static const struct pair pairs[] = {
		{ "{\"a\":\"{\\\"b\\\":\\\"{\\\\\\\"password\\\\\\\":\\\\\\\"kV9zQ2mX7wLp4TnB8rYc\\\\\\\",\\\\"
		  "\\\"x\\\\\\\":1}\\\"}\"}",
		  "{\"a\":\"{\\\"b\\\":\\\"{\\\\\\\"password\\\\\\\":\\\\\\\"[REDACTED:PASSWORD]\\\\\\\",\\\\\\"
		  "\"x\\\\\\\":1}\\\"}\"}" },
		{ "{\"password\": 1234567890123}",
		  "{\"password\": [REDACTED:PASSWORD]}" },
		{ "{\"passwords\": [\"kV9zQ2mX7wLp4TnB8rYc\", \"x1\"]}",
		  "{\"passwords\": [[REDACTED:PASSWORD]]}" },
		{ "{\n  \"client_secret\":\n    \"kV9zQ2mX7wLp4TnB8rYc\"\n}",
		  "{\n  \"client_secret\":\n    [REDACTED:SECRET]\n}" },
		{ "{\"MESSAGE\":\"export API_TOKEN=kV9zQ2mX7wLp4TnB8rYc\",\"_PID\":\"1\"}",
		  "{\"MESSAGE\":\"export API_TOKEN=[REDACTED:TOKEN]\",\"_PID\":\"1\"}" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_colour_codes(void **state)
{
	static const struct pair pairs[] = {
		{ "API_TOKEN=\033[33mkV9zQ2mX7w\033[0mLp4TnB8rYc\n",
		  "[REDACTED:TOKEN]\n" },
		{ "\033[36mpass\033[0mword: kV9zQ2mX7wLp4TnB8rYc\n",
		  "\033[36mpass\033[0mword: [REDACTED:PASSWORD]\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_cloud_init(void **state)
{
	static const struct pair pairs[] = {
		{ "chpasswd:\n  expire: false\n  users:\n"
		  "    - {name: bob, password: kV9zQ2mX7wLp4TnB8rYc, type: text}\n",
		  "chpasswd:\n  expire: false\n  users:\n"
		  "    - {name: bob, password: [REDACTED:PASSWORD], type: text}\n" },
		{ "chpasswd:\n  list:\n    - bob:kV9zQ2mX7wLp4TnB8rYc\n",
		  "chpasswd:\n  list:\n    - bob:[REDACTED:PASSWORD]\n" },
		{ "echo 'bob:kV9zQ2mX7wLp4TnB8rYc' | chpasswd\n",
		  "echo 'bob:[REDACTED:PASSWORD]' | chpasswd\n" },
		{ "ssh_keys:\n  rsa_private: |\n    -----BEGIN RSA PRIVATE KEY-----\n"
		  "    MIIEpAIBAAKCAQEAxkV9zQ2mX7wLp4TnB8rYckV9zQ2mX7wLp4TnB8rYckV9zQ2mX7wLp4TnB8rYc\n"
		  "    -----END RSA PRIVATE KEY-----\n  rsa_public: ssh-rsa AAAAB3Nza root@h\n",
		  "ssh_keys:\n  rsa_private: |\n    [REDACTED:PRIVATE_KEY]\n"
		  "  rsa_public: ssh-rsa AAAAB3Nza root@h\n" },
		{ "write_files:\n- path: /etc/app.env\n  content: |\n"
		  "    API_TOKEN=kV9zQ2mX7wLp4TnB8rYc\n    PORT=1\n",
		  "write_files:\n- path: /etc/app.env\n  content: |\n    API_TOKEN=[REDACTED:TOKEN]\n"
		  "    PORT=1\n" },
		{ "write_files:\n- encoding: b64\n"
		  "  content: QVBJX1RPS0VOPWtWOXpRMm1YN3dMcDRUbkI4clljClBPUlQ9MQo=\n",
		  "write_files:\n- encoding: b64\n  content: [REDACTED:TOKEN]\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_credential_files(void **state)
{
	static const struct pair pairs[] = {
		{ "db.internal:5432:app:bob:kV9zQ2mX7wLp4TnB8rYc\n",
		  "db.internal:5432:app:bob:[REDACTED:PASSWORD]\n" },
		{ "machine h\nlogin u\npassword kV9zQ2mX7wLp4TnB8rYc\n",
		  "machine h\nlogin u\npassword [REDACTED:PASSWORD]\n" },
		{ "https://bob:kV9zQ2mX7wLp4TnB8rYc@github.example\n",
		  "https://bob:[REDACTED:URL_PASSWORD]@github.example\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_programming_languages(void **state)
{
	static const struct pair pairs[] = {
		{ "{'password': 'kV9zQ2mX7wLp4TnB8rYc', 'host': 'h'}",
		  "{'password': '[REDACTED:PASSWORD]', 'host': 'h'}" },
		{ "Settings(password='kV9zQ2mX7wLp4TnB8rYc', host='h')",
		  "Settings(password='[REDACTED:PASSWORD]', host='h')" },
		{ "&Config{Password:\"kV9zQ2mX7wLp4TnB8rYc\", Host:\"h\"}",
		  "&Config{Password:\"[REDACTED:PASSWORD]\", Host:\"h\"}" },
		{ "Config { api_key: \"kV9zQ2mX7wLp4TnB8rYc\", port: 80 }",
		  "Config { api_key: \"[REDACTED:API_KEY]\", port: 80 }" },
		{ ":password => 'kV9zQ2mX7wLp4TnB8rYc', :host => 'h'",
		  ":password => '[REDACTED:PASSWORD]', :host => 'h'" },
		{ "level=info msg=\"connect\" password=kV9zQ2mX7wLp4TnB8rYc host=h",
		  "level=info msg=\"connect\" password=[REDACTED:PASSWORD] host=h" },
		{ "<user name=\"a\" password=\"kV9zQ2mX7wLp4TnB8rYc\"/>",
		  "<user name=\"a\" password=\"[REDACTED:PASSWORD]\"/>" },
		{ "variable \"db_password\" {\n  default = \"kV9zQ2mX7wLp4TnB8rYc\"\n}\n",
		  "variable \"db_password\" {\n  default = \"[REDACTED:SECRET]\"\n}\n" },
		{ "resource \"x\" \"y\" {\n  admin_password = \"kV9zQ2mX7wLp4TnB8rYc\"\n}",
		  "resource \"x\" \"y\" {\n  admin_password = \"[REDACTED:PASSWORD]\"\n}" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_understands_tables(void **state)
{
	static const struct pair pairs[] = {
		{ "DB_PASSWORD\tkV9zQ2mX7wLp4TnB8rYc\n", "DB_PASSWORD\t[REDACTED:PASSWORD]\n" },
		{ "A_TOKEN         kV9zQ2mX7wLp4TnB8rYc\nPATH   /bin\n", "A_TOKEN         [REDACTED:TOKEN]\nPATH   /bin\n" },
		{ "| DB_PASSWORD | kV9zQ2mX7wLp4TnB8rYc |\n", "| DB_PASSWORD | [REDACTED:PASSWORD] |\n" },
		{ "set DB_PASSWORD before you start, or A_TOKEN | grep\n", "set DB_PASSWORD before you start, or A_TOKEN | grep\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

static void redact_tells_a_dotted_password_from_a_setting_that_is_named(void **state)
{
	static const struct pair pairs[] = {
		{ "user: x\npassword: tiger.coffee\n", "user: x\npassword: [REDACTED:PASSWORD]\n" },
		{ "user: x\npassword: settings.password\n", "user: x\npassword: settings.password\n" },
		{ "user: x\npassword: app.secret\n", "user: x\npassword: app.secret\n" },
	};

	(void)state;
	CHECK_PAIRS(pairs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redact_understands_dockerfile),
		cmocka_unit_test(redact_understands_markup_and_tables),
		cmocka_unit_test(redact_reads_escaped_quotes),
		cmocka_unit_test(redact_understands_sentences),
		cmocka_unit_test(redact_understands_systemd),
		cmocka_unit_test(redact_understands_docker_inspect),
		cmocka_unit_test(redact_understands_http_headers),
		cmocka_unit_test(redact_understands_toml_and_ini),
		cmocka_unit_test(redact_understands_yaml),
		cmocka_unit_test(redact_understands_shell),
		cmocka_unit_test(redact_understands_json_in_json),
		cmocka_unit_test(redact_understands_colour_codes),
		cmocka_unit_test(redact_understands_cloud_init),
		cmocka_unit_test(redact_understands_credential_files),
		cmocka_unit_test(redact_understands_programming_languages),
		cmocka_unit_test(redact_understands_tables),
		cmocka_unit_test(redact_tells_a_dotted_password_from_a_setting_that_is_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
