#include "shared/redact/expression.h"

#include "shared/redact/chars.h"
#include "shared/redact/keyname.h"
#include "shared/redact/literal.h"
#include "shared/redact/value.h"
#include "shared/redact/words.h"

enum { MAX_BRACKET = 200, METHOD_MIN = 8 };

static bool is_word_byte(uint8_t c)
{
	return is_alnum(c) || c == '_';
}

/* What stands in the brackets of "args[0]", "headers['x']", "$conf->{pass}" and "line[from:to]". */
static bool is_key(struct span key)
{
	while (key.len > 0 && memchr("\"'$-", key.ptr[0], 4) != NULL)
		key = span_sub(key, 1, key.len);
	while (key.len > 0 && memchr("\"'", key.ptr[key.len - 1], 2) != NULL)
		key.len--;
	return key.len > 0 && value_is_identifier(key);
}

/* "[0]", "{pass}.x"; a quote behind the opening bracket may have ended the value. */
static bool is_index(struct span value)
{
	size_t end;

	if (value.len == 0 || (value.ptr[0] != '[' && value.ptr[0] != '{'))
		return false;
	if (value.len == 1)
		return true;
	end = chars_find(value, value.ptr[0] == '[' ? ']' : '}', 1);
	return end < value.len && is_key(span_sub(value, 1, end - 1)) &&
	       (end + 1 == value.len || memchr(".[({,:;-", value.ptr[end + 1], 8) != NULL);
}

/* "$db_password", "$self->{pass}", "$args[0]", but not "$ecret": variables are told by what they are called. */
static bool is_variable(struct span value)
{
	const char *label;
	struct span rest, arrow = SPAN_LIT("->");
	size_t end = 1;

	while (end < value.len && is_word_byte(value.ptr[end]))
		end++;
	if (end < 3 || !value_is_identifier(span_sub(value, 1, end - 1)))
		return false;
	if (end == value.len)
		return keyname_judge(span_sub(value, 1, end - 1), &label) != KEY_NONE;
	rest = span_sub(value, end, value.len);
	if (!span_starts_with(rest, arrow)) /* of "->{" the value may have no more than the dash */
		return rest.ptr[0] == '-' ? rest.len == 1 : is_index(rest);
	rest = span_sub(rest, arrow.len, rest.len);
	return is_index(rest) || value_is_identifier(span_sub(rest, 0, chars_find(rest, '(', 0)));
}

/* "args[0]", "headers['x']", "line[from:to].strip" */
static bool is_indexed(struct span value)
{
	size_t at = 0;

	while (at < value.len && (is_alpha(value.ptr[at]) || value.ptr[at] == '_' || value.ptr[at] == '.'))
		at++;
	return at > 0 && at < value.len && value.ptr[at] == '[' && is_index(span_sub(value, at, value.len));
}

/* "fixture.V2Token(": a digit or two are no sign of a password where a method of some name is called. */
static bool is_method(struct span value)
{
	struct span name = span_sub(value, 0, span_find(value, SPAN_LIT("("), 0));
	size_t dot = span_find(name, SPAN_LIT("."), 0);
	struct char_counts counts = chars_count(name);

	return name.len < value.len && dot > 0 && dot < name.len && is_alpha(name.ptr[0]) && counts.digits <= 2 &&
	       name.len >= METHOD_MIN && value_is_identifier(name);
}

bool expression_is_call(struct span value)
{
	if (span_starts_with(value, SPAN_LIT("self.")) || span_starts_with(value, SPAN_LIT("this.")))
		return value_is_identifier(value);
	return is_indexed(value) || (memchr(value.ptr, '(', value.len) != NULL && expression_is_code(value));
}

bool expression_is_code(struct span value)
{
	bool dotted = false;

	if (value.len > 1 && memchr("&*!@", value.ptr[0], 4) != NULL && value_is_word(span_sub(value, 1, value.len)))
		return true;
	if (value.len > 2 && value.ptr[0] == '$')
		return is_variable(value);
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.ptr[i], next = i + 1 < value.len ? value.ptr[i + 1] : 0;

		if (c == '(' && i > 0 && is_alnum(value.ptr[i - 1]))
			return true;
		if (c == '.' && i > 0 && (is_alpha(next) || next == '_'))
			dotted = true;
		else if (is_digit(c) && i > 0 && next == '(')
			return (i + 2 < value.len && value.ptr[i + 2] == ')') || is_method(value);
		else if (!is_alpha(c) && c != '_')
			return is_method(value);
	}
	return dotted;
}

/*
 * "export A_PASSWORD=tiger(9", "x password=tiger.coffee y=1", "?password=tiger.coffee&", "--password tiger.coffee": no
 * command, query, log or file of settings has expressions there. An argument of a function follows a bracket or a comma,
 * or stands alone on its line.
 */
static bool is_plain(struct span text, const struct assignment *name)
{
	size_t before = name->outer;

	if (name->is_flag)
		return true;
	if (name->form != ASSIGN_EQUALS || name->value.start != name->end + 1)
		return false;
	if (keyname_is_variable(span_sub(text, name->start, name->end - name->start)))
		return true;
	if (before > 0 && memchr("?&;\"'`", text.ptr[before - 1], 6) != NULL)
		return true;
	if (name->value.end < text.len && text.ptr[name->value.end] == '&')
		return true;
	while (before > 0 && is_blank(text.ptr[before - 1]))
		before--;
	if (before == 0 || text.ptr[before - 1] == '\n')
		return before == name->outer && literal_line_end(text, before) == name->value.end;
	return before < name->outer && memchr(",(", text.ptr[before - 1], 2) == NULL;
}

/* What programs keep their settings in. */
static const word_listed holders[] = {
	"args", "attr", "attrs", "body", "cfg", "client", "com", "conf", "config", "configs", "context", "ctx", "data", "doc",
	"env", "environ", "event", "fields", "form", "input", "io", "item", "java", "json", "kwargs", "local", "locals", "module",
	"net", "obj", "options", "opts", "org", "os", "output", "param", "params", "payload", "process", "props", "query",
	"req", "request", "res", "resource", "response", "result", "row", "self", "settings", "spec", "state", "sys", "that",
	"this", "user", "util", "utils", "value", "values", "var", "vars",
};

bool expression_is_words(struct span value)
{
	size_t start = 0;
	const char *label;

	for (size_t i = 0; i <= value.len; i++) {
		struct span part = span_sub(value, start, i - start);

		if (i < value.len && is_alpha(value.ptr[i]))
			continue;
		if ((i < value.len && value.ptr[i] != '.') || part.len == 0 || words_hold_span(WORD_LIST(holders), part) ||
		    keyname_judge(part, &label) != KEY_NONE)
			return false;
		start = i + 1;
	}
	return true;
}

bool expression_is_written(struct span text, const struct assignment *name, struct span value)
{
	return expression_is_code(value) && (value.ptr[0] == '$' || !is_plain(text, name));
}

bool expression_is_assigned(struct span value)
{
	const char *label;

	return is_indexed(value) || (keyname_is_variable(value) && keyname_judge(value, &label) == KEY_STRONG);
}

/* "/run/secrets/db" */
static bool is_path(struct span value)
{
	return value.len > 2 && value.ptr[0] == '/' && memchr(value.ptr + 1, '/', value.len - 1) != NULL &&
	       value_is_identifier(value);
}

static bool names_a_store(struct span value)
{
	static const char *const stores[] = {
		"file:/", "ssm:/", "op://", "arn:aws:", "sm://", "ref+", "@Microsoft.KeyVault(",
	};
	struct span vault = SPAN_LIT("vault:"), env = SPAN_LIT("env:");

	if (span_starts_with(value, env))
		return keyname_is_variable(span_sub(value, env.len, value.len));
	if (span_starts_with(value, vault))
		return memchr(value.ptr, '/', value.len) != NULL;
	for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
		if (value.ptr[0] == (uint8_t)*stores[i] && span_starts_with(value, span_cstr(stores[i])))
			return true;
	}
	return false;
}

/* "https://kv.vault.example/secrets/db/0b1f…" */
static bool is_store_address(struct span value)
{
	return span_starts_with(value, SPAN_LIT("https://")) && span_find(value, SPAN_LIT("/secrets/"), 0) < value.len &&
	       memchr(value.ptr, '?', value.len) == NULL && memchr(value.ptr, '@', value.len) == NULL;
}

/* "<s>", "<|im_end|>" in a list: what a model's tokenizer calls its marks, and nothing between them. */
static bool is_list_of_marks(struct span value)
{
	bool inside = false;

	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] != '"')
			continue;
		inside = !inside;
		if (inside ? i + 1 == value.len || value.ptr[i + 1] != '<' : value.ptr[i - 1] != '>')
			return false;
	}
	return value.len > 6 && !inside && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';
}

bool expression_is_reference(struct span value)
{
	struct span format_end = SPAN_LIT(")s");
	bool is_format = value.len > 4 && value.ptr[0] == '%' && value.ptr[1] == '(' &&
	                 span_eq(span_sub(value, value.len - format_end.len, format_end.len), format_end);

	return is_path(value) || is_store_address(value) ||
	       ((is_format || names_a_store(value) || is_list_of_marks(value)) && !value_holds_random(value));
}

struct span expression_whole(struct span text, size_t start, size_t end)
{
	struct span line = span_sub(text, 0, start + MAX_BRACKET), value = span_sub(text, start, end - start);
	size_t close, line_end;

	if (value.len < 2 || (value.ptr[0] != '(' && !(value.ptr[0] == '$' && value.ptr[1] == '(')))
		return value;
	line_end = literal_line_end(line, start);
	close = chars_find_last(line, ')', start, line_end);
	return close == line_end || close < end ? value : span_sub(text, start, close + 1 - start);
}
