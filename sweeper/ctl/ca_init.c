/* ca init: a new authority in a folder of its own. */
#include <stdio.h>
#include <unistd.h>

#include "proto/identity.h"
#include "shared/config.h"
#include "shared/file.h"
#include "shared/tls/pki.h"
#include "sweeper/ctl/ca.h"

enum { INIT_DAYS = 3650 };

/* An authority that is there is never touched: every certificate it made would lose its meaning. */
static enum status check_empty(const char *dir, struct err *err)
{
	static const char *const names[] = { "ca.crt", "ca.key", "trust-domain" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		BUF_AUTO path = BUF_INIT(LIMIT_PATH);

		ca_path(dir, names[i], &path);
		if (buf_status(&path) != STATUS_OK)
			return err_set(err, STATUS_INVALID, "the folder's name is too long");
		if (access(buf_cstr(&path), F_OK) == 0)
			return err_set(err, STATUS_CONFLICT, "%s is there already: an authority is never overwritten",
			               buf_cstr(&path));
	}
	return STATUS_OK;
}

static enum status write_file(const char *dir, const char *name, struct span content, mode_t mode, struct err *err)
{
	BUF_AUTO path = BUF_INIT(LIMIT_PATH);

	ca_path(dir, name, &path);
	return file_write_atomic(buf_cstr(&path), content, mode, err);
}

static enum status write_folder(const char *dir, const char *trust_domain, const struct buf *cert_pem,
                                const struct buf *key_pem, struct err *err)
{
	BUF_AUTO line = BUF_INIT(LIMIT_TRUST_DOMAIN + 1);
	enum status status = file_make_dirs(dir, 0700, err);

	buf_printf(&line, "%s\n", trust_domain);
	if (status == STATUS_OK)
		status = write_file(dir, "ca.key", buf_span(key_pem), 0600, err);
	if (status == STATUS_OK)
		status = write_file(dir, "trust-domain", buf_span(&line), 0644, err);
	/* Last, so that a folder with ca.crt is a whole one. */
	if (status == STATUS_OK)
		status = write_file(dir, "ca.crt", buf_span(cert_pem), 0644, err);
	return status;
}

static enum status make(const char *dir, const char *trust_domain, int64_t days, struct err *err)
{
	char common_name[CA_COMMON_NAME_SIZE];
	struct pki_subject subject = { .common_name = common_name };
	BUF_AUTO cert_pem = BUF_INIT(LIMIT_CERT_FILE);
	struct buf key_pem = BUF_INIT(LIMIT_CERT_FILE);
	enum status status = check_empty(dir, err);

	(void)snprintf(common_name, sizeof common_name, "Rescue CA %s", trust_domain);
	ca_validity(days, &subject.not_before_s, &subject.not_after_s);
	if (status == STATUS_OK)
		status = pki_make_ca(&subject, &cert_pem, &key_pem, err);
	if (status == STATUS_OK)
		status = write_folder(dir, trust_domain, &cert_pem, &key_pem, err);
	buf_wipe(&key_pem);
	return status;
}

/* proto/identity.h knows what may be a trust domain: a whole URI is put together to ask it. */
static bool is_trust_domain(const char *text)
{
	BUF_AUTO uri = BUF_INIT(LIMIT_SPIFFE_ID);
	struct identity identity;

	buf_printf(&uri, "spiffe://%s/org/o/operator", text);
	return identity_parse(buf_span(&uri), &identity, NULL) == STATUS_OK &&
	       strcmp(identity.trust_domain, text) == 0;
}

enum ctl_exit ca_init(struct ctl *ctl)
{
	const char *trust_domain = "rescue.example";
	int64_t days = INIT_DAYS;
	const struct args_option options[] = {
		ARGS_OPTION_TEXT("trust-domain", &trust_domain),
		ARGS_OPTION_INT("days", &days, 1, CA_MAX_DAYS),
	};
	BUF_AUTO cert_path = BUF_INIT(LIMIT_PATH);
	BUF_AUTO key_path = BUF_INIT(LIMIT_PATH);
	BUF_AUTO uri = BUF_INIT(LIMIT_SPIFFE_ID);
	struct err err = ERR_INIT;
	enum status status;
	struct args args;
	enum ctl_exit exit;

	if (!ctl_parse(ctl, options, ARRAY_LEN(options), 1, 1, &args, &exit))
		return exit;
	if (!is_trust_domain(trust_domain))
		return ctl_usage(ctl, "--trust-domain: expected lower-case letters, digits, '.', '-' and '_'");
	status = make(args.positional[0], trust_domain, days, &err);
	if (status != STATUS_OK)
		return ctl_fail(status, &err);
	ca_path(args.positional[0], "ca.crt", &cert_path);
	ca_path(args.positional[0], "ca.key", &key_path);
	buf_printf(&uri, "spiffe://%s", trust_domain);
	return ca_report(ctl, buf_cstr(&cert_path), buf_cstr(&key_path), buf_cstr(&uri));
}
