/*
 * bootstrap: POST /v1/workspaces/{id}/bootstrap-failed: the control plane saw a boot fail before its time was up.
 */
#ifndef RESCUE_SWEEPER_GATE_BOOTSTRAP_H
#define RESCUE_SWEEPER_GATE_BOOTSTRAP_H

#include "sweeper/gate/task.h"

/* A task_run: id is the workspace's, the body {"error":"…","log_tail":"…"}, both optional. */
void bootstrap_run(struct task *task, struct ledger *ledger);

#endif
