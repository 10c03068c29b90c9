/*
 * rulegen: turns builtin.rules into C at build time, and fails the build on a rule that is not sound: unknown
 * words, a pattern that does not compile, missing examples, a keyword that is too short or not in its examples.
 *
 *   rulegen RULES TABLE.c EXAMPLES.c
 */
#include <stdio.h>
#include <stdlib.h>

#include "shared/file.h"
#include "shared/redact/chars.h"
#include "shared/redact/pattern.h"
#include "shared/redact/prefilter.h"
#include "shared/redact/rule.h"
#include "shared/redact/rulegen_expand.h"

enum { MAX_RULES = 1000, MAX_EXAMPLES = 16, MIN_EXAMPLES = 2, EXAMPLE_SIZE = 8192, DRAWS = 200 };

struct draft {
	unsigned line;
	struct span name, label, pattern;
	struct span keywords[RULE_MAX_KEYWORDS];
	size_t keyword_count;
	bool nocase;
	unsigned reach, back, checks, entropy;
	struct span templates[2][MAX_EXAMPLES]; /* false, true */
	unsigned template_lines[2][MAX_EXAMPLES];
	struct buf examples[2][MAX_EXAMPLES]; /* the first draw of each */
	size_t example_count[2];
};

struct generator {
	const char *path;
	unsigned line;
	struct draft *drafts;
	size_t count;
	size_t complaints;
	struct matcher *matcher;
};

__attribute__((noreturn)) static void refuse(const struct generator *gen, const char *what, struct span detail)
{
	fprintf(stderr, "%s:%u: %s: %.*s\n", gen->path, gen->line, what, SPAN_ARG(detail));
	exit(1);
}

/* For what is wrong with one rule: the others are checked all the same. */
static void complain(struct generator *gen, const char *what, struct span detail)
{
	fprintf(stderr, "%s:%u: %s: %.*s\n", gen->path, gen->line, what, SPAN_ARG(detail));
	gen->complaints++;
}

static unsigned number(const struct generator *gen, struct span text, unsigned max)
{
	uint64_t value;

	if (!span_to_u64(text, &value) || value > max)
		refuse(gen, "not a number, or too large", text);
	return (unsigned)value;
}

static unsigned check_of(const struct generator *gen, struct span name)
{
	static const struct {
		const char *name;
		unsigned check;
	} checks[] = { { "digit", RULE_CHECK_DIGIT },
		       { "mixed", RULE_CHECK_MIXED },
		       { "userpass", RULE_CHECK_USERPASS },
		       { "crc-base62", RULE_CHECK_CRC_BASE62 },
		       { "random", RULE_CHECK_RANDOM },
		       { "text64", RULE_CHECK_TEXT64 },
		       { "any", RULE_CHECK_ANY } };

	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		if (span_eq(name, span_cstr(checks[i].name)))
			return checks[i].check;
	}
	refuse(gen, "unknown check", name);
}

static void add_example(const struct generator *gen, struct draft *draft, bool is_secret, struct span text)
{
	size_t i = draft->example_count[is_secret];
	struct buf *out;

	if (i == MAX_EXAMPLES)
		refuse(gen, "too many examples", draft->name);
	draft->templates[is_secret][i] = text;
	draft->template_lines[is_secret][i] = gen->line;
	out = &draft->examples[is_secret][i];
	draft->example_count[is_secret]++;
	buf_init(out, EXAMPLE_SIZE);
	if (!rulegen_expand(text, 0, out))
		refuse(gen, "example is too long, or has a bad count", draft->name);
}

static void add_keyword(const struct generator *gen, struct draft *draft, struct span text)
{
	if (text.len < PREFILTER_MIN_KEYWORD || draft->keyword_count == RULE_MAX_KEYWORDS)
		refuse(gen, "keyword is too short, or one too many", text);
	draft->keywords[draft->keyword_count++] = text;
}

static void read_field(const struct generator *gen, struct draft *draft, struct span field, struct span text)
{
	if (span_eq(field, SPAN_LIT("label")))
		draft->label = text;
	else if (span_eq(field, SPAN_LIT("keyword")))
		add_keyword(gen, draft, text);
	else if (span_eq(field, SPAN_LIT("nocase")))
		draft->nocase = true;
	else if (span_eq(field, SPAN_LIT("pattern")))
		draft->pattern = text;
	else if (span_eq(field, SPAN_LIT("reach")))
		draft->reach = number(gen, text, RULE_MAX_REACH);
	else if (span_eq(field, SPAN_LIT("back")))
		draft->back = number(gen, text, RULE_MAX_BACK);
	else if (span_eq(field, SPAN_LIT("entropy")))
		draft->entropy = number(gen, text, 800);
	else if (span_eq(field, SPAN_LIT("check")))
		draft->checks |= check_of(gen, text);
	else if (span_eq(field, SPAN_LIT("true")))
		add_example(gen, draft, true, text);
	else if (span_eq(field, SPAN_LIT("false")))
		add_example(gen, draft, false, text);
	else
		refuse(gen, "unknown word", field);
}

static void read_line(struct generator *gen, struct span line)
{
	size_t field = 0, value;

	while (line.len > 0 && is_space(line.ptr[line.len - 1]))
		line.len--;
	if (line.len == 0 || line.ptr[0] == '#')
		return;
	if (line.ptr[0] == '[') {
		if (gen->count == MAX_RULES || line.ptr[line.len - 1] != ']')
			refuse(gen, "bad rule name, or one rule too many", line);
		gen->drafts[gen->count].line = gen->line;
		gen->drafts[gen->count].reach = RULE_REACH;
		gen->drafts[gen->count++].name = span_sub(line, 1, line.len - 2);
		return;
	}
	if (gen->count == 0)
		refuse(gen, "stands before the first rule", line);
	while (field < line.len && !is_blank(line.ptr[field]))
		field++;
	for (value = field; value < line.len && is_blank(line.ptr[value]); value++)
		continue;
	/* Quotes keep blanks at the ends of a keyword. */
	if (line.len - value >= 2 && line.ptr[value] == '"' && line.ptr[line.len - 1] == '"' &&
	    span_eq(span_sub(line, 0, field), SPAN_LIT("keyword")))
		line = span_sub(line, 0, line.len - 1), value++;
	read_field(gen, &gen->drafts[gen->count - 1], span_sub(line, 0, field), span_sub(line, value, line.len));
}

static void print_string(FILE *out, struct span text)
{
	fputc('"', out);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c > 0x7E || c == '?')
			fprintf(out, "\\%03o", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void to_rule(const struct draft *draft, char *pattern, size_t size, struct rule *ret_rule)
{
	snprintf(pattern, size, "%.*s", SPAN_ARG(draft->pattern));
	*ret_rule = (struct rule){ .pattern = pattern,
		                   .nocase = draft->nocase,
		                   .reach = (uint16_t)draft->reach,
		                   .back = (uint8_t)draft->back,
		                   .checks = (uint8_t)draft->checks,
		                   .entropy = (uint16_t)draft->entropy };
}

static size_t find_keyword(const struct draft *draft, struct span text, size_t from)
{
	for (; from < text.len; from++) {
		for (size_t i = 0; i < draft->keyword_count; i++) {
			struct span there = span_sub(text, from, draft->keywords[i].len);

			if (draft->nocase ? span_eq_nocase(there, draft->keywords[i]) : span_eq(there, draft->keywords[i]))
				return from;
		}
	}
	return text.len;
}

/* The same steps as in scan.c, on one rule alone. */
static bool matches(struct generator *gen, const struct draft *draft, const struct rule *rule,
                    const struct pattern *pattern, struct span text)
{
	for (size_t at = find_keyword(draft, text, 0); at < text.len; at = find_keyword(draft, text, at + 1)) {
		struct pattern_hit hit;
		enum status status = pattern_find(pattern, gen->matcher, span_sub(text, 0, at + rule->reach),
		                                  at > rule->back ? at - rule->back : 0, at, &hit);

		if (status == STATUS_WITHHELD)
			complain(gen, "pattern hits a match limit", draft->name);
		if (status == STATUS_OK && rule_accepts(rule, span_sub(text, hit.start, hit.end - hit.start)))
			return true;
	}
	return false;
}

/* One draw may pass by luck: a token of a hundred holds no digit, say. Gives how many of DRAWS are found. */
static unsigned count_found(struct generator *gen, const struct draft *draft, const struct rule *rule,
                            const struct pattern *pattern, struct span template)
{
	unsigned found = 0;
	BUF_AUTO text = BUF_INIT(EXAMPLE_SIZE);

	for (unsigned draw = 0; draw < DRAWS; draw++) {
		buf_reset(&text);
		if (!rulegen_expand(template, draw, &text))
			refuse(gen, "example is too long", draft->name);
		found += matches(gen, draft, rule, pattern, buf_span(&text));
	}
	return found;
}

static void check_examples(struct generator *gen, const struct draft *draft, const struct rule *rule,
                           const struct pattern *pattern)
{
	for (size_t kind = 0; kind < 2; kind++) {
		for (size_t i = 0; i < draft->example_count[kind]; i++) {
			unsigned found;

			gen->line = draft->template_lines[kind][i];
			found = count_found(gen, draft, rule, pattern, draft->templates[kind][i]);
			if (kind == 1 && found < DRAWS)
				complain(gen, "true example is not found in every draw", draft->templates[kind][i]);
			if (kind == 0 && found > 0)
				complain(gen, "false example is found", draft->templates[kind][i]);
		}
	}
}

static void check_rule(struct generator *gen, const struct draft *draft)
{
	static char source[16384];
	struct rule rule;
	struct pattern *pattern;
	struct err err = ERR_INIT;

	gen->line = draft->line;
	if (draft->label.len == 0 || draft->pattern.len == 0 || draft->keyword_count == 0)
		complain(gen, "label, keyword or pattern is missing", draft->name);
	if (draft->example_count[0] < MIN_EXAMPLES || draft->example_count[1] < MIN_EXAMPLES)
		complain(gen, "needs two true and two false examples", draft->name);
	for (const struct draft *other = gen->drafts; other < draft; other++) {
		if (span_eq(other->name, draft->name))
			complain(gen, "two rules of this name", draft->name);
	}
	to_rule(draft, source, sizeof source, &rule);
	if (pattern_new(source, rule.back == 0, &pattern, &err) != STATUS_OK) {
		complain(gen, err.text, draft->name);
		return;
	}
	check_examples(gen, draft, &rule, pattern);
	pattern_free(pattern);
}

static void print_rule(FILE *out, const struct draft *draft)
{
	fputs("\t{ .name = ", out);
	print_string(out, draft->name);
	fputs(", .label = ", out);
	print_string(out, draft->label);
	fputs(",\n\t  .keywords = { ", out);
	for (size_t i = 0; i < draft->keyword_count; i++) {
		print_string(out, draft->keywords[i]);
		fputs(", ", out);
	}
	fprintf(out, "},\n\t  .nocase = %s, .reach = %u, .back = %u, .checks = %u, .entropy = %u,\n\t  .pattern = ",
	        draft->nocase ? "true" : "false", draft->reach, draft->back, draft->checks, draft->entropy);
	print_string(out, draft->pattern);
	fputs(" },\n", out);
}

static FILE *open_output(const char *path)
{
	FILE *out = fopen(path, "w");

	if (out == NULL) {
		perror(path);
		exit(1);
	}
	fputs("/* Made by rulegen from builtin.rules. */\n#include \"shared/redact/rule.h\"\n\n", out);
	return out;
}

static void print_table(const struct generator *gen, const char *path)
{
	FILE *out = open_output(path);

	fputs("const struct rule rule_table[] = {\n", out);
	for (size_t i = 0; i < gen->count; i++)
		print_rule(out, &gen->drafts[i]);
	fprintf(out, "};\nconst size_t rule_count = %zu;\n", gen->count);
	if (fclose(out) != 0)
		exit(1);
}

static void print_examples(const struct generator *gen, const char *path)
{
	FILE *out = open_output(path);
	size_t count = 0;

	fputs("const struct rule_example rule_examples[] = {\n", out);
	for (size_t i = 0; i < gen->count; i++) {
		for (size_t kind = 0; kind < 2; kind++) {
			for (size_t k = 0; k < gen->drafts[i].example_count[kind]; k++, count++) {
				fputs("\t{ ", out);
				print_string(out, gen->drafts[i].name);
				fprintf(out, ", %s, ", kind == 1 ? "true" : "false");
				print_string(out, buf_span(&gen->drafts[i].examples[kind][k]));
				fputs(" },\n", out);
			}
		}
	}
	fprintf(out, "};\nconst size_t rule_example_count = %zu;\n", count);
	if (fclose(out) != 0)
		exit(1);
}

static void done(struct generator *gen, struct buf *content)
{
	for (size_t i = 0; i < gen->count; i++) {
		for (size_t kind = 0; kind < 2; kind++) {
			for (size_t k = 0; k < gen->drafts[i].example_count[kind]; k++)
				buf_done(&gen->drafts[i].examples[kind][k]);
		}
	}
	free(gen->drafts);
	matcher_free(gen->matcher);
	buf_done(content);
}

static int generate(struct generator *gen, struct span rest, const char *table, const char *examples)
{
	struct span line;

	gen->drafts = calloc(MAX_RULES, sizeof *gen->drafts);
	gen->matcher = matcher_new();
	if (gen->drafts == NULL || gen->matcher == NULL)
		return 1;
	while (span_next_line(&rest, &line)) {
		gen->line++;
		read_line(gen, line);
	}
	for (size_t i = 0; i < gen->count; i++)
		check_rule(gen, &gen->drafts[i]);
	if (gen->complaints > 0)
		return 1;
	print_table(gen, table);
	print_examples(gen, examples);
	return 0;
}

int main(int argc, char **argv)
{
	struct generator gen = { .path = argc == 4 ? argv[1] : "" };
	struct buf content = BUF_INIT(LIMIT_CONFIG_FILE);
	struct err err = ERR_INIT;
	int code;

	if (argc != 4 || file_read(gen.path, &content, &err) != STATUS_OK) {
		fprintf(stderr, "rulegen: %s\n", argc == 4 ? err.text : "usage: rulegen RULES TABLE.c EXAMPLES.c");
		return 1;
	}
	code = generate(&gen, buf_span(&content), argv[2], argv[3]);
	done(&gen, &content);
	return code;
}
