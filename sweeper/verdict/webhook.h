/*
 * webhook: posts each event of the outbox (rescue.events) to the configured URL, at least once.
 *
 * An event is delivered when the receiver answers 2xx; anything else is tried again, later and later, with jitter.
 * A receiver that fails changes nothing else: verdicts and captures do not wait for it.
 * One struct webhook a tenant, with a database connection of its own.
 * Thread: one at a time for each struct webhook; calls block.
 */
#ifndef RESCUE_SWEEPER_VERDICT_WEBHOOK_H
#define RESCUE_SWEEPER_VERDICT_WEBHOOK_H

#include <stdint.h>

#include "sweeper/config.h"

struct webhook;

/* Everything is borrowed and must outlive the struct webhook. */
struct webhook_options {
	const struct sweeper_config *config;
	const struct tenant_config *tenant;
};

enum status webhook_new(const struct webhook_options *options, struct webhook **ret_webhook, struct err *err);
void webhook_free(struct webhook *webhook);

/* Posts what is due now, at most one batch. *ret_posted counts attempts, whatever came of them. */
enum status webhook_once(struct webhook *webhook, int64_t *ret_posted, struct err *err);

/* Posts until the process shall stop (shared/stop.h). Returns at once when no webhook is configured. */
void webhook_loop(struct webhook *webhook);

#endif
