/*
 * operator: what rescuectl asks: captures of a workspace or of all, one capture with its records, and a retry.
 *
 * Each is a task_run.
 */
#ifndef RESCUE_SWEEPER_GATE_OPERATOR_H
#define RESCUE_SWEEPER_GATE_OPERATOR_H

#include "sweeper/gate/task.h"

/* id: the workspace, or "" for all. {"captures":[…]}, newest first. */
void operator_list(struct task *task, struct ledger *ledger);
/* {"capture":{…},"records":[…]}; no records when the bundle is not there (any more). */
void operator_show(struct task *task, struct ledger *ledger);
/* {"ok":true}; 409 when it was shipped and its bundle is no longer kept. */
void operator_retry(struct task *task, struct ledger *ledger);

#endif
