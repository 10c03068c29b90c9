/*
 * enroll: POST /v1/enroll: a box without a certificate proves by EC2's instance identity document which workspace's it
 * is, and gets one.
 *
 *   rate of the address ─▶ signature ─▶ account ─▶ rate of the instance ─▶ ask the tenants whose row it is
 *                                                         ─▶ age, state, key (one statement) ─▶ issue ─▶ 201
 *
 * Whatever can be refused without a database is refused before one is asked. An instance's rate counts only what
 * really came from it: nobody else can use it up.
 * Thread: the loop's.
 */
#ifndef RESCUE_SWEEPER_GATE_ENROLL_H
#define RESCUE_SWEEPER_GATE_ENROLL_H

#include "sweeper/gate/conn.h"

/* True when the path is the enrolment's and enrolment is on. */
bool enroll_is_for(const struct conn *conn, const struct http1_request *request);

/* Of conn_service, for such a request. The peer showed no certificate. */
int enroll_admit(const struct http1_request *request, size_t *ret_max_body, const char **ret_reason);
void enroll_serve(struct conn *conn, const struct http1_request *request);

#endif
