#include "proto/identity.h"

#include <string.h>

static bool is_segment_byte(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       byte == '.' || byte == '-' || byte == '_';
}

bool identity_is_segment(struct span text, size_t max)
{
	if (text.len == 0 || text.len > max || span_eq(text, SPAN_LIT(".")) || span_eq(text, SPAN_LIT("..")))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_segment_byte(text.ptr[i]))
			return false;
	}
	return true;
}

/* SPIFFE-ID section 2.1: the letters of a trust domain are lower case. */
static bool is_trust_domain(struct span text)
{
	if (text.len == 0 || text.len > LIMIT_TRUST_DOMAIN)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_segment_byte(text.ptr[i]) || (text.ptr[i] >= 'A' && text.ptr[i] <= 'Z'))
			return false;
	}
	return true;
}

/* Takes the bytes up to the next '/' or the end off the front. */
static struct span take_segment(struct span *rest)
{
	struct span segment = span_sub(*rest, 0, span_find(*rest, SPAN_LIT("/"), 0));

	*rest = span_sub(*rest, segment.len + (segment.len < rest->len ? 1 : 0), rest->len);
	return segment;
}

static void copy_text(struct span from, char *to)
{
	memcpy(to, from.ptr, from.len);
	to[from.len] = '\0';
}

static enum status parse_role(struct span rest, struct identity *identity, struct err *err)
{
	static const struct span workspace = { (const uint8_t *)"workspace/", 10 };

	if (span_eq(rest, SPAN_LIT("control-plane"))) {
		identity->role = IDENTITY_CONTROL_PLANE;
		return STATUS_OK;
	}
	if (span_eq(rest, SPAN_LIT("operator"))) {
		identity->role = IDENTITY_OPERATOR;
		return STATUS_OK;
	}
	if (!span_starts_with(rest, workspace))
		return err_set(err, STATUS_INVALID,
		               "the SPIFFE id ends in none of /workspace/<id>, /control-plane and /operator");
	rest = span_sub(rest, workspace.len, rest.len);
	if (!identity_is_segment(rest, LIMIT_WORKSPACE_ID))
		return err_set(err, STATUS_INVALID, "the SPIFFE id's workspace is not a valid path segment");
	identity->role = IDENTITY_WORKSPACE;
	copy_text(rest, identity->workspace_id);
	return STATUS_OK;
}

enum status identity_parse(struct span uri, struct identity *ret_identity, struct err *err)
{
	static const struct span scheme = { (const uint8_t *)"spiffe://", 9 };
	struct span rest, domain, org;

	memset(ret_identity, 0, sizeof *ret_identity);
	if (uri.len > LIMIT_SPIFFE_ID || !span_starts_with(uri, scheme))
		return err_set(err, STATUS_INVALID, "the certificate's URI is not a SPIFFE id");
	rest = span_sub(uri, scheme.len, uri.len);
	domain = take_segment(&rest);
	if (!is_trust_domain(domain))
		return err_set(err, STATUS_INVALID, "the SPIFFE id has no valid trust domain");
	if (!span_eq(take_segment(&rest), SPAN_LIT("org")))
		return err_set(err, STATUS_INVALID, "the SPIFFE id does not begin with /org/<org>");
	org = take_segment(&rest);
	if (!identity_is_segment(org, LIMIT_ORG))
		return err_set(err, STATUS_INVALID, "the SPIFFE id's org is not a valid path segment");
	copy_text(domain, ret_identity->trust_domain);
	copy_text(org, ret_identity->org);
	return parse_role(rest, ret_identity, err);
}

enum status identity_format(const struct identity *identity, struct buf *out)
{
	if (!is_trust_domain(span_cstr(identity->trust_domain)) ||
	    !identity_is_segment(span_cstr(identity->org), LIMIT_ORG))
		return STATUS_INVALID;
	if (identity->role == IDENTITY_WORKSPACE &&
	    !identity_is_segment(span_cstr(identity->workspace_id), LIMIT_WORKSPACE_ID))
		return STATUS_INVALID;
	buf_printf(out, "spiffe://%s/org/%s/%s", identity->trust_domain, identity->org,
	           identity_role_name(identity->role));
	if (identity->role == IDENTITY_WORKSPACE)
		buf_printf(out, "/%s", identity->workspace_id);
	return buf_status(out);
}

const char *identity_role_name(enum identity_role role)
{
	switch (role) {
	case IDENTITY_WORKSPACE: return "workspace";
	case IDENTITY_CONTROL_PLANE: return "control-plane";
	case IDENTITY_OPERATOR: return "operator";
	}
	return "unknown";
}
