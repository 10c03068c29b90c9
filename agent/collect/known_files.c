#include "agent/collect/known_files.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/collect/collect_file.h"
#include "shared/jdoc.h"
#include "shared/redact/decode.h"

enum { MAX_HOME = 300 };

static bool is_white(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct span known_trim(struct span text)
{
	while (text.len > 0 && is_white(text.ptr[0]))
		text = span_sub(text, 1, text.len);
	while (text.len > 0 && is_white(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

/* A word, or what stands in double quotes. False at the end. */
static bool next_word(struct span *rest, struct span *ret_word)
{
	size_t end = 0;

	while (rest->len > 0 && is_white(rest->ptr[0]))
		*rest = span_sub(*rest, 1, rest->len);
	if (rest->len == 0)
		return false;
	if (rest->ptr[0] == '"') {
		*rest = span_sub(*rest, 1, rest->len);
		end = span_find(*rest, SPAN_LIT("\""), 0);
	} else {
		while (end < rest->len && !is_white(rest->ptr[end]))
			end++;
	}
	*ret_word = span_sub(*rest, 0, end);
	*rest = span_sub(*rest, end + 1, rest->len);
	return true;
}

enum status known_read_netrc(struct span content, struct redactor *redactor)
{
	enum status status = STATUS_OK;
	struct span word;

	while (status == STATUS_OK && next_word(&content, &word)) {
		bool is_secret = span_eq(word, SPAN_LIT("password")) || span_eq(word, SPAN_LIT("account"));
		bool is_public = span_eq(word, SPAN_LIT("machine")) || span_eq(word, SPAN_LIT("login"));

		if ((is_secret || is_public) && next_word(&content, &word) && is_secret)
			status = redactor_add_value(redactor, word, "PASSWORD");
	}
	return status;
}

/* base64 of "user:password". */
static enum status add_basic(struct span encoded, struct redactor *redactor)
{
	struct buf plain = BUF_INIT(LIMIT_KNOWN_VALUE_BYTES);
	enum status status = redactor_add_value(redactor, encoded, "AUTH");
	size_t colon;

	decode_append(DECODE_BASE64, encoded, LIMIT_KNOWN_VALUE_BYTES, &plain);
	colon = span_find(buf_span(&plain), SPAN_LIT(":"), 0);
	if (status == STATUS_OK)
		status = buf_status(&plain);
	if (status == STATUS_OK)
		status = redactor_add_value(redactor, span_sub(buf_span(&plain), colon + 1, plain.len), "PASSWORD");
	buf_wipe(&plain);
	return status;
}

struct auths_walk {
	struct redactor *redactor;
	enum status status;
};

static bool add_auth(void *ctx, struct span registry, struct jdoc *auth)
{
	static const char *const plain[] = { "password", "identitytoken", "registrytoken" };
	struct auths_walk *walk = ctx;

	(void)registry;
	walk->status = add_basic(jdoc_get_text(auth, "auth"), walk->redactor);
	for (size_t i = 0; i < sizeof plain / sizeof *plain && walk->status == STATUS_OK; i++)
		walk->status = redactor_add_value(walk->redactor, jdoc_get_text(auth, plain[i]), "TOKEN");
	return walk->status == STATUS_OK;
}

enum status known_read_docker(struct span content, struct redactor *redactor)
{
	struct auths_walk walk = { .redactor = redactor, .status = redactor_learn(redactor, content) };
	JDOC_AUTO *doc = NULL;

	/* What is no JSON was searched as text all the same. */
	if (walk.status == STATUS_OK && jdoc_parse(content, &doc, NULL) == STATUS_OK)
		jdoc_each(jdoc_get(doc, "auths"), add_auth, &walk);
	return walk.status;
}

enum status known_read_variables(struct span content, struct redactor *redactor)
{
	enum status status = STATUS_OK;
	struct span line;

	while (status == STATUS_OK && span_next_line(&content, &line)) {
		size_t sign = span_find(line, SPAN_LIT("="), 0);
		struct span name = known_trim(span_sub(line, 0, sign)), value = known_trim(span_sub(line, sign + 1, line.len));

		if (span_starts_with(name, SPAN_LIT("export ")))
			name = known_trim(span_sub(name, 7, name.len));
		if (value.len >= 2 && value.ptr[0] == value.ptr[value.len - 1] && memchr("\"'", value.ptr[0], 2) != NULL)
			value = span_sub(value, 1, value.len - 2);
		if (name.len > 0 && value.len > 0 && name.ptr[0] != '#')
			status = redactor_learn_variable(redactor, name, value);
	}
	return status;
}

static const struct known_file {
	const char *path; /* in the home folder */
	enum status (*read)(struct span content, struct redactor *redactor);
} known_files[] = {
	{ ".netrc", known_read_netrc },
	{ ".docker/config.json", known_read_docker },
	{ ".aws/credentials", known_read_variables },
};

static enum status read_home(const char *root, const char *home, struct redactor *redactor, bool *ret_unread,
                             struct err *err)
{
	enum status told = STATUS_OK;

	for (size_t i = 0; i < sizeof known_files / sizeof *known_files && told == STATUS_OK; i++) {
		struct buf content = BUF_INIT(LIMIT_SECRET_FILE);
		char path[MAX_HOME + 32];
		enum status status;

		(void)snprintf(path, sizeof path, "%s/%s", home, known_files[i].path);
		status = collect_file_whole(root, path, &content, err);
		if (status == STATUS_OK)
			told = known_files[i].read(buf_span(&content), redactor);
		else if (status != STATUS_NOT_FOUND)
			*ret_unread = true;
		buf_wipe(&content);
	}
	return told;
}

static enum status read_each(const char *root, DIR *folder, struct redactor *redactor, bool *ret_unread,
                             struct err *err)
{
	enum status status = STATUS_OK;
	const struct dirent *entry;

	for (size_t count = 0; status == STATUS_OK && (entry = readdir(folder)) != NULL; count++) {
		char home[MAX_HOME];

		if (count == LIMIT_HOMES) {
			*ret_unread = true;
			(void)err_set(err, STATUS_TOO_LARGE, "/home has more than %d folders", LIMIT_HOMES);
			break;
		}
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(home, sizeof home, "/home/%s", entry->d_name);
		status = read_home(root, home, redactor, ret_unread, err);
	}
	return status;
}

enum status known_read_homes(const char *root, struct redactor *redactor, bool *ret_unread, struct err *err)
{
	enum status status = read_home(root, "/root", redactor, ret_unread, err);
	DIR *folder;
	int fd;

	if (status != STATUS_OK || collect_file_open(root, "/home", S_IFDIR, &fd, NULL) != STATUS_OK)
		return status;
	folder = fdopendir(fd);
	if (folder == NULL) {
		(void)close(fd);
		*ret_unread = true;
		return STATUS_OK;
	}
	status = read_each(root, folder, redactor, ret_unread, err);
	(void)closedir(folder);
	return status;
}
