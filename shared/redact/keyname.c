#include "shared/redact/keyname.h"

#include "shared/redact/chars.h"
#include "shared/redact/words.h"

enum { MAX_WORDS = 16, MAX_WORD = 32 };

struct word {
	char text[MAX_WORD]; /* lower case, cut, padded with NUL */
	size_t len;
};

struct words {
	struct word list[MAX_WORDS];
	size_t count;
};

struct meaning {
	struct span word;
	enum key_strength strength;
	const char *label;
};

/* SPAN_LIT as a constant. */
#define TEXT(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

/* A whole word, or the end of a longer one written without humps: "dbpassword". */
static const struct meaning meanings[] = {
	{ TEXT("password"), KEY_STRONG, "PASSWORD" },
	{ TEXT("passwords"), KEY_STRONG, "PASSWORD" },
	{ TEXT("passwd"), KEY_STRONG, "PASSWORD" },
	{ TEXT("passphrase"), KEY_STRONG, "PASSWORD" },
	{ TEXT("passcode"), KEY_STRONG, "PASSWORD" },
	{ TEXT("pwd"), KEY_STRONG, "PASSWORD" },
	{ TEXT("secret"), KEY_STRONG, "SECRET" },
	{ TEXT("secrets"), KEY_STRONG, "SECRET" },
	{ TEXT("token"), KEY_STRONG, "TOKEN" },
	{ TEXT("apikey"), KEY_STRONG, "API_KEY" },
	{ TEXT("apikeys"), KEY_STRONG, "API_KEY" },
	{ TEXT("accesskey"), KEY_STRONG, "ACCESS_KEY" },
	{ TEXT("secretkey"), KEY_STRONG, "SECRET_KEY" },
	{ TEXT("privatekey"), KEY_STRONG, "PRIVATE_KEY" },
	{ TEXT("signingkey"), KEY_STRONG, "KEY" },
	{ TEXT("encryptionkey"), KEY_STRONG, "KEY" },
	{ TEXT("authkey"), KEY_STRONG, "KEY" },
	{ TEXT("licensekey"), KEY_STRONG, "KEY" },
	{ TEXT("sharedkey"), KEY_STRONG, "KEY" },
	{ TEXT("accountkey"), KEY_STRONG, "KEY" },
	{ TEXT("masterkey"), KEY_STRONG, "KEY" },
	{ TEXT("credential"), KEY_STRONG, "CREDENTIAL" },
	{ TEXT("credentials"), KEY_STRONG, "CREDENTIAL" },
	{ TEXT("authorization"), KEY_STRONG, "AUTHORIZATION" },
	{ TEXT("passkey"), KEY_STRONG, "PASSWORD" },
	{ TEXT("passwort"), KEY_STRONG, "PASSWORD" },
	{ TEXT("sshpass"), KEY_STRONG, "PASSWORD" },
	{ TEXT("requirepass"), KEY_STRONG, "PASSWORD" },
	{ TEXT("keypass"), KEY_STRONG, "PASSWORD" },
	{ TEXT("storepass"), KEY_STRONG, "PASSWORD" },
	{ TEXT("setcookie"), KEY_STRONG, "COOKIE" },
	{ TEXT("tokens"), KEY_STRONG, "TOKEN" },
	{ TEXT("auth"), KEY_WEAK, "AUTH" },
};

/* Too short or too common to be the end of a longer word. */
static const struct meaning whole_meanings[] = {
	{ TEXT("pass"), KEY_STRONG, "PASSWORD" },
	{ TEXT("pw"), KEY_STRONG, "PASSWORD" },
	{ TEXT("rootpw"), KEY_STRONG, "PASSWORD" },
	{ TEXT("bindpw"), KEY_STRONG, "PASSWORD" },
	{ TEXT("adminpw"), KEY_STRONG, "PASSWORD" },
	{ TEXT("dbpass"), KEY_STRONG, "PASSWORD" },
	{ TEXT("cred"), KEY_STRONG, "CREDENTIAL" },
	{ TEXT("creds"), KEY_STRONG, "CREDENTIAL" },
	{ TEXT("jwt"), KEY_STRONG, "JWT" },
	{ TEXT("cookie"), KEY_STRONG, "COOKIE" },
	{ TEXT("cookies"), KEY_WEAK, "COOKIE" },
	{ TEXT("bearer"), KEY_STRONG, "TOKEN" },
	{ TEXT("identitytoken"), KEY_STRONG, "TOKEN" },
	{ TEXT("pat"), KEY_WEAK, "TOKEN" },
	{ TEXT("otp"), KEY_WEAK, "PASSWORD" },
	{ TEXT("totp"), KEY_WEAK, "PASSWORD" },
	{ TEXT("key"), KEY_WEAK, "KEY" },
	{ TEXT("keys"), KEY_WEAK, "KEY" },
	{ TEXT("login"), KEY_WEAK, "CREDENTIAL" },
	{ TEXT("session"), KEY_WEAK, "SESSION" },
	{ TEXT("sessionid"), KEY_WEAK, "SESSION" },
	{ TEXT("signature"), KEY_WEAK, "SIGNATURE" },
	{ TEXT("dsn"), KEY_WEAK, "SECRET" },
	{ TEXT("seed"), KEY_WEAK, "SECRET" },
	{ TEXT("mnemonic"), KEY_STRONG, "SECRET" },
	{ TEXT("salt"), KEY_WEAK, "SECRET" },
	{ TEXT("pepper"), KEY_WEAK, "SECRET" },
	{ TEXT("nonce"), KEY_WEAK, "SECRET" },
	{ TEXT("webhook"), KEY_WEAK, "WEBHOOK" },
	{ TEXT("license"), KEY_WEAK, "KEY" },
	{ TEXT("api"), KEY_WEAK, "API_KEY" },
	{ TEXT("access"), KEY_WEAK, "ACCESS_KEY" },
	{ TEXT("hmac"), KEY_WEAK, "KEY" },
	{ TEXT("refresh"), KEY_WEAK, "TOKEN" },
};

/* "<word> key" is a secret; "primary key" and "foreign key" are not here. */
static const word_listed key_makers[] = {
	"access", "account", "activation", "admin", "aes", "api", "app", "application", "auth", "bootstrap",
	"certificate", "cipher", "client", "cookie", "crypto", "deploy", "django", "ecdsa", "ed25519",
	"enc", "encrypt", "encryption", "enrollment", "fernet", "flask", "gossip", "hmac", "host", "ingest",
	"ingestion", "insert", "integration", "join", "jwt", "license", "master", "private",
	"rails", "recovery", "registration", "rest", "root", "rsa", "sas", "secret", "security", "server",
	"service", "session", "setup", "shared", "sign", "signing", "storage", "subscription", "symmetric", "token",
	"unseal", "user", "vapid", "wallet", "webhook", "write",
};

/* "<word> key" finds something in a table, or is a fingerprint, and opens nothing. */
static const word_listed lookup_makers[] = {
	"any", "arrow", "cache", "column", "composite", "config", "correlation", "delete", "dict", "edit",
	"enter", "entry", "event", "feature", "foreign", "gpg", "group", "hash", "hot", "i", "idempotency",
	"index", "issue", "item", "label", "list", "lookup", "map", "message", "metric", "natural", "object",
	"partition", "pgp", "press", "primary", "project", "range", "receive", "recv", "refresh", "registry",
	"routing", "row", "schema", "setting", "settings", "shortcut", "sort", "surrogate", "trace",
	"translation", "unique",
};

/* Say where a secret is or what it is like, not what it is. */
static const word_listed describing[] = {
	"addr", "address", "age", "alg", "algo", "algorithm", "arn", "at", "attempts", "audience", "bucket", "budget",
	"callback",
	"chain", "changed", "class", "cost", "count", "country", "counts", "created", "dir", "directory",
	"disabled", "domain", "email", "enabled", "endpoint", "error", "errors", "exists", "exp", "expiration",
	"expire", "expires", "expiry", "field", "file", "files", "fingerprint", "format", "group", "groups",
	"handler", "hash", "helper", "hint", "host", "id", "ids", "idx", "in", "index", "invalid", "issuer",
	"iterator", "label", "len", "length", "limit", "limits", "location", "manager", "max", "method", "min",
	"mode", "module", "name", "names", "path", "paths", "pattern", "plugin", "policies", "policy", "port",
	"prefix", "prompt", "provider", "ref", "regex", "required", "retries", "ring", "role", "rotation",
	"rounds", "scope", "scopes", "server", "service", "size", "source", "state", "status", "store",
	"strength", "suffix", "through", "thumbprint", "timeout", "ttl", "type", "types", "uid", "updated", "uri", "url",
	"urls", "usage", "user", "username", "users", "valid", "variable", "vault", "verified", "version",
	"window",
};

/* Stand behind the word that matters. */
static const word_listed trailing[] = {
	"a", "admin", "b", "b64", "backup", "base", "base64", "ci", "current", "data", "default", "dev", "development",
	"enc", "encoded", "encrypted", "env", "eu", "live", "main", "material", "new", "old", "plain",
	"plaintext", "previous", "primary", "prod", "production", "raw", "readonly", "ro", "rw", "sandbox",
	"secondary", "stage", "staging", "str", "string", "test", "testing", "text", "us", "val", "value",
	"var",
};

static const char *const stems[] = {
	"key", "token", "secret", "pass", "pwd", "pw=", "pw:", "pw\"", "auth", "cred", "cookie", "session", "bearer",
	"jwt", "otp", "login", "signature", "dsn", "seed", "mnemonic", "salt", "pepper", "nonce", "webhook", "license",
	"pat=", "pat:", "pat\"", "pat ", "pat>", "pw ", "pw>", "pw'", "_pw", "api=", "api:", "api\"", "api =", "access=", "access:",
	"access\"", "access =", "hmac", "refresh", NULL,
};

const char *const *keyname_stems(void)
{
	return stems;
}

/* The last byte is looked at first: that decides nearly always. */
static bool ends_with(struct span text, struct span end)
{
	return text.len >= end.len && text.ptr[text.len - 1] == end.ptr[end.len - 1] &&
	       memcmp(text.ptr + text.len - end.len, end.ptr, end.len) == 0;
}

static bool is_one_of(const struct word *word, struct word_list list)
{
	return words_hold(list, word->text);
}

/* "apiKey", "APIKey", "api_key" and "api-key" all give "api", "key". Digits end no word but are not part of it. */
static bool starts_word(struct span name, size_t i)
{
	uint8_t c = name.ptr[i];

	if (i == 0 || !is_alpha(name.ptr[i - 1]))
		return true;
	if (!is_upper(c))
		return false;
	return is_lower(name.ptr[i - 1]) || (i + 1 < name.len && is_lower(name.ptr[i + 1]));
}

static void split(struct span name, struct words *ret_words)
{
	struct word *word = NULL;

	ret_words->count = 0;
	for (size_t i = 0; i < name.len; i++) {
		if (!is_alpha(name.ptr[i]))
			continue;
		if (starts_word(name, i)) {
			if (ret_words->count == MAX_WORDS) {
				memmove(ret_words->list, ret_words->list + 1, (MAX_WORDS - 1) * sizeof *ret_words->list);
				ret_words->count--;
			}
			word = &ret_words->list[ret_words->count++];
			memset(word, 0, sizeof *word);
		}
		if (word->len + 1 < MAX_WORD)
			word->text[word->len++] = (char)to_lower(name.ptr[i]);
	}
}

static const struct meaning *meaning_of(const struct word *from)
{
	struct span word = span_of(from->text, from->len);

	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
		if (ends_with(word, meanings[i].word))
			return &meanings[i];
	}
	for (size_t i = 0; i < sizeof whole_meanings / sizeof *whole_meanings; i++) {
		if (word.len == whole_meanings[i].word.len && span_eq(word, whole_meanings[i].word))
			return &whole_meanings[i];
	}
	return NULL;
}

/* What the word before "key" makes of it. */
static enum key_strength judge_key(const struct words *words, size_t last, const char **ret_label)
{
	static const struct word none;
	const struct word *maker = last > 0 ? &words->list[last - 1] : &none;
	const char *before = maker->text;

	*ret_label = "KEY";
	if (strcmp(before, "api") == 0)
		*ret_label = "API_KEY";
	else if (strcmp(before, "access") == 0)
		*ret_label = last > 1 && strcmp(words->list[last - 2].text, "secret") == 0 ? "SECRET_KEY" : "ACCESS_KEY";
	else if (strcmp(before, "secret") == 0)
		*ret_label = "SECRET_KEY";
	else if (strcmp(before, "private") == 0)
		*ret_label = "PRIVATE_KEY";
	if (is_one_of(maker, WORD_LIST(lookup_makers)))
		return KEY_NONE;
	return is_one_of(maker, WORD_LIST(key_makers)) ? KEY_STRONG : KEY_WEAK;
}

static bool is_public(const struct words *words)
{
	static const word_listed publics[] = { "pubkey", "public", "publickey", "publishable" };

	for (size_t i = 0; i < words->count; i++) {
		if (words->list[i].text[0] == 'p' && is_one_of(&words->list[i], WORD_LIST(publics)))
			return true;
	}
	return false;
}

/* "NOPASSWD" (sudoers) and what systemd and Kubernetes call the names under which secrets are kept. */
static bool is_name_of_names(const struct words *words, size_t last)
{
	static const word_listed credential_verbs[] = { "assert", "condition", "import", "load" };
	static const word_listed secret_verbs[] = { "pull" };
	const struct word *word = &words->list[last], *before = last > 0 ? word - 1 : word;

	switch (word->text[0]) {
	case 'n':
		return strcmp(word->text, "nopasswd") == 0;
	case 'c':
		return strncmp(word->text, "credential", 10) == 0 && is_one_of(before, WORD_LIST(credential_verbs));
	case 's':
		return strcmp(word->text, "secrets") == 0 && is_one_of(before, WORD_LIST(secret_verbs));
	default:
		return false;
	}
}

/* "secret_id" (Vault) and "session_id" open something, unlike other ids. */
static const struct meaning *meaning_of_id(const struct words *words, size_t last)
{
	static const word_listed ids[] = { "id" };
	static const struct meaning secret_id = { TEXT("secret"), KEY_STRONG, "SECRET" };
	static const struct meaning session_id = { TEXT("session"), KEY_WEAK, "SESSION" };
	struct span before;

	if (last == 0 || !is_one_of(&words->list[last], WORD_LIST(ids)))
		return NULL;
	before = span_of(words->list[last - 1].text, words->list[last - 1].len);
	return span_eq(before, secret_id.word) ? &secret_id : span_eq(before, session_id.word) ? &session_id : NULL;
}

/* The last word means nothing by itself: an earlier one may still make the name suspicious. */
static enum key_strength judge_rest(const struct words *words, const char **ret_label)
{
	for (size_t i = words->count; i-- > 0;) {
		const struct meaning *meaning = meaning_of(&words->list[i]);

		if (meaning != NULL) {
			*ret_label = meaning->label;
			return KEY_WEAK;
		}
	}
	return KEY_NONE;
}

enum key_strength keyname_judge(struct span name, const char **ret_label)
{
	struct words words;
	const struct meaning *meaning;
	size_t last;

	split(name, &words);
	/* The shells' working folder. */
	if (words.count == 0 || span_eq(name, SPAN_LIT("PWD")) || span_eq(name, SPAN_LIT("OLDPWD")))
		return KEY_NONE;
	if (is_public(&words))
		return KEY_PUBLIC;
	last = words.count - 1;
	while (last > 0 && is_one_of(&words.list[last], WORD_LIST(trailing)))
		last--;
	meaning = meaning_of_id(&words, last);
	if (meaning == NULL && is_one_of(&words.list[last], WORD_LIST(describing)))
		return KEY_PUBLIC;
	if (meaning == NULL)
		meaning = meaning_of(&words.list[last]);
	if (meaning == NULL)
		return judge_rest(&words, ret_label);
	if (is_name_of_names(&words, last))
		return KEY_NONE;
	if (strcmp(words.list[last].text, "key") == 0 || strcmp(words.list[last].text, "keys") == 0)
		return judge_key(&words, last, ret_label);
	*ret_label = meaning->label;
	return meaning->strength;
}

enum key_strength keyname_recall(struct keyname_memo *memo, struct span name, const char **ret_label)
{
	size_t slot = 0;

	if (name.len > 0)
		slot = (name.len + name.ptr[0] + 5U * name.ptr[name.len / 2] + 3U * name.ptr[name.len - 1]) % KEYNAME_MEMO;
	if (!span_eq(memo->slots[slot].name, name) || name.len == 0) {
		memo->slots[slot].name = name;
		memo->slots[slot].label = NULL;
		memo->slots[slot].strength = keyname_judge(name, &memo->slots[slot].label);
	}
	*ret_label = memo->slots[slot].label;
	return memo->slots[slot].strength;
}

bool keyname_is_compound(struct span name)
{
	for (size_t i = 1; i < name.len; i++) {
		if (!is_alnum(name.ptr[i]) || (is_upper(name.ptr[i]) && is_lower(name.ptr[i - 1])))
			return true;
	}
	return false;
}

bool keyname_is_variable(struct span name)
{
	bool joined = false;

	for (size_t i = 0; i < name.len; i++) {
		if (!is_upper(name.ptr[i]) && !is_digit(name.ptr[i]) && name.ptr[i] != '_')
			return false;
		joined |= name.ptr[i] == '_';
	}
	return joined;
}
