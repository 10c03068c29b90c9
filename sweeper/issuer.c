#include "sweeper/issuer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/identity.h"
#include "shared/clock.h"
#include "shared/file.h"
#include "shared/tls/signers.h"

struct region {
	const char *name; /* the configuration's */
	struct signers *signers;
};

struct issuer {
	size_t holders; /* the current one counts as held once by this file */
	const struct sweeper_config *config;
	struct region *regions;
	size_t region_count;
	struct buf ca_cert, ca_key;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct issuer *current;

static void issuer_free(struct issuer *issuer)
{
	for (size_t i = 0; i < issuer->region_count; i++)
		signers_free(issuer->regions[i].signers);
	free(issuer->regions);
	buf_done(&issuer->ca_cert);
	buf_wipe(&issuer->ca_key);
	free(issuer);
}

void issuer_release(struct issuer *issuer)
{
	bool is_last;

	if (issuer == NULL)
		return;
	(void)pthread_mutex_lock(&lock);
	is_last = --issuer->holders == 0;
	(void)pthread_mutex_unlock(&lock);
	if (is_last)
		issuer_free(issuer);
}

struct issuer *issuer_acquire(void)
{
	struct issuer *issuer;

	(void)pthread_mutex_lock(&lock);
	issuer = current;
	if (issuer != NULL)
		issuer->holders++;
	(void)pthread_mutex_unlock(&lock);
	return issuer;
}

static void replace(struct issuer *fresh)
{
	struct issuer *older;

	(void)pthread_mutex_lock(&lock);
	older = current;
	current = fresh;
	(void)pthread_mutex_unlock(&lock);
	issuer_release(older);
}

void issuer_unload(void)
{
	replace(NULL);
}

static enum status load_regions(struct issuer *issuer, struct err *err)
{
	const struct enroll_config *config = &issuer->config->enroll;
	enum status status = STATUS_OK;

	issuer->regions = calloc(config->region_count, sizeof *issuer->regions);
	if (issuer->regions == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < config->region_count && status == STATUS_OK; i++) {
		issuer->regions[i].name = config->regions[i].name;
		status = signers_load(config->regions[i].path, &issuer->regions[i].signers, err);
		issuer->region_count++;
	}
	return status;
}

/* Signs a certificate as a trial: what is wrong with the authority is found at the start. */
static enum status try_out(const struct issuer *issuer, struct err *err)
{
	struct buf key = BUF_INIT(LIMIT_CERT_FILE);
	BUF_AUTO csr = BUF_INIT(LIMIT_ENROLL_CSR);
	BUF_AUTO cert = BUF_INIT(LIMIT_CERT_FILE);
	struct issue issue = { .org = "trial", .workspace_id = "trial", .instance_id = "trial",
	                       .now_s = clock_agreed_ns() / 1000000000 };
	struct pki_facts facts;
	enum status status = pki_make_key(&key, err);

	if (status == STATUS_OK)
		status = pki_make_request(buf_span(&key), &csr, err);
	buf_wipe(&key);
	issue.csr = buf_span(&csr);
	if (status == STATUS_OK)
		status = issuer_issue(issuer, &issue, &cert, &facts, err);
	if (status != STATUS_OK)
		err_prefix(err, "%s", issuer->config->enroll.ca_cert);
	return status;
}

static enum status load(struct issuer *issuer, struct err *err)
{
	enum status status = load_regions(issuer, err);

	if (status == STATUS_OK)
		status = file_read(issuer->config->enroll.ca_cert, &issuer->ca_cert, err);
	if (status == STATUS_OK)
		status = file_read(issuer->config->enroll.ca_key, &issuer->ca_key, err);
	return status == STATUS_OK ? try_out(issuer, err) : status;
}

enum status issuer_load(const struct sweeper_config *config, struct err *err)
{
	struct issuer *fresh;
	enum status status;

	if (!config->enroll.enabled)
		return STATUS_OK;
	fresh = calloc(1, sizeof *fresh);
	if (fresh == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	fresh->holders = 1;
	fresh->config = config;
	buf_init(&fresh->ca_cert, LIMIT_CERT_FILE);
	buf_init(&fresh->ca_key, LIMIT_CERT_FILE);
	status = load(fresh, err);
	if (status == STATUS_OK) {
		replace(fresh);
		return STATUS_OK;
	}
	err_prefix(err, "enroll");
	issuer_free(fresh);
	/* Whatever is wrong with a file that was named is the file's fault, also that it does not exist. */
	return status == STATUS_NOT_FOUND || status == STATUS_TOO_LARGE ? STATUS_INVALID : status;
}

enum status issuer_check_proof(struct issuer *issuer, const char *region, struct span document, struct span signature,
                               struct err *err)
{
	for (size_t i = 0; i < issuer->region_count; i++) {
		if (strcmp(issuer->regions[i].name, region) == 0)
			return signers_check(issuer->regions[i].signers, document, signature, err);
	}
	return err_set(err, STATUS_DENIED, "no certificate is configured for the region %s", region);
}

static enum status format_spiffe_id(const struct issuer *issuer, const struct issue *issue, struct buf *out)
{
	struct identity identity = { .role = IDENTITY_WORKSPACE };

	(void)snprintf(identity.trust_domain, sizeof identity.trust_domain, "%s", issuer->config->trust_domain);
	(void)snprintf(identity.org, sizeof identity.org, "%s", issue->org);
	(void)snprintf(identity.workspace_id, sizeof identity.workspace_id, "%s", issue->workspace_id);
	return identity_format(&identity, out);
}

enum status issuer_issue(const struct issuer *issuer, const struct issue *issue, struct buf *ret_cert_pem,
                         struct pki_facts *ret_facts, struct err *err)
{
	BUF_AUTO spiffe_id = BUF_INIT(LIMIT_SPIFFE_ID);
	struct pki_subject subject = {
		.common_name = issue->instance_id,
		/* The gate that the box shows it to, and the box, may have clocks that are behind. */
		.not_before_s = issue->now_s - LIMIT_ENROLL_SKEW_S,
		.not_after_s = issue->now_s + issuer->config->enroll.lifetime_s,
	};
	enum status status = format_spiffe_id(issuer, issue, &spiffe_id);

	if (status != STATUS_OK)
		return err_set(err, status, "the workspace's id cannot stand in a SPIFFE id");
	subject.uri = buf_cstr(&spiffe_id);
	status = pki_issue_request(buf_span(&issuer->ca_cert), buf_span(&issuer->ca_key), issue->csr, &subject,
	                           ret_cert_pem, err);
	return status == STATUS_OK ? pki_cert_facts(buf_span(ret_cert_pem), ret_facts, err) : status;
}

int64_t issuer_renew_in_s(const struct issuer *issuer)
{
	return issuer->config->enroll.lifetime_s * 2 / 3;
}
