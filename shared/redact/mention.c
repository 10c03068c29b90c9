#include "shared/redact/mention.h"

#include "shared/redact/chars.h"
#include "shared/redact/keyname.h"
#include "shared/redact/value.h"
#include "shared/redact/words.h"

enum {
	MAX_PATH = 128,
	MAX_SENTENCE = 200, /* of one that is looked at */
};

/* Follow "password:" or "token:" in messages. */
static const word_listed message_words[] = {
	"a", "absent", "accepted", "after", "an", "and", "are", "as", "async", "at", "authenticated", "authentication",
	"await", "bad", "be", "been", "before", "but", "by", "can", "cannot", "changed", "configured", "could",
	"created", "credentials", "denied", "did", "does", "done", "empty", "enter", "error", "expected", "expired",
	"expiry", "failed", "failure", "for", "found", "from", "function", "generated", "has", "have", "if", "ignored",
	"in", "incorrect", "invalid", "is", "it", "key", "keys", "lambda", "length", "loaded", "missing", "must",
	"new", "no", "not", "of", "ok", "on", "only", "or", "password", "passwords", "permission", "please", "present",
	"provided", "received", "refreshed", "refreshing", "rejected", "required", "reset", "revoked", "rotated",
	"rule", "secret", "secrets", "see", "set", "should", "skipping", "success", "successfully", "than", "that",
	"the", "this", "to", "token", "tokens", "too", "type", "unable", "unexpected", "unknown", "unset",
	"unsupported", "updated", "use", "used", "using", "valid", "was", "were", "when", "while", "will", "with",
	"wrong", "your",
};

/* Follow an option in a sentence about it: "the --password option", "--password via the CLI is insecure". */
static const word_listed option_words[] = {
	"accepts", "argument", "arguments", "command", "flag", "flags", "may", "option", "options", "setting", "settings",
	"specifies", "switch", "switches", "via",
};

/* Begin a sentence about what the name before it does, as change logs have them: "cookie: reject names with blanks". */
static const word_listed verbs[] = {
	"add", "added", "adds", "allow", "avoid", "check", "clear", "compare", "convert", "describe", "detect",
	"document", "drop", "ensure", "fix", "fixed", "fixes", "handle", "implement", "improve", "increase", "load",
	"make", "move", "parse", "prevent", "read", "refactor", "reject", "remove", "removed", "rename", "replace",
	"report", "rewrite", "simplify", "skip", "stop", "support", "switch", "treat", "update", "warn", "write",
};

bool mention_word(struct span word)
{
	while (word.len > 0 && memchr(".,;:!)", word.ptr[word.len - 1], 6) != NULL)
		word.len--;
	return words_hold_span(WORD_LIST(message_words), word);
}

/* Three words or more, the first a verb, and none of them random. */
static bool is_about_name(struct span text, const struct assignment *name, struct span verb)
{
	size_t at = name->value.end;
	struct span near = span_sub(text, 0, at + MAX_SENTENCE);
	size_t end, word;

	/* A password may be made of words, and a variable is set to what stands there. */
	if (strcmp(name->label, "PASSWORD") == 0 || strcmp(name->label, "SECRET") == 0 ||
	    keyname_is_variable(span_sub(text, name->start, name->end - name->start)) ||
	    !words_hold_span(WORD_LIST(verbs), verb))
		return false;
	for (int words = 0; words < 2; words++) {
		word = literal_skip_blanks(near, at);
		for (end = word; end < near.len && !is_space(near.ptr[end]); end++)
			continue;
		if (end == word || word == at || value_is_random(span_sub(near, word, end - word)))
			return false;
		at = end;
	}
	return true;
}

/* "passwd: files systemd" (nsswitch.conf): where accounts are looked up. */
static bool is_name_service(struct span text, const struct assignment *name, struct span value)
{
	static const word_listed services[] = {
		"cache", "compat", "db", "files", "ldap", "nis", "sss", "systemd", "winbind",
	};

	return span_eq(span_sub(text, name->start, name->end - name->start), SPAN_LIT("passwd")) &&
	       words_hold_span(WORD_LIST(services), value);
}

/* What stands before the name in the same word; a blank or one of `signs` ends that. */
static struct span word_before(struct span text, size_t at, struct span signs)
{
	size_t start = at;

	while (start > 0 && at - start < MAX_PATH && !is_space(text.ptr[start - 1]) &&
	       memchr(signs.ptr, text.ptr[start - 1], signs.len) == NULL)
		start--;
	return span_sub(text, start, at - start);
}

/* "/etc/passwd: …": a message about a file. */
static bool is_file(struct span text, const struct assignment *name)
{
	static const char *const roots[] = { "/etc/", "/run/", "/var/", "/usr/", "/home/",
	                                     "/root/", "/opt/", "/tmp/", "/proc/" };
	struct span before = word_before(text, name->outer, SPAN_LIT("\"'`(="));

	for (size_t i = 0; before.len > 0 && i < sizeof roots / sizeof *roots; i++) {
		if (span_starts_with(before, span_cstr(roots[i])))
			return name->value.start > name->end + 1;
	}
	return false;
}

/* "arn:aws:secretsmanager:…:secret:prod/db": what something is called in full. */
static bool is_full_name(struct span text, const struct assignment *name)
{
	return name->form == ASSIGN_COLON &&
	       span_starts_with(word_before(text, name->outer, SPAN_LIT("\"'`(=")), SPAN_LIT("arn:"));
}

/* "pkcs11:model=x;token=Label": what a smart card is called (RFC 7512). */
static bool is_card(struct span text, const struct assignment *name)
{
	return name->form == ASSIGN_EQUALS &&
	       span_eq(span_sub(text, name->start, name->end - name->start), SPAN_LIT("token")) &&
	       span_starts_with(word_before(text, name->outer, SPAN_LIT("\"'`(")), SPAN_LIT("pkcs11:"));
}

/* Between commas: what stands alone behind a name could be its value. */
static bool is_in_list(struct span text, const struct assignment *name, size_t next)
{
	size_t before = name->outer - literal_quote_len_before(text, name->outer);

	while (before > 0 && is_space(text.ptr[before - 1]))
		before--;
	return (next < text.len && text.ptr[next] == ',') || (before > 0 && text.ptr[before - 1] == ',');
}

/* ["proxy_pass", "fastcgi_pass"], {"token", "accountId": 1}: what follows the name is one as well. */
static bool is_listed_name(struct span text, const struct assignment *name, struct span value)
{
	size_t next = literal_skip_blanks(text, name->value.next);
	const char *label;

	if (next < text.len && text.ptr[next] == ':')
		return true;
	for (size_t i = 0; i < value.len; i++) {
		if (!is_alpha(value.ptr[i]) && value.ptr[i] != '_' && value.ptr[i] != '-')
			return false;
	}
	/* One on each line: the modules of a boot, the actions of a policy. */
	if (memchr(text.ptr + name->end, '\n', name->value.start - name->end) != NULL)
		return keyname_is_compound(span_sub(text, name->start, name->end - name->start)) &&
		       value_is_identifier(value);
	if (!is_in_list(text, name, next) || memchr(value.ptr, '-', value.len) != NULL)
		return false;
	if (keyname_is_variable(value) && keyname_is_variable(span_sub(text, name->start, name->end - name->start)))
		return true;
	return keyname_is_compound(value) && keyname_judge(value, &label) != KEY_NONE;
}

/* "--secret id=npm,src=/root/.npmrc" (docker build), and "--api-key API_KEY" in a usage text. */
static bool is_option_text(struct span text, const struct assignment *name, struct span value)
{
	struct span spelled = span_sub(text, name->start, name->end - name->start);

	if (span_eq(spelled, SPAN_LIT("secret")) &&
	    (span_starts_with(value, SPAN_LIT("id=")) || span_starts_with(value, SPAN_LIT("type="))))
		return true;
	if (value.len > spelled.len)
		return false;
	spelled = span_sub(spelled, spelled.len - value.len, value.len);
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = spelled.ptr[i] == '-' ? (uint8_t)'_' : to_lower(spelled.ptr[i]);

		if (is_lower(value.ptr[i]) || to_lower(value.ptr[i]) != c)
			return false;
	}
	return true;
}

/* "^4.0.0 || ^5.0.0", "~0.7.1": which versions of a package that is called "js-tokens" or "cookie". */
static bool is_version_range(const struct assignment *name, struct span value)
{
	bool dotted = false;

	if (!name->is_quoted || !name->value.quoted || strcmp(name->label, "PASSWORD") == 0)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(value.ptr[i]) && memchr(" .~^<>=|*-", value.ptr[i], 10) == NULL)
			return false;
		dotted |= value.ptr[i] == '.';
	}
	return dotted && memchr("~^<>=", value.ptr[0], 5) != NULL;
}

/* "pam_unix(chpasswd:chauthtok)": the function of a service that PAM was asked for. */
static bool is_pam_function(struct span text, const struct assignment *name, struct span value)
{
	static const word_listed functions[] = { "account", "acct", "auth", "chauthtok", "session", "setcred" };

	return name->start > 0 && text.ptr[name->start - 1] == '(' && span_find(value, SPAN_LIT("):"), 0) < value.len &&
	       words_hold_span(WORD_LIST(functions), span_sub(value, 0, span_find(value, SPAN_LIT(")"), 0)));
}

/* The sentence goes on. */
static bool is_followed(struct span text, size_t at)
{
	size_t next = literal_skip_blanks(text, at);

	return next > at && next < text.len && (is_alnum(text.ptr[next]) || text.ptr[next] == '(');
}

/* "--- PASS: TestLogin", "PASS: lib/help.sh": of which test this is the result. */
static bool is_test_result(struct span text, const struct assignment *name, struct span value)
{
	return span_eq(span_sub(text, name->start, name->end - name->start), SPAN_LIT("PASS")) &&
	       (span_eq_nocase(span_sub(value, 0, 4), SPAN_LIT("test")) || memchr(value.ptr, '/', value.len) != NULL) &&
	       is_followed(text, name->value.end) && !value_holds_random(value);
}

/* "update_password: always" (Ansible): when it is set, not to what. */
static bool is_policy(struct span text, const struct assignment *name, struct span value)
{
	static const word_listed policies[] = { "always", "on_create" };

	return span_eq(span_sub(text, name->start, name->end - name->start), SPAN_LIT("update_password")) &&
	       words_hold_span(WORD_LIST(policies), value);
}

/* The 'passwd:' and 'group:' lines: the quote ends what begins before the name. */
static bool is_quoted_with_sign(struct span text, const struct assignment *name, struct span value)
{
	return name->value.quoted && !name->is_quoted && name->value.start == name->end + 2 && value.ptr[0] == ' ' &&
	       literal_quote_len_before(text, name->outer) == 1 &&
	       text.ptr[name->outer - 1] == text.ptr[name->value.start - 1] && !value_holds_random(value);
}

/* {"creds" : secret "x" not found}: a sentence goes on behind the word. */
static bool is_sentence(struct span text, const struct assignment *name, struct span value)
{
	size_t next = literal_skip_blanks(text, name->value.end);

	return name->is_quoted && !name->value.quoted && mention_word(value) && next > name->value.end && next < text.len &&
	       memchr(",}\n\r", text.ptr[next], 4) == NULL;
}

bool mention_found(struct span text, const struct assignment *name, struct span value)
{
	if (is_version_range(name, value) || (name->is_flag && is_option_text(text, name, value)) ||
	    is_full_name(text, name) || is_card(text, name) || is_quoted_with_sign(text, name, value) ||
	    is_policy(text, name, value))
		return true;
	switch (name->form) {
	case ASSIGN_ARGUMENT:
		return name->value.quoted && !name->is_flag && is_listed_name(text, name, value);
	case ASSIGN_BLANK:
		return name->is_flag && !name->value.quoted && words_hold_span(WORD_LIST(option_words), value) &&
		       is_followed(text, name->value.end);
	case ASSIGN_EQUALS:
		return !name->value.quoted && (name->is_flag || is_followed(text, name->value.end)) &&
		       name->value.start == name->end + 2 &&
		       (mention_word(value) || words_hold_span(WORD_LIST(option_words), value));
	case ASSIGN_COLON:
		if (name->is_quoted)
			return is_sentence(text, name, value);
		return !name->value.quoted &&
		       (is_test_result(text, name, value) || is_pam_function(text, name, value) ||
		        is_about_name(text, name, value) || is_name_service(text, name, value) ||
		        (is_file(text, name) && !value_is_random(value)));
	default:
		return false;
	}
}

bool mention_of_cookies(struct span text, size_t at)
{
	struct span near = span_sub(text, at, MAX_SENTENCE);
	size_t end = span_find(near, SPAN_LIT("\n"), 0);
	struct span line = span_sub(near, 0, end);

	return (end < near.len || at + near.len == text.len) && line.len > 0 && memchr(line.ptr, ' ', line.len) != NULL &&
	       memchr(line.ptr, '=', line.len) == NULL && !value_holds_random(line);
}
