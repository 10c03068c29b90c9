/*
 * role_credentials: the credentials of an EC2 instance's role, from its metadata service (IMDSv2: a token first, which
 * no proxy on the way can be made to ask for). The agent masks them; the sweeper signs with them.
 *
 * Each of the three requests ends within LIMIT_METADATA_MS. Thread: any, after fetch_global_init.
 */
#ifndef RESCUE_SHARED_ROLE_CREDENTIALS_H
#define RESCUE_SHARED_ROLE_CREDENTIALS_H

#include "shared/buf.h"

/*
 * Appends the document as it was given: {"AccessKeyId":…,"SecretAccessKey":…,"Token":…,"Expiration":…}. `url` as
 * "http://169.254.169.254". STATUS_NOT_FOUND: the instance has no role. The caller wipes.
 */
enum status role_credentials_fetch(const char *url, struct buf *ret_document, struct err *err);

#endif
