/*
 * redact_bench: how fast the redactor is. One "name=value unit" line for each kind of text.
 *
 *   redact_bench CORPUS_FOLDER [--seconds N] [--rules N] [--only NAME] [--rounds N] [--write FILE]
 *
 * --rules    only the first N built-in rules (default: all)
 * --only     one text, by the name that it is printed with
 * --rounds   redact each text so often and print nothing, for a count of instructions
 * --write    write the text of --only to FILE and stop, for other programs to read
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "shared/file.h"
#include "shared/redact/redact.h"
#include "shared/redact/rule.h"

enum { TEXT_SIZE = 1024 * 1024, MAX_FILE = 16 * 1024 * 1024 };

struct bench {
	const char *folder;
	const char *only;
	const char *write_path;
	struct redactor *redactor;
	double seconds;
	size_t rounds; /* 0: for `seconds` */
	size_t rules;
	struct err err;
};

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned next_random(void)
{
	static uint64_t seed = 1;

	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 40);
}

static void append_random(struct buf *out, size_t count)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t i = 0; i < count; i++)
		buf_append_byte(out, (uint8_t)chars[next_random() % (sizeof chars - 1)]);
}

/* Repeats `sample` up to the size. */
static void fill(struct span sample, struct buf *text)
{
	while (sample.len > 0 && text->len + sample.len < TEXT_SIZE)
		buf_append_span(text, sample);
}

static enum status redact_once(struct bench *bench, struct span text, size_t *ret_masked)
{
	struct clean_text *clean = NULL;
	enum status status = redact_span(bench->redactor, text, &clean, &bench->err);

	*ret_masked = status == STATUS_OK ? clean_text_redactions(clean) : 0;
	clean_text_free(clean);
	return status;
}

static enum status measure(struct bench *bench, const char *name, struct span text)
{
	double start = seconds(), spent = 0;
	size_t rounds = 0, masked = 0;
	enum status status = STATUS_OK;

	if (bench->only != NULL && strcmp(name, bench->only) != 0)
		return STATUS_OK;
	if (bench->write_path != NULL)
		return file_write_atomic(bench->write_path, text, 0600, &bench->err);
	for (; status == STATUS_OK && (bench->rounds > 0 ? rounds < bench->rounds : spent < bench->seconds); rounds++) {
		status = redact_once(bench, text, &masked);
		spent = seconds() - start;
	}
	if (status == STATUS_OK && bench->rounds == 0)
		printf("%s=%.0f MB/s (%zu maskings in %zu bytes)\n", name, (double)rounds * (double)text.len / spent / 1e6,
		       masked, text.len);
	return status;
}

static enum status measure_file(struct bench *bench, const char *file, struct buf *content, struct buf *text)
{
	char path[4096], name[64];
	enum status status;

	(void)snprintf(path, sizeof path, "%s/%s", bench->folder, file);
	(void)snprintf(name, sizeof name, "clean_%.50s", file);
	buf_reset(content);
	buf_reset(text);
	status = file_read(path, content, &bench->err);
	fill(buf_span(content), text);
	return status == STATUS_OK ? measure(bench, name, buf_span(text)) : status;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static enum status measure_corpus(struct bench *bench)
{
	struct dirent **entries = NULL;
	int count = scandir(bench->folder, &entries, is_visible, alphasort);
	BUF_AUTO content = BUF_INIT(MAX_FILE), text = BUF_INIT(MAX_FILE);
	enum status status = STATUS_OK;

	if (count < 0)
		return err_set_errno(&bench->err, "cannot read %s", bench->folder);
	for (int i = 0; i < count; i++) {
		if (status == STATUS_OK)
			status = measure_file(bench, entries[i]->d_name, &content, &text);
		free(entries[i]);
	}
	free(entries);
	return status;
}

static enum status measure_made(struct bench *bench)
{
	BUF_AUTO text = BUF_INIT(MAX_FILE);
	enum status status;

	while (text.len < TEXT_SIZE - 100) {
		buf_printf(&text, "export SERVICE_%zu_TOKEN=", text.len);
		append_random(&text, 32);
		buf_append_byte(&text, '\n');
	}
	status = measure(bench, "secret_dense", buf_span(&text));
	buf_reset(&text);
	fill(SPAN_LIT("one long line of words without an end and nothing secret in it 0123456789; "), &text);
	if (status == STATUS_OK)
		status = measure(bench, "one_long_line", buf_span(&text));
	buf_reset(&text);
	while (text.len < TEXT_SIZE)
		buf_append_byte(&text, (uint8_t)next_random());
	return status == STATUS_OK ? measure(bench, "binary", buf_span(&text)) : status;
}

/* Site rules that switch off what comes behind the first `count`. */
static enum status load_rules(struct bench *bench)
{
	char dir[] = "/tmp/bench-rules-XXXXXX", path[64];
	const struct redact_options options = { .rules_dir = dir };
	BUF_AUTO yaml = BUF_INIT(MAX_FILE);
	enum status status;

	if (bench->rules >= rule_count)
		return redactor_new(NULL, &bench->redactor, &bench->err);
	if (mkdtemp(dir) == NULL)
		return err_set_errno(&bench->err, "cannot make a folder");
	(void)snprintf(path, sizeof path, "%s/fewer.yaml", dir);
	buf_append_cstr(&yaml, "disable:\n");
	for (size_t i = bench->rules; i < rule_count; i++)
		buf_printf(&yaml, "- %s\n", rule_table[i].name);
	status = file_write_atomic(path, buf_span(&yaml), 0600, &bench->err);
	if (status == STATUS_OK)
		status = redactor_new(&options, &bench->redactor, &bench->err);
	(void)unlink(path);
	(void)rmdir(dir);
	return status;
}

static bool read_options(int argc, char **argv, struct bench *bench)
{
	for (int i = 2; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--seconds") == 0)
			bench->seconds = strtod(argv[i + 1], NULL);
		else if (strcmp(argv[i], "--rules") == 0)
			bench->rules = strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--rounds") == 0)
			bench->rounds = strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--only") == 0)
			bench->only = argv[i + 1];
		else if (strcmp(argv[i], "--write") == 0)
			bench->write_path = argv[i + 1];
		else
			return false;
	}
	return argc >= 2 && argc % 2 == 0;
}

int main(int argc, char **argv)
{
	struct bench bench = { .folder = argv[1], .seconds = 1.0, .rules = SIZE_MAX, .err = ERR_INIT };
	struct rusage usage;
	enum status status;

	if (!read_options(argc, argv, &bench)) {
		fputs("usage: redact_bench CORPUS_FOLDER [--seconds N] [--rules N] [--only NAME] [--rounds N] [--write FILE]\n",
		      stderr);
		return 2;
	}
	status = load_rules(&bench);
	if (status == STATUS_OK)
		status = measure_corpus(&bench);
	if (status == STATUS_OK)
		status = measure_made(&bench);
	redactor_free(bench.redactor);
	if (status != STATUS_OK) {
		fprintf(stderr, "redact_bench: %s\n", bench.err.text);
		return 1;
	}
	if (bench.rounds == 0 && bench.write_path == NULL && getrusage(RUSAGE_SELF, &usage) == 0)
		printf("peak_memory=%ld KiB\n", usage.ru_maxrss);
	return 0;
}
