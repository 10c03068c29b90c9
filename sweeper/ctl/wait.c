/* wait: polls until a workspace's newest capture is there, showing how far it is. */
#include <stdio.h>
#include <time.h>

#include "shared/clock.h"
#include "shared/config.h"
#include "sweeper/ctl/captures.h"
#include "sweeper/ctl/render.h"

enum { WAIT_POLL_MS = 200, WAIT_SLOW_POLL_MS = 1000, WAIT_FAST_MS = 10000, WAIT_MAX_S = 7 * 24 * 3600 };

enum progress { PROGRESS_WAITING, PROGRESS_THERE, PROGRESS_REFUSED };

struct waiting {
	const struct ctl *ctl;
	const char *workspace_id;
	bool shipped;            /* wait for this, not only for the bundle */
	int64_t begin_mono_ms;
	struct jdoc *capture;    /* the newest seen; NULL before the first */
	char told[128];          /* what was told last */
};

static enum progress judge(const struct waiting *waiting)
{
	struct span state = captures_field(waiting->capture, "state");

	if (span_eq(state, SPAN_LIT("refused")))
		return PROGRESS_REFUSED;
	if (span_eq(state, SPAN_LIT("shipped")))
		return PROGRESS_THERE;
	/* An unreachable capture keeps its state when its one record is shipped. */
	if (span_eq(state, SPAN_LIT("unreachable")))
		return !waiting->shipped || waiting->ctl->loki != NULL ||
		       captures_field(waiting->capture, "shipped_at").len > 0 ? PROGRESS_THERE : PROGRESS_WAITING;
	return span_eq(state, SPAN_LIT("received")) && !waiting->shipped ? PROGRESS_THERE : PROGRESS_WAITING;
}

/* On a terminal one line is kept up to date; into a log goes one line for each change. */
static void tell(struct waiting *waiting, const char *what)
{
	int64_t elapsed_ms = clock_mono_ms() - waiting->begin_mono_ms;
	bool changed = strcmp(waiting->told, what) != 0;

	if (waiting->ctl->terminal_err)
		fprintf(stderr, "\r\x1b[K%s (%lld s)", what, (long long)(elapsed_ms / 1000));
	else if (changed)
		fprintf(stderr, "%s (after %lld.%03lld s)\n", what, (long long)(elapsed_ms / 1000),
		        (long long)(elapsed_ms % 1000));
	(void)snprintf(waiting->told, sizeof waiting->told, "%s", what);
}

static void tell_state(struct waiting *waiting, enum status status)
{
	BUF_AUTO words = BUF_INIT(sizeof waiting->told);

	if (status == STATUS_NOT_FOUND)
		buf_append_cstr(&words, "no capture yet");
	else if (status != STATUS_OK)
		buf_printf(&words, "%s: trying again", status_name(status));
	else
		style_put_field(span_sub(captures_field(waiting->capture, "state"), 0, 32), &words);
	tell(waiting, buf_cstr(&words));
}

/* What may pass by itself while one waits. */
static bool is_passing(enum status status)
{
	return status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_UNAVAILABLE ||
	       status == STATUS_TIMEOUT;
}

static void sleep_ms(int64_t ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&time, NULL);
}

/* STATUS_OK: there (or refused). STATUS_TIMEOUT, or what ended it. */
static enum status poll_capture(struct waiting *waiting, struct captures *captures, int64_t timeout_ms,
                                struct err *err)
{
	for (;;) {
		struct jdoc *newest = NULL;
		enum status status = captures_newest(captures, waiting->workspace_id, &newest, err);
		int64_t elapsed_ms = clock_mono_ms() - waiting->begin_mono_ms;

		if (status == STATUS_OK) {
			jdoc_free(waiting->capture);
			waiting->capture = newest;
		}
		tell_state(waiting, status);
		if (status == STATUS_OK && judge(waiting) != PROGRESS_WAITING)
			return STATUS_OK;
		if (!is_passing(status))
			return status;
		if (elapsed_ms >= timeout_ms)
			return status == STATUS_UNAVAILABLE ? status : STATUS_TIMEOUT;
		sleep_ms(elapsed_ms < WAIT_FAST_MS ? WAIT_POLL_MS : WAIT_SLOW_POLL_MS);
	}
}

static enum ctl_exit report(const struct waiting *waiting, enum status status, struct err *err)
{
	if (status == STATUS_TIMEOUT && waiting->capture == NULL)
		return ctl_fail(err_set(err, STATUS_NOT_FOUND, "the time is up: workspace %s has no capture",
		                        waiting->workspace_id), err);
	if (status == STATUS_TIMEOUT)
		return ctl_fail(err_set(err, status, "the time is up: the capture is still \"%.*s\"",
		                        SPAN_ARG(captures_field(waiting->capture, "state"))), err);
	if (status != STATUS_OK)
		return ctl_fail(status, err);
	if (judge(waiting) == PROGRESS_REFUSED)
		return ctl_fail(err_set(err, STATUS_INVALID, "the sweeper refused the bundle: %.*s",
		                        SPAN_ARG(span_sub(captures_field(waiting->capture, "last_error"), 0, 300))), err);
	return CTL_DONE;
}

static enum ctl_exit print(const struct ctl *ctl, const struct jdoc *capture)
{
	BUF_AUTO out = BUF_INIT(LIMIT_BUNDLE_BYTES);

	if (ctl->json)
		return ctl_print_json(capture);
	render_capture(&ctl->style, capture, &out);
	return ctl_print(&out);
}

static enum ctl_exit wait_for(struct waiting *waiting, struct captures *captures, int64_t timeout_s)
{
	struct err err = ERR_INIT;
	enum status status = poll_capture(waiting, captures, timeout_s * 1000, &err);
	enum ctl_exit exit;

	if (waiting->ctl->terminal_err)
		fputc('\n', stderr);
	exit = report(waiting, status, &err);
	if (exit == CTL_DONE)
		exit = print(waiting->ctl, waiting->capture);
	jdoc_free(waiting->capture);
	return exit;
}

enum ctl_exit wait_run(struct ctl *ctl)
{
	const char *state = "received";
	int64_t timeout_s = 300;
	const struct args_option options[] = {
		ARGS_OPTION_TEXT("state", &state),
		ARGS_OPTION_INT("timeout", &timeout_s, 0, WAIT_MAX_S),
	};
	struct waiting waiting = { .ctl = ctl, .begin_mono_ms = clock_mono_ms() };
	struct captures *captures = NULL;
	struct err err = ERR_INIT;
	struct args args;
	enum ctl_exit exit;

	if (!ctl_parse(ctl, options, ARRAY_LEN(options), 1, 1, &args, &exit))
		return exit;
	waiting.workspace_id = args.positional[0];
	waiting.shipped = strcmp(state, "shipped") == 0;
	if (!waiting.shipped && strcmp(state, "received") != 0)
		return ctl_usage(ctl, "--state: expected received or shipped");
	if (captures_open(ctl, &captures, &err) != STATUS_OK)
		return ctl_usage(ctl, "%s", err.text);
	exit = wait_for(&waiting, captures, timeout_s);
	captures_close(captures);
	return exit;
}
