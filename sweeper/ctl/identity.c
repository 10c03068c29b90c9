/* identity reset: frees a workspace's identity for another key. */
#include "proto/identity.h"
#include "shared/config.h"
#include "sweeper/ctl/api.h"

static enum ctl_exit print(const struct ctl *ctl, const struct jdoc *answer, const char *workspace_id)
{
	BUF_AUTO out = BUF_INIT(LIMIT_ERROR_TEXT);

	if (ctl->json)
		return ctl_print_json(answer);
	buf_printf(&out, "the identity of %s is free: the next box that proves to be its instance gets it\n", workspace_id);
	return ctl_print(&out);
}

static enum ctl_exit reset(const struct ctl *ctl, struct api *api, const char *workspace_id)
{
	BUF_AUTO path = BUF_INIT(LIMIT_ERROR_TEXT);
	JDOC_AUTO *answer = NULL;
	struct err err = ERR_INIT;
	enum status status;

	buf_printf(&path, "/v1/workspaces/%s/identity/reset", workspace_id);
	status = api_call(api, "POST", buf_cstr(&path), &answer, &err);
	return status == STATUS_OK ? print(ctl, answer, workspace_id) : ctl_fail(status, &err);
}

enum ctl_exit identity_run(struct ctl *ctl)
{
	struct api *api = NULL;
	struct err err = ERR_INIT;
	struct args args;
	enum ctl_exit exit;

	if (!ctl_parse(ctl, NULL, 0, 2, 2, &args, &exit))
		return exit;
	if (strcmp(args.positional[0], "reset") != 0)
		return ctl_usage(ctl, "expected \"identity reset WORKSPACE\"");
	if (!identity_is_segment(span_cstr(args.positional[1]), LIMIT_WORKSPACE_ID))
		return ctl_usage(ctl, "that is not a workspace's id");
	if (api_new(ctl, &api, &err) != STATUS_OK)
		return ctl_usage(ctl, "%s", err.text);
	exit = reset(ctl, api, args.positional[1]);
	api_free(api);
	return exit;
}
