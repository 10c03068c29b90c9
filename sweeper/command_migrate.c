#include <stdio.h>

#include "shared/log.h"
#include "sweeper/command.h"
#include "sweeper/ledger/ledger.h"

enum { STATEMENT_MAX = 4096 };

static const char *const without_index[] = {
	[LEDGER_INDEX_SWEEP] = "each sweep reads every row of the workspaces table",
	[LEDGER_INDEX_INSTANCE] = "each enrolment reads every row of the workspaces table",
};

static enum status offer_index(struct ledger *ledger, enum ledger_index index, const char *org, struct err *err)
{
	BUF_AUTO statement = BUF_INIT(STATEMENT_MAX);

	if (ledger_index_statement(ledger, index, &statement) != STATUS_OK)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	(void)printf("org=%s: without this index %s:\n  %s\n"
	             "The table is the platform's, so that it is for you to make it, or: rescue-sweeper migrate --create-index\n",
	             org, without_index[index], buf_cstr(&statement));
	return fflush(stdout) == 0 ? STATUS_OK : err_set_errno(err, "cannot write to standard output");
}

static enum status see_to_index(struct ledger *ledger, enum ledger_index index, const char *org, bool create,
                                struct err *err)
{
	enum ledger_index_state state = LEDGER_INDEX_THERE;
	enum status status = ledger_index_state(ledger, index, &state, err);

	if (status != STATUS_OK || state == LEDGER_INDEX_THERE)
		return status;
	if (!create)
		return offer_index(ledger, index, org, err);
	if (state == LEDGER_INDEX_BROKEN)
		return err_set(err, STATUS_CONFLICT, "an index on %s was broken off while it was made (see \\d in psql): "
		               "drop it and try again",
		               index == LEDGER_INDEX_SWEEP ? "updated_at" : "instance_id");
	status = ledger_index_make(ledger, index, err);
	if (status == STATUS_OK)
		log_event(LOG_INFO, "migrate.index_made", LOG_S("org", org));
	return status;
}

static enum status see_to_trigger(struct ledger *ledger, const struct sweeper_config *config, const char *org,
                                  struct err *err)
{
	bool is_installed = false;
	enum status status;

	if (config->verdicts.adopt_external)
		return ledger_adoption_install(ledger, err);
	status = ledger_adoption_installed(ledger, &is_installed, err);
	/* Another replica's configuration may want it, so that only a person takes it away. */
	if (status == STATUS_OK && is_installed)
		log_event(LOG_WARN, "migrate.trigger_stays", LOG_S("org", org),
		          LOG_S("reason", "verdicts.adopt_external is off; migrate --drop-external-trigger takes it away"));
	return status;
}

static enum status migrate(const struct sweeper_config *config, const struct tenant_config *tenant,
                           const struct command_options *options, struct err *err)
{
	struct ledger *ledger;
	enum status status = ledger_new(config, tenant, &ledger);

	if (status != STATUS_OK)
		return err_set(err, status, "%s", status_name(status));
	if (options->drop_external_trigger) {
		status = ledger_adoption_drop(ledger, err);
	} else {
		status = ledger_migrate(ledger, err);
		if (status == STATUS_OK)
			status = see_to_trigger(ledger, config, tenant->org, err);
		if (status == STATUS_OK)
			status = see_to_index(ledger, LEDGER_INDEX_SWEEP, tenant->org, options->create_index, err);
		if (status == STATUS_OK && config->enroll.enabled)
			status = see_to_index(ledger, LEDGER_INDEX_INSTANCE, tenant->org, options->create_index, err);
	}
	ledger_free(ledger);
	return status;
}

/* All tenants are tried; one that fails does not keep the others from being ready. */
int command_migrate(const struct sweeper_config *config, const struct command_options *options)
{
	int code = EXIT_DONE;

	for (size_t i = 0; i < config->tenant_count; i++) {
		struct err err = ERR_INIT;

		if (migrate(config, &config->tenants[i], options, &err) == STATUS_OK) {
			log_event(LOG_INFO, "migrate.done", LOG_S("org", config->tenants[i].org));
			continue;
		}
		(void)fprintf(stderr, "rescue-sweeper: migrate %s: %s\n", config->tenants[i].org, err.text);
		code = EXIT_FAILED;
	}
	return code;
}
