/* show: a capture's bundle, section by section. */
#include "shared/config.h"
#include "sweeper/ctl/captures.h"
#include "sweeper/ctl/render.h"

struct show {
	const char *workspace_id;
	const char *capture_id;   /* NULL: the newest */
	const char *section;      /* NULL: all */
};

/* The answer of captures_get for what was asked for. */
static enum status find(struct captures *captures, const struct show *show, struct jdoc **ret_answer, struct err *err)
{
	BUF_AUTO id = BUF_INIT(LIMIT_ERROR_TEXT);
	JDOC_AUTO *newest = NULL;
	enum status status = STATUS_OK;

	buf_append_cstr(&id, show->capture_id == NULL ? "" : show->capture_id);
	if (show->capture_id == NULL) {
		status = captures_newest(captures, show->workspace_id, &newest, err);
		buf_append_span(&id, captures_field(newest, "capture_id"));
	}
	if (status == STATUS_OK)
		status = captures_get(captures, buf_cstr(&id), ret_answer, err);
	if (status == STATUS_OK && !span_eq(captures_field(jdoc_get(*ret_answer, "capture"), "workspace_id"),
	                                    span_cstr(show->workspace_id)))
		return err_set(err, STATUS_NOT_FOUND, "that capture is another workspace's");
	return status;
}

/* A section is named by its whole name or the beginning of it ("cloud-init-output"). */
static bool is_wanted(const struct show *show, const struct sections *sections, const struct section_view *section)
{
	struct span wanted = span_cstr(show->section);

	if (show->section == NULL)
		return true;
	for (size_t i = 0; i < sections->count; i++) {
		if (span_eq(jdoc_get_text(sections->items[i].first, "section"), wanted))
			return section == &sections->items[i];
	}
	return span_starts_with(jdoc_get_text(section->first, "section"), wanted);
}

/* Why there is nothing to read although there is a capture. */
static enum status explain_absence(const struct ctl *ctl, const struct jdoc *capture, struct err *err)
{
	struct span state = captures_field(capture, "state");

	if (captures_field(capture, "shipped_at").len > 0 && ctl->loki == NULL)
		return err_set(err, STATUS_NOT_FOUND, "the bundle was cleared after it had been shipped: read it from "
		                                      "Loki with --loki URL");
	if (span_eq(state, SPAN_LIT("ordered")))
		return err_set(err, STATUS_NOT_FOUND, "there is no bundle yet: \"rescuectl wait %.*s\" waits for it",
		               SPAN_ARG(captures_field(capture, "workspace_id")));
	return err_set(err, STATUS_NOT_FOUND, "there is no bundle (state %.*s)", SPAN_ARG(state));
}

static enum ctl_exit print_text(const struct ctl *ctl, const struct show *show, const struct jdoc *capture,
                                const struct sections *sections)
{
	BUF_AUTO out = BUF_INIT(8 * (size_t)LIMIT_BUNDLE_BYTES);
	struct err err = ERR_INIT;
	size_t shown = 0;
	enum ctl_exit exit;

	render_capture(&ctl->style, capture, &out);
	for (size_t i = 0; i < sections->count; i++) {
		if (is_wanted(show, sections, &sections->items[i])) {
			render_section(&ctl->style, &sections->items[i], &out);
			shown++;
		}
	}
	exit = ctl_print(&out);
	if (exit != CTL_DONE || shown > 0)
		return exit;
	if (sections->count > 0)
		return ctl_fail(err_set(&err, STATUS_NOT_FOUND, "the bundle has no section \"%s\"", show->section), &err);
	return ctl_fail(explain_absence(ctl, capture, &err), &err);
}

static struct jdoc *section_json(const struct section_view *section)
{
	static const char *const texts[] = { "section", "outcome", "sha256" };
	struct jdoc *object = jdoc_object();
	bool ok = true;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		ok = ok && jdoc_set_text(object, texts[i], jdoc_get_text(section->first, texts[i]));
	ok = ok && jdoc_set_int(object, "redactions", jdoc_get_int(section->first, "redactions", 0)) &&
	     jdoc_set_int(object, "missing_parts", section->missing) &&
	     jdoc_set_text(object, "content", buf_span(&section->content));
	if (ok)
		return object;
	jdoc_free(object);
	return NULL;
}

static enum ctl_exit print_json(const struct show *show, struct jdoc *capture, const struct sections *sections)
{
	JDOC_AUTO *doc = jdoc_object();
	JDOC_AUTO *array = jdoc_array();
	enum ctl_exit exit;
	bool ok = array != NULL;

	for (size_t i = 0; ok && i < sections->count; i++) {
		if (is_wanted(show, sections, &sections->items[i]))
			ok = jdoc_push(array, section_json(&sections->items[i]));
	}
	ok = ok && jdoc_set(doc, "capture", jdoc_share(capture)) &&
	     jdoc_set_int(doc, "redactions", sections_redactions(sections)) &&
	     jdoc_set(doc, "sections", jdoc_share(array));
	exit = ctl_print_json(ok ? doc : NULL);
	return exit == CTL_DONE && jdoc_count(array) == 0 ? CTL_NOTHING : exit;
}

static enum ctl_exit print(const struct ctl *ctl, const struct show *show, const struct jdoc *answer)
{
	struct jdoc *capture = jdoc_get(answer, "capture");
	struct sections sections;
	struct err err = ERR_INIT;
	enum status status = sections_join(jdoc_get(answer, "records"), &sections, &err);
	enum ctl_exit exit;

	if (status != STATUS_OK)
		return ctl_fail(status, &err);
	exit = ctl->json ? print_json(show, capture, &sections) : print_text(ctl, show, capture, &sections);
	sections_done(&sections);
	return exit;
}

enum ctl_exit show_run(struct ctl *ctl)
{
	struct show show = { .capture_id = NULL };
	const struct args_option options[] = {
		ARGS_OPTION_TEXT("capture", &show.capture_id),
		ARGS_OPTION_TEXT("section", &show.section),
	};
	struct captures *captures = NULL;
	JDOC_AUTO *answer = NULL;
	struct err err = ERR_INIT;
	enum status status;
	struct args args;
	enum ctl_exit exit;

	if (!ctl_parse(ctl, options, ARRAY_LEN(options), 1, 1, &args, &exit))
		return exit;
	show.workspace_id = args.positional[0];
	if (captures_open(ctl, &captures, &err) != STATUS_OK)
		return ctl_usage(ctl, "%s", err.text);
	status = find(captures, &show, &answer, &err);
	exit = status == STATUS_OK ? print(ctl, &show, answer) : ctl_fail(status, &err);
	captures_close(captures);
	return exit;
}
