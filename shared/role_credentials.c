#include "shared/role_credentials.h"

#include <stdio.h>

#include "shared/metadata.h"

enum { MAX_PATH = 256, MAX_ROLE = 64 };

#define ROLES "/latest/meta-data/iam/security-credentials/"

/* Printable and without blanks: it becomes a part of a path. */
static bool is_role(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	}
	return text.len > 0 && text.len <= MAX_ROLE;
}

static enum status get_role(struct metadata *metadata, char path[static MAX_PATH], struct err *err)
{
	BUF_AUTO body = BUF_INIT(LIMIT_METADATA_ANSWER);
	enum status status = metadata_get(metadata, ROLES, &body, err);
	struct span role = buf_span(&body);

	role = span_sub(role, 0, span_find(role, SPAN_LIT("\n"), 0));
	if (status == STATUS_OK && !is_role(role))
		status = err_set(err, STATUS_INVALID, "the metadata service's role is not one");
	if (status == STATUS_OK)
		(void)snprintf(path, MAX_PATH, ROLES "%.*s", SPAN_ARG(role));
	return status;
}

enum status role_credentials_fetch(const char *url, struct buf *ret_document, struct err *err)
{
	char path[MAX_PATH];
	struct metadata metadata;
	enum status status = metadata_open(&metadata, url, err);

	if (status == STATUS_OK)
		status = get_role(&metadata, path, err);
	if (status == STATUS_OK)
		status = metadata_get(&metadata, path, ret_document, err);
	metadata_close(&metadata);
	return status;
}
