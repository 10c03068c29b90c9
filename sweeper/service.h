/*
 * service: `rescue-sweeper run`: the gate on the calling thread, and for each tenant its threads beside it.
 */
#ifndef RESCUE_SWEEPER_SERVICE_H
#define RESCUE_SWEEPER_SERVICE_H

#include "sweeper/config.h"

/*
 * Runs until the process shall stop, and drains. STATUS_OK then; else what kept it from starting, in words. A thread
 * that hangs in a database beyond the drain ends the process from here, with exit code 0.
 */
enum status service_run(const struct sweeper_config *config, struct err *err);

#endif
