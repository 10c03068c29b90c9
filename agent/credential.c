#include "agent/credential.h"

#include <stdio.h>
#include <unistd.h>

#include "proto/identity.h"
#include "shared/file.h"

/* Both files stand in folders that only the agent needs. */
static enum status make_folder_of(const char *path, struct err *err)
{
	char folder[LIMIT_PATH];
	char *slash;

	(void)snprintf(folder, sizeof folder, "%s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL || slash == folder)
		return STATUS_OK;
	*slash = '\0';
	return access(folder, F_OK) == 0 ? STATUS_OK : file_make_dirs(folder, 0700, err);
}

enum status credential_make_folders(const struct agent_config *config, struct err *err)
{
	enum status status = make_folder_of(config->identity.cert, err);

	return status == STATUS_OK ? make_folder_of(config->identity.key, err) : status;
}

static enum status make_key(const struct agent_config *config, struct buf *key_pem, struct err *err)
{
	enum status status = credential_make_folders(config, err);

	if (status == STATUS_OK)
		status = pki_make_key(key_pem, err);
	if (status == STATUS_OK)
		status = file_write_new(config->identity.key, buf_span(key_pem), 0600, err);
	if (status != STATUS_CONFLICT)
		return status;
	/* `run` and `enroll` at once: what came first is the box's key. */
	buf_reset(key_pem);
	return file_read(config->identity.key, key_pem, err);
}

enum status credential_request(const struct agent_config *config, struct buf *ret_csr_pem, struct err *err)
{
	struct buf key_pem = BUF_INIT(LIMIT_CERT_FILE);
	enum status status = file_read(config->identity.key, &key_pem, err);

	if (status == STATUS_NOT_FOUND)
		status = make_key(config, &key_pem, err);
	if (status == STATUS_OK) {
		status = pki_make_request(buf_span(&key_pem), ret_csr_pem, err);
		if (status != STATUS_OK)
			err_prefix(err, "%s", config->identity.key);
	}
	buf_wipe(&key_pem);
	return status;
}

static enum status check_key(const struct agent_config *config, const struct pki_facts *facts, struct err *err)
{
	struct buf key_pem = BUF_INIT(LIMIT_CERT_FILE);
	char key_digest[DIGEST_HEX_SIZE];
	enum status status = file_read(config->identity.key, &key_pem, err);

	if (status == STATUS_OK)
		status = pki_key_digest(buf_span(&key_pem), key_digest, err);
	buf_wipe(&key_pem);
	if (status == STATUS_OK && strcmp(key_digest, facts->key_digest) != 0)
		status = err_set(err, STATUS_DENIED, "the certificate is for another key than %s", config->identity.key);
	return status;
}

static enum status check_workspace(struct span cert_pem, struct err *err)
{
	BUF_AUTO uri = BUF_INIT(LIMIT_SPIFFE_ID);
	struct identity identity;
	enum status status = pki_cert_uri(cert_pem, &uri, err);

	if (status == STATUS_OK)
		status = identity_parse(buf_span(&uri), &identity, err);
	if (status == STATUS_OK && identity.role != IDENTITY_WORKSPACE)
		status = err_set(err, STATUS_DENIED, "the certificate's role is %s", identity_role_name(identity.role));
	return status;
}

enum status credential_store(const struct agent_config *config, struct span cert_pem, struct err *err)
{
	struct pki_facts facts;
	enum status status = pki_cert_facts(cert_pem, &facts, err);

	if (status == STATUS_OK)
		status = check_key(config, &facts, err);
	if (status == STATUS_OK)
		status = check_workspace(cert_pem, err);
	return status == STATUS_OK ? file_write_atomic(config->identity.cert, cert_pem, 0600, err) : status;
}

enum status credential_facts(const struct agent_config *config, struct pki_facts *ret_facts, struct err *err)
{
	BUF_AUTO pem = BUF_INIT(LIMIT_CERT_FILE);
	enum status status = file_read(config->identity.cert, &pem, err);

	if (status == STATUS_OK)
		status = pki_cert_facts(buf_span(&pem), ret_facts, err);
	return status == STATUS_OK ? check_key(config, ret_facts, err) : status;
}

void credential_drop(const struct agent_config *config)
{
	(void)unlink(config->identity.cert);
	(void)unlink(config->identity.key);
}
