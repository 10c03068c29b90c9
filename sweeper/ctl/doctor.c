/* doctor: the way to the sweeper (or Loki), step by step, each failure with what to do about it. */
#include <inttypes.h>
#include <stdio.h>

#include "proto/identity.h"
#include "shared/clock.h"
#include "shared/config.h"
#include "shared/fetch.h"
#include "shared/file.h"
#include "shared/tls/pki.h"
#include "sweeper/ctl/api.h"
#include "sweeper/ctl/loki.h"
#include "sweeper/ctl/table.h"

enum { DOCTOR_SOON_DAYS = 14, DOCTOR_TIMEOUT_MS = 10000 };

struct doctor {
	const struct ctl *ctl;
	struct table table;
	struct buf remedies; /* printed below the table */
	struct jdoc *checks; /* for --json */
	bool failed;
	bool incomplete;     /* out of memory while noting a result */
};

/* `remedy` NULL: it is well. */
static void note(struct doctor *doctor, const char *name, const char *found, const char *remedy)
{
	struct jdoc *check = jdoc_object();
	bool ok = jdoc_set_cstr(check, "check", name) && jdoc_set_bool(check, "ok", remedy == NULL) &&
	          jdoc_set_cstr(check, "found", found) &&
	          (remedy == NULL ? jdoc_set_null(check, "remedy") : jdoc_set_cstr(check, "remedy", remedy));

	if (!ok) {
		jdoc_free(check);
		check = NULL;
	}
	doctor->incomplete |= !jdoc_push(doctor->checks, check);
	doctor->failed |= remedy != NULL;
	table_add(&doctor->table, remedy == NULL ? STYLE_GREEN : STYLE_RED,
	          remedy == NULL ? SPAN_LIT("ok") : SPAN_LIT("FAILED"));
	table_add(&doctor->table, STYLE_BOLD, span_cstr(name));
	table_add(&doctor->table, STYLE_PLAIN, span_cstr(found));
	if (remedy != NULL)
		buf_printf(&doctor->remedies, "\n%s: %s.\n", name, remedy);
}

static bool check_options(struct doctor *doctor)
{
	const struct ctl *ctl = doctor->ctl;

	if (ctl->sweeper == NULL)
		note(doctor, "options", "no sweeper is named", "give --sweeper https://HOST:PORT or set RESCUE_SWEEPER");
	if (ctl->cert == NULL)
		note(doctor, "options", "no certificate is named", "give --cert or set RESCUE_CERT");
	if (ctl->key == NULL)
		note(doctor, "options", "no key is named", "give --key or set RESCUE_KEY");
	if (ctl->ca == NULL)
		note(doctor, "options", "no authority is named", "give --ca or set RESCUE_CA");
	return !doctor->failed;
}

static bool check_file(struct doctor *doctor, const char *name, const char *path, struct buf *ret_content)
{
	struct err err = ERR_INIT;

	if (file_read(path, ret_content, &err) != STATUS_OK) {
		note(doctor, name, err.text, "name a PEM file that this user may read");
		return false;
	}
	note(doctor, name, path, NULL);
	return true;
}

static void check_role(struct doctor *doctor, struct span cert_pem)
{
	BUF_AUTO uri = BUF_INIT(LIMIT_SPIFFE_ID);
	BUF_AUTO found = BUF_INIT(LIMIT_SPIFFE_ID);
	struct identity identity;
	struct err err = ERR_INIT;

	if (pki_cert_uri(cert_pem, &uri, &err) != STATUS_OK ||
	    identity_parse(buf_span(&uri), &identity, &err) != STATUS_OK) {
		note(doctor, "role", err.text, "issue one with \"rescuectl ca issue DIR --org ORG --operator\"");
		return;
	}
	buf_printf(&found, "%s of org %s in %s", identity_role_name(identity.role), identity.org, identity.trust_domain);
	note(doctor, "role", buf_cstr(&found), identity.role == IDENTITY_OPERATOR ? NULL :
	     "operators' routes need an operator's certificate: \"rescuectl ca issue DIR --org ORG --operator\"");
}

static void check_expiry(struct doctor *doctor, struct span cert_pem)
{
	char text[CLOCK_RFC3339_SIZE];
	BUF_AUTO found = BUF_INIT(LIMIT_ERROR_TEXT);
	struct err err = ERR_INIT;
	int64_t not_after_s, left_s;
	const char *remedy = NULL;

	if (pki_cert_not_after(cert_pem, &not_after_s, &err) != STATUS_OK) {
		note(doctor, "expiry", err.text, "name a certificate in PEM form");
		return;
	}
	left_s = not_after_s - clock_real_ns() / 1000000000;
	clock_format(not_after_s * 1000000000, text);
	buf_printf(&found, "%s %.10s", left_s < 0 ? "ended" : "until", text);
	if (left_s < 0)
		remedy = "issue a new one with \"rescuectl ca issue … --force\"";
	else if (left_s < DOCTOR_SOON_DAYS * 24 * 3600)
		remedy = "it ends soon: issue a new one with \"rescuectl ca issue … --force\"";
	note(doctor, "expiry", buf_cstr(&found), remedy);
}

static const char *remedy_for(enum status status)
{
	switch (status) {
	case STATUS_OK:
		return NULL;
	case STATUS_DENIED:
		return "--ca must be the authority of the sweeper's certificate, the sweeper's client_ca that of yours, the "
		       "trust domains and the org equal on both sides, and the URL's host a name in its certificate";
	case STATUS_UNAVAILABLE:
	case STATUS_TIMEOUT:
		return "see whether rescue-sweeper is running, listens at this address, no firewall is between, and it reaches "
		       "its database";
	default:
		return "the URL must be that of a sweeper (https, the port of `listen`)";
	}
}

static void check_sweeper(struct doctor *doctor)
{
	struct api *api = NULL;
	JDOC_AUTO *doc = NULL;
	struct err err = ERR_INIT;
	enum status status = api_new(doctor->ctl, &api, &err);

	if (status == STATUS_OK)
		status = api_call(api, "GET", "/v1/captures?limit=1", &doc, &err);
	note(doctor, "sweeper", status == STATUS_OK ? "answers, and its database too" : err.text, remedy_for(status));
	api_free(api);
}

/* The code and the body without its last newline. */
static void put_answer(const struct fetch_answer *answer, struct buf *out)
{
	struct span body = buf_span(&answer->body);

	if (body.len > 0 && body.ptr[body.len - 1] == '\n')
		body.len--;
	buf_printf(out, "%d %.*s", answer->code, SPAN_ARG(body));
}

static void check_ready(struct doctor *doctor)
{
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_ERROR_TEXT / 2);
	struct fetch_request request = { .method = "GET", .timeout_ms = DOCTOR_TIMEOUT_MS, .stop_fd = -1 };
	BUF_AUTO url = BUF_INIT(LIMIT_PATH);
	BUF_AUTO found = BUF_INIT(LIMIT_ERROR_TEXT);
	const struct fetch_options options = { .ca_file = NULL };
	struct fetch *fetch = NULL;
	struct err err = ERR_INIT;
	enum status status = fetch_new(&options, &fetch, &err);

	ctl_url(doctor->ctl->admin, "/readyz", &url);
	request.url = buf_cstr(&url);
	if (status == STATUS_OK)
		status = fetch_run(fetch, &request, &answer, &err);
	if (status == STATUS_OK)
		put_answer(&answer, &found);
	note(doctor, "readiness", status == STATUS_OK ? buf_cstr(&found) : err.text,
	     status != STATUS_OK ? "the URL must be that of the sweeper's admin_listen" :
	     answer.code == 200  ? NULL : "what is named here is not ready; the sweeper's log tells more");
	buf_done(&answer.body);
	fetch_free(fetch);
}

static void check_loki(struct doctor *doctor)
{
	struct loki_entries entries = { .items = NULL };
	const struct loki_filter filter = { .section = SPAN_LIT("verdict") };
	struct err err = ERR_INIT;
	enum status status = loki_ready(doctor->ctl, &err);

	note(doctor, "loki", status == STATUS_OK ? "ready" : err.text,
	     status == STATUS_OK ? NULL : "--loki must be the base URL of a Loki that is running");
	if (status != STATUS_OK)
		return;
	status = loki_find(doctor->ctl, &filter, 1, &entries, &err);
	note(doctor, "bundles", status != STATUS_OK ? err.text : entries.count > 0 ? "found" : "none in 30 days",
	     status == STATUS_OK ? NULL : "name a tenant that may query with --tenant");
	loki_entries_done(&entries);
}

static void check_all(struct doctor *doctor)
{
	BUF_AUTO cert_pem = BUF_INIT(LIMIT_CERT_FILE);
	BUF_AUTO ca_pem = BUF_INIT(LIMIT_CERT_FILE);
	struct buf key_pem = BUF_INIT(LIMIT_CERT_FILE);
	const struct ctl *ctl = doctor->ctl;
	bool readable;

	if (ctl->loki != NULL) {
		check_loki(doctor);
		return;
	}
	if (!check_options(doctor))
		return;
	readable = check_file(doctor, "certificate", ctl->cert, &cert_pem);
	readable &= check_file(doctor, "key", ctl->key, &key_pem);
	readable &= check_file(doctor, "authority", ctl->ca, &ca_pem);
	buf_wipe(&key_pem);
	if (!readable)
		return;
	check_role(doctor, buf_span(&cert_pem));
	check_expiry(doctor, buf_span(&cert_pem));
	check_sweeper(doctor);
	if (ctl->admin != NULL)
		check_ready(doctor);
}

static enum ctl_exit print(struct doctor *doctor)
{
	BUF_AUTO out = BUF_INIT(LIMIT_CONFIG_FILE);
	JDOC_AUTO *doc = NULL;
	bool ok;

	if (!doctor->ctl->json) {
		if (table_render(&doctor->table, &doctor->ctl->style, &out) != STATUS_OK)
			return ctl_fail(STATUS_NO_MEMORY, &(struct err)ERR_INIT);
		buf_append_span(&out, buf_span(&doctor->remedies));
		return ctl_print(&out);
	}
	doc = jdoc_object();
	ok = !doctor->incomplete && jdoc_set_bool(doc, "ok", !doctor->failed) &&
	     jdoc_set(doc, "checks", jdoc_share(doctor->checks));
	return ctl_print_json(ok ? doc : NULL);
}

enum ctl_exit doctor_run(struct ctl *ctl)
{
	static const char *const heads[] = { "", "CHECK", "FOUND" };
	struct doctor doctor = { .ctl = ctl, .remedies = BUF_INIT(LIMIT_CONFIG_FILE) };
	struct args args;
	enum ctl_exit exit;

	if (!ctl_parse(ctl, NULL, 0, 0, 0, &args, &exit))
		return exit;
	doctor.checks = jdoc_array();
	table_init(&doctor.table, heads, ARRAY_LEN(heads));
	check_all(&doctor);
	exit = print(&doctor);
	table_done(&doctor.table);
	buf_done(&doctor.remedies);
	jdoc_free(doctor.checks);
	return exit == CTL_DONE && doctor.failed ? CTL_FAILED : exit;
}
