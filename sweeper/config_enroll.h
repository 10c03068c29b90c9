/*
 * config_enroll: the `enroll` map of sweeper.yaml. Part of config.c, see there.
 */
#ifndef RESCUE_SWEEPER_CONFIG_ENROLL_H
#define RESCUE_SWEEPER_CONFIG_ENROLL_H

#include "sweeper/config.h"

/* Reads the map (NULL: disabled) into `ret_enroll`; config_enroll_free frees it, also when half read. */
enum status config_enroll_read(const struct config_reader *reader, const struct yaml_node *node,
                               struct enroll_config *ret_enroll);
void config_enroll_free(struct enroll_config *enroll);

/* STATUS_INVALID when the list `accounts` of `map` holds anything but AWS account ids. */
enum status config_enroll_check_accounts(const struct config_reader *reader, const struct yaml_node *map);

#endif
