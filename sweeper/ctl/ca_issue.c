/* ca issue: a key and a certificate for one box, one control plane, one operator or one server. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/identity.h"
#include "shared/config.h"
#include "shared/file.h"
#include "shared/tls/pki.h"
#include "sweeper/ctl/ca.h"

enum { ISSUE_DAYS = 365, ISSUE_MAX_NAMES = 32, DNS_NAME_MAX = 253, DNS_LABEL_MAX = 63 };

struct issue {
	const char *workspace_id;
	const char *server; /* names, comma-separated */
	bool control_plane, is_operator, force;
	const char *out;
	int64_t days;
	const char *dir;
};

/* -- who it is for ------------------------------------------------------------------------------------------- */

static bool is_dns_name(const char *name)
{
	size_t label_len = 0;
	size_t len = strlen(name);

	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	if (len == 0 || len > DNS_NAME_MAX)
		return false;
	for (; *name != '\0'; name++) {
		bool alnum = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
		             (*name >= '0' && *name <= '9');

		if (*name == '.' && (label_len == 0 || name[-1] == '-'))
			return false;
		if (*name != '.' && !alnum && !(*name == '-' && label_len > 0))
			return false;
		label_len = *name == '.' ? 0 : label_len + 1;
		if (label_len > DNS_LABEL_MAX)
			return false;
	}
	return label_len > 0 && name[-1] != '-';
}

static bool is_address(const char *name)
{
	uint8_t address[16];

	return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* Cuts `list` at its commas; `ret_names` ends with NULL. */
static enum status split_names(char *list, const char *ret_names[static ISSUE_MAX_NAMES + 1], struct err *err)
{
	size_t count = 0;
	char *name;

	while ((name = strsep(&list, ",")) != NULL) {
		if (!is_address(name) && !is_dns_name(name))
			return err_set(err, STATUS_INVALID, "--server: \"%s\" is neither a host name nor an address", name);
		if (count == ISSUE_MAX_NAMES)
			return err_set(err, STATUS_INVALID, "--server: at most %d names", ISSUE_MAX_NAMES);
		ret_names[count++] = name;
	}
	ret_names[count] = NULL;
	return STATUS_OK;
}

static enum status format_identity(const struct ctl *ctl, const struct issue *issue, const char *trust_domain,
                                   struct buf *uri, struct err *err)
{
	struct identity identity = {
		.role = issue->workspace_id != NULL ? IDENTITY_WORKSPACE :
		        issue->control_plane        ? IDENTITY_CONTROL_PLANE : IDENTITY_OPERATOR,
	};
	struct span org = span_cstr(ctl->org), id = span_cstr(issue->workspace_id);

	if (!identity_is_segment(org, LIMIT_ORG))
		return err_set(err, STATUS_INVALID, "--org: expected letters, digits, '.', '-' and '_', at most %d",
		               LIMIT_ORG);
	if (issue->workspace_id != NULL && !identity_is_segment(id, LIMIT_WORKSPACE_ID))
		return err_set(err, STATUS_INVALID, "--workspace: expected letters, digits, '.', '-' and '_', at most %d",
		               LIMIT_WORKSPACE_ID);
	memcpy(identity.trust_domain, trust_domain, strlen(trust_domain) + 1);
	memcpy(identity.org, org.ptr, org.len);
	if (id.len > 0)
		memcpy(identity.workspace_id, id.ptr, id.len);
	if (identity_format(&identity, uri) != STATUS_OK)
		return err_set(err, STATUS_INVALID, "these names cannot stand in a certificate");
	return STATUS_OK;
}

/* The sweeper's own name is no identity of proto/identity.h: with it nobody can speak to a sweeper. */
static enum status format_uri(const struct ctl *ctl, const struct issue *issue, const char *trust_domain,
                              struct buf *uri, struct err *err)
{
	if (issue->server == NULL)
		return format_identity(ctl, issue, trust_domain, uri, err);
	buf_printf(uri, "spiffe://%s/sweeper", trust_domain);
	return buf_status(uri);
}

/* -- making it ----------------------------------------------------------------------------------------------- */

static void default_prefix(const struct ctl *ctl, const struct issue *issue, struct buf *prefix)
{
	if (issue->out != NULL)
		buf_append_cstr(prefix, issue->out);
	else if (issue->workspace_id != NULL)
		buf_printf(prefix, "workspace-%s", issue->workspace_id);
	else if (issue->server != NULL)
		buf_append_cstr(prefix, "sweeper");
	else
		buf_printf(prefix, "%s-%s", issue->control_plane ? "control-plane" : "operator", ctl->org);
}

static enum status check_target(const struct issue *issue, const char *prefix, const char *cert_path,
                                const char *key_path, struct err *err)
{
	const char *slash = strrchr(prefix, '/');
	const char *base = slash == NULL ? prefix : slash + 1;

	/* Also with --force: this is how an authority's files are called, here or in another folder. */
	if (strcmp(base, "ca") == 0)
		return err_set(err, STATUS_CONFLICT, "--out: the name \"ca\" is the authority's own");
	if (!issue->force && (access(cert_path, F_OK) == 0 || access(key_path, F_OK) == 0))
		return err_set(err, STATUS_CONFLICT, "%s or %s is there already: choose another --out, or --force",
		               cert_path, key_path);
	return STATUS_OK;
}

static enum status make(const struct issue *issue, const struct ca_folder *folder, const char *uri,
                        const char *cert_path, const char *key_path, struct err *err)
{
	char common_name[CA_COMMON_NAME_SIZE];
	const char *names[ISSUE_MAX_NAMES + 1] = { NULL };
	struct pki_subject subject = { .common_name = common_name, .uri = uri, .is_server = issue->server != NULL };
	BUF_AUTO list = BUF_INIT(LIMIT_PATH);
	BUF_AUTO cert_pem = BUF_INIT(LIMIT_CERT_FILE);
	struct buf key_pem = BUF_INIT(LIMIT_CERT_FILE);
	enum status status = STATUS_OK;

	(void)snprintf(common_name, sizeof common_name, "%s",
	               issue->workspace_id != NULL ? issue->workspace_id :
	               issue->server != NULL       ? "rescue-sweeper" :
	               issue->control_plane        ? "control-plane" : "operator");
	buf_append(&list, issue->server == NULL ? "" : issue->server, strlen(issue->server == NULL ? "" : issue->server) + 1);
	if (buf_status(&list) != STATUS_OK)
		status = err_set(err, STATUS_INVALID, "--server: too long");
	if (status == STATUS_OK && issue->server != NULL) {
		status = split_names((char *)list.ptr, names, err);
		subject.dns_names = names;
	}
	ca_validity(issue->days, &subject.not_before_s, &subject.not_after_s);
	if (status == STATUS_OK)
		status = pki_issue(buf_span(&folder->cert_pem), buf_span(&folder->key_pem), &subject, &cert_pem, &key_pem, err);
	if (status == STATUS_OK)
		status = file_write_atomic(key_path, buf_span(&key_pem), 0600, err);
	if (status == STATUS_OK)
		status = file_write_atomic(cert_path, buf_span(&cert_pem), 0644, err);
	buf_wipe(&key_pem);
	return status;
}

static enum ctl_exit issue_one(const struct ctl *ctl, const struct issue *issue)
{
	BUF_AUTO uri = BUF_INIT(LIMIT_SPIFFE_ID);
	BUF_AUTO prefix = BUF_INIT(LIMIT_PATH);
	BUF_AUTO cert_path = BUF_INIT(LIMIT_PATH + 8);
	BUF_AUTO key_path = BUF_INIT(LIMIT_PATH + 8);
	struct ca_folder folder;
	struct err err = ERR_INIT;
	enum status status = ca_folder_load(issue->dir, &folder, &err);
	enum ctl_exit exit;

	if (status == STATUS_OK)
		status = format_uri(ctl, issue, folder.trust_domain, &uri, &err);
	default_prefix(ctl, issue, &prefix);
	buf_printf(&cert_path, "%s.crt", buf_cstr(&prefix));
	buf_printf(&key_path, "%s.key", buf_cstr(&prefix));
	if (status == STATUS_OK)
		status = check_target(issue, buf_cstr(&prefix), buf_cstr(&cert_path), buf_cstr(&key_path), &err);
	if (status == STATUS_OK)
		status = make(issue, &folder, buf_cstr(&uri), buf_cstr(&cert_path), buf_cstr(&key_path), &err);
	exit = status == STATUS_OK ? ca_report(ctl, buf_cstr(&cert_path), buf_cstr(&key_path), buf_cstr(&uri)) :
	                             ctl_fail(status, &err);
	ca_folder_done(&folder);
	return exit;
}

enum ctl_exit ca_issue(struct ctl *ctl)
{
	struct issue issue = { .days = ISSUE_DAYS };
	const struct args_option options[] = {
		ARGS_OPTION_TEXT("workspace", &issue.workspace_id),
		ARGS_OPTION_TEXT("server", &issue.server),
		ARGS_OPTION_FLAG("control-plane", &issue.control_plane),
		ARGS_OPTION_FLAG("operator", &issue.is_operator),
		ARGS_OPTION_FLAG("force", &issue.force),
		ARGS_OPTION_TEXT("out", &issue.out),
		ARGS_OPTION_INT("days", &issue.days, 1, CA_MAX_DAYS),
	};
	struct args args;
	enum ctl_exit exit;
	int roles;

	if (!ctl_parse(ctl, options, ARRAY_LEN(options), 1, 1, &args, &exit))
		return exit;
	issue.dir = args.positional[0];
	roles = (issue.workspace_id != NULL) + (issue.server != NULL) + issue.control_plane + issue.is_operator;
	if (roles != 1)
		return ctl_usage(ctl, "expected exactly one of --workspace, --control-plane, --operator and --server");
	if (issue.server == NULL && ctl->org == NULL)
		return ctl_usage(ctl, "--org is missing");
	return issue_one(ctl, &issue);
}
