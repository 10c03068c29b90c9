/*
 * ship_fixture: bundles and cargos for the tests of sweeper/ship.
 */
#ifndef RESCUE_TESTS_SHIP_FIXTURE_H
#define RESCUE_TESTS_SHIP_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "shared/gzip.h"
#include "shared/redact/redact.h"
#include "sweeper/ship/cargo.h"

#define FIXTURE_BASE_NS INT64_C(1769817600000000000)

struct fixture_section {
	const char *name;
	const char *content; /* a literal */
	enum record_outcome outcome;
};

static inline void fixture_bundle(const char *capture_id, const struct fixture_section *sections, size_t count,
                                  struct buf *ret_gzip)
{
	struct record_origin origin = {
		.org = SPAN_LIT("acme"), .workspace_id = SPAN_LIT("ws-1"), .instance_id = SPAN_LIT("i-1"),
		.capture_id = span_cstr(capture_id), .reason = REASON_SWEEP, .ts_ns = FIXTURE_BASE_NS,
	};
	BUF_AUTO ndjson = BUF_INIT(LIMIT_BUNDLE_BYTES);

	for (size_t i = 0; i < count; i++) {
		struct clean_text *text = clean_text_literal(sections[i].content);
		struct section section = {
			.name = sections[i].name, .outcome = sections[i].outcome, .content = text,
		};

		assert_int_equal(record_append_section(&origin, &section, &ndjson), STATUS_OK);
		clean_text_free(text);
	}
	assert_int_equal(gzip_compress(buf_span(&ndjson), ret_gzip), STATUS_OK);
}

/* An opened cargo; cargo_done frees it. */
static inline void fixture_cargo(const char *capture_id, const struct fixture_section *sections, size_t count,
                                 struct cargo *ret_cargo)
{
	struct ledger_capture capture = {
		.workspace_id = "ws-1", .instance_id = "i-1", .requested_ns = FIXTURE_BASE_NS - 60000000000,
		.entry_base_ns = FIXTURE_BASE_NS, .shipped_to = "", .last_error = "",
	};
	BUF_AUTO packed = BUF_INIT(LIMIT_BUNDLE_GZIP);
	struct err err = ERR_INIT;

	(void)snprintf(capture.capture_id, sizeof capture.capture_id, "%s", capture_id);
	fixture_bundle(capture_id, sections, count, &packed);
	capture.bundle = buf_span(&packed);
	assert_int_equal(cargo_init(ret_cargo, &capture), STATUS_OK);
	assert_int_equal(cargo_open(ret_cargo, &err), STATUS_OK);
	cargo_begin(ret_cargo);
}

#endif
