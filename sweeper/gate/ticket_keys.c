#include "sweeper/gate/ticket_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "sweeper/gate/core.h"

enum { EVERY_MS = 60 * 1000, RETRY_MS = 5000, FIRST_WAIT_S = 2 };

struct fetch {
	struct job job;
	struct gate_tenant *tenant;
	enum status status;
};

/* A key speaks for the identities of its tenant only. */
static void hand_over(const struct gate_tenant *tenant, const struct ledger_ticket_keys *keys)
{
	char prefix[LIMIT_SPIFFE_ID + 1];

	(void)snprintf(prefix, sizeof prefix, "spiffe://%s/org/%s/", tenant->lane->config->trust_domain,
	               tenant->config->org);
	tls_tickets_set(tenant->lane->gate->tickets, tenant->index, prefix, keys->keys, keys->count, keys->now_ms);
}

static void work_on_fetch(struct job *job, struct ledger *ledger)
{
	struct fetch *fetch = (struct fetch *)job;
	struct ledger_ticket_keys keys;
	struct err err = ERR_INIT;

	fetch->status = ledger_ticket_keys(ledger, &keys, &err);
	if (fetch->status == STATUS_OK)
		hand_over(fetch->tenant, &keys);
	else
		log_event(LOG_WARN, "tickets.no_keys", LOG_S("org", fetch->tenant->config->org), LOG_S("error", err.text),
		          LOG_S("effect", "sessions are resumed with the keys that are there"));
	wipe(&keys, sizeof keys);
	(void)sem_post(&fetch->tenant->lane->gate->keys_fetched);
}

static void on_fetched(struct job *job)
{
	struct fetch *fetch = (struct fetch *)job;
	struct ticket_keys *keys = &fetch->tenant->keys;

	keys->fetching = false;
	keys->due_mono_ms = clock_mono_ms() + (fetch->status == STATUS_OK ? EVERY_MS : RETRY_MS);
	free(fetch);
}

void ticket_keys_fetch(struct gate_tenant *tenant)
{
	struct fetch *fetch = tenant->keys.fetching ? NULL : calloc(1, sizeof *fetch);

	if (fetch == NULL)
		return;
	fetch->job = (struct job){ .work = work_on_fetch, .done = on_fetched };
	fetch->tenant = tenant;
	fetch->status = STATUS_STOPPED;
	tenant->keys.fetching = jobs_submit(tenant->jobs, &fetch->job) == STATUS_OK;
	if (!tenant->keys.fetching)
		free(fetch);
}

void ticket_keys_tick(struct gate_tenant *tenant, int64_t now_mono_ms)
{
	if (now_mono_ms >= tenant->keys.due_mono_ms)
		ticket_keys_fetch(tenant);
}

void ticket_keys_fetch_first(struct gate *gate)
{
	size_t count = gate->config->tenant_count;
	struct timespec until;

	for (size_t i = 0; i < count; i++)
		ticket_keys_fetch(&gate->lanes[0].tenants[i]);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += FIRST_WAIT_S;
	for (size_t i = 0; i < count && sem_clockwait(&gate->keys_fetched, CLOCK_MONOTONIC, &until) == 0; i++)
		;
}
