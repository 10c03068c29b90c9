/*
 * loki: the Loki sink. Fresh captures travel together, as many records in a push as fit; what was refused in company
 * or tried before goes one capture at a time (loki_settle.h). At the end Loki is asked whether it has everything.
 */
#include <stdlib.h>

#include "shared/stop.h"
#include "sweeper/ship/loki_settle.h"
#include "sweeper/ship/sink.h"

struct loki {
	struct sink_options options;
	struct jdoc *labels;
	struct loki_link *link;
};

/* One call of ship. */
struct delivery {
	struct loki_work work;
	struct cargo **cargos;
	size_t count;
};

/* A record by its cargo's place in the delivery and its own in the cargo. */
struct cursor {
	size_t cargo, entry;
};

static void loki_free(void *sink)
{
	struct loki *loki = sink;

	if (loki == NULL)
		return;
	loki_link_free(loki->link);
	jdoc_free(loki->labels);
	free(loki);
}

static enum status loki_make(const struct sink_options *options, void **ret_sink, struct err *err)
{
	struct loki *loki = calloc(1, sizeof *loki);
	enum status status;

	*ret_sink = NULL;
	if (loki == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	loki->options = *options;
	loki->labels = loki_push_labels(options->config, options->org);
	status = loki->labels == NULL ? err_set(err, STATUS_INVALID, "the labels are not UTF-8")
	                              : loki_link_new(options->config, &loki->link, err);
	if (status != STATUS_OK) {
		loki_free(loki);
		return status;
	}
	*ret_sink = loki;
	return STATUS_OK;
}

static bool is_open(const struct cargo *cargo)
{
	return cargo->result == STATUS_AGAIN && !cargo->is_lost;
}

/* Ends those that have at least `missing` records which Loki has not taken. */
static void finish_open(struct delivery *delivery, size_t missing, enum status status, const char *reason)
{
	for (size_t i = 0; i < delivery->count; i++) {
		if (is_open(delivery->cargos[i]) && cargo_missing(delivery->cargos[i]) >= missing)
			(void)cargo_finish(delivery->cargos[i], status, "%s", reason);
	}
}

/* Asks which records of the cargos that were tried before are there already. */
static enum status look_back(struct delivery *delivery, struct err *err)
{
	struct cargo **tried = calloc(delivery->count, sizeof *tried);
	struct loki_range range;
	enum status status = STATUS_OK;
	size_t count = 0;

	if (tried == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < delivery->count; i++) {
		if (delivery->cargos[i]->was_tried)
			tried[count++] = delivery->cargos[i];
	}
	if (count > 0) {
		range = loki_presence_range(tried, count, false);
		status = loki_presence_ask(&delivery->work.presence, tried, count, &range, err);
	}
	free(tried);
	return status;
}

/* Fills the push from *cursor on, which moves behind the last record that was looked at. */
static enum status fill(struct delivery *delivery, struct loki_push *push, struct cursor *cursor)
{
	for (; cursor->cargo < delivery->count; cursor->cargo++, cursor->entry = 0) {
		struct cargo *cargo = delivery->cargos[cursor->cargo];

		if (!is_open(cargo) || cargo->is_solo)
			continue;
		for (; cursor->entry < cargo->entry_count; cursor->entry++) {
			const struct cargo_entry *entry = &cargo->entries[cursor->entry];
			enum status status;

			if (!loki_push_fits(push, entry->line))
				return STATUS_OK;
			status = loki_push_add(push, cargo_entry_ns(cargo, cursor->entry), entry->line, cargo, entry);
			if (status != STATUS_OK)
				return status;
		}
	}
	return STATUS_OK;
}

/* Ticks off what lay between the cursors, or sends its cargos on by themselves. */
static void settle_between(struct delivery *delivery, struct cursor from, struct cursor to, bool is_stored)
{
	for (size_t i = from.cargo; i < delivery->count && i <= to.cargo; i++) {
		struct cargo *cargo = delivery->cargos[i];
		size_t first = i == from.cargo ? from.entry : 0;
		size_t end = i == to.cargo ? to.entry : cargo->entry_count;

		if (!is_open(cargo) || cargo->is_solo || first >= end)
			continue;
		for (size_t j = first; j < end && is_stored; j++)
			cargo->entries[j].is_stored = true;
		cargo->is_solo = !is_stored;
	}
}

/* One push of the fresh cargos' records. STATUS_OK: go on, whether or not all was taken. */
static enum status push_some(struct delivery *delivery, struct loki_push *push, struct cursor *cursor,
                             struct err *err)
{
	struct cursor from = *cursor;
	struct loki_answer answer;
	enum status status = lease_keep(delivery->work.lease, err);

	loki_push_reset(push);
	if (status == STATUS_OK)
		status = fill(delivery, push, cursor);
	if (status != STATUS_OK || push->count == 0)
		return status;
	status = loki_work_send(&delivery->work, push, &answer, err);
	if (status != STATUS_OK)
		return status;
	switch (answer.verdict) {
	case LOKI_STORED:
	case LOKI_MISTIMED:
	case LOKI_REFUSED:
	case LOKI_TOO_BIG:
		settle_between(delivery, from, *cursor, answer.verdict == LOKI_STORED);
		return STATUS_OK;
	case LOKI_LATER:
	case LOKI_BUSY:
	case LOKI_MISCONFIGURED:
		break;
	}
	return err_set(err, STATUS_UNAVAILABLE, "%s", answer.reason);
}

static enum status push_together(struct delivery *delivery, struct err *err)
{
	struct loki_push push;
	struct cursor cursor = { 0, 0 };
	enum status status = STATUS_OK;

	loki_push_init(&push, delivery->work.labels, delivery->work.config->structured_metadata);
	while (status == STATUS_OK && cursor.cargo < delivery->count)
		status = push_some(delivery, &push, &cursor, err);
	loki_push_done(&push);
	return status;
}

static enum status push_alone(struct delivery *delivery, struct err *err)
{
	for (size_t i = 0; i < delivery->count; i++) {
		struct cargo *cargo = delivery->cargos[i];
		enum status status;

		if (!is_open(cargo) || cargo_missing(cargo) == 0)
			continue;
		status = loki_settle(&delivery->work, cargo);
		if (sink_is_down(status) || status == STATUS_STOPPED)
			return err_set(err, status, "%s", cargo->err.text);
	}
	return STATUS_OK;
}

/* Asks once for the cargos in `asked` and ends those that are complete; *count is how many remain. */
static enum status verify_once(struct delivery *delivery, struct cargo **asked, size_t *count, struct err *err)
{
	struct loki_range range;
	bool is_fresh = true;
	enum status status;
	size_t left = 0;

	for (size_t i = 0; i < *count; i++) {
		is_fresh = is_fresh && !asked[i]->was_tried;
		for (size_t j = 0; j < asked[i]->entry_count; j++)
			asked[i]->entries[j].is_stored = false;
	}
	range = loki_presence_range(asked, *count, is_fresh);
	status = lease_keep(delivery->work.lease, err);
	if (status == STATUS_OK)
		status = loki_presence_ask(&delivery->work.presence, asked, *count, &range, err);
	for (size_t i = 0; i < *count && status == STATUS_OK; i++) {
		if (cargo_missing(asked[i]) == 0)
			asked[i]->result = STATUS_OK;
		else
			asked[left++] = asked[i];
	}
	if (status == STATUS_OK)
		*count = left;
	return status;
}

/* A push that was answered may be visible a little later. */
static enum status verify(struct delivery *delivery, struct err *err)
{
	static const uint64_t waits_ms[] = { 0, 50, 250, 1000 };
	struct cargo **asked = calloc(delivery->count, sizeof *asked);
	enum status status = STATUS_OK;
	size_t count = 0;

	if (asked == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < delivery->count; i++) {
		if (is_open(delivery->cargos[i]))
			asked[count++] = delivery->cargos[i];
	}
	for (size_t i = 0; i < sizeof waits_ms / sizeof waits_ms[0] && count > 0 && status == STATUS_OK; i++) {
		if (waits_ms[i] > 0)
			status = stop_sleep_ms(waits_ms[i]);
		if (status == STATUS_OK)
			status = verify_once(delivery, asked, &count, err);
		else
			(void)err_set(err, status, "stopped before Loki had confirmed everything");
	}
	for (size_t i = 0; i < count && status == STATUS_OK; i++)
		(void)cargo_finish(asked[i], STATUS_INVALID, "pushed, but Loki does not show %zu of %zu records",
		                   cargo_missing(asked[i]), asked[i]->entry_count);
	free(asked);
	return status;
}

static void loki_ship(void *sink, struct lease *lease, struct cargo **cargos, size_t count)
{
	const struct loki *loki = sink;
	const struct sink_config *config = loki->options.config;
	struct delivery delivery = {
		.work = {
			.config = config,
			.labels = loki->labels,
			.presence = { .link = loki->link, .org = loki->options.org },
			.lease = lease,
		},
		.cargos = cargos,
		.count = count,
	};
	struct err err = ERR_INIT;
	enum status status;

	for (size_t i = 0; i < count; i++)
		cargo_begin(cargos[i]);
	status = look_back(&delivery, &err);
	if (status == STATUS_OK)
		status = push_together(&delivery, &err);
	if (status == STATUS_OK)
		status = push_alone(&delivery, &err);
	/* What was taken before Loki failed is asked for all the same: one capture must not hold up the others for ever. */
	if (status != STATUS_OK && status != STATUS_STOPPED) {
		finish_open(&delivery, 1, status, err.text);
		status = STATUS_OK;
	}
	if (status == STATUS_OK && config->verify)
		status = verify(&delivery, &err);
	finish_open(&delivery, 0, status, err.text);
}

const struct sink_ops loki_sink = { .make = loki_make, .free = loki_free, .ship = loki_ship };
