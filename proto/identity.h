/*
 * identity: who speaks, read from the URI SAN of a client certificate.
 *
 *   spiffe://<trust_domain>/org/<org>/workspace/<id>
 *   spiffe://<trust_domain>/org/<org>/control-plane
 *   spiffe://<trust_domain>/org/<org>/operator
 *
 * Follows SPIFFE-ID sections 2.1 to 2.3: lower-case trust domain; path segments of letters, digits, '.', '-', '_',
 * never "." or ".."; no query, fragment, port, user or percent-encoding.
 * No I/O. Thread: any.
 */
#ifndef RESCUE_PROTO_IDENTITY_H
#define RESCUE_PROTO_IDENTITY_H

#include "shared/buf.h"

enum identity_role { IDENTITY_WORKSPACE, IDENTITY_CONTROL_PLANE, IDENTITY_OPERATOR };

struct identity {
	enum identity_role role;
	char trust_domain[LIMIT_TRUST_DOMAIN + 1];
	char org[LIMIT_ORG + 1];
	char workspace_id[LIMIT_WORKSPACE_ID + 1]; /* "" unless the role is IDENTITY_WORKSPACE */
};

/* STATUS_INVALID with the reason. */
enum status identity_parse(struct span uri, struct identity *ret_identity, struct err *err);

/* Appends the URI; STATUS_INVALID when a part is not allowed in one. */
enum status identity_format(const struct identity *identity, struct buf *out);

/* True for what may stand in a path segment and is within `max` bytes: also the rule for ids in URLs. */
bool identity_is_segment(struct span text, size_t max);

const char *identity_role_name(enum identity_role role);

#endif
