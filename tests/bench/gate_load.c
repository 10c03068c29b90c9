/*
 * Agents for `tests/bench/gate`: connections over mutual TLS 1.3 on mbedTLS, of the same build as the sweeper's.
 *
 *   gate_load primitives SECONDS                              what a core can do of each part of a handshake
 *   gate_load hold PORT CA CA_KEY PATH WORKSPACE…             reads counts from stdin: opens so many connections in
 *                                                             all, each with one request, and says so; all but the
 *                                                             first of each workspace resume its session; "storm":
 *                                                             drops them all and comes back at once
 *   gate_load shake PORT CA CA_KEY PATH SECONDS HOW WORKSPACE connects, asks once and leaves, again and again; HOW is
 *                                                             known, unknown (a new certificate each time) or resumed
 *
 * One thread, epoll. It is a measuring tool: what goes wrong ends it with words.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include "shared/clock.h"
#include "shared/file.h"
#include "shared/tls/pki.h"
#include "shared/tls/session.h"

enum { AT_ONCE = 16, STORM_AT_ONCE = 1000, FRESH = 2000, MANY = 20000 };

struct pair {
	mbedtls_x509_crt crt;
	mbedtls_pk_context key;
	mbedtls_ssl_config config;
	mbedtls_ssl_session kept; /* the last one, when `has_kept` */
	bool has_kept;
};

struct agent {
	int fd;
	bool is_asked, is_ready, is_lost;
	struct pair *pair;
	mbedtls_ssl_context ssl;
};

static struct buf ca_cert = BUF_INIT(LIMIT_CERT_FILE), ca_key = BUF_INIT(LIMIT_CERT_FILE);
static mbedtls_x509_crt trusted;
static char request[512];
static uint16_t port;
static int events_fd;
static bool resumes, tolerant; /* in a storm a peer that is too slow is tried again */

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	(void)fprintf(stderr, "gate_load: %s (%s)\n", what, strerror(errno));
	exit(1);
}

static int give_random(void *unused, unsigned char *bytes, size_t len)
{
	(void)unused;
	return psa_generate_random(bytes, len) == PSA_SUCCESS ? 0 : -1;
}

static double cpu_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* -- primitives ----------------------------------------------------------------------------------------------- */

static mbedtls_pk_context primitive_key;
static uint8_t hash[32] = { 1, 2, 3 }, signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE], peer_point[133];
static size_t signature_len, peer_point_len;
static psa_ecc_family_t family;
static size_t family_bits;

static void sign(void)
{
	must(mbedtls_pk_sign(&primitive_key, MBEDTLS_MD_SHA256, hash, sizeof hash, signature, sizeof signature,
	                     &signature_len, give_random, NULL) == 0, "sign");
}

static void verify(void)
{
	must(mbedtls_pk_verify(&primitive_key, MBEDTLS_MD_SHA256, hash, sizeof hash, signature, signature_len) == 0,
	     "verify");
}

/* What one side of the exchange does: a key pair of its own, and the secret with the peer's point. */
static void exchange(void)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_key_id_t key;
	uint8_t point[133], secret[66];
	size_t len;

	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
	psa_set_key_algorithm(&attributes, PSA_ALG_ECDH);
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(family));
	psa_set_key_bits(&attributes, family_bits);
	must(psa_generate_key(&attributes, &key) == PSA_SUCCESS, "generate a key");
	must(psa_export_public_key(key, point, sizeof point, &len) == PSA_SUCCESS, "export a key");
	if (peer_point_len == 0) {
		memcpy(peer_point, point, len);
		peer_point_len = len;
	}
	must(psa_raw_key_agreement(PSA_ALG_ECDH, key, peer_point, peer_point_len, secret, sizeof secret, &len) ==
	     PSA_SUCCESS, "agree");
	(void)psa_destroy_key(key);
}

static void rate(const char *name, void (*once)(void), double seconds)
{
	double begin = cpu_s(), now = begin;
	size_t count = 0;

	for (; now - begin < seconds; now = cpu_s()) {
		for (int i = 0; i < 20; i++)
			once();
		count += 20;
	}
	(void)printf("%s=%.0f\n", name, (double)count / (now - begin));
}

static int primitives(double seconds)
{
	struct pki_subject subject = { .common_name = "x", .not_after_s = time(NULL) + 1000 };
	struct buf cert = BUF_INIT(LIMIT_CERT_FILE), key = BUF_INIT(LIMIT_CERT_FILE);
	struct err err = ERR_INIT;

	must(pki_make_ca(&subject, &cert, &key, &err) == STATUS_OK, err.text);
	mbedtls_pk_init(&primitive_key);
	must(mbedtls_pk_parse_key(&primitive_key, (const uint8_t *)buf_cstr(&key), key.len + 1, NULL, 0, give_random, NULL) ==
	     0, "key");
	rate("sign", sign, seconds);
	rate("verify", verify, seconds);
	family = PSA_ECC_FAMILY_SECP_R1;
	family_bits = 256;
	rate("ecdhe_p256", exchange, seconds);
	family = PSA_ECC_FAMILY_MONTGOMERY;
	family_bits = 255;
	peer_point_len = 0;
	rate("ecdhe_x25519", exchange, seconds);
	return 0;
}

/* -- connections ---------------------------------------------------------------------------------------------- */

static void load_authority(const char *cert, const char *key)
{
	struct err err = ERR_INIT;

	must(file_read(cert, &ca_cert, &err) == STATUS_OK && file_read(key, &ca_key, &err) == STATUS_OK, err.text);
	mbedtls_x509_crt_init(&trusted);
	must(mbedtls_x509_crt_parse(&trusted, (const uint8_t *)buf_cstr(&ca_cert), ca_cert.len + 1) == 0, "authority");
}

static struct pair *make_pair(const char *workspace_id)
{
	/* The groups as the agent offers them. */
	static const uint16_t groups[] = { MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519, 0 };
	struct pair *pair = calloc(1, sizeof *pair);
	struct buf cert = BUF_INIT(LIMIT_CERT_FILE), key = BUF_INIT(LIMIT_CERT_FILE);
	struct err err = ERR_INIT;
	char uri[300];
	const struct pki_subject subject = { .common_name = "agent", .uri = uri, .not_before_s = time(NULL) - 3600,
	                                     .not_after_s = time(NULL) + 86400 };

	(void)snprintf(uri, sizeof uri, "spiffe://rescue.example/org/acme/workspace/%s", workspace_id);
	must(pair != NULL && pki_issue(buf_span(&ca_cert), buf_span(&ca_key), &subject, &cert, &key, &err) == STATUS_OK,
	     err.text);
	mbedtls_x509_crt_init(&pair->crt);
	mbedtls_pk_init(&pair->key);
	mbedtls_ssl_config_init(&pair->config);
	must(mbedtls_x509_crt_parse(&pair->crt, (const uint8_t *)buf_cstr(&cert), cert.len + 1) == 0, "certificate");
	must(mbedtls_pk_parse_key(&pair->key, (const uint8_t *)buf_cstr(&key), key.len + 1, NULL, 0, give_random, NULL) == 0,
	     "key");
	must(mbedtls_ssl_config_defaults(&pair->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
	                                 MBEDTLS_SSL_PRESET_DEFAULT) == 0, "defaults");
	mbedtls_ssl_conf_min_tls_version(&pair->config, MBEDTLS_SSL_VERSION_TLS1_3);
	mbedtls_ssl_conf_rng(&pair->config, give_random, NULL);
	mbedtls_ssl_conf_groups(&pair->config, groups);
	mbedtls_ssl_conf_ca_chain(&pair->config, &trusted, NULL);
	mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(&pair->config,
	                                                         MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
	must(mbedtls_ssl_conf_own_cert(&pair->config, &pair->crt, &pair->key) == 0, "own certificate");
	buf_done(&cert);
	buf_wipe(&key);
	return pair;
}

static int give_out(void *ctx, const unsigned char *bytes, size_t len)
{
	ssize_t sent = send(((struct agent *)ctx)->fd, bytes, len, MSG_NOSIGNAL);

	return sent >= 0 ? (int)sent : errno == EAGAIN || errno == ENOTCONN ? MBEDTLS_ERR_SSL_WANT_WRITE : -1;
}

static int take_in(void *ctx, unsigned char *bytes, size_t cap)
{
	ssize_t got = recv(((struct agent *)ctx)->fd, bytes, cap, 0);

	return got >= 0 ? (int)got : errno == EAGAIN || errno == ENOTCONN ? MBEDTLS_ERR_SSL_WANT_READ : -1;
}

static void agent_open(struct agent *agent, struct pair *pair)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port),
	                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = agent };
	int on = 1;

	*agent = (struct agent){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .pair = pair };
	must(agent->fd >= 0, "socket");
	(void)setsockopt(agent->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	must(connect(agent->fd, (const struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS, "connect");
	mbedtls_ssl_init(&agent->ssl);
	must(mbedtls_ssl_setup(&agent->ssl, &pair->config) == 0, "set up");
	must(mbedtls_ssl_set_hostname(&agent->ssl, "localhost") == 0, "host name");
	if (resumes && pair->has_kept)
		must(mbedtls_ssl_set_session(&agent->ssl, &pair->kept) == 0, "session");
	mbedtls_ssl_set_bio(&agent->ssl, agent, give_out, take_in, NULL);
	must(epoll_ctl(events_fd, EPOLL_CTL_ADD, agent->fd, &event) == 0, "epoll_ctl");
}

static void agent_close(struct agent *agent)
{
	/* A reset, so that the ports are free again at once. */
	struct linger linger = { .l_onoff = 1 };

	(void)setsockopt(agent->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	(void)close(agent->fd);
	mbedtls_ssl_free(&agent->ssl);
}

static void keep_session(struct agent *agent)
{
	struct pair *pair = agent->pair;

	if (pair->has_kept)
		mbedtls_ssl_session_free(&pair->kept);
	mbedtls_ssl_session_init(&pair->kept);
	pair->has_kept = mbedtls_ssl_get_session(&agent->ssl, &pair->kept) == 0;
}

/*
 * Asks once the handshake is done. True when the answer came, or, where none is wanted, when there is nothing to wait for
 * any more: the first agent of an identity waits for its ticket.
 */
static bool agent_go_on(struct agent *agent, bool wants_answer)
{
	uint8_t bytes[2048];
	int code;

	if (!agent->is_asked) {
		code = mbedtls_ssl_handshake(&agent->ssl);
		if (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE)
			return false;
		if (code == 0)
			code = mbedtls_ssl_write(&agent->ssl, (const uint8_t *)request, strlen(request)) > 0 ? 0 : -1;
		agent->is_lost = code != 0;
		must(code == 0 || tolerant, "handshake");
		if (agent->is_lost)
			return false;
		agent->is_asked = true;
	}
	if (!wants_answer && agent->pair->has_kept)
		return true;
	for (int tries = 0; tries < 8; tries++) {
		code = mbedtls_ssl_read(&agent->ssl, bytes, sizeof bytes);
		if (code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
			keep_session(agent);
		else if (code > 0 && wants_answer)
			return true;
		else
			must(code > 0 || code == MBEDTLS_ERR_SSL_WANT_READ, "read");
	}
	return !wants_answer && agent->pair->has_kept;
}

static void set_request(const char *path)
{
	(void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
}

/* Opens agents until so many are ready, `at_once` at a time. Gives how many had to be opened again. */
static size_t open_agents(struct agent *agents, struct pair **pairs, size_t pair_count, size_t *ready, size_t wanted,
                          size_t at_once)
{
	struct epoll_event events[64];
	size_t opened = *ready, again = 0;

	while (*ready < wanted) {
		for (; opened < wanted && opened - *ready < at_once; opened++)
			agent_open(&agents[opened], pairs[opened % pair_count]);
		int count = epoll_wait(events_fd, events, 64, -1);
		for (int i = 0; i < count; i++) {
			struct agent *agent = events[i].data.ptr;

			if (!agent->is_ready && agent_go_on(agent, false)) {
				agent->is_ready = true;
				(*ready)++;
			} else if (agent->is_lost) {
				agent_close(agent);
				agent_open(agent, agent->pair);
				again++;
			}
		}
	}
	return again;
}

static int hold(const char *path, char **workspaces, size_t workspace_count)
{
	struct agent *agents = calloc(MANY, sizeof *agents);
	struct pair **pairs = calloc(workspace_count, sizeof(struct pair *));
	size_t ready = 0, wanted, again = 0;
	char line[32];

	must(agents != NULL && pairs != NULL, "memory");
	resumes = true;
	set_request(path);
	for (size_t i = 0; i < workspace_count; i++)
		pairs[i] = make_pair(workspaces[i]);
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (strcmp(line, "storm\n") == 0) {
			wanted = ready;
			while (ready > 0)
				agent_close(&agents[--ready]);
			tolerant = true;
			again = open_agents(agents, pairs, workspace_count, &ready, wanted, STORM_AT_ONCE);
		} else {
			wanted = strtoul(line, NULL, 10);
			must(wanted <= MANY, "too many");
			again = open_agents(agents, pairs, workspace_count, &ready, wanted, AT_ONCE);
		}
		(void)printf("at %zu %zu\n", ready, again);
		(void)fflush(stdout);
	}
	return 0;
}

static int shake(const char *path, double seconds, const char *how, const char *workspace_id)
{
	struct agent agents[AT_ONCE];
	struct pair **pairs = calloc(FRESH, sizeof(struct pair *));
	struct epoll_event events[AT_ONCE];
	size_t fresh = strcmp(how, "unknown") == 0 ? FRESH : 1, used = 0, count = 0;
	int64_t end_mono_ms;

	must(pairs != NULL, "memory");
	resumes = strcmp(how, "resumed") == 0;
	set_request(path);
	for (size_t i = 0; i < fresh; i++)
		pairs[i] = make_pair(workspace_id);
	(void)printf("go\n");
	(void)fflush(stdout);
	end_mono_ms = clock_mono_ms() + (int64_t)(seconds * 1000);
	/* With one at a time first there is a session for all others. */
	for (size_t i = 0; i < (resumes ? 1 : AT_ONCE); i++)
		agent_open(&agents[i], pairs[used++ % fresh]);
	while (clock_mono_ms() < end_mono_ms && (fresh == 1 || used < fresh)) {
		int ready = epoll_wait(events_fd, events, AT_ONCE, 100);

		for (int i = 0; i < ready; i++) {
			struct agent *agent = events[i].data.ptr;

			if (!agent_go_on(agent, true))
				continue;
			agent_close(agent);
			agent_open(agent, pairs[used++ % fresh]);
			if (resumes && count++ == 0) {
				for (size_t k = 1; k < AT_ONCE; k++)
					agent_open(&agents[k], pairs[0]);
			} else if (!resumes) {
				count++;
			}
		}
	}
	(void)printf("done %zu\n", count);
	(void)fflush(stdout);
	/* The figures are read before the connections go. */
	(void)fgetc(stdin);
	return 0;
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	struct err err = ERR_INIT;

	must(tls_global_init(&err) == STATUS_OK, err.text);
	if (argc == 3 && strcmp(argv[1], "primitives") == 0)
		return primitives(strtod(argv[2], NULL));
	must(argc >= 7, "see the comment at the top of gate_load.c");
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	port = (uint16_t)strtoul(argv[2], NULL, 10);
	load_authority(argv[3], argv[4]);
	events_fd = epoll_create1(EPOLL_CLOEXEC);
	if (strcmp(argv[1], "hold") == 0)
		return hold(argv[5], argv + 6, (size_t)argc - 6);
	must(argc == 9, "see the comment at the top of gate_load.c");
	return shake(argv[5], strtod(argv[6], NULL), argv[7], argv[8]);
}
