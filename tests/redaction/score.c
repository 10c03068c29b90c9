/*
 * score: how well the redactor does on labelled samples.
 *
 *   score FILE [--misses] [--generic-only]
 *
 * FILE has one JSON object a line: rule, sample, should_match, secrets. A sample that holds secrets passes when
 * none of them is left in the output; one that holds none passes when the output equals the input. With --generic-only
 * every rule that knows a kind of credential by its form is switched off: how well would a kind do that has no rule?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/file.h"
#include "shared/jdoc.h"
#include "shared/redact/redact.h"
#include "shared/redact/rule.h"

enum { MAX_FILE = 256 * 1024 * 1024 };

struct score {
	struct redactor *redactor;
	bool show_misses;
	size_t passed[2]; /* false samples, true samples */
	size_t seen[2];
};

static bool leaks(struct span out, const struct jdoc *secrets)
{
	for (size_t i = 0; i < jdoc_count(secrets); i++) {
		if (span_find(out, jdoc_text(jdoc_at(secrets, i)), 0) < out.len)
			return true;
	}
	return false;
}

static void show(const char *what, struct span rule, struct span sample, struct span out)
{
	printf("%s %.*s\n  in:  %.*s\n  out: %.*s\n", what, SPAN_ARG(rule), SPAN_ARG(sample), SPAN_ARG(out));
}

static enum status score_sample(struct score *score, const struct jdoc *sample)
{
	struct span text = jdoc_get_text(sample, "sample");
	bool holds = jdoc_get_bool(sample, "should_match", false), passed;
	struct clean_text *clean = NULL;
	struct err err = ERR_INIT;
	enum status status = redact_span(score->redactor, text, &clean, &err);
	struct span out;

	if (status != STATUS_OK) {
		fprintf(stderr, "score: %s\n", err.text);
		return status;
	}
	out = clean_text_span(clean);
	passed = holds ? !leaks(out, jdoc_get(sample, "secrets")) : span_eq(out, text);
	score->seen[holds]++;
	score->passed[holds] += passed;
	if (!passed && score->show_misses)
		show(holds ? "missed" : "masked", jdoc_get_text(sample, "rule"), text, out);
	clean_text_free(clean);
	return STATUS_OK;
}

static double percent(size_t part, size_t whole)
{
	return whole == 0 ? 100.0 : 100.0 * (double)part / (double)whole;
}

static enum status score_file(struct score *score, const char *path, struct err *err)
{
	BUF_AUTO content = BUF_INIT(MAX_FILE);
	enum status status = file_read(path, &content, err);
	struct span rest = buf_span(&content), line;

	while (status == STATUS_OK && span_next_line(&rest, &line)) {
		JDOC_AUTO *sample = NULL;

		status = jdoc_parse(line, &sample, err);
		if (status == STATUS_OK)
			status = score_sample(score, sample);
	}
	return status;
}

/* Site rules that switch every built-in one off. */
static enum status new_generic(struct redactor **ret_redactor, struct err *err)
{
	char dir[] = "/tmp/score-rules-XXXXXX", path[64];
	const struct redact_options options = { .rules_dir = dir };
	BUF_AUTO yaml = BUF_INIT(MAX_FILE);
	enum status status;

	if (mkdtemp(dir) == NULL)
		return err_set_errno(err, "cannot make a folder");
	(void)snprintf(path, sizeof path, "%s/none.yaml", dir);
	buf_append_cstr(&yaml, "disable:\n");
	for (size_t i = 0; i < rule_count; i++)
		buf_printf(&yaml, "- %s\n", rule_table[i].name);
	status = file_write_atomic(path, buf_span(&yaml), 0600, err);
	if (status == STATUS_OK)
		status = redactor_new(&options, ret_redactor, err);
	(void)unlink(path);
	(void)rmdir(dir);
	return status;
}

int main(int argc, char **argv)
{
	struct score score = { 0 };
	struct err err = ERR_INIT;
	enum status status;
	bool is_generic = false, is_usage = argc < 2;

	for (int i = 2; i < argc; i++) {
		score.show_misses |= strcmp(argv[i], "--misses") == 0;
		is_generic |= strcmp(argv[i], "--generic-only") == 0;
		is_usage |= strcmp(argv[i], "--misses") != 0 && strcmp(argv[i], "--generic-only") != 0;
	}
	if (is_usage) {
		fputs("usage: score FILE [--misses] [--generic-only]\n", stderr);
		return 2;
	}
	status = is_generic ? new_generic(&score.redactor, &err) : redactor_new(NULL, &score.redactor, &err);
	if (status == STATUS_OK)
		status = score_file(&score, argv[1], &err);
	redactor_free(score.redactor);
	if (status != STATUS_OK) {
		fprintf(stderr, "score: %s\n", err.text);
		return 1;
	}
	printf("recall=%.2f%% (%zu of %zu true samples)\n", percent(score.passed[1], score.seen[1]), score.passed[1],
	       score.seen[1]);
	printf("untouched=%.2f%% (%zu of %zu false samples)\n", percent(score.passed[0], score.seen[0]), score.passed[0],
	       score.seen[0]);
	return 0;
}
