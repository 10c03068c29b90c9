/*
 * enroll: a box without a certificate gets its own: the key is made here, EC2's instance identity document says which
 * instance this is, and a sweeper says which workspace's that makes it.
 *
 * Thread: the caller's, which sleeps in it. fetch_global_init and stop_init have run.
 */
#ifndef RESCUE_AGENT_ENROLL_H
#define RESCUE_AGENT_ENROLL_H

#include "agent/config.h"
#include "shared/fetch.h"

struct link;

/*
 * Asks until there is a certificate. A row that is not there yet, a sweeper or metadata service that cannot be reached are
 * waited for. `is_patient`: a refusal, too, since an operator may change what it is for; else STATUS_DENIED, and
 * STATUS_TIMEOUT after LIMIT_ENROLL_WAIT_S. *ret_renew_in_s is when the certificate is to be renewed. STATUS_CLOSED: the
 * workspace needs no rescue any more. STATUS_STOPPED.
 */
enum status enroll_run(const struct agent_config *config, bool is_patient, int64_t *ret_renew_in_s, struct err *err);

/*
 * As enroll_run, unless there is a good certificate of this very instance already: one that came with a disk image is
 * thrown away together with its key. *ret_renew_in_s counts from now.
 */
enum status enroll_ensure(const struct agent_config *config, int64_t *ret_renew_in_s, struct err *err);

/*
 * What a sweeper's answer to an enrolment or a renewal comes to. STATUS_OK: stored. STATUS_AGAIN: the link was told when
 * to ask again. STATUS_DENIED: refused, and logged; the link was told nothing.
 */
enum status enroll_take_answer(const struct agent_config *config, struct link *link, const struct fetch_answer *answer,
                               int64_t *ret_renew_in_s, struct err *err);

#endif
