/*
 * config_urls: which URLs agent.yaml may hold. Part of config.c, see there.
 */
#ifndef RESCUE_AGENT_CONFIG_URLS_H
#define RESCUE_AGENT_CONFIG_URLS_H

#include "shared/span.h"

/* https://host or https://host:port without a path. */
bool config_urls_is_sweeper(struct span url);

/* EC2's metadata service by its link-local addresses, or loopback, with or without a port. */
bool config_urls_is_metadata(struct span url);

#endif
