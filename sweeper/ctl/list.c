/* list: recent captures, newest first. */
#include "shared/clock.h"
#include "shared/config.h"
#include "sweeper/ctl/captures.h"
#include "sweeper/ctl/render.h"

enum { LIST_MAX = 1000, LIST_DEFAULT = 50 };

static enum ctl_exit print_table(const struct ctl *ctl, const struct jdoc *captures)
{
	BUF_AUTO out = BUF_INIT(LIMIT_FETCH_BODY);
	struct err err = ERR_INIT;
	enum status status = render_list(&ctl->style, captures, clock_real_ns(), &out);

	return status == STATUS_OK ? ctl_print(&out) : ctl_fail(status, &err);
}

/* Takes over `captures`. */
static enum ctl_exit print_json(struct jdoc *captures)
{
	JDOC_AUTO *doc = jdoc_object();
	bool ok = jdoc_set(doc, "captures", captures);

	return ctl_print_json(ok ? doc : NULL);
}

static enum ctl_exit print(const struct ctl *ctl, struct jdoc *captures)
{
	enum ctl_exit exit = CTL_NOTHING;

	if (ctl->json)
		exit = print_json(jdoc_share(captures));
	else if (jdoc_count(captures) > 0)
		exit = print_table(ctl, captures);
	if (jdoc_count(captures) == 0 && !ctl->json)
		return ctl_fail(STATUS_NOT_FOUND, &(struct err){ .text = "there are no captures" });
	return jdoc_count(captures) == 0 && exit == CTL_DONE ? CTL_NOTHING : exit;
}

enum ctl_exit list_run(struct ctl *ctl)
{
	const char *workspace_id = NULL;
	int64_t limit = LIST_DEFAULT;
	const struct args_option options[] = {
		ARGS_OPTION_TEXT("workspace", &workspace_id),
		ARGS_OPTION_INT("limit", &limit, 1, LIST_MAX),
	};
	struct captures *captures = NULL;
	JDOC_AUTO *array = NULL;
	struct err err = ERR_INIT;
	enum status status;
	struct args args;
	enum ctl_exit exit;

	if (!ctl_parse(ctl, options, ARRAY_LEN(options), 0, 0, &args, &exit))
		return exit;
	if (captures_open(ctl, &captures, &err) != STATUS_OK)
		return ctl_usage(ctl, "%s", err.text);
	status = captures_list(captures, workspace_id, limit, &array, &err);
	exit = status == STATUS_OK ? print(ctl, array) : ctl_fail(status, &err);
	captures_close(captures);
	return exit;
}
