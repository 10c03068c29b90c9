#include "sweeper/console/aws.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/jdoc.h"
#include "shared/role_credentials.h"
#include "shared/stop.h"
#include "sweeper/console/aws_answer.h"

enum {
	URL_SIZE = 2048,
	KEY_SIZE = 256,
	REQUEST_MS = 15000,
	CONNECT_MS = 5000,
	RENEW_EARLY_S = 300,
};

#define TOKEN_HEADER "X-Amz-Security-Token: "

struct credentials {
	char key_id[KEY_SIZE];
	char secret[KEY_SIZE];
	char token_header[sizeof TOKEN_HEADER + LIMIT_AWS_FIELD]; /* "" for none */
	int64_t expires_ns;                                       /* real time; 0: they do not */
};

struct aws {
	const struct console_config *config;
	struct fetch *fetch;
	struct credentials credentials; /* key_id "" until they are known */
};

enum status aws_new(const struct console_config *config, struct aws **ret_aws, struct err *err)
{
	const struct fetch_options options = { .connect_timeout_ms = CONNECT_MS };
	struct aws *aws = calloc(1, sizeof *aws);
	enum status status;

	if (aws == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	aws->config = config;
	status = fetch_new(&options, &aws->fetch, err);
	if (status == STATUS_OK)
		*ret_aws = aws;
	else
		aws_free(aws);
	return status;
}

void aws_forget_credentials(struct aws *aws)
{
	wipe(&aws->credentials, sizeof aws->credentials);
}

void aws_free(struct aws *aws)
{
	if (aws == NULL)
		return;
	aws_forget_credentials(aws);
	fetch_free(aws->fetch);
	free(aws);
}

bool aws_is_instance_id(struct span text)
{
	if (!span_starts_with(text, SPAN_LIT("i-")) || text.len < 10 || text.len > 34)
		return false;
	for (size_t i = 2; i < text.len; i++) {
		if (!(text.ptr[i] >= '0' && text.ptr[i] <= '9') && !(text.ptr[i] >= 'a' && text.ptr[i] <= 'f'))
			return false;
	}
	return true;
}

/* Printable ASCII without blanks, so that it may stand in a header. */
static bool take(struct span text, char *ret_text, size_t size, const char *prefix)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	}
	return text.len > 0 && (size_t)snprintf(ret_text, size, "%s%.*s", prefix, SPAN_ARG(text)) < size;
}

static bool take_all(struct span key_id, struct span secret, struct span token, struct credentials *credentials)
{
	credentials->token_header[0] = '\0';
	return take(key_id, credentials->key_id, sizeof credentials->key_id, "") &&
	       take(secret, credentials->secret, sizeof credentials->secret, "") &&
	       (token.len == 0 || take(token, credentials->token_header, sizeof credentials->token_header, TOKEN_HEADER));
}

static enum status ask_metadata(const struct console_config *config, struct credentials *credentials, struct err *err)
{
	struct buf document = BUF_INIT(LIMIT_METADATA_ANSWER);
	JDOC_AUTO *doc = NULL;
	enum status status = role_credentials_fetch(config->metadata, &document, err);

	if (status == STATUS_OK)
		status = jdoc_parse(buf_span(&document), &doc, err);
	if (status == STATUS_OK &&
	    (!take_all(jdoc_get_text(doc, "AccessKeyId"), jdoc_get_text(doc, "SecretAccessKey"),
	               jdoc_get_text(doc, "Token"), credentials) ||
	     !clock_parse(jdoc_get_text(doc, "Expiration"), &credentials->expires_ns)))
		status = err_set(err, STATUS_INVALID, "the metadata service's answer holds no credentials");
	if (status != STATUS_OK)
		err_prefix(err, "no AWS credentials, in the environment or as the instance's role");
	buf_wipe(&document);
	return status;
}

static enum status find_own(const struct console_config *config, struct credentials *credentials, struct err *err)
{
	const char *key_id = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");

	credentials->expires_ns = 0;
	if (key_id == NULL || *key_id == '\0' || secret == NULL || *secret == '\0')
		return ask_metadata(config, credentials, err);
	if (!take_all(span_cstr(key_id), span_cstr(secret), span_cstr(getenv("AWS_SESSION_TOKEN")), credentials))
		return err_set(err, STATUS_INVALID, "the AWS credentials in the environment are none");
	return STATUS_OK;
}

static enum status run(struct aws *aws, const char *service, const char *url, struct fetch_answer *answer,
                       struct err *err)
{
	char scope[KEY_SIZE];
	const struct fetch_signer signer = { .scope = scope, .key_id = aws->credentials.key_id,
		                             .secret = aws->credentials.secret };
	const char *const headers[] = {
		aws->credentials.token_header[0] != '\0' ? aws->credentials.token_header : NULL, NULL,
	};
	const struct fetch_request request = { .method = "GET", .url = url, .headers = headers, .signer = &signer,
		                               .timeout_ms = REQUEST_MS, .stop_fd = stop_fd() };

	(void)snprintf(scope, sizeof scope, "aws:amz:%s:%s", aws->config->region, service);
	return fetch_run(aws->fetch, &request, answer, err);
}

/* RFC 3986: everything but unreserved characters. */
static void put_encoded(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];
		bool plain = ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || (byte >= '0' && byte <= '9') ||
		             byte == '-' || byte == '.' || byte == '_' || byte == '~';

		if (plain)
			buf_append_byte(out, byte);
		else
			buf_printf(out, "%%%02X", byte);
	}
}

static void put_endpoint(struct buf *out, const char *configured, const char *service, const char *region)
{
	if (configured[0] != '\0')
		buf_printf(out, "%.*s", (int)(span_cstr(configured).len - (configured[span_cstr(configured).len - 1] == '/')),
		           configured);
	else
		buf_printf(out, "https://%s.%s.amazonaws.com", service, region);
}

static enum status take_assumed(const struct fetch_answer *answer, struct credentials *credentials, struct err *err)
{
	struct span body = buf_span(&answer->body), key_id, secret, token, expires;
	char code[AWS_CODE_SIZE];

	if (answer->code != 200) {
		aws_answer_code(body, code);
		return err_set(err, STATUS_UNAVAILABLE, "STS answered with %d %s", answer->code, code);
	}
	if (!aws_answer_text(body, "AccessKeyId", &key_id) || !aws_answer_text(body, "SecretAccessKey", &secret) ||
	    !aws_answer_text(body, "SessionToken", &token) || !aws_answer_text(body, "Expiration", &expires) ||
	    !take_all(key_id, secret, token, credentials) || !clock_parse(expires, &credentials->expires_ns))
		return err_set(err, STATUS_INVALID, "STS's answer holds no credentials");
	return STATUS_OK;
}

/* With our own credentials in place: gets those of the role instead. */
static enum status assume_role(struct aws *aws, struct err *err)
{
	BUF_AUTO url = BUF_INIT(URL_SIZE);
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_AWS_ANSWER);
	enum status status;

	put_endpoint(&url, aws->config->sts_endpoint, "sts", aws->config->region);
	buf_append_cstr(&url, "/?Action=AssumeRole&RoleArn=");
	put_encoded(&url, span_cstr(aws->config->role));
	buf_append_cstr(&url, "&RoleSessionName=rescue-sweeper&Version=2011-06-15");
	status = buf_status(&url) == STATUS_OK ? run(aws, "sts", buf_cstr(&url), &answer, err) :
	                                         err_set(err, STATUS_TOO_LARGE, "the URL of STS is too long");
	if (status == STATUS_OK)
		status = take_assumed(&answer, &aws->credentials, err);
	buf_wipe(&answer.body);
	return status;
}

static enum status need_credentials(struct aws *aws, struct err *err)
{
	const struct credentials *credentials = &aws->credentials;
	enum status status;

	if (credentials->key_id[0] != '\0' &&
	    (credentials->expires_ns == 0 ||
	     credentials->expires_ns - clock_agreed_ns() > (int64_t)RENEW_EARLY_S * 1000000000))
		return STATUS_OK;
	status = find_own(aws->config, &aws->credentials, err);
	if (status == STATUS_OK && aws->config->role[0] != '\0')
		status = assume_role(aws, err);
	if (status != STATUS_OK)
		aws_forget_credentials(aws);
	return status;
}

enum status aws_get_console(struct aws *aws, const char *instance_id, bool is_latest, struct fetch_answer *answer,
                            struct err *err)
{
	BUF_AUTO url = BUF_INIT(URL_SIZE);
	enum status status = need_credentials(aws, err);

	if (status != STATUS_OK)
		return status;
	put_endpoint(&url, aws->config->endpoint, "ec2", aws->config->region);
	buf_append_cstr(&url, "/?Action=GetConsoleOutput&InstanceId=");
	put_encoded(&url, span_cstr(instance_id));
	buf_printf(&url, "%s&Version=2016-11-15", is_latest ? "&Latest=true" : "");
	if (buf_status(&url) != STATUS_OK)
		return err_set(err, STATUS_TOO_LARGE, "the URL of EC2 is too long");
	return run(aws, "ec2", buf_cstr(&url), answer, err);
}
