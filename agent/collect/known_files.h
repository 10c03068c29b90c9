/*
 * known_files: the secrets in the credential files that people and tools leave in home folders, told to the redactor:
 * ~/.netrc, ~/.docker/config.json, ~/.aws/credentials of root and of everyone below /home.
 *
 * Readers are pure: bytes in, values told. Thread: any.
 */
#ifndef RESCUE_AGENT_COLLECT_KNOWN_FILES_H
#define RESCUE_AGENT_COLLECT_KNOWN_FILES_H

#include "shared/redact/redact.h"

/* Without white space at its ends. */
struct span known_trim(struct span text);

/* "machine H login U password P", on one line or several. */
enum status known_read_netrc(struct span content, struct redactor *redactor);
/* auths: the base64 of user:password as it is and the password in it, and tokens. */
enum status known_read_docker(struct span content, struct redactor *redactor);
/* Lines of "NAME=value" or "name = value"; [headings] and comments are passed over. */
enum status known_read_variables(struct span content, struct redactor *redactor);

/*
 * All of them that are there, at most LIMIT_HOMES folders. *ret_unread is set when one that is there could not be
 * read; its words are in `err`. Other results are those of the redactor: a value that it could not keep.
 */
enum status known_read_homes(const char *root, struct redactor *redactor, bool *ret_unread, struct err *err);

#endif
