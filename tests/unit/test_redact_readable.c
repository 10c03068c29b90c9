#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/redact_fixture.h"

/*
 * What an operator reads beside the nearest secret: the first text stays as it is, the second one, which looks like it,
 * does not.
 */
struct neighbours {
	const char *readable;
	const char *secret;
	const char *masked;
};

static void check_neighbours(const struct neighbours *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		check_text(list[i].readable, list[i].readable);
		check_text(list[i].secret, list[i].masked);
	}
}

#define CHECK_NEIGHBOURS(list) check_neighbours((list), sizeof(list) / sizeof *(list))

static void readable_are_names_that_only_name(void **state)
{
	static const struct neighbours list[] = {
		{ "x sudo: ALL=(ALL) NOPASSWD:ALL", "x sudo PASSWD:hunter22", "x sudo PASSWD:[REDACTED:PASSWORD]" },
		{ "LoadCredential=db.hashed-password\n", "x SetCredential=hunter22\n", "x SetCredential=[REDACTED:CREDENTIAL]\n" },
		{ "ConditionCredential=|sysusers.extra\n", "x credential=hunter22\n", "x credential=[REDACTED:CREDENTIAL]\n" },
		{ "['gpg', '--recv-keys', '9DC858229FC7DD38854AE2D88D81803C0EBFCD88']",
		  "['x', '--master-key', '9DC858229FC7DD38854AE2D88D81803C0EBFCD88']", "['x', '--master-key', '[REDACTED:KEY]']" },
		{ "imagePullSecrets: [{name: regcred}]\n", "x\nsecrets: hunter22\n", "x\nsecrets: [REDACTED:SECRET]\n" },
		{ "x\nDBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus\n", "x\nA_SESSION=q8Zk2vLm4xWc7RbJ\n",
		  "x\nA_SESSION=[REDACTED:SESSION]\n" },
		{ "x PublicKey=RDf+LSpeEre7YEIKaxg+wbpsNV7du+ktR99uBEtIiCA=",
		  "x PrivateKey=RDf+LSpeEre7YEIKaxg+wbpsNV7du+ktR99uBEtIiCA=", "x PrivateKey=[REDACTED:PRIVATE_KEY]" },
		{ "  public key: HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
		  "  wallet key: HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=", "  wallet key: [REDACTED:KEY]" },
	};

	(void)state;
	CHECK_NEIGHBOURS(list);
}

static void readable_are_placeholders_between_angle_brackets(void **state)
{
	static const struct neighbours list[] = {
		{ "AUTH <password> as usually", "<password>hunter22</password>", "<password>[REDACTED:PASSWORD]</password>" },
		{ "--data \"apikey=<apikey>\" --data \"x=1\"", "<a><apikey>q8Zk2vLm4xWc</apikey>",
		  "<a><apikey>[REDACTED:API_KEY]</apikey>" },
		{ " --tlspassword <string> TLS password", " <key>password</key><string>horse</string>",
		  " <key>password</key><string>[REDACTED:PASSWORD]</string>" },
		{ "usage: x [-u <user>] -p <password>, where", "<password>\n  hunter22\n",
		  "<password>\n  [REDACTED:PASSWORD]\n" },
		/* What is masked is none of the two lines any more. */
		{ "<auth-user-pass>", "<auth-user-pass>\nbob\nhunter22\na b\nc d\ne f\ng h\ni j\nk l\n",
		  "<auth-user-pass>\n[REDACTED:PASSWORD]\na b\nc d\ne f\ng h\ni j\nk l\n" },
		{ "<password>${PASSWORD}</password>", "<password>tiger 7 <password>hunter22</password>",
		  "<password>[REDACTED:PASSWORD] 7 <password>[REDACTED:PASSWORD]</password>" },
		{ "<password></password> is empty", "x  <password>\nx    hunter22\nx  </password>",
		  "x  <password>\n[REDACTED:PASSWORD]  </password>" },
		{ "<password>***</password>", "<password><value>tiger & coffee</value></password>",
		  "<password><value>[REDACTED:PASSWORD]</value></password>" },
		{ "<password> of the user", "<password> hunter22 </password>", "<password> [REDACTED:PASSWORD] </password>" },
	};

	(void)state;
	CHECK_NEIGHBOURS(list);
}

static void readable_are_values_that_look_like_names(void **state)
{
	static const struct neighbours list[] = {
		{ "{\"_COMM\":\"passwd\",\"_UID\":\"0\"}", "[\"passwd\",\"hunter22\"]", "[\"passwd\",\"[REDACTED:PASSWORD]\"]" },
		{ "\"NextToken\":{\"type\":\"string\"}", "\"NextToken\":{\"value\":\"q8Zk2vLm4xWc7RbJ\"}",
		  "\"NextToken\":{\"value\":\"[REDACTED:TOKEN]\"}" },
		{ "x $token->is_text, credentials->key_id", "\"x_token\" -> \"q8Zk2vLm4xWc\"",
		  "\"x_token\" -> \"[REDACTED:TOKEN]\"" },
		{ "the \"proxy_pass\", \"fastcgi_pass\", and \"uwsgi_pass\" directives", "[\"proxy_pass\", \"fast-horse\"]",
		  "[\"proxy_pass\", \"[REDACTED:PASSWORD]\"]" },
		{ "(\"INVALID_TOKEN\", \"MISSING_PARAMETER\", 1)", "set(\"DB_PASSWORD\", \"MY_SECRET\")",
		  "set(\"DB_PASSWORD\", \"[REDACTED:PASSWORD]\")" },
		{ "[\n  \"set-passwords\",\n  \"grub-dpkg\",\n  \"apt\"\n]", "[\n  \"set-passwords\",\n  \"grub4dpkg\",\n  \"apt\"\n]",
		  "[\n  \"set-passwords\",\n  \"[REDACTED:PASSWORD]\",\n  \"apt\"\n]" },
		{ "stat(\"LICENSE\", {st_mode=S_IFREG|0644, st_size=11358})", "set(\"LICENSE\", \"q8Zk2vLm4xWc7RbJ\")",
		  "set(\"LICENSE\", \"[REDACTED:KEY]\")" },
	};

	(void)state;
	CHECK_NEIGHBOURS(list);
}

static void readable_are_expressions(void **state)
{
	static const struct neighbours list[] = {
		{ "    password = args[0]\n", "    password = hunter22]\n", "    password = [REDACTED:PASSWORD]\n" },
		{ "    password = sys.argv[1].strip()\n", "x --password abc[1]", "x --password [REDACTED:PASSWORD]" },
		{ "x = 1\ntls_password = TLS_PASSWORD\n", "x\npassword=MY_TOKEN\n", "x\npassword=[REDACTED:PASSWORD]\n" },
		{ "    token = headers[\"X-Auth\"]\n", "    token = headers22\n", "    token = [REDACTED:TOKEN]\n" },
		{ "x(a, token=self._token)", "x(a, token=self_t0ken)", "x(a, token=[REDACTED:TOKEN])" },
		{ "{'password': uuid.uuid4().hex}", "{'password': uuid.uuid4x9}", "{'password': [REDACTED:PASSWORD]}" },
		{ "    token = fixture.V2Token(a)\n", "    token = fixtureV2Token22\n", "    token = [REDACTED:TOKEN]\n" },
		{ "{'X-Auth-Token': self.token, 'x': 1}", "{'X-Auth-Token': se1f.t0ken9, 'x': 1}",
		  "{'X-Auth-Token': [REDACTED:TOKEN], 'x': 1}" },
		{ "f(cookie=None, hide_cookie=False)", "f(cookie=Nine, x=1)", "f(cookie=[REDACTED:COOKIE]" },
		{ "{\"authorization\": null,\n \"x\": 1}", "{\"authorization\": nuli,\n \"x\": 1}",
		  "{\"authorization\": [REDACTED:AUTHORIZATION]\n \"x\": 1}" },
		{ "\"password\": \"NOT_LOGGING_PASSWORD\"", "\"password\": \"NOT_LOGIN_PASSWORD\"",
		  "\"password\": \"[REDACTED:PASSWORD]\"" },
		{ "\"Authorization\": session[\"token\"],", "\"Authorization\": \"session\",",
		  "\"Authorization\": \"[REDACTED:AUTHORIZATION]\"," },
		{ "my $dbpass = $conf->{sql_password};", "my $dbpass = '$conf99';", "my $dbpass = '[REDACTED:PASSWORD]';" },
		{ "password => $password,", "password => $ecret99", "password => [REDACTED:PASSWORD]" },
		{ "password => $conf->{password},", "password => $vAYm[qgq5", "password => [REDACTED:PASSWORD]" },
		{ "token => $args['token'],", "token => $tiger{x9Yq", "token => [REDACTED:TOKEN]" },
		{ "f(a, password=settings.password, b)", "x password=tiger.coffee y=1", "x password=[REDACTED:PASSWORD] y=1" },
		{ "f(password=settings.password)", "x?password=tiger.coffee&y=1", "x?password=[REDACTED:PASSWORD]&y=1" },
		{ "f(token=get(a))", "x \"token=tiger(9x y=1\"", "x \"token=[REDACTED:TOKEN]\"" },
		{ "    password=settings.password,\n", "x\npassword=tiger.coffee\n", "x\npassword=[REDACTED:PASSWORD]\n" },
		{ "x(password=get(a))", "+ PGPASSWORD=tiger(a psql", "+ PGPASSWORD=[REDACTED:PASSWORD] psql" },
		{ "x --password $db_password", "x --password tiger.coffee", "x --password [REDACTED:PASSWORD]" },
		{ "  password: \"$db_password\"\n", "  password: \"tiger.coffee\"\n", "  password: \"[REDACTED:PASSWORD]\"\n" },
		{ "x\npassword: $(cat /run/secrets/db)\n", "x\npassword: $(echo hunter22)\n", "x\npassword: [REDACTED:PASSWORD]\n" },
		{ "  + password = (known after apply)\n", "  + password = (hunter22)\n", "  + password = [REDACTED:PASSWORD]\n" },
		{ "x\nDB_PASSWORD=%(ENV_DB_PASSWORD)s\n", "x\nDB_PASSWORD=%(ENV_DB_PASSWORD)\n",
		  "x\nDB_PASSWORD=[REDACTED:PASSWORD]\n" },
	};

	(void)state;
	CHECK_NEIGHBOURS(list);
}

static void readable_are_references_to_where_a_secret_is_kept(void **state)
{
	static const struct neighbours list[] = {
		{ "x\npassword: file:///run/secrets/db\n", "x\npassword: flie:///run/secrets/db\n",
		  "x\npassword: [REDACTED:PASSWORD]\n" },
		{ "x\npassword: vault:secret/data/db#password\n", "x\npassword: vault:v1:q8Zk2vLm4xWc7RbJ\n",
		  "x\npassword: [REDACTED:PASSWORD]\n" },
		{ "x\npassword: vault:kv/db\n", "x\npassword: vault:x\n", "x\npassword: [REDACTED:PASSWORD]\n" },
		{ "x\ntoken: op://vault/item/field\n", "x\ntoken: op:vault\n", "x\ntoken: [REDACTED:TOKEN]\n" },
		{ "x\npassword: env:DB_PASSWORD\n", "x\npassword: end:DB_PASSWORD\n", "x\npassword: [REDACTED:PASSWORD]\n" },
		{ "docker build --secret id=npm,src=/root/.npmrc .", "docker build --secret hunter22 .",
		  "docker build --secret [REDACTED:SECRET] ." },
		{ "  proxy: http://[[user][:pass]@]host[:port]/", "http://user:pazz]@host", "http://user:[REDACTED:URL_PASSWORD]@host" },
		{ "tls_privatekey = MAIN_TLS_PRIVATEKEY\n", "tls_privatekey = MAIN_TLS_HORSE\n",
		  "tls_privatekey = [REDACTED:PRIVATE_KEY]\n" },
		{ "\"ARN\": \"arn:aws:secretsmanager:us-west-2:1:secret:MySecret-a1b2c3\"", "\"x:secret:MySecret-a1b2c3\"",
		  "\"x:secret:[REDACTED:SECRET]\"" },
		{ "\"pkcs11:token=My%20Name;id=45\"", "pkcs11: model=x token=My%20Name;id=45", "pkcs11: model=x token=[REDACTED:TOKEN];id=45" },
		{ "\"secretId\": \"https://kv.vault.example/secrets/db/9f86d081884c7d659a2feaa0c55ad015\"",
		  "\"secretId\": \"https://kv.vault.example/secrets/db?x=9f86d081884c7d659a2feaa0c55ad015\"",
		  "\"secretId\": \"[REDACTED:SECRET]\"" },
		{ "--targets \"Key=instanceids,Values=i-0cb2b964d3e14fd9f\"", "--set \"Key=q8Zk2vLm4xWc7RbJ\"",
		  "--set \"Key=[REDACTED:KEY]\"" },
		{ "x /etc/passwd: line 3", "x etc/passwd: hunter22", "x etc/passwd: [REDACTED:PASSWORD]" },
		{ "x\npasswd:         files systemd\n", "x\npasswd:         horse systemd\n",
		  "x\npasswd:         [REDACTED:PASSWORD]\n" },
	};

	(void)state;
	CHECK_NEIGHBOURS(list);
}

static void readable_are_sentences_and_manuals(void **state)
{
	static const struct neighbours list[] = {
		{ "credential: add wildcard support for hosts", "credential: horse wildcard", "credential: [REDACTED:CREDENTIAL]" },
		{ "x\ntoken: fix the login of users\n", "x\npassword: fix me please\n",
		  "x\npassword: [REDACTED:PASSWORD] me please\n" },
		{ "cookie: a blank domain is empty", "cookie: a=blank; domain=2", "cookie: [REDACTED:COOKIE]" },
		{ "the 'passwd:' and 'group:' lines", "the 'passwd:' q8Zk2vLm4xWc7RbJ '",
		  "the 'passwd:'[REDACTED:PASSWORD]'" },
		{ "\"x \\\"creds\\\" : secret \\\"db-creds\\\" not found\"", "{\"creds\" : secret, \"x\": 1}",
		  "{\"creds\" : [REDACTED:CREDENTIAL], \"x\": 1}" },
		{ "chpasswd[701]: pam_unix(chpasswd:chauthtok): password changed", "(passwd:hunter22): x", "(passwd:[REDACTED:PASSWORD] x" },
		{ "\"update_password\": \"always\", \"password\": \"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER\"",
		  "\"update_password\": \"hunter\"", "\"update_password\": \"[REDACTED:PASSWORD]\"" },
		{ "either --user and --password arguments or -flto-pass-through=-lgcc", "x --password argument5",
		  "x --password [REDACTED:PASSWORD]" },
		{ "- \"--root-password\"\nx: \"hunter22\"\n", "- \"--root-password\"\n- \"hunter22\"\n",
		  "- \"--root-password\"\n- \"[REDACTED:PASSWORD]\"\n" },
		{ "ExecStart=/usr/bin/setup --prompt-root-password\nStandardOutput=tty\n", "args:\n- --root-password\n- hunter22\n",
		  "args:\n- --root-password\n- [REDACTED:PASSWORD]\n" },
		{ "Using --password via the CLI is insecure.", "x --password hunter the", "x --password [REDACTED:PASSWORD] the" },
		{ "usage: x [--password PASSWORD] --api-key API_KEY", "x --password PASSWORT --api-key KEY_API",
		  "x --password [REDACTED:PASSWORD] --api-key [REDACTED:API_KEY]" },
		{ "see the Token= setting of the unit, which PrivateKey= is read for", "Token= horse\n", "Token= [REDACTED:TOKEN]\n" },
		{ "the --private-key= and --public-key= switches", "x --private-key=hunter22 and",
		  "x --private-key=[REDACTED:PRIVATE_KEY] and" },
		{ "whether it allows login to machine accounts or default ones with an empty password string",
		  "machine h login u password horse", "machine h login u password [REDACTED:PASSWORD]" },
		{ "machine is a default for login \n password strings are", "machine h\nlogin u # bob\npassword horse\n",
		  "machine h\nlogin u # bob\npassword [REDACTED:PASSWORD]\n" },
		{ "x{X509KeyPair:{TLSCertFile: TLSKeyFile:} Root:/}", "x{X509KeyPair:{PrivateKey:q8Zk2vLm4xWc7RbJ TLSKeyFile:} Root:/}",
		  "x{X509KeyPair:{PrivateKey:[REDACTED:PRIVATE_KEY] TLSKeyFile:} Root:/}" },
		{ "x [REDACTED:API_KEY] r4q8Zk2vLm", "x API_KEY r4q8Zk2vLm", "x API_KEY [REDACTED:API_KEY]" },
		{ "def load(self, token):\n    return cached\n", "token:\n    cached\n", "token:\n    [REDACTED:TOKEN]\n" },
		{ "Error: unexpected token:\n    foo bar baz\n", "The admin password:\n    hunter\n",
		  "The admin password:\n    [REDACTED:PASSWORD]\n" },
		{ "Error: unexpected token:\n    foo bar baz\n", "  - password:\n      hunter22\n",
		  "  - password:\n      [REDACTED:PASSWORD]\n" },
		{ "--- PASS: TestLogin/bad_case (0.00s)", "x PASS: hunter22 (0.00s)", "x PASS: [REDACTED:PASSWORD] (0.00s)" },
		{ "\"special_tokens\": [\"<|im_start|>\", \"<|im_end|>\"]", "\"special_tokens\": [\"<a>\", \"hunter22\"]",
		  "\"special_tokens\": [[REDACTED:TOKEN]]" },
		{ "\"tokens\": [\"<s>\"]", "\"tokens\": [\"<a>\", \"tiger#5KCk\", \"<b>\"]", "\"tokens\": [[REDACTED:TOKEN]]" },
		{ "the --password switch of it", "x\npassword: switch\n", "x\npassword: [REDACTED:PASSWORD]\n" },
		{ "\"js-tokens\": \"^4.0.0 || ^5.0.0\", \"cookie\": \"~0.7.1\"", "\"js-tokens\": \"^4.a.0\"",
		  "\"js-tokens\": \"[REDACTED:TOKEN]\"" },
		{ "sig_key: 51:C4:0C:6D:7E:A5:6C:D8:8F:B4:3A:DF:91:78:4F:18:BC:D5:E4:C5",
		  "sig_key: 51:C4:0C:6D:7E:A5:6C:D8:8F:B4:3A:DF:91:78:4F:18", "sig_key: [REDACTED:KEY]" },
	};

	(void)state;
	CHECK_NEIGHBOURS(list);
}

static void readable_are_public_keys_and_numbers_of_answers(void **state)
{
	static const struct neighbours list[] = {
		{ "peer: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=", "pear: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
		  "pear: [REDACTED:BLOB]" },
		{ "\"sha256\": \"klO23nT2ehFDXCfx3eHTDRESMz3asj1muO+4aIdjiuY=\"",
		  "\"sha256\": \"q8Zk2vLm4xWc7RbJ9tYh3PfG1sD6nQe0uKi5oMyT\"", "\"sha256\": \"[REDACTED:BLOB]\"" },
		{ "to age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudm6rdcs6y0a8k",
		  "to key1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudm6rdcs6y0a8k", "to [REDACTED:BLOB]" },
		{ "pin-sha256=\"klO23nT2ehFDXCfx3eHTDRESMz3asj1muO+4aIdjiuY=\"",
		  "hmac-sha256=\"klO23nT2ehFDXCfx3eHTDRESMz3asj1muO+4aIdjiuY=\"", "hmac-sha256=\"[REDACTED:KEY]\"" },
		{ "a/METADATA,sha256=GqNwkxraK5UTxObLVXTLc2UqktOPwZnKqdk2ThzHX0A,4292", "a/x,shx256=GqNwkxraK5UTxObLVXTLc2UqktOPwZnKqdk2ThzHX0A,4292",
		  "a/x,shx256=[REDACTED:BLOB],4292" },
		{ "key hash: sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=",
		  "hash: lha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=", "hash: [REDACTED:BLOB]" },
		{ "< x-amz-id-2: vlR7PnpV2Ce81l0PRw6jlUpck7Jo5ZsQjryTjKlc5aLWGVHPZLj5NeC6qMa0emYBDXOo6QBU0Wo=",
		  "< x-amz-it: vlR7PnpV2Ce81l0PRw6jlUpck7Jo5ZsQjryTjKlc5aLWGVHPZLj5NeC6qMa0emYBDXOo6QBU0Wo=",
		  "< x-amz-it: [REDACTED:BLOB]" },
		{ "snap-id: DLqre5XGLbDqg9jPtiAhRRjDuPVa5X1q", "snap-it: DLqre5XGLbDqg9jPtiAhRRjDuPVa5X1q",
		  "snap-it: [REDACTED:BLOB]" },
	};

	(void)state;
	CHECK_NEIGHBOURS(list);
}

static void readable_are_stack_traces(void **state)
{
	static const struct neighbours list[] = {
		{ "#3 0x00007f1 in _ZN4node9inspector5Agent5StartERKSsRKNS_12DebugOptionsESt10shared_ptr ()",
		  "#3 0x00007f1 in _ZN5q8Zk2vLm4xWc7RbJ9tYh3PfG1sD6nQe0uKi5oMyTaXpVjUwErHgFdCb4Zs2Lk9 ()",
		  "#3 0x00007f1 in [REDACTED:BLOB] ()" },
		{ "at com.acme.X509TrustManagerOAuth2IPv4Impl.check(X509TrustManagerOAuth2IPv4Impl.java:10)",
		  "at com.acme.X509TruStM4aNgeR9AutH2IPv4ImPlq8Zk2.check", "at com.acme.[REDACTED:BLOB].check" },
	};

	(void)state;
	CHECK_NEIGHBOURS(list);
}

static void readable_are_names_of_algorithms_and_settings_of_units(void **state)
{
	static const struct neighbours list[] = {
		{ "server-sig-algs=<sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com>",
		  "key is sk-1234567890abcdefgh,", "key is [REDACTED:API_KEY]," },
		{ "systemd-run --user --wait -p MemoryMax=100M true", "sqlcmd --user sa -p Memory4Max100M=",
		  "sqlcmd --user sa -p [REDACTED:PASSWORD]" },
		{ "x depends on >=3.8 and", "user app on >S3cret allkeys", "user app on >[REDACTED:PASSWORD] allkeys" },
		{ "get(url, requests_auth=client_auth)", "//npm.mirror.example/:_auth=dXNlcjpQYXNzMTIz",
		  "//npm.mirror.example/:_auth=[REDACTED:NPM_TOKEN]" },
		{ "added basic WebAssembly support", "x basic dXNlcjpQYXNzMTIz", "x basic [REDACTED:BASIC_AUTH]" },
	};

	(void)state;
	CHECK_NEIGHBOURS(list);
}

static void readable_is_base64_of_text_without_a_secret(void **state)
{
	static const struct neighbours list[] = {
		/* "Never gonna give you up, never gonna let you down" */
		{ "x TmV2ZXIgZ29ubmEgZ2l2ZSB5b3UgdXAsIG5ldmVyIGdvbm5hIGxldCB5b3UgZG93bg==",
		  /* "the login of bob is: password=hunter22 from now on" */
		  "x dGhlIGxvZ2luIG9mIGJvYiBpczogcGFzc3dvcmQ9aHVudGVyMjIgZnJvbSBub3cgb24=", "x [REDACTED:PASSWORD]" },
		{ "StandardInputData=TmV2ZXIgZ29ubmEgZ2l2ZSB5b3UgdXAsIG5ldmVyIGdvbm5hIGxldCB5b3UgZG93bg==",
		  "hf_q8Zk2vLm4xWc7RbJ9tYh3PfG=TmV2ZXIgZ29ubmEgZ2l2ZSB5b3UgdXAsIG5ldmVyIGdvbm5hIGxldCB5b3UgZG93bg==",
		  "[REDACTED:BLOB]" },
		/* {"host":"web1","port":8080,"tags":["a","b"]}, and a user with a password and no blank. */
		{ "x eyJob3N0Ijoid2ViMSIsInBvcnQiOjgwODAsInRhZ3MiOlsiYSIsImIiXX0=",
		  "x YWRtaW5pc3RyYXRvcjpUaDFzLWlzLW15LVAwc3N3b3JkLWZvci1hbGw=", "x [REDACTED:BLOB]" },
		/* "the tokens are counted by web-1 every day at 10:30", "the door of the house opens with tiger#coffee77 today" */
		{ "x dGhlIHRva2VucyBhcmUgY291bnRlZCBieSB3ZWItMSBldmVyeSBkYXkgYXQgMTA6MzA=",
		  "x dGhlIGRvb3Igb2YgdGhlIGhvdXNlIG9wZW5zIHdpdGggdGlnZXIjY29mZmVlNzcgdG9kYXk=", "x [REDACTED:BLOB]" },
		/* Text in part: what follows the sign is not. */
		{ "x aGVsbG8gd29ybGQgYW5kIGFsbCBvZiB5b3UgdGhlcmU=", "x aGVsbG8gd29ybGQgYW5kIGFsbCBvZiB5b3UgdGhlcmU/q8Zk2vLm4xWc7RbJ+tYh3PfG=",
		  "x [REDACTED:BLOB]" },
	};

	(void)state;
	CHECK_NEIGHBOURS(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readable_are_names_that_only_name),
		cmocka_unit_test(readable_are_placeholders_between_angle_brackets),
		cmocka_unit_test(readable_are_values_that_look_like_names),
		cmocka_unit_test(readable_are_expressions),
		cmocka_unit_test(readable_are_references_to_where_a_secret_is_kept),
		cmocka_unit_test(readable_are_sentences_and_manuals),
		cmocka_unit_test(readable_are_public_keys_and_numbers_of_answers),
		cmocka_unit_test(readable_is_base64_of_text_without_a_secret),
		cmocka_unit_test(readable_are_stack_traces),
		cmocka_unit_test(readable_are_names_of_algorithms_and_settings_of_units),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
