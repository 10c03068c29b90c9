#include "agent/link.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/sandbox/sandbox.h"
#include "shared/clock.h"
#include "shared/file.h"
#include "shared/log.h"
#include "shared/random.h"
#include "shared/stop.h"
#include "shared/tls/pki.h"

enum {
	BACKOFF_BASE_MS = 500,
	BACKOFF_CAP_MS = 60000,
	SLOW_LEAST_MS = 30000,
	IDENTITY_RETRY_MS = 5000,
};

enum status link_read_identity(const struct agent_config *config, struct identity *ret_identity, struct err *err)
{
	const char *path = config->identity.cert;
	BUF_AUTO pem = BUF_INIT(LIMIT_CERT_FILE);
	BUF_AUTO uri = BUF_INIT(LIMIT_SPIFFE_ID);
	enum status status = file_read(path, &pem, err);

	if (status != STATUS_OK)
		return status;
	status = pki_cert_uri(buf_span(&pem), &uri, err);
	if (status == STATUS_OK)
		status = identity_parse(buf_span(&uri), ret_identity, err);
	if (status == STATUS_OK && ret_identity->role != IDENTITY_WORKSPACE)
		status = err_set(err, STATUS_INVALID, "the certificate's role is %s, expected workspace",
		                 identity_role_name(ret_identity->role));
	if (status != STATUS_OK)
		err_prefix(err, "%s", path);
	return status;
}

/* Whoever started this process starts another one, which sees the files as they are now. */
static void end_if_stale(void)
{
	if (sandbox_is_stale())
		stop_request();
}

/* True when a file is another one than at the last call. */
static bool files_changed(struct link *link)
{
	const char *const paths[LINK_FILES] = { link->config->identity.cert, link->config->identity.key,
	                                        link->config->identity.ca };
	bool changed = false;

	for (size_t i = 0; i < LINK_FILES; i++) {
		struct link_file *file = &link->files[i];
		struct stat info;

		/* One that is being replaced in two steps is looked at again next time. */
		if (paths[i] == NULL || stat(paths[i], &info) != 0)
			continue;
		changed = changed || file->inode != info.st_ino ||
		          file->changed_ns != info.st_mtim.tv_sec * INT64_C(1000000000) + info.st_mtim.tv_nsec;
		file->inode = info.st_ino;
		file->changed_ns = info.st_mtim.tv_sec * INT64_C(1000000000) + info.st_mtim.tv_nsec;
	}
	return changed;
}

/* Looks at the files before it reads them, so that a change in between is noticed at the next request. */
static enum status read_own_identity(struct link *link, struct identity *ret_identity, struct err *err)
{
	(void)files_changed(link);
	return link_read_identity(link->config, ret_identity, err);
}

/* The certificate may be put there later, by enrolment or by another program. */
static enum status wait_for_identity(struct link *link)
{
	struct err err = ERR_INIT;
	struct err said = ERR_INIT;

	while (read_own_identity(link, &link->identity, &err) != STATUS_OK) {
		if (strcmp(err.text, said.text) != 0)
			log_event(LOG_WARN, "identity.missing", LOG_S("error", err.text),
			          LOG_S("do", "put the workspace's certificate there; it is read again every 5 s"));
		said = err;
		end_if_stale();
		if (stop_sleep_ms(IDENTITY_RETRY_MS) != STATUS_OK)
			return STATUS_STOPPED;
	}
	log_event(LOG_INFO, "identity.read", LOG_S("org", link->identity.org),
	          LOG_S("workspace_id", link->identity.workspace_id));
	return STATUS_OK;
}

enum status link_init(struct link *link, const struct agent_config *config, struct err *err)
{
	const struct fetch_options options = {
		.ca_file = config->identity.ca,
		.cert_file = config->identity.cert,
		.key_file = config->identity.key,
	};
	enum status status;

	memset(link, 0, sizeof *link);
	link->config = config;
	status = wait_for_identity(link);
	return status == STATUS_OK ? fetch_new(&options, &link->fetch, err) : status;
}

enum status link_init_aside(struct link *link, const struct agent_config *config, struct err *err)
{
	enum status status = link_init(link, config, err);

	link->is_aside = true;
	return status;
}

enum status link_init_stranger(struct link *link, const struct agent_config *config, struct err *err)
{
	memset(link, 0, sizeof *link);
	link->config = config;
	link->is_aside = true;
	return fetch_new(&(struct fetch_options){ .ca_file = config->identity.ca }, &link->fetch, err);
}

void link_done(struct link *link)
{
	fetch_free(link->fetch);
	link->fetch = NULL;
}

const char *link_sweeper(const struct link *link)
{
	return link->config->sweepers.items[link->current];
}

int64_t link_pause_ms(const struct link *link)
{
	int64_t left = link->next_mono_ms - clock_mono_ms();

	return left > 0 ? left : 0;
}

static void reload(struct link *link)
{
	struct identity identity;
	struct err err = ERR_INIT;

	fetch_reset(link->fetch);
	if (read_own_identity(link, &identity, &err) == STATUS_OK)
		link->identity = identity;
	log_event(err.text[0] == '\0' ? LOG_INFO : LOG_WARN, "identity.reload",
	          LOG_S("workspace_id", link->identity.workspace_id),
	          LOG_S(err.text[0] == '\0' ? NULL : "error", err.text));
}

/* A reload ends the pause: whoever changed something wants to see it work. */
enum status link_pause(struct link *link)
{
	struct pollfd watch[] = {
		{ .fd = stop_fd(), .events = POLLIN },
		{ .fd = link->is_aside ? -1 : stop_reload_fd(), .events = POLLIN },
	};

	for (;;) {
		int64_t left = link_pause_ms(link);

		(void)poll(watch, 2, (int)left);
		if (stop_wanted())
			return STATUS_STOPPED;
		if (!link->is_aside && stop_take_reload()) {
			reload(link);
			return STATUS_OK;
		}
		if (link_pause_ms(link) == 0)
			return STATUS_OK;
	}
}

static void log_failure(const struct link *link, const char *sweeper, enum status status, const struct err *err)
{
	log_event(LOG_WARN, "sweeper.failed", LOG_S("sweeper", sweeper),
	          LOG_S("workspace_id", link->identity.workspace_id), LOG_S("error", err->text),
	          LOG_S(status == STATUS_DENIED ? "do" : NULL,
	                "check identity.cert, identity.key and identity.ca (expired, or of another authority?), and that "
	                "the URL's host is a name in the sweeper's certificate"),
	          LOG_I("failures", link->failures), LOG_I("retry_in_ms", link_pause_ms(link)));
}

enum status link_try(struct link *link, const struct link_call *call, struct fetch_answer *answer)
{
	char url[LIMIT_SPIFFE_ID];
	struct fetch_request request = {
		.method = call->method,
		.url = url,
		.headers = call->headers,
		.body = call->body,
		.timeout_ms = call->timeout_ms,
		.stall_timeout_ms = call->stall_timeout_ms,
		.stop_fd = stop_fd(),
	};
	const char *sweeper;
	int64_t began_mono_ms;
	struct err err = ERR_INIT;
	enum status status = link_pause(link);

	if (status != STATUS_OK)
		return status;
	if (!link->is_aside && files_changed(link))
		reload(link);
	sweeper = link_sweeper(link);
	began_mono_ms = clock_mono_ms();
	if ((size_t)snprintf(url, sizeof url, "%s%s", sweeper, call->path) >= sizeof url)
		status = err_set(&err, STATUS_TOO_LARGE, "the URL is too long");
	else
		status = fetch_run(link->fetch, &request, answer, &err);
	link->took_ms = clock_mono_ms() - began_mono_ms;
	if (status == STATUS_OK || status == STATUS_STOPPED)
		return status;
	link_retry(link, -1);
	log_failure(link, sweeper, status, &err);
	end_if_stale();
	return STATUS_AGAIN;
}

void link_works(struct link *link)
{
	link->failures = 0;
	link->next_mono_ms = 0;
}

void link_pace(struct link *link)
{
	link->next_mono_ms = clock_mono_ms() +
	                     (int64_t)random_backoff_ms(link->failures++, BACKOFF_BASE_MS, BACKOFF_CAP_MS);
}

/* The next in order that may be asked at `due_mono_ms`, else the one that may be asked first. */
static void move_on(struct link *link, int64_t due_mono_ms)
{
	size_t count = link->config->sweepers.count;
	size_t best = (link->current + 1) % count;

	for (size_t step = 1; step <= count; step++) {
		size_t candidate = (link->current + step) % count;

		if (link->held_mono_ms[best] <= due_mono_ms)
			break;
		if (link->held_mono_ms[candidate] < link->held_mono_ms[best])
			best = candidate;
	}
	link->current = best;
	link->next_mono_ms = due_mono_ms > link->held_mono_ms[best] ? due_mono_ms : link->held_mono_ms[best];
}

void link_retry(struct link *link, int64_t retry_after_s)
{
	unsigned round = link->failures / (unsigned)link->config->sweepers.count;
	int64_t now = clock_mono_ms();

	if (retry_after_s > LIMIT_RETRY_AFTER_S)
		retry_after_s = LIMIT_RETRY_AFTER_S;
	if (retry_after_s > 0)
		link->held_mono_ms[link->current] = now + retry_after_s * 1000;
	link->failures++;
	move_on(link, now + (int64_t)random_backoff_ms(round, BACKOFF_BASE_MS, BACKOFF_CAP_MS));
}

void link_slow(struct link *link)
{
	link->failures++;
	move_on(link, clock_mono_ms() + SLOW_LEAST_MS + (int64_t)random_below(BACKOFF_CAP_MS - SLOW_LEAST_MS));
}
