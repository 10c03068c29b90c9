/*
 * supervisor: the process that `run` is. It starts the others, passes signals on, and touches nothing that comes from
 * outside but a small request from its own uploader, which it checks.
 *
 *   supervisor ──fork──▶ uploader: all that agent/run.h does; has the network, cannot read the box
 *        │ ◀──"capture now", with the descriptor for the report── │
 *        ├──fork──▶ worker and doorkeepers, for each capture; read the box, have no network (agent/worker.h)
 *        └──boot_deadline_s passed without a request──▶ worker with the early capture's file (agent/early.h)
 *
 * An uploader that ends takes the supervisor with it; one that asks for renewal (UPLOADER_RENEW) is started again,
 * since what Landlock let it see has been replaced by other files. Both are asleep when nothing is to be done.
 * Thread: the first one, without others.
 */
#ifndef RESCUE_AGENT_SUPERVISOR_H
#define RESCUE_AGENT_SUPERVISOR_H

#include "agent/config.h"
#include "agent/parcel.h"
#include "proto/identity.h"

/* Exit code of an uploader that wants to be started again. */
enum { UPLOADER_RENEW = 75 };

/* Runs until SIGTERM or a stand-down; the exit code of the process. */
int supervisor_run(const struct agent_config *config);

/*
 * In the uploader: has the box captured for `order` and gives the sealed parcel. `control` leads to the supervisor,
 * `early_fd` is an early bundle that shall go along, or -1; *ret_early_done: it did, or never will. The statuses of
 * worker_receive.
 */
enum status supervisor_capture(int control, const struct agent_config *config, const struct identity *identity,
                               const struct order *order, int early_fd, struct parcel **ret_parcel,
                               bool *ret_early_done, struct err *err);

#endif
