#include "sweeper/gate/caller.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "shared/log.h"

void caller_address(int fd, char ret_text[static CALLER_ADDRESS_SIZE])
{
	struct sockaddr_storage storage;
	struct sockaddr *address = (struct sockaddr *)&storage;
	socklen_t len = sizeof storage;
	char host[46], port[6];

	if (getpeername(fd, address, &len) != 0 ||
	    getnameinfo(address, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		(void)snprintf(ret_text, CALLER_ADDRESS_SIZE, "unknown");
	else
		(void)snprintf(ret_text, CALLER_ADDRESS_SIZE, "%s:%s", host, port);
}

struct span caller_network(int fd, uint8_t bytes[static CALLER_NETWORK_SIZE])
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof storage;
	const uint8_t *address;

	if (getpeername(fd, (struct sockaddr *)&storage, &len) != 0)
		return span_of(bytes, 0);
	if (storage.ss_family == AF_INET) {
		memcpy(bytes, &((const struct sockaddr_in *)&storage)->sin_addr, 4);
		return span_of(bytes, 4);
	}
	if (storage.ss_family != AF_INET6)
		return span_of(bytes, 0);
	address = ((const struct sockaddr_in6 *)&storage)->sin6_addr.s6_addr;
	if (IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)&storage)->sin6_addr)) {
		memcpy(bytes, address + 12, 4);
		return span_of(bytes, 4);
	}
	memcpy(bytes, address, CALLER_NETWORK_SIZE);
	return span_of(bytes, CALLER_NETWORK_SIZE);
}

static const char no_certificate[] = "no_certificate";

static void read_fingerprint(struct caller *caller, const struct tls_session *session)
{
	char hex[65];

	tls_session_peer_fingerprint(session, hex);
	memcpy(caller->certificate, hex, sizeof caller->certificate - 1);
}

/* The cause, and the words behind it in `err`. */
static const char *identify(struct caller *caller, const struct sweeper_config *config,
                            const struct tls_session *session, struct err *err)
{
	struct identity identity;
	struct span uri;

	if (tls_session_peer_uri(session, &uri) != STATUS_OK) {
		(void)err_set(err, STATUS_DENIED, "the certificate needs exactly one URI subject alternative name");
		return "no_identity";
	}
	if (identity_parse(uri, &identity, err) != STATUS_OK)
		return "bad_identity";
	if (strcmp(identity.trust_domain, config->trust_domain) != 0) {
		(void)err_set(err, STATUS_DENIED, "the certificate is of the trust domain %.100s, ours is %.100s",
		              identity.trust_domain, config->trust_domain);
		return "trust_domain";
	}
	caller->role = identity.role;
	memcpy(caller->workspace_id, identity.workspace_id, sizeof caller->workspace_id);
	caller->tenant = sweeper_config_tenant(config, span_cstr(identity.org));
	if (caller->tenant == NULL) {
		(void)err_set(err, STATUS_DENIED, "no tenant has the certificate's org %.128s", identity.org);
		return "org";
	}
	return NULL;
}

void caller_init(struct caller *caller, const struct sweeper_config *config, const struct tls_session *session, int fd)
{
	struct err err = ERR_INIT;
	char address[CALLER_ADDRESS_SIZE];

	*caller = (struct caller){ .denied = no_certificate };
	if (!tls_session_has_peer(session))
		return;
	caller->not_after_s = tls_session_peer_not_after_s(session);
	caller->denied = identify(caller, config, session, &err);
	if (caller->denied == NULL && caller->role == IDENTITY_OPERATOR)
		read_fingerprint(caller, session);
	if (caller->denied == NULL)
		return;
	caller_address(fd, address);
	log_event(LOG_WARN, "gate.unknown_caller", LOG_S("peer", address), LOG_S("cause", caller->denied),
	          LOG_S("reason", err.text));
}

bool caller_is_stranger(const struct caller *caller)
{
	return caller->denied == no_certificate;
}

const char *caller_denied(const struct caller *caller, int64_t now_s)
{
	if (caller->denied != NULL)
		return caller->denied;
	return caller->not_after_s <= now_s ? "expired" : NULL;
}
