/*
 * config_console: the part `console_fallback` of sweeper.yaml. Only used by config.c.
 */
#ifndef RESCUE_SWEEPER_CONFIG_CONSOLE_H
#define RESCUE_SWEEPER_CONFIG_CONSOLE_H

#include "sweeper/config.h"

/* `node` may be NULL: everything has its default, and it is not enabled. */
enum status config_console_read(const struct config_reader *reader, const struct yaml_node *node,
                                struct console_config *config);
void config_console_free(struct console_config *config);

#endif
