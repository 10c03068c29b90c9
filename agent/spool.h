/*
 * spool: sealed parcels on the box's disk until a sweeper has taken them. Between redact and upload in the data's way.
 *
 *   <spool_dir>/<capture_id>.ndjson.gz           waits for upload
 *   <spool_dir>/<capture_id>.ndjson.gz.refused   set aside: a sweeper refused it for good
 *   <spool_dir>/<capture_id>.order.json          the order that it answers
 *
 * Folder 0700, files 0600, written beside and renamed into place, so that a file under its name is whole.
 * Limits: LIMIT_SPOOL_BUNDLES and LIMIT_SPOOL_BYTES, waiting and set aside together. When they are reached the oldest
 * refused one goes first, then the oldest waiting one, and the log says so each time.
 * Thread: one. One process a folder.
 */
#ifndef RESCUE_AGENT_SPOOL_H
#define RESCUE_AGENT_SPOOL_H

#include "agent/parcel.h"

struct spool {
	const char *dir; /* borrowed */
};

enum spool_state { SPOOL_NONE, SPOOL_WAITING, SPOOL_REFUSED };

struct spool_entry {
	char capture_id[CAPTURE_ID_SIZE];
	enum spool_state state;
	int64_t stored_ns; /* real time */
	size_t bytes;
};

enum { SPOOL_LIST_MAX = 4 * LIMIT_SPOOL_BUNDLES };

struct spool_list {
	struct spool_entry items[SPOOL_LIST_MAX]; /* oldest first */
	size_t count;
};

/* Makes the folder and clears what a crash left half written or without its bundle. */
enum status spool_init(struct spool *spool, const char *dir, struct err *err);

enum status spool_list(const struct spool *spool, struct spool_list *ret_list, struct err *err);

/* Durable when it returns STATUS_OK. A refused one of the same capture is replaced. */
enum status spool_put(const struct spool *spool, const struct order *order, const struct parcel *parcel,
                      struct err *err);

/*
 * What there is for a capture. *ret_order is the order that it answers; its grace is 0 when that cannot be read any
 * more.
 */
enum spool_state spool_find(const struct spool *spool, const char *capture_id, struct order *ret_order);

enum status spool_load(const struct spool *spool, const char *capture_id, struct parcel **ret_parcel,
                       struct err *err);

/* Both log what they could not do: the parcel's fate is decided, and no caller could do more. */
void spool_drop(const struct spool *spool, const char *capture_id);
void spool_set_aside(const struct spool *spool, const char *capture_id);

#endif
