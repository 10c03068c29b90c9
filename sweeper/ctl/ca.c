#include "sweeper/ctl/ca.h"

#include "proto/identity.h"
#include "shared/clock.h"
#include "shared/file.h"

enum { CLOCK_SLACK_S = 3600 };

void ca_path(const char *dir, const char *name, struct buf *out)
{
	buf_printf(out, "%s/%s", dir, name);
}

void ca_validity(int64_t days, int64_t *ret_not_before_s, int64_t *ret_not_after_s)
{
	int64_t now_s = clock_real_ns() / 1000000000;

	*ret_not_before_s = now_s - CLOCK_SLACK_S;
	*ret_not_after_s = now_s + days * 24 * 3600;
}

static enum status load_file(const char *dir, const char *name, struct buf *ret_content, struct err *err)
{
	BUF_AUTO path = BUF_INIT(LIMIT_PATH);

	ca_path(dir, name, &path);
	return file_read(buf_cstr(&path), ret_content, err);
}

static enum status load_trust_domain(const char *dir, char *ret_trust_domain, struct err *err)
{
	BUF_AUTO text = BUF_INIT(LIMIT_TRUST_DOMAIN + 1);
	enum status status = load_file(dir, "trust-domain", &text, err);

	if (status != STATUS_OK)
		return status;
	if (text.len > 0 && text.ptr[text.len - 1] == '\n')
		text.len--;
	if (text.len > LIMIT_TRUST_DOMAIN || !identity_is_segment(buf_span(&text), LIMIT_TRUST_DOMAIN))
		return err_set(err, STATUS_INVALID, "%s/trust-domain does not hold a trust domain", dir);
	memcpy(ret_trust_domain, text.ptr, text.len);
	ret_trust_domain[text.len] = '\0';
	return STATUS_OK;
}

enum status ca_folder_load(const char *dir, struct ca_folder *ret_folder, struct err *err)
{
	enum status status;

	*ret_folder = (struct ca_folder){ .cert_pem = BUF_INIT(LIMIT_CERT_FILE), .key_pem = BUF_INIT(LIMIT_CERT_FILE) };
	status = load_file(dir, "ca.crt", &ret_folder->cert_pem, err);
	if (status == STATUS_OK)
		status = load_file(dir, "ca.key", &ret_folder->key_pem, err);
	if (status == STATUS_OK)
		status = load_trust_domain(dir, ret_folder->trust_domain, err);
	if (status == STATUS_NOT_FOUND)
		return err_set(err, STATUS_INVALID, "%s holds no authority: \"rescuectl ca init\" makes one", dir);
	return status;
}

void ca_folder_done(struct ca_folder *folder)
{
	buf_done(&folder->cert_pem);
	buf_wipe(&folder->key_pem);
}

static struct jdoc *report_json(const char *cert_path, const char *key_path, const char *uri)
{
	struct jdoc *doc = jdoc_object();
	bool ok = jdoc_set_cstr(doc, "cert", cert_path) && jdoc_set_cstr(doc, "key", key_path) &&
	          jdoc_set_cstr(doc, "uri", uri);

	if (ok)
		return doc;
	jdoc_free(doc);
	return NULL;
}

enum ctl_exit ca_report(const struct ctl *ctl, const char *cert_path, const char *key_path, const char *uri)
{
	BUF_AUTO out = BUF_INIT(4 * LIMIT_PATH);

	if (ctl->json) {
		JDOC_AUTO *doc = report_json(cert_path, key_path, uri);

		return ctl_print_json(doc);
	}
	buf_printf(&out, "%s is for %s; its key is %s\n", cert_path, uri, key_path);
	return ctl_print(&out);
}

enum ctl_exit ca_run(struct ctl *ctl)
{
	const char *verb = ctl->argc > 0 ? ctl->argv[0] : "";

	if (strcmp(verb, "init") == 0 || strcmp(verb, "issue") == 0) {
		ctl->argc--;
		ctl->argv++;
		return strcmp(verb, "init") == 0 ? ca_init(ctl) : ca_issue(ctl);
	}
	if (ctl->help || strcmp(verb, "--help") == 0) {
		ctl_print_usage(ctl->command, true);
		return CTL_DONE;
	}
	return ctl_usage(ctl, "expected init or issue");
}
