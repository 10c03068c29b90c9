#include "agent/collect/known_metadata.h"

#include "agent/collect/collect_file.h"
#include "agent/collect/doors.h"
#include "shared/jdoc.h"
#include "shared/role_credentials.h"

enum { MAX_VENDOR = 4096 };

static bool is_ec2(const char *root)
{
	BUF_AUTO vendor = BUF_INIT(MAX_VENDOR);

	return collect_file_whole(root, "/sys/class/dmi/id/sys_vendor", &vendor, NULL) == STATUS_OK &&
	       span_starts_with(buf_span(&vendor), SPAN_LIT("Amazon EC2"));
}

static enum status add(const struct jdoc *doc, struct redactor *redactor)
{
	static const struct {
		const char *key, *label;
	} secrets[] = { { "AccessKeyId", "AWS_ACCESS_KEY" }, { "SecretAccessKey", "SECRET_KEY" }, { "Token", "TOKEN" } };
	enum status status = STATUS_OK;

	for (size_t i = 0; i < sizeof secrets / sizeof *secrets && status == STATUS_OK; i++)
		status = redactor_add_value(redactor, jdoc_get_text(doc, secrets[i].key), secrets[i].label);
	return status;
}

bool known_has_metadata(const char *root, const char *url)
{
	return url != NULL && url[0] != '\0' && is_ec2(root);
}

enum status known_read_metadata(const char *root, const char *url, struct redactor *redactor, bool *ret_unread,
                                struct err *err)
{
	struct buf document = BUF_INIT(LIMIT_METADATA_ANSWER);
	JDOC_AUTO *doc = NULL;
	enum status answered, told = STATUS_OK;

	if (!known_has_metadata(root, url))
		return STATUS_OK;
	if (doors_get().metadata >= 0)
		answered = doors_read_metadata(&document, err);
	else
		answered = role_credentials_fetch(url, &document, err);
	if (answered == STATUS_OK)
		answered = jdoc_parse(buf_span(&document), &doc, err);
	if (answered == STATUS_OK)
		told = add(doc, redactor);
	buf_wipe(&document);
	/* 404: the instance has no role. */
	*ret_unread = answered != STATUS_OK && answered != STATUS_NOT_FOUND;
	return told;
}
