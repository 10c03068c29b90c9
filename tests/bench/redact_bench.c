/*
 * redact_bench: how fast the redactor is. One "name=value unit" line for each kind of text.
 *
 *   redact_bench CORPUS_FOLDER [SECONDS]
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "shared/file.h"
#include "shared/redact/redact.h"

enum { TEXT_SIZE = 1024 * 1024, MAX_FILE = 16 * 1024 * 1024 };

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

static void measure(const struct redactor *redactor, const char *name, struct span text, double least)
{
	double start = seconds(), spent = 0;
	size_t rounds = 0, masked = 0;

	for (; spent < least; spent = seconds() - start, rounds++) {
		struct clean_text *clean = NULL;
		struct err err = ERR_INIT;

		if (redact_span(redactor, text, &clean, &err) != STATUS_OK) {
			printf("%s=withheld (%s)\n", name, err.text);
			return;
		}
		masked = clean_text_redactions(clean);
		clean_text_free(clean);
	}
	printf("%s=%.0f MB/s (%zu maskings in %zu bytes)\n", name, (double)rounds * (double)text.len / spent / 1e6, masked,
	       text.len);
}

static enum status measure_corpus(const struct redactor *redactor, const char *folder, double least, struct err *err)
{
	struct dirent *entry;
	DIR *dir = opendir(folder);
	BUF_AUTO all = BUF_INIT(MAX_FILE), text = BUF_INIT(MAX_FILE);
	enum status status = STATUS_OK;

	if (dir == NULL)
		return err_set_errno(err, "cannot read %s", folder);
	while (status == STATUS_OK && (entry = readdir(dir)) != NULL) {
		char path[4096], name[64];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		(void)snprintf(name, sizeof name, "clean_%.50s", entry->d_name);
		buf_reset(&all);
		buf_reset(&text);
		status = file_read(path, &all, err);
		fill(buf_span(&all), &text);
		measure(redactor, name, buf_span(&text), least);
	}
	(void)closedir(dir);
	return status;
}

static void measure_made(const struct redactor *redactor, double least)
{
	BUF_AUTO text = BUF_INIT(MAX_FILE);

	while (text.len < TEXT_SIZE - 100) {
		buf_printf(&text, "export SERVICE_%zu_TOKEN=", text.len);
		append_random(&text, 32);
		buf_append_byte(&text, '\n');
	}
	measure(redactor, "secret_dense", buf_span(&text), least);
	buf_reset(&text);
	fill(SPAN_LIT("one long line of words without an end and nothing secret in it 0123456789; "), &text);
	measure(redactor, "one_long_line", buf_span(&text), least);
	buf_reset(&text);
	while (text.len < TEXT_SIZE)
		buf_append_byte(&text, (uint8_t)next_random());
	measure(redactor, "binary", buf_span(&text), least);
}

int main(int argc, char **argv)
{
	struct redactor *redactor = NULL;
	struct err err = ERR_INIT;
	struct rusage usage;
	double least = argc > 2 ? strtod(argv[2], NULL) : 1.0;
	enum status status;

	if (argc < 2) {
		fputs("usage: redact_bench CORPUS_FOLDER [SECONDS]\n", stderr);
		return 2;
	}
	status = redactor_new(NULL, &redactor, &err);
	if (status == STATUS_OK)
		status = measure_corpus(redactor, argv[1], least, &err);
	if (status == STATUS_OK)
		measure_made(redactor, least);
	redactor_free(redactor);
	if (status != STATUS_OK) {
		fprintf(stderr, "redact_bench: %s\n", err.text);
		return 1;
	}
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		printf("peak_memory=%ld KiB\n", usage.ru_maxrss);
	return 0;
}
