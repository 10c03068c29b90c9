#include "sweeper/ship/lease.h"

#include "shared/clock.h"
#include "shared/log.h"

static void note_lost(struct cargo *cargo)
{
	cargo->is_lost = true;
	log_event(LOG_WARN, "ship.lease_lost", LOG_S("capture_id", cargo->capture_id),
	          LOG_S("workspace_id", cargo->workspace_id));
}

enum status lease_keep(struct lease *lease, struct err *err)
{
	int64_t now_mono_ms = clock_mono_ms();
	int64_t age_ms = now_mono_ms - lease->renewed_mono_ms;

	if (age_ms < LEASE_RENEW_MS)
		return STATUS_OK;
	for (size_t i = 0; i < lease->count; i++) {
		struct cargo *cargo = lease->cargos[i];
		enum status status;

		if (cargo->is_lost)
			continue;
		status = ledger_renew(lease->ledger, cargo->capture_id, lease->owner, LEASE_S, err);
		if (status == STATUS_CONFLICT)
			note_lost(cargo);
		else if (status != STATUS_OK && age_ms + LEASE_REQUEST_MS >= LEASE_S * 1000)
			return STATUS_UNAVAILABLE;
		else if (status != STATUS_OK)
			return STATUS_OK; /* Still good for one more request; asked again before the next. */
	}
	lease->renewed_mono_ms = now_mono_ms;
	return STATUS_OK;
}

enum status lease_rebase(struct lease *lease, struct cargo *cargo, struct err *err)
{
	int64_t base_ns;
	enum status status = ledger_rebase(lease->ledger, cargo->capture_id, lease->owner, &base_ns, err);

	if (status == STATUS_CONFLICT)
		note_lost(cargo);
	if (status != STATUS_OK)
		return status;
	log_event(LOG_WARN, "ship.rebased", LOG_S("capture_id", cargo->capture_id),
	          LOG_S("workspace_id", cargo->workspace_id), LOG_I("old_base_ns", cargo->entry_base_ns),
	          LOG_I("new_base_ns", base_ns));
	cargo->entry_base_ns = base_ns;
	return STATUS_OK;
}
