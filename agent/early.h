/*
 * early: the capture that a box makes on its own when no order and no stand-down came by boot_deadline_s. It waits in
 * the spool's folder, beside the bundles that answer an order:
 *
 *   <spool_dir>/early-<boot id>.ndjson.gz        whole, of that boot
 *   <spool_dir>/early-<boot id>.ndjson.gz.part   being written
 *
 * There is at most one, of the latest boot that came to it. Nobody ordered it, so it has no capture to be uploaded
 * under; the next order's does. A capture can have one bundle only, so that the early sections go along with the
 * fresh ones, as early.<name>: what the box was like when it should have been up, and what became of it. Sections
 * that did not change are named in early.unchanged and not repeated.
 * Thread: any; the supervisor writes, the uploader reads and drops.
 */
#ifndef RESCUE_AGENT_EARLY_H
#define RESCUE_AGENT_EARLY_H

#include "agent/config.h"
#include "agent/parcel.h"
#include "shared/redact/redact.h"

enum { EARLY_BOOT_ID_SIZE = 37 };

/* Of this machine, whatever the configured root. STATUS_INVALID when the kernel gives none. */
enum status early_boot_id(char ret_id[static EARLY_BOOT_ID_SIZE], struct err *err);

bool early_exists(const char *dir, const char *boot_id);
/* The file to be written; makes the folder. */
enum status early_create(const char *dir, const char *boot_id, int *ret_fd, struct err *err);
/* Puts it in its place, synced, and removes those of other boots; or removes it. */
enum status early_settle(const char *dir, const char *boot_id, bool is_good, struct err *err);

/* The one that waits, opened for reading; -1: none. */
int early_open(const char *dir);
/* Its evidence was taken, or is not wanted. */
void early_drop(const char *dir);

/*
 * Adds the early bundle's sections to `parcel`, which is not sealed; each goes through the redactor again. On failure
 * the parcel keeps what was added until then.
 */
enum status early_take_in(int fd, const struct redactor *redactor, struct parcel *parcel, struct err *err);

#endif
