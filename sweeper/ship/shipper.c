#include "sweeper/ship/shipper.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/random.h"
#include "shared/stop.h"
#include "sweeper/ship/notes.h"

enum {
	CLAIM_MAX = NOTES_MAX,
	CLAIM_FEW = 4,                  /* to see whether a sink is back */
	CLAIM_BYTES = 16 * 1024 * 1024, /* bundles as stored; the last may exceed it */
	OPEN_BYTES = 32 * 1024 * 1024,  /* unpacked bundles worked on at once; likewise */
	REST_MIN_MS = 500,
	REST_MAX_MS = 20 * 1000,
	NAMES_MAX = 16 * 1024,
	HOST_SIZE = 65,
	OWNER_SIZE = 128,
};

struct shipped_sink {
	const struct sink_config *config;
	const struct sink_ops *ops;
	void *sink;
	unsigned failures;         /* in a row, of the sink as a whole */
	int64_t rest_until_mono_ms;
};

struct shipper {
	struct ledger *ledger;
	struct shipped_sink *sinks;
	size_t sink_count;
	char owner[OWNER_SIZE];

	/* The claim at work. */
	struct cargo cargos[CLAIM_MAX];
	size_t cargo_count;
	enum status claim_status; /* of taking over what the claim lends */
	struct notes notes;
	struct lease lease;
	struct cargo *in_hand[CLAIM_MAX];
};

static const struct sink_ops *const kinds[] = {
	[SINK_LOKI] = &loki_sink,
	[SINK_STDOUT] = &stdout_sink,
	[SINK_ARCHIVE] = &archive_sink,
};

static enum status make_sinks(struct shipper *shipper, const struct sweeper_config *config,
                              const struct tenant_config *tenant, struct err *err)
{
	enum status status = STATUS_OK;

	shipper->sinks = calloc(config->sink_count + 1, sizeof *shipper->sinks);
	if (shipper->sinks == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < config->sink_count && status == STATUS_OK; i++) {
		struct shipped_sink *sink = &shipper->sinks[shipper->sink_count++];
		struct sink_options options = { .config = &config->sinks[i], .org = tenant->org };

		sink->config = options.config;
		sink->ops = kinds[options.config->kind];
		status = sink->ops->make(&options, &sink->sink, err);
		if (status != STATUS_OK)
			err_prefix(err, "sink %s", options.config->name);
	}
	return status;
}

enum status shipper_new(const struct sweeper_config *config, const struct tenant_config *tenant,
                        struct ledger *ledger, struct shipper **ret_shipper, struct err *err)
{
	struct shipper *shipper = calloc(1, sizeof *shipper);
	char host[HOST_SIZE] = "", id[RANDOM_UUID_SIZE];
	enum status status;

	*ret_shipper = NULL;
	if (shipper == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	(void)gethostname(host, sizeof host - 1);
	random_uuid(id);
	(void)snprintf(shipper->owner, sizeof shipper->owner, "%s:%ld:%s", host, (long)getpid(), id);
	shipper->ledger = ledger;
	shipper->notes = (struct notes){ .ledger = ledger, .owner = shipper->owner };
	shipper->lease = (struct lease){ .ledger = ledger, .owner = shipper->owner, .cargos = shipper->in_hand };
	status = make_sinks(shipper, config, tenant, err);
	if (status != STATUS_OK) {
		shipper_free(shipper);
		return status;
	}
	*ret_shipper = shipper;
	return STATUS_OK;
}

void shipper_free(struct shipper *shipper)
{
	if (shipper == NULL)
		return;
	for (size_t i = 0; i < shipper->sink_count; i++)
		shipper->sinks[i].ops->free(shipper->sinks[i].sink);
	free(shipper->sinks);
	free(shipper);
}

static bool is_resting(const struct shipped_sink *sink)
{
	return clock_mono_ms() < sink->rest_until_mono_ms;
}

static void take_capture(void *ctx, const struct ledger_capture *capture)
{
	struct shipper *shipper = ctx;
	enum status status;

	if (shipper->cargo_count == CLAIM_MAX)
		return;
	status = cargo_init(&shipper->cargos[shipper->cargo_count++], capture);
	if (status != STATUS_OK)
		shipper->claim_status = status;
}

/* The names of the sinks that do not rest, and of all. *ret_max is how many captures to claim for them. */
static void list_sinks(const struct shipper *shipper, struct buf *usable, struct buf *all, int64_t *ret_max)
{
	*ret_max = CLAIM_MAX;
	for (size_t i = 0; i < shipper->sink_count; i++) {
		const struct shipped_sink *sink = &shipper->sinks[i];

		buf_printf(all, "%s%s", all->len > 0 ? "," : "", sink->config->name);
		if (is_resting(sink))
			continue;
		buf_printf(usable, "%s%s", usable->len > 0 ? "," : "", sink->config->name);
		if (sink->failures > 0)
			*ret_max = CLAIM_FEW;
	}
}

static enum status claim(struct shipper *shipper, bool *ret_is_more, struct err *err)
{
	BUF_AUTO usable = BUF_INIT(NAMES_MAX);
	BUF_AUTO all = BUF_INIT(NAMES_MAX);
	struct ledger_claim claim = { .owner = shipper->owner, .lease_s = LEASE_S, .bytes = CLAIM_BYTES };
	size_t bytes = 0;
	enum status status;

	shipper->claim_status = STATUS_OK;
	shipper->notes.status = STATUS_OK;
	list_sinks(shipper, &usable, &all, &claim.max);
	if (buf_status(&usable) != STATUS_OK || buf_status(&all) != STATUS_OK)
		return err_set(err, STATUS_NO_MEMORY, "no room for the sinks' names");
	claim.usable_sinks = buf_cstr(&usable);
	claim.all_sinks = buf_cstr(&all);
	shipper->lease.renewed_mono_ms = clock_mono_ms();
	status = ledger_claim(shipper->ledger, &claim, take_capture, shipper, err);
	if (status == STATUS_OK && shipper->claim_status != STATUS_OK)
		status = err_set(err, shipper->claim_status, "cannot take over a claim: %s",
		                 status_name(shipper->claim_status));
	shipper->lease.count = shipper->cargo_count;
	for (size_t i = 0; i < shipper->cargo_count; i++) {
		shipper->in_hand[i] = &shipper->cargos[i];
		bytes += shipper->cargos[i].bundle_gzip.len;
	}
	*ret_is_more = (int64_t)shipper->cargo_count == claim.max || bytes >= CLAIM_BYTES;
	return status;
}

/* A sink that took nothing and cannot be used rests before it is asked again; what only it lacks stays unclaimed. */
static void note_sink(struct shipped_sink *sink, struct cargo *const *cargos, size_t count)
{
	bool is_down = false, took = false;

	for (size_t i = 0; i < count; i++) {
		took = took || cargos[i]->result == STATUS_OK;
		is_down = is_down || sink_is_down(cargos[i]->result);
	}
	if (took && sink->failures > 0)
		log_event(LOG_INFO, "ship.sink_back", LOG_S("sink", sink->config->name));
	if (took)
		sink->failures = 0;
	if (took || !is_down)
		return;
	if (sink->failures == 0)
		log_event(LOG_WARN, "ship.sink_down", LOG_S("sink", sink->config->name),
		          LOG_S("next", "it is tried again; nothing is lost"));
	sink->rest_until_mono_ms = clock_mono_ms() + REST_MIN_MS / 2 +
	                           (int64_t)random_backoff_ms(sink->failures++, REST_MIN_MS, REST_MAX_MS);
}

static void owe_all(struct cargo **cargos, size_t count, const char *sink, const char *reason)
{
	for (size_t i = 0; i < count; i++)
		cargo_owe(cargos[i], sink, reason);
}

/* Hands those of the cargos that need it to one sink. */
static void ship_to(struct shipper *shipper, struct shipped_sink *sink, struct cargo **cargos, size_t count)
{
	struct cargo *wanting[CLAIM_MAX];
	size_t wanting_count = 0;

	for (size_t i = 0; i < count; i++) {
		if (!cargos[i]->is_lost && !cargo_has_sink(cargos[i], sink->config->name))
			wanting[wanting_count++] = cargos[i];
	}
	if (wanting_count == 0)
		return;
	if (stop_wanted()) {
		owe_all(wanting, wanting_count, NULL, "the sweeper was stopped");
		return;
	}
	if (is_resting(sink)) {
		owe_all(wanting, wanting_count, sink->config->name, "it cannot be used now");
		return;
	}
	sink->ops->ship(sink->sink, &shipper->lease, wanting, wanting_count);
	note_sink(sink, wanting, wanting_count);
	for (size_t i = 0; i < wanting_count; i++)
		wanting[i]->is_attempted = wanting[i]->is_attempted || wanting[i]->result != STATUS_OK;
	notes_delivered(&shipper->notes, wanting, wanting_count, sink->config->name);
}

/* Unpacks as many of the cargos from `first` on as shall be in memory at once; answers how many that concerned. */
static size_t open_some(struct shipper *shipper, size_t first, struct cargo *opened[CLAIM_MAX], size_t *ret_opened)
{
	size_t bytes = 0, at = first;

	*ret_opened = 0;
	for (; at < shipper->cargo_count && bytes < OPEN_BYTES; at++) {
		struct cargo *cargo = &shipper->cargos[at];
		struct err err = ERR_INIT;
		enum status status = cargo_open(cargo, &err);

		bytes += cargo->ndjson.len;
		if (status == STATUS_OK) {
			opened[(*ret_opened)++] = cargo;
			continue;
		}
		cargo_owe(cargo, NULL, err.text);
		log_event(LOG_ERROR, "ship.unreadable", LOG_S("capture_id", cargo->capture_id),
		          LOG_S("workspace_id", cargo->workspace_id), LOG_S("error", err.text));
	}
	return at - first;
}

enum status shipper_round(struct shipper *shipper, bool *ret_is_more, struct err *err)
{
	enum status status = claim(shipper, ret_is_more, err);
	size_t step;

	for (size_t first = 0; status == STATUS_OK && first < shipper->cargo_count; first += step) {
		struct cargo *opened[CLAIM_MAX];
		size_t count;

		step = open_some(shipper, first, opened, &count);
		for (size_t i = 0; i < shipper->sink_count; i++)
			ship_to(shipper, &shipper->sinks[i], opened, count);
		notes_finish(&shipper->notes, &shipper->cargos[first], step);
		for (size_t i = first; i < first + step; i++) {
			cargo_close(&shipper->cargos[i]);
			/* Its lease is given back: there is nothing left to renew. */
			shipper->cargos[i].is_lost = true;
		}
	}
	for (size_t i = 0; i < shipper->cargo_count; i++)
		cargo_done(&shipper->cargos[i]);
	shipper->cargo_count = 0;
	shipper->lease.count = 0;
	/* Claiming again at once would find the same captures. */
	if (status == STATUS_OK && shipper->notes.status != STATUS_OK)
		status = err_set(err, shipper->notes.status, "the ledger did not take note of what was shipped");
	return status;
}

int64_t shipper_idle_ms(const struct shipper *shipper, int64_t most_ms)
{
	int64_t now_mono_ms = clock_mono_ms();

	for (size_t i = 0; i < shipper->sink_count; i++) {
		int64_t left_ms = shipper->sinks[i].rest_until_mono_ms - now_mono_ms;

		if (left_ms > 0 && left_ms < most_ms)
			most_ms = left_ms;
	}
	return most_ms;
}
