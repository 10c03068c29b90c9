#include "agent/collect/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/collect/collect_file.h"
#include "agent/collect/doors.h"
#include "shared/clock.h"
#include "shared/fetch.h"

enum { MAX_REFUSAL = 4096, MAX_URL = 512 };

struct engine {
	const struct plan *plan;
	struct fetch *fetch;
	int socket_fd;
	bool is_unversioned;
};

enum status engine_new(const struct plan *plan, struct engine **ret_engine, struct err *err)
{
	struct engine *engine = calloc(1, sizeof *engine);
	struct fetch_options options = { .connect_timeout_ms = LIMIT_SECTION_DEADLINE_MS };
	enum status status;
	char place[64];

	*ret_engine = NULL;
	if (engine == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	engine->plan = plan;
	status = collect_file_open(plan->root, plan->socket, S_IFSOCK, &engine->socket_fd, err);
	if (status == STATUS_OK) {
		(void)snprintf(place, sizeof place, "/proc/self/fd/%d", engine->socket_fd);
		options.unix_socket = place;
		status = fetch_new(&options, &engine->fetch, err);
		if (status == STATUS_OK && doors_get().engine >= 0)
			fetch_set_opener(engine->fetch, doors_connect_engine, NULL);
	}
	if (status != STATUS_OK) {
		engine_free(engine);
		return status;
	}
	*ret_engine = engine;
	return STATUS_OK;
}

void engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	fetch_free(engine->fetch);
	if (engine->socket_fd >= 0)
		(void)close(engine->socket_fd);
	free(engine);
}

static enum status prepare(const struct engine *engine, const char *path, char url[static MAX_URL],
                           struct fetch_request *ret_request, struct err *err)
{
	int64_t left_ms = engine->plan->engine_end_mono_ms - clock_mono_ms();

	(void)snprintf(url, MAX_URL, "http://docker%s%s", engine->is_unversioned ? "" : ENGINE_VERSION_PATH, path);
	*ret_request = (struct fetch_request){ .method = "GET", .url = url, .timeout_ms = left_ms, .stop_fd = -1 };
	return left_ms > 0 ? STATUS_OK : err_set(err, STATUS_TIMEOUT, "the Engine did not answer in time");
}

/* The Engine says 400 when it no longer speaks, or does not yet speak, the version it was asked in. */
static bool try_without_version(struct engine *engine, int code)
{
	if (code != 400 || engine->is_unversioned)
		return false;
	engine->is_unversioned = true;
	return true;
}

static enum status fetched(enum status status, int code, struct err *err)
{
	if (status == STATUS_TIMEOUT)
		return err_set(err, status, "the Engine did not answer in time");
	if (status != STATUS_OK) {
		err_prefix(err, "the Engine");
		return status;
	}
	if (code == 404)
		return err_set(err, STATUS_NOT_FOUND, "the Engine answered with 404");
	if (code != 200)
		return err_set(err, STATUS_UNAVAILABLE, "the Engine answered with %d", code);
	return STATUS_OK;
}

static enum status get(struct engine *engine, const char *path, struct fetch_answer *answer, struct err *err)
{
	enum status status;

	do {
		struct fetch_request request;
		char url[MAX_URL];

		status = prepare(engine, path, url, &request, err);
		if (status == STATUS_OK)
			status = fetch_run(engine->fetch, &request, answer, err);
	} while (status == STATUS_OK && try_without_version(engine, answer->code));
	return fetched(status, answer->code, err);
}

enum status engine_list(struct engine *engine, struct container_list *ret_list, struct err *err)
{
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_ENGINE_ANSWER);
	enum status status;

	*ret_list = (struct container_list){ 0 };
	status = get(engine, ENGINE_LIST_PATH, &answer, err);
	if (status == STATUS_OK) {
		status = container_read_list(buf_span(&answer.body), ret_list, err);
		if (status != STATUS_OK)
			err_prefix(err, "the Engine's list of containers");
	}
	buf_wipe(&answer.body);
	return status;
}

enum status engine_inspect(struct engine *engine, struct container *container, struct err *err)
{
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_ENGINE_ANSWER);
	char path[MAX_URL / 2];
	enum status status;

	(void)snprintf(path, sizeof path, ENGINE_CONTAINER_PATH "%s" ENGINE_DETAILS_PATH, container->id);
	status = get(engine, path, &answer, err);
	if (status == STATUS_OK) {
		status = container_read_details(buf_span(&answer.body), container, err);
		if (status != STATUS_OK)
			err_prefix(err, "the Engine's description of the container");
	}
	buf_wipe(&answer.body);
	return status;
}

/* Where the bytes of a log answer go while they come. */
struct log_sink {
	struct container_log *log;
	bool is_raw;
	enum status status;
	struct buf start; /* of the answer, in case it turns out to be an error */
};

static bool take_log(void *ctx, struct span bytes)
{
	struct log_sink *sink = ctx;

	buf_append_span(&sink->start, span_sub(bytes, 0, sink->start.max - sink->start.len));
	if (sink->status == STATUS_OK)
		sink->status = sink->is_raw ? container_log_add_raw(sink->log, bytes) :
		                              container_log_add_frames(sink->log, bytes);
	/* An error is not framed either; it is read on until its beginning is there. */
	return sink->status == STATUS_OK || sink->start.len < sink->start.max;
}

static void take_refusal(struct span answer, struct buf *refusal)
{
	JDOC_AUTO *doc = NULL;

	if (jdoc_parse(answer, &doc, NULL) == STATUS_OK)
		buf_append_span(refusal, span_sub(jdoc_get_text(doc, "message"), 0, MAX_REFUSAL));
}

static enum status get_log(struct engine *engine, const char *path, struct log_sink *sink, int *ret_code,
                           struct err *err)
{
	struct fetch_answer answer = FETCH_ANSWER_INIT(0);
	struct fetch_request request;
	char url[MAX_URL];
	enum status status = prepare(engine, path, url, &request, err);

	if (status == STATUS_OK)
		status = fetch_stream(engine->fetch, &request, take_log, sink, &answer, err);
	*ret_code = answer.code;
	buf_wipe(&answer.body);
	return status;
}

enum status engine_logs(struct engine *engine, const struct container *container, struct container_log *log,
                        struct buf *refusal, struct err *err)
{
	struct log_sink sink = { .log = log, .is_raw = container->has_terminal, .start = BUF_INIT(MAX_REFUSAL) };
	char path[MAX_URL / 2];
	enum status status;
	int code = 0;

	(void)snprintf(path, sizeof path, ENGINE_CONTAINER_PATH "%s" ENGINE_LOGS_PATH, container->id);
	status = get_log(engine, path, &sink, &code, err);
	status = fetched(status, code, err);
	if (code != 0 && code != 200)
		take_refusal(buf_span(&sink.start), refusal);
	else if (sink.status != STATUS_OK)
		status = err_set(err, sink.status, "the Engine's log: %s", status_name(sink.status));
	else if (status == STATUS_OK && !sink.is_raw && !container_log_frames_are_whole(log))
		status = err_set(err, STATUS_UNAVAILABLE, "the Engine's log ended in the middle of a frame");
	buf_wipe(&sink.start);
	return status;
}
