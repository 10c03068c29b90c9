#include <inttypes.h>
#include <stdio.h>

#include "shared/stop.h"
#include "sweeper/command.h"
#include "sweeper/verdict/sweep.h"

static enum status sweep_tenant(const struct sweeper_config *config, const struct tenant_config *tenant,
                                int64_t *ret_flipped, struct err *err)
{
	const struct sweep_options options = { .config = config, .tenant = tenant };
	struct sweep *sweep = NULL;
	enum status status = sweep_new(&options, &sweep, err);

	if (status == STATUS_OK)
		status = sweep_once(sweep, ret_flipped, err);
	sweep_free(sweep);
	return status;
}

int command_sweep_once(const struct sweeper_config *config, const struct command_options *options)
{
	struct err err = ERR_INIT;
	int code = EXIT_DONE;

	(void)options;
	if (stop_init(&err) != STATUS_OK) {
		(void)fprintf(stderr, "rescue-sweeper: %s\n", err.text);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < config->tenant_count; i++) {
		int64_t flipped = 0;

		if (sweep_tenant(config, &config->tenants[i], &flipped, &err) != STATUS_OK) {
			(void)fprintf(stderr, "rescue-sweeper: sweep %s: %s\n", config->tenants[i].org, err.text);
			code = EXIT_FAILED;
		}
		(void)printf("org=%s flipped=%" PRId64 "\n", config->tenants[i].org, flipped);
	}
	return fflush(stdout) == 0 ? code : EXIT_FAILED;
}
