#include "sweeper/ctl/render.h"

#include <inttypes.h>

#include "shared/clock.h"
#include "shared/config.h"
#include "sweeper/ctl/captures.h"
#include "sweeper/ctl/table.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

void render_duration(int64_t ns, struct buf *out)
{
	int64_t s = ns / NS_PER_S;

	if (ns < 0)
		buf_append_cstr(out, "0 ms");
	else if (s < 1)
		buf_printf(out, "%" PRId64 " ms", ns / NS_PER_MS);
	else if (s < 60)
		buf_printf(out, "%" PRId64 ".%" PRId64 " s", s, ns % NS_PER_S / (NS_PER_S / 10));
	else if (s < 3600)
		buf_printf(out, "%" PRId64 " m", s / 60);
	else if (s < 48 * 3600)
		buf_printf(out, "%" PRId64 " h", s / 3600);
	else
		buf_printf(out, "%" PRId64 " d", s / (24 * 3600));
}

enum style_color render_color(struct span name)
{
	static const struct {
		const char *name;
		enum style_color color;
	} colors[] = {
		{ "ok", STYLE_GREEN },       { "absent", STYLE_DIM },        { "error", STYLE_RED },
		{ "withheld", STYLE_RED },   { "truncated", STYLE_YELLOW },  { "unreachable", STYLE_RED },
		{ "shipped", STYLE_GREEN },  { "received", STYLE_YELLOW },   { "ordered", STYLE_YELLOW },
		{ "refused", STYLE_RED },
	};

	for (size_t i = 0; i < ARRAY_LEN(colors); i++) {
		if (span_eq(span_cstr(colors[i].name), name))
			return colors[i].color;
	}
	return STYLE_PLAIN;
}

static struct span or_dash(struct span text)
{
	return text.len > 0 ? text : SPAN_LIT("-");
}

/* "2026-01-31 23:59:59", UTC. */
static void put_when(int64_t real_ns, struct buf *out)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_format(real_ns, text);
	buf_printf(out, "%.10s %.8s", text, text + 11);
}

static void add_row(struct table *table, const struct jdoc *capture, int64_t now_real_ns)
{
	struct span state = captures_field(capture, "state");
	BUF_AUTO when = BUF_INIT(64);
	BUF_AUTO age = BUF_INIT(64);
	int64_t at_ns;

	if (captures_when(capture, &at_ns)) {
		put_when(at_ns, &when);
		render_duration(now_real_ns - at_ns, &age);
	}
	table_add(table, STYLE_PLAIN, or_dash(buf_span(&when)));
	table_add(table, STYLE_PLAIN, or_dash(buf_span(&age)));
	table_add(table, STYLE_BOLD, or_dash(captures_field(capture, "workspace_id")));
	table_add(table, STYLE_PLAIN, or_dash(captures_field(capture, "reason")));
	table_add(table, render_color(state), or_dash(state));
	table_add(table, STYLE_PLAIN, or_dash(captures_field(capture, "instance_id")));
	table_add(table, STYLE_DIM, or_dash(captures_field(capture, "capture_id")));
}

enum status render_list(const struct style *style, const struct jdoc *captures, int64_t now_real_ns, struct buf *out)
{
	static const char *const heads[] = { "WHEN (UTC)", "AGE", "WORKSPACE", "REASON", "STATE", "INSTANCE", "CAPTURE" };
	struct table table;
	enum status status;

	table_init(&table, heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < jdoc_count(captures); i++)
		add_row(&table, jdoc_at(captures, i), now_real_ns);
	status = table_render(&table, style, out);
	table_done(&table);
	return status;
}

static void put_pair(const struct style *style, const char *name, struct span value, struct buf *out)
{
	if (value.len == 0)
		return;
	buf_append_byte(out, ' ');
	style_put_colored(style, STYLE_DIM, span_cstr(name), out);
	buf_append_byte(out, '=');
	style_put_colored(style, render_color(value), value, out);
}

/* ", received after 52 ms" for a step that happened. */
static void put_step(const struct jdoc *capture, const char *field, const char *words, struct buf *out)
{
	int64_t requested_ns, at_ns;

	if (!captures_time(capture, "requested_at", &requested_ns) || !captures_time(capture, field, &at_ns))
		return;
	buf_printf(out, ", %s after ", words);
	render_duration(at_ns - requested_ns, out);
}

static void put_times(const struct jdoc *capture, struct buf *out)
{
	int64_t at_ns;

	if (!captures_when(capture, &at_ns))
		return;
	buf_append_cstr(out, captures_field(capture, "requested_at").len > 0 ? "requested " : "captured ");
	put_when(at_ns, out);
	buf_append_cstr(out, " UTC");
	put_step(capture, "delivered_at", "delivered", out);
	put_step(capture, "received_at", "received", out);
	put_step(capture, "shipped_at", "shipped", out);
	buf_append_byte(out, '\n');
}

static void put_sinks(const struct jdoc *capture, struct buf *out)
{
	const struct jdoc *sinks = jdoc_get(capture, "shipped_to");

	for (size_t i = 0; i < jdoc_count(sinks); i++) {
		buf_append_cstr(out, i == 0 ? "shipped to " : ", ");
		style_put_field(jdoc_text(jdoc_at(sinks, i)), out);
	}
	if (jdoc_count(sinks) > 0)
		buf_append_byte(out, '\n');
}

void render_capture(const struct style *style, const struct jdoc *capture, struct buf *out)
{
	struct span last_error = captures_field(capture, "last_error");

	style_put_colored(style, STYLE_BOLD, SPAN_LIT("capture "), out);
	style_put_colored(style, STYLE_BOLD, captures_field(capture, "capture_id"), out);
	put_pair(style, "workspace", captures_field(capture, "workspace_id"), out);
	put_pair(style, "org", captures_field(capture, "org"), out);
	put_pair(style, "instance", captures_field(capture, "instance_id"), out);
	put_pair(style, "reason", captures_field(capture, "reason"), out);
	put_pair(style, "state", captures_field(capture, "state"), out);
	buf_append_byte(out, '\n');
	put_times(capture, out);
	put_sinks(capture, out);
	if (last_error.len > 0) {
		style_put_colored(style, STYLE_RED, SPAN_LIT("last error: "), out);
		style_put_field(last_error, out);
		buf_append_byte(out, '\n');
	}
}

static void put_size(size_t bytes, struct buf *out)
{
	if (bytes < 10 * 1024)
		buf_printf(out, "%zu bytes", bytes);
	else
		buf_printf(out, "%zu KiB", bytes / 1024);
}

void render_section(const struct style *style, const struct section_view *section, struct buf *out)
{
	struct span outcome = jdoc_get_text(section->first, "outcome");
	int64_t redactions = jdoc_get_int(section->first, "redactions", 0);
	int64_t by_gate = jdoc_get_int(section->first, "gate_findings", 0);

	buf_append_cstr(out, "\n");
	style_put_colored(style, STYLE_BOLD, SPAN_LIT("== "), out);
	style_put_colored(style, STYLE_BOLD, jdoc_get_text(section->first, "section"), out);
	style_put_colored(style, STYLE_BOLD, SPAN_LIT(" == "), out);
	style_put_colored(style, render_color(outcome), or_dash(outcome), out);
	buf_append_cstr(out, ", ");
	put_size(section->content.len, out);
	if (redactions > 0)
		buf_printf(out, ", %" PRId64 " redaction%s", redactions, redactions == 1 ? "" : "s");
	if (by_gate > 0)
		buf_printf(out, " (%" PRId64 " found by the gate alone)", by_gate);
	if (section->missing > 0) {
		style_begin(style, STYLE_RED, out);
		buf_printf(out, ", %" PRId64 " of %" PRId64 " parts missing", section->missing, section->parts);
		style_end(style, STYLE_RED, out);
	}
	buf_append_byte(out, '\n');
	style_put_content(style, buf_span(&section->content), out);
}
