/*
 * parcel: a bundle on its way out of the box. Between redact and spool in the data's way.
 *
 * Its content comes from clean_text alone (parcel_add), from a worker that packed such a parcel (parcel_adopt) or from
 * a file that the spool wrote out of one (parcel_read), and spool and upload take nothing but parcels: what the redactor did not see cannot be sent.
 * A parcel is filled, sealed (packed, the plain form given back), and then read.
 * Thread: one at a time. Sizes: LIMIT_BUNDLE_BYTES plain, LIMIT_BUNDLE_GZIP packed.
 */
#ifndef RESCUE_AGENT_PARCEL_H
#define RESCUE_AGENT_PARCEL_H

#include "proto/record.h"

struct parcel;

/* What `origin` borrows must live until the parcel is sealed or freed. NULL on out of memory. */
struct parcel *parcel_new(const struct record_origin *origin);
void parcel_free(struct parcel *parcel);

/*
 * Appends the section's records. On failure the parcel is as before: STATUS_TOO_LARGE when the room that is kept for
 * the verdict and for short notes would be touched and the section itself is no short note, or STATUS_NO_MEMORY.
 */
enum status parcel_add(struct parcel *parcel, const struct section *section);
/* The same, in front of all others. */
enum status parcel_add_first(struct parcel *parcel, const struct section *section);

/* One record a line; empty once sealed. Borrowed. */
struct span parcel_ndjson(const struct parcel *parcel);

enum status parcel_seal(struct parcel *parcel, struct err *err);

/* As uploaded; empty until sealed. Borrowed. */
struct span parcel_gzip(const struct parcel *parcel);
const char *parcel_capture_id(const struct parcel *parcel);

/*
 * A sealed parcel out of what a worker packed (agent/worker.h): its parcel_gzip, which is taken. STATUS_TOO_LARGE,
 * STATUS_INVALID for a malformed id.
 */
enum status parcel_adopt(const char *capture_id, struct buf *gzip, struct parcel **ret_parcel, struct err *err);

/* A sealed parcel out of a file of the spool. The statuses of file_read, or STATUS_INVALID for a malformed id. */
enum status parcel_read(const char *path, const char *capture_id, struct parcel **ret_parcel, struct err *err);

#endif
