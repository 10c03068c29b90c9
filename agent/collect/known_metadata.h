/*
 * known_metadata: the credentials of the instance's role, as the EC2 instance metadata service gives them out, told to
 * the redactor. Version 2 only (a token first): that no proxy on the way can be made to ask for.
 *
 * Asked only where the firmware says that this is EC2, so that elsewhere nothing waits for an address nobody has.
 * Thread: any, after fetch_global_init.
 */
#ifndef RESCUE_AGENT_COLLECT_KNOWN_METADATA_H
#define RESCUE_AGENT_COLLECT_KNOWN_METADATA_H

#include "shared/redact/redact.h"

/* Whether there is a service to be asked. `url` may be empty. */
bool known_has_metadata(const char *root, const char *url);

/*
 * Through the door (doors.h) where there is one. `url` as "http://169.254.169.254". *ret_unread is set when the service
 * does not answer or makes no sense; why is in `err`. An instance without a role is fine. Other results are those of the redactor.
 */
enum status known_read_metadata(const char *root, const char *url, struct redactor *redactor, bool *ret_unread,
                                struct err *err);

#endif
