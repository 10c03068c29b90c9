/*
 * enroll: what a box without a certificate says to get one, what it is answered, and EC2's instance identity document,
 * which is the proof in between.
 *
 *   {"csr":"-----BEGIN CERTIFICATE REQUEST-----…","document":"{…}","signature":"base64"}
 *   {"certificate":"-----BEGIN CERTIFICATE-----…","not_after":"2026-01-31T00:00:00Z","renew_in_s":57600}
 *
 * `document` is the verbatim text that the metadata service gave: the signature is over its bytes. A renewal is a request
 * with `csr` alone.
 * No I/O, no cryptography: nothing that is read here has been verified. Thread: any.
 */
#ifndef RESCUE_PROTO_ENROLL_H
#define RESCUE_PROTO_ENROLL_H

#include "shared/jdoc.h"

struct enroll_request {
	struct span csr;       /* PEM */
	struct span document;  /* empty in a renewal */
	struct span signature; /* base64, line breaks allowed; empty in a renewal */
	struct jdoc *doc;      /* what the spans borrow from after a parse; NULL when they are the caller's */
};

/* STATUS_INVALID names the field. `is_renewal`: document and signature are not looked at. Unknown fields are ignored. */
enum status enroll_request_parse(struct span json, bool is_renewal, struct enroll_request *ret_request,
                                 struct err *err);
void enroll_request_done(struct enroll_request *request);
/* STATUS_INVALID when a part is not UTF-8. */
enum status enroll_request_format(const struct enroll_request *request, struct buf *out);

struct enroll_answer {
	struct span certificate; /* PEM, the box's own first */
	int64_t not_after_ns;    /* real time of the database */
	int64_t renew_in_s;      /* from the answer on; a box whose clock is wrong counts from there */
	struct jdoc *doc;        /* as above */
};

enum status enroll_answer_parse(struct span json, struct enroll_answer *ret_answer, struct err *err);
void enroll_answer_done(struct enroll_answer *answer);
enum status enroll_answer_format(const struct enroll_answer *answer, struct buf *out);

enum { ENROLL_ACCOUNT_SIZE = 13 }; /* 12 digits and the NUL */

/* Of the instance identity document, what is decided by. */
struct enroll_document {
	char instance_id[LIMIT_INSTANCE_ID + 1];
	char account_id[ENROLL_ACCOUNT_SIZE];
	char region[LIMIT_ENROLL_REGION + 1];
	int64_t pending_ns; /* when the instance was launched or last started, real time */
};

enum status enroll_document_parse(struct span json, struct enroll_document *ret_document, struct err *err);

/* What AWS uses as names: "i-" and hexadecimal digits, 12 digits, lower-case letters, digits and '-'. */
bool enroll_is_instance_id(struct span text);
bool enroll_is_account(struct span text);
bool enroll_is_region(struct span text);

#endif
