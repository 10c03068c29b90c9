/*
 * upload: PUT /v1/captures/{id}/bundle. What was sent is checked and redacted again (receive.h), and stored before
 * it is acknowledged.
 */
#ifndef RESCUE_SWEEPER_GATE_UPLOAD_H
#define RESCUE_SWEEPER_GATE_UPLOAD_H

#include "sweeper/gate/task.h"

/* A task_run: id is the capture's, the caller is a workspace. */
void upload_run(struct task *task, struct ledger *ledger);

#endif
