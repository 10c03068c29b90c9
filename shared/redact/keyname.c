#include "shared/redact/keyname.h"

#include "shared/redact/chars.h"

enum { MAX_WORDS = 16, MAX_WORD = 32 };

struct word {
	char text[MAX_WORD]; /* lower case, cut, NUL-terminated */
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
};

/* "<word> key" is a secret; "primary key" and "foreign key" are not here. */
static const char *const key_makers[] = {
	"api", "access", "secret", "private", "auth", "signing", "sign", "encryption", "encrypt", "enc", "master", "account",
	"license", "client", "admin", "deploy", "shared", "session", "subscription", "storage", "hmac", "webhook", "write",
	"ingest", "ingestion", "rsa", "aes", "ecdsa", "ed25519", "jwt", "crypto", "cipher", "symmetric", "integration",
	"service", "app", "application", "root", "security", "rest", "server", "host", "user", "sas", "fernet", "django",
	"flask", "insert", "rails", "cookie", "token", "vapid", "join", "gossip", "unseal", "recovery", "wallet",
};

/* "<word> key" finds something in a table and opens nothing. */
static const char *const lookup_makers[] = {
	"foreign", "schema", "primary", "partition", "sort", "cache", "unique", "hash", "group", "object", "row", "column",
	"dict", "map", "index", "translation", "message", "lookup", "registry", "feature", "config", "setting", "settings",
	"event", "metric", "label", "trace", "correlation", "idempotency", "natural", "composite", "surrogate", "range",
	"routing", "hot", "arrow", "shortcut", "enter", "any", "press", "entry", "item", "list", "project", "issue", "i",
};

/* Say where a secret is or what it is like, not what it is. */
static const char *const describing[] = {
	"id", "ids", "name", "names", "hash", "file", "files", "path", "paths", "url", "uri", "urls", "type", "types",
	"length", "len", "size", "count", "counts", "index", "idx", "alg", "algo", "algorithm", "version", "expiry",
	"expires", "expire", "expiration", "exp", "in", "at", "ttl", "timeout", "max", "min", "limit", "limits", "usage",
	"endpoint", "source", "provider", "policy", "prefix", "suffix", "format", "status", "state", "error", "errors",
	"enabled", "disabled", "required", "method", "mode", "field", "label", "arn", "dir", "directory", "location",
	"store", "vault", "ring", "manager", "service", "server", "host", "port", "user", "users", "group", "groups",
	"role", "scope", "scopes", "ref", "rotation", "age", "strength", "regex", "pattern", "hint", "prompt", "policies",
	"iterator", "budget", "window", "bucket", "uid", "username", "email", "domain", "country", "verified", "variable",
	"fingerprint", "thumbprint", "chain", "class", "helper", "plugin", "module", "handler", "callback", "issuer",
	"audience", "attempts", "retries", "rounds", "cost", "created", "updated", "changed", "valid", "invalid", "exists",
};

/* Stand behind the word that matters. */
static const char *const trailing[] = {
	"value", "val", "data", "material", "base64", "b64", "enc", "encoded", "encrypted", "plain", "plaintext", "text",
	"string", "str", "default", "old", "new", "current", "previous", "prod", "production", "dev", "development", "test",
	"testing", "staging", "stage", "live", "sandbox", "primary", "secondary", "backup", "raw", "env", "var", "main",
	"rw", "ro", "readonly", "admin", "us", "eu", "a", "b", "ci",
};

static const char *const stems[] = {
	"key", "token", "secret", "pass", "pwd", "pw=", "pw:", "pw\"", "auth", "cred", "cookie", "session", "bearer",
	"jwt", "otp", "login", "signature", "dsn", "seed", "mnemonic", "salt", "pepper", "nonce", "webhook", "license",
	"pat=", "pat:", NULL,
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

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (*word == *list[i] && strcmp(word, list[i]) == 0)
			return true;
	}
	return false;
}

#define IS_ONE_OF(word, list) is_one_of((word), (list), sizeof(list) / sizeof *(list))

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
	size_t len = 0;

	ret_words->count = 0;
	for (size_t i = 0; i < name.len; i++) {
		if (!is_alpha(name.ptr[i]))
			continue;
		if (starts_word(name, i)) {
			if (ret_words->count == MAX_WORDS) {
				memmove(ret_words->list, ret_words->list + 1, (MAX_WORDS - 1) * sizeof *ret_words->list);
				ret_words->count--;
			}
			ret_words->count++;
			len = 0;
		}
		if (len + 1 < MAX_WORD) {
			struct word *word = &ret_words->list[ret_words->count - 1];

			word->text[len++] = (char)to_lower(name.ptr[i]);
			word->text[len] = '\0';
		}
	}
}

static const struct meaning *meaning_of(const char *text)
{
	struct span word = span_cstr(text);

	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
		if (ends_with(word, meanings[i].word))
			return &meanings[i];
	}
	for (size_t i = 0; i < sizeof whole_meanings / sizeof *whole_meanings; i++) {
		if (word.len == whole_meanings[i].word.len && ends_with(word, whole_meanings[i].word))
			return &whole_meanings[i];
	}
	return NULL;
}

/* What the word before "key" makes of it. */
static enum key_strength judge_key(const struct words *words, size_t last, const char **ret_label)
{
	const char *before = last > 0 ? words->list[last - 1].text : "";

	*ret_label = "KEY";
	if (strcmp(before, "api") == 0)
		*ret_label = "API_KEY";
	else if (strcmp(before, "access") == 0)
		*ret_label = last > 1 && strcmp(words->list[last - 2].text, "secret") == 0 ? "SECRET_KEY" : "ACCESS_KEY";
	else if (strcmp(before, "secret") == 0)
		*ret_label = "SECRET_KEY";
	else if (strcmp(before, "private") == 0)
		*ret_label = "PRIVATE_KEY";
	if (IS_ONE_OF(before, lookup_makers))
		return KEY_NONE;
	return IS_ONE_OF(before, key_makers) ? KEY_STRONG : KEY_WEAK;
}

static bool is_public(const struct words *words)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->list[i].text;

		if (strcmp(word, "public") == 0 || strcmp(word, "publishable") == 0 || strcmp(word, "pubkey") == 0 ||
		    strcmp(word, "publickey") == 0)
			return true;
	}
	return false;
}

/* The last word means nothing by itself: an earlier one may still make the name suspicious. */
static enum key_strength judge_rest(const struct words *words, const char **ret_label)
{
	for (size_t i = words->count; i-- > 0;) {
		const struct meaning *meaning = meaning_of(words->list[i].text);

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
	while (last > 0 && IS_ONE_OF(words.list[last].text, trailing))
		last--;
	if (IS_ONE_OF(words.list[last].text, describing))
		return KEY_PUBLIC;
	meaning = meaning_of(words.list[last].text);
	if (meaning == NULL)
		return judge_rest(&words, ret_label);
	if (strcmp(words.list[last].text, "key") == 0 || strcmp(words.list[last].text, "keys") == 0)
		return judge_key(&words, last, ret_label);
	*ret_label = meaning->label;
	return meaning->strength;
}
