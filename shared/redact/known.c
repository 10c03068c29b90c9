#include "shared/redact/known.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "shared/buf.h"
#include "shared/limits.h"
#include "shared/redact/automaton.h"
#include "shared/redact/broken.h"
#include "shared/redact/forms.h"
#include "shared/redact/value.h"
#include "shared/redact/words.h"

enum { FIRST_CAP = 16 };

/* An id of the automaton: the number of a value, and above that which of its pieces was found; 0 for all of it. */
enum { PIECE_SHIFT = 24 };
_Static_assert(LIMIT_KNOWN_VALUES < 1 << PIECE_SHIFT && BROKEN_MAX_PIECES < 1 << (32 - PIECE_SHIFT), "an id holds both");

struct value {
	uint8_t *bytes;
	size_t len;
	const char *label;
};

struct known {
	struct value *values;
	size_t count;
	size_t cap;
	struct automaton *automaton;
	enum status failed; /* a value that could not be kept makes every search fail */
	pthread_mutex_t building;
	atomic_bool is_built;
};

struct known *known_new(void)
{
	struct known *known = calloc(1, sizeof *known);

	if (known == NULL)
		return NULL;
	if (pthread_mutex_init(&known->building, NULL) == 0)
		return known;
	free(known);
	return NULL;
}

void known_free(struct known *known)
{
	if (known == NULL)
		return;
	automaton_free(known->automaton);
	(void)pthread_mutex_destroy(&known->building);
	for (size_t i = 0; i < known->count; i++) {
		wipe(known->values[i].bytes, known->values[i].len);
		free(known->values[i].bytes);
	}
	free(known->values);
	free(known);
}

/* Values that stand in every text: masking them would hide the log and not the secret. */
static const word_listed common_words[] = {
	"0.0.0.0", "127.0.0.1", "access", "account", "action", "active", "address", "administrator", "always",
	"amazon", "anonymous", "apache", "application", "binary", "browser", "bucket", "cancel", "changed",
	"changeit", "changeme", "client", "cluster", "command", "config", "connection", "console", "container",
	"content", "cookie", "create", "custom", "database", "debian", "default", "delete", "deploy", "developer",
	"development", "device", "disable", "disabled", "docker", "domain", "dynamic", "elastic", "enable", "enabled",
	"engine", "example", "external", "failed", "filesystem", "folder", "format", "gateway", "github", "global",
	"google", "grafana", "health", "hidden", "insecure", "install", "instance", "integration", "internal",
	"jenkins", "kubernetes", "latest", "letmein", "localhost", "logging", "manager", "manual", "master", "memory",
	"message", "metadata", "method", "microsoft", "minimal", "mongodb", "monitor", "mysqld", "network", "normal",
	"notset", "object", "online", "openid", "optional", "oracle", "package", "passwd", "password", "platform",
	"plugin", "policy", "postgres", "postgresql", "primary", "private", "process", "production", "profile",
	"project", "prometheus", "prompt", "public", "python", "qwerty", "rabbitmq", "random", "readonly", "region",
	"registry", "release", "remote", "replica", "request", "required", "runtime", "sample", "schema", "script",
	"secret", "secure", "security", "select", "server", "service", "session", "simple", "source", "staging",
	"standard", "started", "static", "status", "storage", "strict", "string", "system", "target", "template",
	"testing", "timeout", "ubuntu", "unknown", "update", "upgrade", "username", "variable", "version", "warning",
	"worker", "workspace",
};

static bool is_common(struct span value)
{
	return value_is_masked(value) || value_is_empty_word(value) || (value_is_number(value) && value.len < 8) ||
	       words_hold_span(WORD_LIST(common_words), value);
}

struct adding {
	struct known *known;
	uint32_t id;
};

static enum status add_form(void *ctx, struct span form)
{
	struct adding *adding = ctx;

	return automaton_add(adding->known->automaton, form, adding->id);
}

static enum status make_room(struct known *known)
{
	size_t cap = known->cap == 0 ? FIRST_CAP : known->cap * 2;
	struct value *values;

	if (known->automaton == NULL)
		known->automaton = automaton_new();
	if (known->automaton == NULL)
		return STATUS_NO_MEMORY;
	if (known->count < known->cap)
		return STATUS_OK;
	values = reallocarray(known->values, cap, sizeof *values);
	if (values == NULL)
		return STATUS_NO_MEMORY;
	known->values = values;
	known->cap = cap;
	return STATUS_OK;
}

static struct span value_at(const struct known *known, size_t index)
{
	return span_of(known->values[index].bytes, known->values[index].len);
}

/* What the automaton holds may be another value's form or piece. */
static bool is_known(const struct known *known, struct span value)
{
	if (!automaton_holds(known->automaton, value))
		return false;
	for (size_t i = 0; i < known->count; i++) {
		if (span_eq(value_at(known, i), value))
			return true;
	}
	return false;
}

static enum status keep_value(struct known *known, struct span value, const char *label)
{
	uint8_t *bytes = malloc(value.len);

	if (bytes == NULL)
		return STATUS_NO_MEMORY;
	memcpy(bytes, value.ptr, value.len);
	known->values[known->count++] = (struct value){ bytes, value.len, label };
	return STATUS_OK;
}

static enum status add_pieces(struct known *known, struct span value, uint32_t id)
{
	enum status status = STATUS_OK;

	for (uint32_t i = 0; i < broken_pieces(value) && status == STATUS_OK; i++)
		status = automaton_add(known->automaton, broken_piece(value, i), (i + 1) << PIECE_SHIFT | id);
	return status;
}

enum status known_add(struct known *known, struct span value, const char *label)
{
	struct adding adding = { .known = known, .id = (uint32_t)known->count };
	enum status status;

	if (value.len < KNOWN_MIN_VALUE || is_common(value))
		return STATUS_OK;
	if (known->count >= LIMIT_KNOWN_VALUES || value.len > LIMIT_KNOWN_VALUE_BYTES)
		return STATUS_TOO_LARGE;
	status = make_room(known);
	if (status == STATUS_OK && is_known(known, value))
		return STATUS_OK;
	if (status == STATUS_OK)
		status = keep_value(known, value, label);
	if (status == STATUS_OK)
		status = forms_each(value, add_form, &adding);
	if (status == STATUS_OK)
		status = add_pieces(known, value, adding.id);
	atomic_store(&known->is_built, false);
	if (status != STATUS_OK)
		known->failed = status;
	return status;
}

size_t known_count(const struct known *known)
{
	return known->count;
}

/* Once for all values, by the first search: building after each value would cost the square of their number. */
static void build(struct known *known)
{
	if (atomic_load(&known->is_built))
		return;
	(void)pthread_mutex_lock(&known->building);
	if (!atomic_load(&known->is_built))
		automaton_build(known->automaton);
	atomic_store(&known->is_built, true);
	(void)pthread_mutex_unlock(&known->building);
}

struct search {
	const struct known *known;
	struct span text;
	struct findings *findings;
};

static void add_found(void *ctx, size_t start, size_t end, uint32_t id)
{
	struct search *search = ctx;
	uint32_t piece = id >> PIECE_SHIFT, value = id & ((1U << PIECE_SHIFT) - 1);

	if (piece > 0 && !broken_match(value_at(search->known, value), piece - 1, search->text, &start, &end))
		return;
	findings_add(search->findings, (struct finding){ .start = start,
	                                                 .end = end,
	                                                 .rank = FINDING_KNOWN,
	                                                 .label = search->known->values[value].label,
	                                                 .rule = "known-value" });
}

enum status known_find_all(struct known *known, struct span text, struct findings *findings)
{
	struct search search = { known, text, findings };

	if (known == NULL)
		return STATUS_OK;
	if (known->failed != STATUS_OK || known->automaton == NULL)
		return known->failed;
	build(known);
	automaton_find_all(known->automaton, text, add_found, &search);
	return STATUS_OK;
}
