#include "agent/instance.h"

#include "shared/metadata.h"

static const char document_path[] = "/latest/dynamic/instance-identity/document";
static const char signature_path[] = "/latest/dynamic/instance-identity/signature";

enum status instance_get_proof(const char *url, struct instance_proof *ret_proof, struct err *err)
{
	struct metadata metadata;
	enum status status = metadata_open(&metadata, url, err);

	if (status == STATUS_OK)
		status = metadata_get(&metadata, document_path, &ret_proof->document, err);
	if (status == STATUS_OK)
		status = metadata_get(&metadata, signature_path, &ret_proof->signature, err);
	metadata_close(&metadata);
	return status;
}

void instance_proof_done(struct instance_proof *proof)
{
	buf_done(&proof->document);
	buf_done(&proof->signature);
}

enum status instance_get_document(const char *url, struct enroll_document *ret_document, struct err *err)
{
	BUF_AUTO document = BUF_INIT(LIMIT_ENROLL_DOCUMENT);
	struct metadata metadata;
	enum status status = metadata_open(&metadata, url, err);

	if (status == STATUS_OK)
		status = metadata_get(&metadata, document_path, &document, err);
	metadata_close(&metadata);
	return status == STATUS_OK ? enroll_document_parse(buf_span(&document), ret_document, err) : status;
}
