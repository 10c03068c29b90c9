/*
 * aws: signed requests to EC2 (Signature Version 4, libcurl's), and the credentials for them: those of the environment
 * (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), else those of the instance's role (IMDSv2); with
 * console_fallback.role, what STS gives for them. They are kept until shortly before they expire.
 *
 * Thread: one at a time for each struct aws. fetch_global_init and stop_init have run.
 */
#ifndef RESCUE_SWEEPER_CONSOLE_AWS_H
#define RESCUE_SWEEPER_CONSOLE_AWS_H

#include "shared/fetch.h"
#include "sweeper/config.h"

struct aws;

/* Keeps the pointer. */
enum status aws_new(const struct console_config *config, struct aws **ret_aws, struct err *err);
void aws_free(struct aws *aws);

/*
 * GetConsoleOutput of one instance; `is_latest` asks for what the console shows now, which instances of older kinds
 * refuse. STATUS_OK: there is an answer, whatever its code. STATUS_UNAVAILABLE and the others of fetch_run, also when
 * there are no credentials.
 */
enum status aws_get_console(struct aws *aws, const char *instance_id, bool is_latest, struct fetch_answer *answer,
                            struct err *err);

/* After an answer that says so: the credentials are asked for again. */
void aws_forget_credentials(struct aws *aws);

/* i- and hexadecimal digits: what may stand in a request. */
bool aws_is_instance_id(struct span text);

#endif
