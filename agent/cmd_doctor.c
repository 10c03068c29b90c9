#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/instance.h"
#include "agent/link.h"
#include "agent/sandbox/sandbox.h"
#include "agent/spool.h"
#include "agent/worker.h"
#include "shared/clock.h"
#include "shared/fetch.h"
#include "shared/file.h"
#include "shared/log.h"
#include "shared/redact/redact.h"
#include "shared/stop.h"
#include "shared/tls/pki.h"

enum { SWEEPER_TIMEOUT_MS = 10000, SECOND_NS = 1000000000 };

struct doctor {
	const struct agent_config *config;
	struct identity identity;
	bool has_identity;
	bool is_ill; /* a check failed */
};

static void say(const char *word, const char *check, const char *fmt, va_list args)
{
	(void)printf("%-7s %s: ", word, check);
	(void)vprintf(fmt, args);
	(void)putchar('\n');
	(void)fflush(stdout); /* a child that is forked later must not print it again */
}

static void PRINTF_LIKE(2, 3) good(const char *check, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("ok", check, fmt, args);
	va_end(args);
}

/* Not as it could be, and no reason to worry. */
static void PRINTF_LIKE(2, 3) note(const char *check, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("note", check, fmt, args);
	va_end(args);
}

static void PRINTF_LIKE(4, 5) bad(struct doctor *doctor, const char *check, const char *remedy, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("FAILED", check, fmt, args);
	va_end(args);
	(void)printf("        remedy: %s\n", remedy);
	(void)fflush(stdout);
	doctor->is_ill = true;
}

static void check_rules(struct doctor *doctor)
{
	const struct redact_options options = { .rules_dir = doctor->config->redaction.rules_dir };
	struct redactor *redactor = NULL;
	struct err err = ERR_INIT;

	if (redactor_new(&options, &redactor, &err) == STATUS_OK)
		good("rules", "the built-in ones, and those in %s", options.rules_dir);
	else
		bad(doctor, "rules", "correct or remove the rule; until then every section is withheld", "%s", err.text);
	redactor_free(redactor);
}

static void check_validity(struct doctor *doctor, const struct pki_facts *facts)
{
	int64_t now_s = clock_real_ns() / SECOND_NS;
	char until[CLOCK_RFC3339_SIZE], from[CLOCK_RFC3339_SIZE];

	clock_format(facts->not_before_s * SECOND_NS, from);
	clock_format(facts->not_after_s * SECOND_NS, until);
	if (now_s > facts->not_after_s)
		bad(doctor, "certificate", "issue a new one, or set the clock if that is wrong", "it ended at %s", until);
	else if (now_s < facts->not_before_s)
		bad(doctor, "certificate", "set the clock", "it begins at %s, and this machine's clock is before that", from);
	else
		good("certificate", "good until %s, for another %" PRId64 " hours", until,
		     (facts->not_after_s - now_s) / 3600);
}

static void check_key(struct doctor *doctor, const struct pki_facts *facts)
{
	const char *path = doctor->config->identity.key;
	BUF_AUTO pem = BUF_INIT(LIMIT_CERT_FILE);
	char digest[DIGEST_HEX_SIZE];
	struct err err = ERR_INIT;
	struct stat info;

	if (file_read(path, &pem, &err) != STATUS_OK || pki_key_digest(buf_span(&pem), digest, &err) != STATUS_OK)
		bad(doctor, "key", "put the certificate's P-256 key there, readable for root alone", "%s: %s", path, err.text);
	else if (strcmp(digest, facts->key_digest) != 0)
		bad(doctor, "key", "put the key there that the certificate was issued for", "%s is another certificate's",
		    path);
	else if (stat(path, &info) == 0 && (info.st_mode & 077) != 0)
		bad(doctor, "key", "chmod 600 it", "others than its owner may read %s", path);
	else
		good("key", "%s is the certificate's", path);
	buf_wipe(&pem);
}

static void check_identity(struct doctor *doctor)
{
	BUF_AUTO pem = BUF_INIT(LIMIT_CERT_FILE);
	BUF_AUTO uri = BUF_INIT(LIMIT_SPIFFE_ID);
	struct pki_facts facts;
	struct err err = ERR_INIT;

	doctor->has_identity = link_read_identity(doctor->config, &doctor->identity, &err) == STATUS_OK;
	if (!doctor->has_identity && doctor->config->identity.enroll) {
		note("identity", "none yet; the agent enrols when it starts (%s)", err.text);
		return;
	}
	if (!doctor->has_identity) {
		bad(doctor, "identity", "put this workspace's certificate there, or set identity.enroll", "%s", err.text);
		return;
	}
	if (identity_format(&doctor->identity, &uri) == STATUS_OK)
		good("identity", "%.*s", (int)uri.len, (const char *)uri.ptr);
	if (file_read(doctor->config->identity.cert, &pem, &err) != STATUS_OK ||
	    pki_cert_facts(buf_span(&pem), &facts, &err) != STATUS_OK) {
		bad(doctor, "certificate", "issue a new one", "%s", err.text);
		return;
	}
	check_validity(doctor, &facts);
	check_key(doctor, &facts);
}

/* A file without a name: an agent that runs meanwhile never sees it. */
static bool can_write(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	bool is_good = fd >= 0 && write(fd, "", 1) == 1;
	int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = saved;
	return is_good;
}

static void check_spool(struct doctor *doctor)
{
	static const char remedy[] = "make the folder writable for root, and room for a few MiB";
	const struct spool spool = { .dir = doctor->config->spool_dir };
	struct spool_list list = { .count = 0 };
	struct err err = ERR_INIT;
	struct statvfs disk;

	if (file_make_dirs(spool.dir, 0700, &err) != STATUS_OK)
		bad(doctor, "spool", remedy, "%s", err.text);
	else if (!can_write(spool.dir))
		bad(doctor, "spool", remedy, "cannot write into %s: %s", spool.dir, strerror(errno));
	else if (statvfs(spool.dir, &disk) == 0 && disk.f_bavail * disk.f_frsize < LIMIT_BUNDLE_GZIP)
		bad(doctor, "spool", remedy, "%s has %" PRIu64 " KiB left, a bundle may need %d KiB", spool.dir,
		    (uint64_t)(disk.f_bavail * disk.f_frsize / 1024), (int)(LIMIT_BUNDLE_GZIP / 1024));
	else if (spool_list(&spool, &list, &err) != STATUS_OK)
		bad(doctor, "spool", remedy, "%s", err.text);
	else
		good("spool", "%s, with %zu bundles in it", spool.dir, list.count);
}

/* A child confines itself and tells what came of it. */
static void check_sandbox(void)
{
	char words[128] = "";
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	child = fork();
	if (child == 0) {
		/* It logs what the kernel lacks, which is said below. */
		log_set_level(LOG_ERROR);
		sandbox_enter(SANDBOX_READER, NULL);
		_exit(write(ends[1], sandbox_words(), strlen(sandbox_words())) < 0);
	}
	(void)close(ends[1]);
	if (child > 0 && read(ends[0], words, sizeof words - 1) > 0)
		(void)waitpid(child, NULL, 0);
	(void)close(ends[0]);
	if (words[0] != '\0' && strstr(words, "no ") == NULL)
		good("sandbox", "%s", words);
	else
		note("sandbox", "%s; without Landlock (Linux 5.13, and \"landlock\" among lsm=) the uploader is kept from files "
		     "by its missing capabilities alone, without seccomp the worker can make sockets",
		     words[0] != '\0' ? words : "none");
}

static void say_section(struct doctor *doctor, const struct capture_row *row)
{
	char check[sizeof row->name + sizeof "section "];

	(void)snprintf(check, sizeof check, "section %s", row->name);
	switch (row->outcome) {
	case OUTCOME_OK:
	case OUTCOME_TRUNCATED:
		good(check, "%zu bytes, %zu redactions", row->bytes, row->redactions);
		break;
	case OUTCOME_ABSENT:
		note(check, "there is none here");
		break;
	case OUTCOME_WITHHELD:
		bad(doctor, check, "rescue-agent collect shows why", "it would be withheld");
		break;
	default:
		bad(doctor, check, strcmp(row->name, "docker-ps") == 0
		    ? "look whether the Engine answers (docker ps); until then logs come from the disk"
		    : "rescue-agent collect shows why", "it cannot be collected");
	}
}

static void check_sections(struct doctor *doctor)
{
	const struct identity local = { .role = IDENTITY_WORKSPACE, .org = "local", .workspace_id = "local" };
	const struct config_texts *disabled = &doctor->config->sections.disable;
	struct worker_report report = { .bundle = BUF_INIT(LIMIT_BUNDLE_BYTES) };
	struct err err = ERR_INIT;

	if (geteuid() != 0)
		note("sections", "as root more can be read");
	if (command_collect(doctor->config, doctor->has_identity ? &doctor->identity : &local, &report, &err) == STATUS_OK) {
		for (size_t i = 0; i < report.table.count; i++)
			say_section(doctor, &report.table.rows[i]);
	} else {
		bad(doctor, "sections", "rescue-agent collect shows more", "%s", err.text);
	}
	for (size_t i = 0; i < disabled->count; i++)
		note("section", "%s is disabled by the configuration", disabled->items[i]);
	buf_done(&report.bundle);
}

/* What an enrolment or a renewal would say about this machine. */
static void check_metadata(struct doctor *doctor)
{
	const char *url = doctor->config->identity.metadata;
	struct enroll_document document;
	struct err err = ERR_INIT;

	if (instance_get_document(url, &document, &err) == STATUS_OK)
		good("instance", "%s in account %s says the metadata service", document.instance_id, document.account_id);
	else
		bad(doctor, "instance", "switch the instance's metadata service on (IMDSv2), or set identity.enroll to false and "
		    "put a certificate there", "%s: %s", url, err.text);
}

static const char *remedy_of(enum status status)
{
	switch (status) {
	case STATUS_DENIED:
		return "identity.ca must hold the authority of the sweeper's certificate, that must name the host as it stands in "
		       "sweepers, and the clocks must be right";
	case STATUS_UNAVAILABLE:
	case STATUS_TIMEOUT:
		return "look at the name, the route and the security groups: a box needs this one way out; and whether the sweeper "
		       "runs";
	default:
		return "look at the files of identity and at the URL";
	}
}

/* Asks for what there is not: an answer to that says all that is to be known, and changes nothing. */
static void check_sweeper(struct doctor *doctor, const char *sweeper)
{
	const struct fetch_options options = {
		.ca_file = doctor->config->identity.ca,
		.cert_file = doctor->has_identity ? doctor->config->identity.cert : NULL,
		.key_file = doctor->has_identity ? doctor->config->identity.key : NULL,
	};
	struct fetch_answer answer = FETCH_ANSWER_INIT(LIMIT_HTTP_BODY_SMALL);
	char url[LIMIT_PATH];
	const struct fetch_request request = { .method = "GET", .url = url, .timeout_ms = SWEEPER_TIMEOUT_MS,
		                               .stop_fd = stop_fd() };
	struct fetch *fetch = NULL;
	struct err err = ERR_INIT;
	enum status status = fetch_new(&options, &fetch, &err);

	(void)snprintf(url, sizeof url, "%s/v1/doctor", sweeper);
	if (status == STATUS_OK)
		status = fetch_run(fetch, &request, &answer, &err);
	if (status != STATUS_OK)
		bad(doctor, "sweeper", remedy_of(status), "%s: %s", sweeper, err.text);
	else if (answer.code == 404)
		good("sweeper", "%s takes this identity", sweeper);
	else if (answer.code == 403 && !doctor->has_identity)
		note("sweeper", "%s answers, and asks for a certificate", sweeper);
	else
		bad(doctor, "sweeper", answer.code == 403
		    ? "the certificate must be of the sweeper's trust domain and orgs; gate.denied in the sweeper's log says more"
		    : "look whether this is a sweeper, and into its log", "%s answers %d", sweeper, answer.code);
	buf_done(&answer.body);
	fetch_free(fetch);
}

static void check_network(struct doctor *doctor)
{
	struct err err = ERR_INIT;

	if (stop_init(&err) != STATUS_OK || fetch_global_init(&err) != STATUS_OK) {
		bad(doctor, "network", "look into the log above", "%s", err.text);
		return;
	}
	if (doctor->config->identity.enroll)
		check_metadata(doctor);
	for (size_t i = 0; i < doctor->config->sweepers.count; i++)
		check_sweeper(doctor, doctor->config->sweepers.items[i]);
}

int cmd_doctor(const struct command_line *line)
{
	const char *path = line->config != NULL ? line->config : AGENT_CONFIG_DEFAULT;
	struct agent_config *config = NULL;
	struct doctor doctor = { .is_ill = false };
	struct err err = ERR_INIT;

	if (agent_config_load(path, &config, &err) != STATUS_OK) {
		bad(&doctor, "configuration", "correct it; agent.yaml(5) lists the keys", "%s", err.text);
		return EXIT_FAILED;
	}
	doctor.config = config;
	good("configuration", "%s", path);
	check_rules(&doctor);
	check_identity(&doctor);
	check_spool(&doctor);
	/* These make processes, which they may while there is one thread; what follows starts others. */
	check_sandbox();
	check_sections(&doctor);
	check_network(&doctor);
	agent_config_free(config);
	return doctor.is_ill ? EXIT_FAILED : EXIT_DONE;
}
