#include <stdio.h>

#include "shared/log.h"
#include "sweeper/command.h"
#include "sweeper/ledger/ledger.h"

static enum status migrate(const struct sweeper_config *config, const struct tenant_config *tenant, struct err *err)
{
	struct ledger *ledger;
	enum status status = ledger_new(config, tenant, &ledger);

	if (status != STATUS_OK)
		return err_set(err, status, "%s", status_name(status));
	status = ledger_migrate(ledger, err);
	ledger_free(ledger);
	return status;
}

/* All tenants are tried; one that fails does not keep the others from being ready. */
int command_migrate(const struct sweeper_config *config)
{
	int code = EXIT_DONE;

	for (size_t i = 0; i < config->tenant_count; i++) {
		struct err err = ERR_INIT;

		if (migrate(config, &config->tenants[i], &err) == STATUS_OK) {
			log_event(LOG_INFO, "migrate.done", LOG_S("org", config->tenants[i].org));
			continue;
		}
		(void)fprintf(stderr, "rescue-sweeper: migrate %s: %s\n", config->tenants[i].org, err.text);
		code = EXIT_FAILED;
	}
	return code;
}
