#include "agent/parcel.h"

#include <stdlib.h>
#include <string.h>

#include "shared/file.h"
#include "shared/gzip.h"

/* Kept free for the verdict and for one note for each section that did not fit. */
enum {
	ROOM_KEPT = 512 * 1024,
	SHORT_NOTE = 4096,
};

struct parcel {
	char capture_id[CAPTURE_ID_SIZE];
	struct record_origin origin; /* borrowed; not used once sealed */
	struct buf ndjson;
	struct buf gzip;
};

static struct parcel *make(struct span capture_id)
{
	struct parcel *parcel;

	if (!order_is_uuid(capture_id))
		return NULL;
	parcel = calloc(1, sizeof *parcel);
	if (parcel == NULL)
		return NULL;
	memcpy(parcel->capture_id, capture_id.ptr, capture_id.len);
	buf_init(&parcel->ndjson, LIMIT_BUNDLE_BYTES);
	buf_init(&parcel->gzip, LIMIT_BUNDLE_GZIP);
	return parcel;
}

struct parcel *parcel_new(const struct record_origin *origin)
{
	struct parcel *parcel = make(origin->capture_id);

	if (parcel != NULL)
		parcel->origin = *origin;
	return parcel;
}

void parcel_free(struct parcel *parcel)
{
	if (parcel == NULL)
		return;
	buf_done(&parcel->ndjson);
	buf_done(&parcel->gzip);
	free(parcel);
}

enum status parcel_add(struct parcel *parcel, const struct section *section)
{
	struct buf *ndjson = &parcel->ndjson;
	size_t before = ndjson->len;
	bool is_note = clean_text_span(section->content).len <= SHORT_NOTE;
	enum status status = record_append_section(&parcel->origin, section, ndjson);

	if (status == STATUS_OK && !is_note && ndjson->len > ndjson->max - ROOM_KEPT)
		status = STATUS_TOO_LARGE;
	if (status != STATUS_OK) {
		ndjson->len = before;
		ndjson->failed = STATUS_OK;
	}
	return status;
}

enum status parcel_add_first(struct parcel *parcel, const struct section *section)
{
	struct buf *ndjson = &parcel->ndjson;
	BUF_AUTO front = BUF_INIT(LIMIT_BUNDLE_BYTES);
	enum status status = record_append_section(&parcel->origin, section, &front);
	uint8_t *room;

	if (status == STATUS_OK)
		status = buf_reserve(ndjson, front.len, &room);
	if (status != STATUS_OK) {
		ndjson->failed = STATUS_OK;
		return status;
	}
	memmove(ndjson->ptr + front.len, ndjson->ptr, ndjson->len);
	memcpy(ndjson->ptr, front.ptr, front.len);
	buf_commit(ndjson, front.len);
	return STATUS_OK;
}

struct span parcel_ndjson(const struct parcel *parcel)
{
	return buf_span(&parcel->ndjson);
}

enum status parcel_seal(struct parcel *parcel, struct err *err)
{
	enum status status = gzip_compress(buf_span(&parcel->ndjson), &parcel->gzip);

	if (status != STATUS_OK)
		return err_set(err, status, "cannot pack the bundle: %s", status_name(status));
	buf_done(&parcel->ndjson);
	memset(&parcel->origin, 0, sizeof parcel->origin);
	return STATUS_OK;
}

struct span parcel_gzip(const struct parcel *parcel)
{
	return buf_span(&parcel->gzip);
}

const char *parcel_capture_id(const struct parcel *parcel)
{
	return parcel->capture_id;
}

enum status parcel_adopt(const char *capture_id, struct buf *gzip, struct parcel **ret_parcel, struct err *err)
{
	struct parcel *parcel;

	*ret_parcel = NULL;
	if (gzip->len > LIMIT_BUNDLE_GZIP)
		return err_set(err, STATUS_TOO_LARGE, "the bundle is larger than %d bytes", LIMIT_BUNDLE_GZIP);
	parcel = make(span_cstr(capture_id));
	if (parcel == NULL)
		return err_set(err, STATUS_INVALID, "not a capture id, or out of memory");
	buf_take(gzip, &parcel->gzip);
	*ret_parcel = parcel;
	return STATUS_OK;
}

enum status parcel_read(const char *path, const char *capture_id, struct parcel **ret_parcel, struct err *err)
{
	struct parcel *parcel = make(span_cstr(capture_id));
	enum status status;

	*ret_parcel = NULL;
	if (parcel == NULL)
		return err_set(err, STATUS_INVALID, "%s: not a capture id, or out of memory", path);
	status = file_read(path, &parcel->gzip, err);
	if (status == STATUS_OK)
		*ret_parcel = parcel;
	else
		parcel_free(parcel);
	return status;
}
