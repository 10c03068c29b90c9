#include "sweeper/ship/substitute.h"

#include <stdio.h>

#include "shared/jdoc.h"
#include "shared/tls/digest.h"

enum { CONTENT_SIZE = 256 };

enum status substitute_make(struct span line, const char *reason, struct buf *ret_line, struct err *err)
{
	struct jdoc *doc;
	struct record record;
	char content[CONTENT_SIZE], sha256[DIGEST_HEX_SIZE];
	enum status status = record_parse(line, &record, &doc, err);
	bool ok;

	if (status != STATUS_OK)
		return status;
	(void)snprintf(content, sizeof content, "(set aside: %s; the record had %zu bytes)", reason, line.len);
	digest_hex(span_cstr(content), sha256);
	ok = jdoc_set_cstr(doc, "outcome", record_outcome_name(OUTCOME_ERROR)) &&
	     jdoc_set_cstr(doc, "content", content);
	if (ok && record.parts == 1)
		ok = jdoc_set_cstr(doc, "sha256", sha256) && jdoc_set_int(doc, "redactions", 0);
	status = ok ? jdoc_dump(doc, ret_line) : STATUS_NO_MEMORY;
	jdoc_free(doc);
	return status;
}
