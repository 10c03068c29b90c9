#include "agent/verdict.h"

#include <inttypes.h>

#include "agent/sandbox/sandbox.h"

enum { WORDS_SHOWN = 2048 }; /* bytes of one line's words */

/* Appends the words on one line, cut at a UTF-8 boundary. */
static void append_line(struct buf *out, struct span words)
{
	bool cut = words.len > WORDS_SHOWN;
	size_t len = cut ? WORDS_SHOWN : words.len;

	while (cut && len > 0 && (words.ptr[len] & 0xc0) == 0x80)
		len--;
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = words.ptr[i];

		buf_append_byte(out, byte == '\n' || byte == '\r' ? ' ' : byte);
	}
	buf_append_cstr(out, cut ? " …\n" : "\n");
}

/* "key: words", after the redaction; `otherwise` when there are none. */
static void append_words(const struct redactor *redactor, struct buf *out, const char *key,
                         const struct raw_text *words, const char *otherwise)
{
	struct clean_text *clean = NULL;
	struct span text = span_cstr(otherwise);

	if (words->bytes.len > 0) {
		if (redact_text(redactor, words, &clean, NULL) == STATUS_OK)
			text = clean_text_span(clean);
		else
			text = SPAN_LIT("(withheld)");
	}
	while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == ' '))
		text.len--;
	buf_printf(out, "%s: ", key);
	append_line(out, text);
	clean_text_free(clean);
}

static void append_container(const struct redactor *redactor, struct buf *out, const struct collect_facts *facts)
{
	append_words(redactor, out, "container", &facts->container, "(none)");
	if (facts->container_rule == NULL)
		return;
	buf_printf(out, "container_rule: %s\n", facts->container_rule);
	if (facts->has_exit_code)
		buf_printf(out, "exit_code: %" PRId64 "\n", facts->exit_code);
	buf_printf(out, "oom_killed: %s\n", facts->oom_killed ? "true" : "false");
}

static void append_table(struct buf *out, const struct capture_table *table)
{
	buf_printf(out, "sections:\n  %-34s %-10s %9s %11s %8s\n", "name", "outcome", "bytes", "redactions", "took_ms");
	for (size_t i = 0; i < table->count; i++) {
		const struct capture_row *row = &table->rows[i];

		buf_printf(out, "  %-34s %-10s %9zu %11zu %8" PRId64 "\n", row->name, record_outcome_name(row->outcome),
		           row->bytes, row->redactions, row->took_ms);
	}
}

/* Counts and places, never what stood there. */
static void append_receipts(struct buf *out, const struct capture_table *table)
{
	buf_append_cstr(out, "known_values:");
	for (size_t i = 0; i < KNOWN_SOURCES; i++)
		buf_printf(out, "%s %s %zu%s", i == 0 ? "" : ",", collect_known_source_name((enum known_source)i),
		           table->known.values[i], table->known.unread[i] ? " (not all read)" : "");
	buf_append_byte(out, '\n');
	if (table->receipt_count == 0)
		return;
	buf_printf(out, "redactions:\n  %-34s %-30s %5s\n", "section", "rule", "count");
	for (size_t i = 0; i < table->receipt_count; i++) {
		const struct capture_receipt *receipt = &table->receipts[i];

		buf_printf(out, "  %-34s %-30s %5zu\n", table->rows[receipt->row].name, receipt->rule, receipt->count);
	}
	if (table->has_more_receipts)
		buf_append_cstr(out, "  (and more)\n");
}

/* How far the box's clock is ahead of the sweeper's, which is the database's. What lies between are milliseconds. */
static void append_clocks(struct buf *out, int64_t captured_ns, int64_t ordered_ns)
{
	enum { NS_PER_S = 1000000000 };
	int64_t ahead_ns = captured_ns - ordered_ns;
	char ordered_at[CLOCK_RFC3339_SIZE];

	if (ordered_ns == 0)
		return;
	clock_format(ordered_ns, ordered_at);
	/* To the nearest second: a few milliseconds over a full one are no second. */
	buf_printf(out, "ordered_at: %s\nclock_skew_s: %" PRId64 "\n", ordered_at,
	           (ahead_ns + (ahead_ns < 0 ? -NS_PER_S / 2 : NS_PER_S / 2)) / NS_PER_S);
}

enum status verdict_make(const struct redactor *redactor, const struct record_origin *origin,
                         int64_t ordered_ns, const struct collect_facts *facts, const struct capture_table *table,
                         struct clean_text **ret_text, struct err *err)
{
	BUF_AUTO text = BUF_INIT(LIMIT_SECTION_BYTES);
	char captured_at[CLOCK_RFC3339_SIZE];

	*ret_text = NULL;
	clock_format(origin->ts_ns, captured_at);
	buf_printf(&text, "reason: %s\nworkspace_id: %.*s\ncaptured_at: %s\n", order_reason_name(origin->reason),
	           SPAN_ARG(origin->workspace_id), captured_at);
	append_clocks(&text, origin->ts_ns, ordered_ns);
	append_words(redactor, &text, "boot_id", &facts->boot_id, "(unknown)");
	if (facts->uptime_s >= 0)
		buf_printf(&text, "uptime_s: %" PRId64 "\n", facts->uptime_s);
	buf_printf(&text, "agent_version: %s\nsandbox: %s\n", RESCUE_VERSION, sandbox_words());
	append_container(redactor, &text, facts);
	append_words(redactor, &text, "cloud_init_first_error", &facts->first_error, "(none)");
	append_table(&text, table);
	append_receipts(&text, table);
	if (buf_status(&text) != STATUS_OK)
		return buf_status(&text);
	return redact_span(redactor, buf_span(&text), ret_text, err);
}
