/*
 * config_sinks: the `sinks` list of sweeper.yaml. Part of config.c, see there.
 */
#ifndef RESCUE_SWEEPER_CONFIG_SINKS_H
#define RESCUE_SWEEPER_CONFIG_SINKS_H

#include "sweeper/config.h"

/* Reads the list (NULL: empty) into config->sinks; config_sinks_free frees them, also when half read. */
enum status config_sinks_read(const struct config_reader *reader, const struct yaml_node *list,
                              struct sweeper_config *config);
void config_sinks_free(struct sweeper_config *config);

/* True for http:// or https:// with a host behind it. */
bool config_is_http_url(const char *url);

#endif
