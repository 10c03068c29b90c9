/*
 * container_disk: the containers as the Engine left them on disk, for when it does not answer: their descriptions
 * (config.v2.json) and their JSON log files below /var/lib/docker/containers.
 *
 * Thread: any.
 */
#ifndef RESCUE_AGENT_COLLECT_CONTAINER_DISK_H
#define RESCUE_AGENT_COLLECT_CONTAINER_DISK_H

#include "agent/collect/container.h"
#include "agent/collect/container_log.h"

/*
 * All containers with all details. One whose description cannot be read is known by its id and the time of its log
 * file only. STATUS_NOT_FOUND when there is no such folder.
 */
enum status container_disk_list(const char *root, struct container_list *ret_list, struct err *err);

/*
 * Adds the end of the container's JSON log file: the one that the container names, else the one that an Engine with
 * default settings writes. STATUS_NOT_FOUND when there is none.
 */
enum status container_disk_log(const char *root, const struct container *container, struct container_log *log,
                               struct err *err);

#endif
