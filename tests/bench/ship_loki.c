/*
 * ship_loki: what tests/doubles/loki.py answers to the sweeper's pushes and questions, without its faults and limits and
 * fast enough that it is not what is measured.
 *
 *   ship_loki --port 0 --port-file FILE     runs until SIGTERM
 *
 * One thread, one connection at a time: the sweeper ships over one. What a question's json stage takes out of the line is
 * taken from the structured metadata, which says the same.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/gzip.h"
#include "shared/jdoc.h"

enum { REQUEST_MAX = 64 * 1024 * 1024, IDS_MAX = 64, UUID_LEN = 36 };

struct entry {
	int64_t ns;
	char capture_id[UUID_LEN + 1];
	struct jdoc *labels; /* of the stream, from structured metadata, and what the question's json stage takes out */
};

static struct {
	struct entry *entries;
	size_t count, room;
} store;

static void must(bool good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "ship_loki: %s\n", what);
	exit(1);
}

/* The number behind `name`. */
static int64_t parameter(struct span text, struct span name)
{
	size_t at = span_find(text, name, 0);

	must(at < text.len, "a number is missing");
	return strtoll((const char *)text.ptr + at + name.len, NULL, 10);
}

static bool copy_label(void *ctx, struct span key, struct jdoc *value)
{
	char name[256];

	(void)snprintf(name, sizeof name, "%.*s", SPAN_ARG(key));
	must(jdoc_set(ctx, name, jdoc_share(value)), "label");
	return true;
}

static void keep(const struct jdoc *stream_labels, const struct jdoc *value)
{
	struct span line = jdoc_text(jdoc_at(value, 1));
	const struct jdoc *metadata = jdoc_at(value, 2);
	struct jdoc *labels = jdoc_object();
	struct entry *entry;
	char part[24];
	uint64_t ns;

	must(span_to_u64(jdoc_text(jdoc_at(value, 0)), &ns), "timestamp");
	jdoc_each(stream_labels, copy_label, labels);
	jdoc_each(metadata, copy_label, labels);
	(void)snprintf(part, sizeof part, "%" PRId64, parameter(line, SPAN_LIT("\"part\":")));
	must(jdoc_set_cstr(labels, "service_name", "unknown_service") &&
	     jdoc_set_text(labels, "rescue_capture", jdoc_get_text(metadata, "capture_id")) &&
	     jdoc_set_text(labels, "rescue_section", jdoc_get_text(metadata, "section")) &&
	     jdoc_set_text(labels, "rescue_outcome", jdoc_get_text(metadata, "outcome")) &&
	     jdoc_set_cstr(labels, "rescue_part", part), "labels");
	if (store.count == store.room) {
		store.room = store.room * 2 + 1024;
		store.entries = realloc(store.entries, store.room * sizeof *store.entries);
		must(store.entries != NULL, "memory");
	}
	entry = &store.entries[store.count++];
	*entry = (struct entry){ .ns = (int64_t)ns, .labels = labels };
	(void)snprintf(entry->capture_id, sizeof entry->capture_id, "%.*s",
	               SPAN_ARG(jdoc_get_text(metadata, "capture_id")));
}

static void push(struct span packed)
{
	BUF_AUTO body = BUF_INIT(REQUEST_MAX);
	struct jdoc *document = NULL, *streams;

	must(gzip_expand(packed, &body) == STATUS_OK, "a push is not gzip");
	must(jdoc_parse(buf_span(&body), &document, NULL) == STATUS_OK, "a push is no JSON");
	streams = jdoc_get(document, "streams");
	for (size_t i = 0; i < jdoc_count(streams); i++) {
		const struct jdoc *values = jdoc_get(jdoc_at(streams, i), "values");

		for (size_t j = 0; j < jdoc_count(values); j++)
			keep(jdoc_get(jdoc_at(streams, i), "stream"), jdoc_at(values, j));
	}
	jdoc_free(document);
}

/* The ids of the first alternatives, |~ `a|b`, as the URL has them: %7C~%20%60a%7Cb%60. */
static size_t read_ids(struct span target, char ids[IDS_MAX][UUID_LEN + 1])
{
	size_t at = span_find(target, SPAN_LIT("%60"), 0) + 3;
	size_t count = 0;

	while (count < IDS_MAX && at + UUID_LEN + 3 <= target.len) {
		memcpy(ids[count], target.ptr + at, UUID_LEN);
		ids[count++][UUID_LEN] = '\0';
		at += UUID_LEN;
		if (memcmp(target.ptr + at, "%7C", 3) != 0)
			break;
		at += 3;
	}
	return count;
}

static bool is_asked_for(const struct entry *entry, char ids[IDS_MAX][UUID_LEN + 1], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (memcmp(entry->capture_id, ids[i], UUID_LEN) == 0)
			return true;
	}
	return false;
}

static void add_stream(struct jdoc *result, const struct entry *entry)
{
	struct jdoc *stream = jdoc_object(), *values = jdoc_array(), *value = jdoc_array();
	char ns[24];

	(void)snprintf(ns, sizeof ns, "%" PRId64, entry->ns);
	must(jdoc_push(value, jdoc_new_text(span_cstr(ns))) && jdoc_push(value, jdoc_new_text(SPAN_LIT("-"))) &&
	     jdoc_push(values, value) && jdoc_set(stream, "stream", jdoc_share(entry->labels)) &&
	     jdoc_set(stream, "values", values) && jdoc_push(result, stream), "answer");
}

static void question(struct span target, struct buf *ret_json)
{
	int64_t start_ns = parameter(target, SPAN_LIT("&start=")), end_ns = parameter(target, SPAN_LIT("&end="));
	char ids[IDS_MAX][UUID_LEN + 1];
	size_t id_count = read_ids(target, ids);
	struct jdoc *answer = jdoc_object(), *data = jdoc_object(), *result = jdoc_array();

	for (size_t i = 0; i < store.count; i++) {
		const struct entry *entry = &store.entries[i];

		if (entry->ns >= start_ns && entry->ns < end_ns && is_asked_for(entry, ids, id_count))
			add_stream(result, entry);
	}
	must(jdoc_set_cstr(answer, "status", "success") && jdoc_set_cstr(data, "resultType", "streams") &&
	     jdoc_set(data, "result", result) && jdoc_set(answer, "data", data) &&
	     jdoc_dump(answer, ret_json) == STATUS_OK, "answer");
	jdoc_free(answer);
}

static bool send_all(int fd, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes = span_sub(bytes, (size_t)sent, bytes.len);
	}
	return true;
}

static bool answer(int fd, struct span head, struct span body)
{
	BUF_AUTO json = BUF_INIT(REQUEST_MAX);
	BUF_AUTO out = BUF_INIT(REQUEST_MAX);

	if (span_starts_with(head, SPAN_LIT("POST /loki/api/v1/push"))) {
		push(body);
		return send_all(fd, SPAN_LIT("HTTP/1.1 204 No Content\r\n\r\n"));
	}
	must(span_starts_with(head, SPAN_LIT("GET /loki/api/v1/query_range")), "unknown request");
	question(head, &json);
	buf_printf(&out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", json.len);
	buf_append_span(&out, buf_span(&json));
	return send_all(fd, buf_span(&out));
}

static size_t body_length(struct buf *in, size_t head_len)
{
	const char *head = buf_cstr(in);

	for (const char *line = strstr(head, "\r\n"); line != NULL && line < head + head_len; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, "content-length:", 15) == 0)
			return strtoul(line + 17, NULL, 10);
	}
	return 0;
}

static void serve(int fd)
{
	BUF_AUTO in = BUF_INIT(REQUEST_MAX);
	bool goes_on = true;

	while (goes_on) {
		size_t head_len = span_find(buf_span(&in), SPAN_LIT("\r\n\r\n"), 0) + 4;
		size_t body_len = head_len <= in.len ? body_length(&in, head_len) : 0;
		uint8_t *room;
		ssize_t got;

		if (head_len <= in.len && in.len - head_len >= body_len) {
			goes_on = answer(fd, span_sub(buf_span(&in), 0, head_len),
			                 span_sub(buf_span(&in), head_len, body_len));
			buf_consume(&in, head_len + body_len);
			continue;
		}
		must(buf_reserve(&in, 256 * 1024, &room) == STATUS_OK, "memory");
		got = recv(fd, room, 256 * 1024, 0);
		goes_on = got > 0;
		buf_commit(&in, got > 0 ? (size_t)got : 0);
	}
	(void)close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	FILE *file = argc == 5 ? fopen(argv[4], "w") : NULL;

	must(file != NULL && bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, 8) == 0 &&
	     getsockname(listener, (struct sockaddr *)&address, &len) == 0, "cannot listen");
	(void)fprintf(file, "%d\n", ntohs(address.sin_port));
	(void)fclose(file);
	for (;;)
		serve(accept(listener, NULL, NULL));
}
