#include "sweeper/verdict/skew.h"

#include <pthread.h>
#include <stdlib.h>

#include "shared/log.h"
#include "sweeper/metrics.h"

#define NS_PER_S INT64_C(1000000000)

enum { LARGE_S = 10 };

struct skew {
	int64_t ns; /* this machine's clock less the database's */
	bool is_known;
};

static struct {
	pthread_mutex_t lock;
	struct skew *tenants; /* as many and in the order of the configuration's; kept to the end of the process */
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool is_large(int64_t ns)
{
	return llabs(ns) >= LARGE_S * NS_PER_S;
}

/* Under the lock. Needs one that is known. */
static int64_t smallest(const struct sweeper_config *config)
{
	int64_t found_ns = INT64_MAX;

	for (size_t i = 0; i < config->tenant_count; i++) {
		if (all.tenants[i].is_known && llabs(all.tenants[i].ns) < llabs(found_ns))
			found_ns = all.tenants[i].ns;
	}
	return found_ns;
}

/* Gives the skew that was known before, 0 when there was none. */
static enum status note(const struct sweeper_config *config, const struct tenant_config *tenant, int64_t skew_ns,
                        int64_t *ret_before_ns)
{
	size_t index = (size_t)(tenant - config->tenants);
	enum status status = STATUS_OK;

	(void)pthread_mutex_lock(&all.lock);
	if (all.tenants == NULL)
		all.tenants = calloc(config->tenant_count, sizeof *all.tenants);
	if (all.tenants == NULL) {
		status = STATUS_NO_MEMORY;
	} else {
		*ret_before_ns = all.tenants[index].ns;
		all.tenants[index] = (struct skew){ .ns = skew_ns, .is_known = true };
		clock_agree(clock_real_ns() - smallest(config));
	}
	(void)pthread_mutex_unlock(&all.lock);
	return status;
}

enum status skew_measure(struct ledger *ledger, const struct sweeper_config *config, const struct tenant_config *tenant,
                         struct err *err)
{
	int64_t asked_ns = clock_real_ns();
	int64_t database_ns = 0;
	int64_t skew_ns, before_ns = 0;
	enum status status = ledger_clock(ledger, &database_ns, err);

	if (status != STATUS_OK)
		return status;
	/* It looked at its clock about halfway between question and answer. */
	skew_ns = asked_ns + (clock_real_ns() - asked_ns) / 2 - database_ns;
	status = note(config, tenant, skew_ns, &before_ns);
	if (status != STATUS_OK)
		return err_set(err, status, "cannot note the clock's skew");
	metrics_set(METRIC_CLOCK_SKEW, tenant->org, skew_ns / NS_PER_S);
	if (is_large(skew_ns) != is_large(before_ns))
		log_event(is_large(skew_ns) ? LOG_WARN : LOG_INFO, "clock.skew", LOG_S("org", tenant->org),
		          LOG_I("seconds_ahead_of_database", skew_ns / NS_PER_S));
	return STATUS_OK;
}
