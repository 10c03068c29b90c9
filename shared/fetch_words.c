#include "shared/fetch_words.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* mbedTLS's number for "a fatal alert message was received from our peer", as libcurl prints it. */
#define FATAL_ALERT "-0x7780"
/*
 * "Verification of the message MAC failed": how the same alert looks when a TLS 1.3 server on mbedTLS sends it after
 * its Finished. It still uses the keys of the handshake then, while RFC 8446 section 4.4.4 has moved on.
 */
#define UNREADABLE_ALERT "-0x7180"

/* libcurl hands mbedTLS's words through. */
static const char *tls_words(const char *raw)
{
	static const struct {
		const char *part;
		const char *words;
	} table[] = {
		{ "not correctly signed by the trusted CA", "the peer's certificate is not signed by a known CA" },
		{ "validity has expired", "the peer's certificate has expired" },
		{ "starts in the future", "the peer's certificate is not valid yet" },
		{ "does not match with the expected CN", "the peer's certificate is for another host name" },
		{ FATAL_ALERT, "the peer refused our certificate, or we showed none (TLS alert)" },
		{ UNREADABLE_ALERT, "the peer refused our certificate, or we showed none (unreadable TLS alert)" },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (strstr(raw, table[i].part) != NULL)
			return table[i].words;
	}
	return raw;
}

enum status fetch_words_check_files(const struct fetch_failure *about, struct err *err)
{
	const struct {
		const char *path;
		const char *what;
	} files[] = {
		{ about->ca_file, "CA file" },
		{ about->cert_file, "certificate file" },
		{ about->key_file, "key file" },
	};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		if (files[i].path != NULL && access(files[i].path, R_OK) != 0)
			return err_set(err, STATUS_DENIED, "cannot read the %s %s: %s", files[i].what, files[i].path,
			               strerror(errno));
	}
	return STATUS_OK;
}

enum status fetch_words(const struct fetch_failure *failure, struct err *err)
{
	const char *words = failure->raw[0] != '\0' ? failure->raw : curl_easy_strerror(failure->code);

	switch (failure->code) {
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return err_set(err, STATUS_INVALID, "not a usable URL: %s", words);
	case CURLE_OUT_OF_MEMORY:
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	case CURLE_PEER_FAILED_VERIFICATION:
		return err_set(err, STATUS_DENIED, "%s", tls_words(words));
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(err, STATUS_DENIED, "cannot use the certificate files: %s", words);
	case CURLE_OPERATION_TIMEDOUT:
		if (failure->is_connecting)
			return err_set(err, STATUS_UNAVAILABLE, "cannot connect: %s", words);
		return err_set(err, STATUS_TIMEOUT, "no whole answer: %s", words);
	case CURLE_PARTIAL_FILE:
		return err_set(err, STATUS_UNAVAILABLE, "the connection was closed in the middle of the answer");
	case CURLE_GOT_NOTHING:
		return err_set(err, STATUS_UNAVAILABLE, "the connection was closed without an answer");
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		if (strstr(words, FATAL_ALERT) != NULL || strstr(words, UNREADABLE_ALERT) != NULL)
			return err_set(err, STATUS_DENIED, "%s", tls_words(words));
		return err_set(err, STATUS_UNAVAILABLE, "the connection broke: %s", words);
	default:
		return err_set(err, STATUS_UNAVAILABLE, "%s", words);
	}
}
