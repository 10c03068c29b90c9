/*
 * session: the server side of TLS over bytes that somebody else moves. No file descriptor, no blocking: what
 * comes from the network is fed in, what must go out is taken out, so the same code runs under any loop and
 * byte by byte in a test.
 *
 * TLS 1.3 and 1.2, ECDHE with AEAD only. A client certificate is required, unless the server also takes strangers: then
 * a peer may show none, and one that it does show must be good all the same. Where the server has tickets, a peer that
 * comes again resumes its session: it is then who its certificate said, as long as that is valid.
 * Thread: a tls_server is for any thread; a session belongs to one.
 */
#ifndef RESCUE_SHARED_TLS_SESSION_H
#define RESCUE_SHARED_TLS_SESSION_H

#include "shared/tls/digest.h"
#include "shared/tls/tickets.h"

struct tls_server;  /* certificate, key, client CA */
struct tls_session; /* one connection */

struct tls_files {
	const char *cert;      /* PEM chain, leaf first */
	const char *key;       /* PEM */
	const char *client_ca; /* PEM, one or more */
	bool takes_strangers;  /* peers without a certificate get in: whoever serves them asks tls_session_has_peer */
	struct tls_tickets *tickets; /* borrowed as long as the server lives; NULL: no resumption */
	/* PEM, one or more: good for certificates whose URI SAN `limited_ok` accepts, and for no others. NULL: none. */
	const char *limited_ca;
	bool (*limited_ok)(struct span uri);
};

/* Must run once before any other function here, before threads start (psa_crypto_init). */
enum status tls_global_init(struct err *err);

/* STATUS_INVALID names the file and what is wrong with it (also: key does not belong to certificate). */
enum status tls_server_new(const struct tls_files *files, struct tls_server **ret_server, struct err *err);
/*
 * A server is counted: each session holds it, so that a reload (SIGHUP) makes a new one and drops the old, which
 * goes with its last session.
 */
void tls_server_ref(struct tls_server *server);
void tls_server_unref(struct tls_server *server);

enum status tls_session_new(struct tls_server *server, struct tls_session **ret_session);
void tls_session_free(struct tls_session *session);

/*
 * The session waits: memory that it does not need for that is given back, until bytes come or go. Safe at any time, and
 * does nothing while something is under way.
 */
void tls_session_rest(struct tls_session *session);

/* Bytes from the network. They are copied. STATUS_TOO_LARGE when the unread input exceeds its cap. */
enum status tls_session_feed(struct tls_session *session, struct span bytes);

/*
 * Goes on with the handshake. STATUS_OK: done. STATUS_AGAIN: needs more input (send the output first).
 * Anything else is final: STATUS_DENIED when the peer's certificate is the reason, STATUS_INVALID otherwise;
 * the words say why ("certificate expired", "not signed by the client CA", "no certificate"). Output may still
 * hold an alert, which should be sent.
 */
enum status tls_session_handshake(struct tls_session *session, struct err *err);

/* Plain bytes out of what was fed. STATUS_AGAIN: nothing now. STATUS_CLOSED: close_notify. else final. */
enum status tls_session_read(struct tls_session *session, uint8_t *bytes, size_t cap, size_t *ret_len);

/* Takes all of `plain` and turns it into output. */
enum status tls_session_write(struct tls_session *session, struct span plain);

/* Puts close_notify into the output. */
void tls_session_close(struct tls_session *session);

/*
 * Bytes for the network: borrowed until the next call that may add output; tls_session_sent drops the first
 * `len` of them.
 */
struct span tls_session_output(struct tls_session *session);
void tls_session_sent(struct tls_session *session, size_t len);

/* After the handshake: false when the peer showed no certificate. The functions below need one. */
bool tls_session_has_peer(const struct tls_session *session);

/* After the handshake: the peer came with a ticket, and what follows is what its certificate said then. */
bool tls_session_is_resumed(const struct tls_session *session);

/*
 * After the handshake: the peer's URI SAN (RFC 5280 section 4.2.1.6). STATUS_INVALID when there is none or more
 * than one. Borrowed from the session.
 */
enum status tls_session_peer_uri(const struct tls_session *session, struct span *ret_uri);

/* Seconds since 1970 when the peer's certificate ends. A resumed session ends then, too: whoever serves it looks. */
int64_t tls_session_peer_not_after_s(const struct tls_session *session);

/* Lower-case hexadecimal SHA-256 of the peer's certificate (DER), also where only a ticket was shown. */
void tls_session_peer_fingerprint(const struct tls_session *session, char ret_hex[static DIGEST_HEX_SIZE]);

#endif
