/* retry: ships a stored bundle again, or orders one that never came. */
#include "proto/order.h"
#include "shared/config.h"
#include "sweeper/ctl/api.h"

static enum ctl_exit print(const struct ctl *ctl, const struct jdoc *answer, const char *capture_id)
{
	BUF_AUTO out = BUF_INIT(LIMIT_ERROR_TEXT);

	if (ctl->json)
		return ctl_print_json(answer);
	buf_printf(&out, "capture %s will be tried again at once\n", capture_id);
	return ctl_print(&out);
}

static enum ctl_exit retry(const struct ctl *ctl, struct api *api, const char *capture_id)
{
	BUF_AUTO path = BUF_INIT(LIMIT_ERROR_TEXT);
	JDOC_AUTO *answer = NULL;
	struct err err = ERR_INIT;
	enum status status;

	buf_printf(&path, "/v1/captures/%s/retry", capture_id);
	status = api_call(api, "POST", buf_cstr(&path), &answer, &err);
	return status == STATUS_OK ? print(ctl, answer, capture_id) : ctl_fail(status, &err);
}

enum ctl_exit retry_run(struct ctl *ctl)
{
	struct api *api = NULL;
	struct err err = ERR_INIT;
	struct args args;
	enum ctl_exit exit;

	if (!ctl_parse(ctl, NULL, 0, 1, 1, &args, &exit))
		return exit;
	if (!order_is_uuid(span_cstr(args.positional[0])))
		return ctl_usage(ctl, "that is not a capture's id: expected a UUID in lower case");
	if (api_new(ctl, &api, &err) != STATUS_OK)
		return ctl_usage(ctl, "%s", err.text);
	exit = retry(ctl, api, args.positional[0]);
	api_free(api);
	return exit;
}
