#include "agent/capture.h"

#include <stdio.h>
#include <string.h>

#include "agent/early.h"
#include "agent/verdict.h"
#include "shared/clock.h"
#include "shared/log.h"

/* One capture under way. */
struct capturing {
	const struct agent_config *config;
	const struct record_origin *origin;
	int64_t ordered_ns;
	const struct redactor *redactor; /* NULL: everything is withheld */
	struct redact_tags *tags;        /* NULL: masks have no numbers */
	struct parcel *parcel;
	struct capture_table *table;
};

/*
 * Notes that stand for content. They are literals, since only literals become clean text without the redactor; the
 * log on the box has the particulars.
 */
static const char note_no_rules[] =
	"(withheld: the redaction rules or the box's own secret values could not be loaded)";
static const char note_not_redacted[] = "(withheld: the redaction could not be completed)";
static const char note_no_room[] = "(left out: the bundle is at its largest size)";

static struct capture_row *new_row(struct capturing *capturing, const char *name, enum record_outcome outcome,
                                   int64_t took_ms)
{
	struct capture_row *row = &capturing->table->rows[capturing->table->count];

	if (capturing->table->count == LIMIT_SECTIONS)
		return NULL;
	capturing->table->count++;
	(void)snprintf(row->name, sizeof row->name, "%s", name);
	row->outcome = outcome;
	row->took_ms = took_ms;
	return row;
}

/* Appends a record with `note` in the place of the content. */
static enum status add_note(struct capturing *capturing, const char *name, enum record_outcome outcome,
                            const char *note, bool first)
{
	struct clean_text *content = clean_text_literal(note);
	const struct section section = { .name = name, .outcome = outcome, .content = content };
	enum status status = STATUS_NO_MEMORY;

	if (content != NULL)
		status = first ? parcel_add_first(capturing->parcel, &section) :
		                 parcel_add(capturing->parcel, &section);
	clean_text_free(content);
	if (outcome == OUTCOME_WITHHELD)
		capturing->table->withheld = true;
	return status;
}

static enum status withhold(struct capturing *capturing, struct capture_row *row)
{
	row->outcome = OUTCOME_WITHHELD;
	row->bytes = strlen(capturing->redactor == NULL ? note_no_rules : note_not_redacted);
	return add_note(capturing, row->name, OUTCOME_WITHHELD,
	                capturing->redactor == NULL ? note_no_rules : note_not_redacted, false);
}

static void note_rule(void *ctx, const char *rule, size_t count)
{
	struct capture_table *table = ctx;
	struct capture_receipt *receipt = &table->receipts[table->receipt_count];

	if (table->receipt_count == CAPTURE_RECEIPTS) {
		table->has_more_receipts = true;
		return;
	}
	table->receipt_count++;
	receipt->row = table->count - 1;
	receipt->count = count;
	(void)snprintf(receipt->rule, sizeof receipt->rule, "%s", rule);
}

/* The row is the table's last. */
static enum status add_clean(struct capturing *capturing, struct capture_row *row, const struct clean_text *clean)
{
	const struct section section = { .name = row->name, .outcome = row->outcome, .content = clean };
	enum status status = parcel_add(capturing->parcel, &section);

	row->bytes = clean_text_span(clean).len;
	row->redactions = clean_text_redactions(clean);
	if (status == STATUS_OK)
		clean_text_each_rule(clean, note_rule, capturing->table);
	if (status != STATUS_TOO_LARGE)
		return status;
	log_event(LOG_WARN, "capture.left_out", LOG_SPAN("capture_id", capturing->origin->capture_id),
	          LOG_S("section", row->name), LOG_I("bytes", row->bytes));
	row->outcome = OUTCOME_ERROR;
	row->bytes = strlen(note_no_room);
	row->redactions = 0;
	return add_note(capturing, row->name, OUTCOME_ERROR, note_no_room, false);
}

static enum status add_collected(struct capturing *capturing, struct collect_section *collected)
{
	struct capture_row *row = new_row(capturing, collected->name, collected->outcome, collected->took_ms);
	struct clean_text *clean = NULL;
	struct err err = ERR_INIT;
	enum status status;

	if (row == NULL)
		return STATUS_TOO_LARGE;
	status = redact_text_tagged(capturing->redactor, capturing->tags, &collected->content, &clean, &err);
	/* Raw text is large and not wanted any more. */
	raw_text_done(&collected->content);
	if (status == STATUS_OK) {
		status = add_clean(capturing, row, clean);
	} else {
		log_event(LOG_ERROR, "capture.withheld", LOG_SPAN("capture_id", capturing->origin->capture_id),
		          LOG_S("section", collected->name), LOG_S("error", err.text));
		status = withhold(capturing, row);
	}
	clean_text_free(clean);
	return status;
}

static enum status add_verdict(struct capturing *capturing, const struct collect_facts *facts)
{
	struct clean_text *clean = NULL;
	struct err err = ERR_INIT;
	struct section section = { .name = agent_section_names[0], .outcome = OUTCOME_OK };
	enum status status = verdict_make(capturing->redactor, capturing->origin, capturing->ordered_ns, facts,
	                                  capturing->table, &clean, &err);

	if (status == STATUS_OK) {
		section.content = clean;
		status = parcel_add_first(capturing->parcel, &section);
	} else {
		log_event(LOG_ERROR, "capture.withheld", LOG_SPAN("capture_id", capturing->origin->capture_id),
		          LOG_S("section", section.name), LOG_S("error", err.text));
		status = add_note(capturing, section.name, OUTCOME_WITHHELD, note_not_redacted, true);
	}
	clean_text_free(clean);
	return status;
}

static enum status add_everything(struct capturing *capturing, const struct order *order, struct err *err)
{
	const struct agent_config *config = capturing->config;
	int64_t deadline_s = order->deadline_s < config->capture_deadline_s ? order->deadline_s :
	                                                                      config->capture_deadline_s;
	struct collect_request request = { .workspace_id = order->workspace_id, .deadline_ms = deadline_s * 1000 };
	struct collection *collection = NULL;
	enum status status = collect_run(config, &request, &collection, err);

	for (size_t i = 0; status == STATUS_OK && i < collection->count; i++)
		status = add_collected(capturing, &collection->sections[i]);
	if (status == STATUS_OK)
		status = add_verdict(capturing, &collection->facts);
	collection_free(collection);
	return status;
}

/* The fresh capture is worth more than what may go along: whatever fails here is only logged. */
static void add_early(struct capturing *capturing, int early_fd)
{
	struct err err = ERR_INIT;
	enum status status = early_take_in(early_fd, capturing->redactor, capturing->parcel, &err);

	capturing->table->early_done = status == STATUS_OK || status == STATUS_INVALID;
	if (status != STATUS_OK)
		log_event(LOG_ERROR, "early.left_out", LOG_SPAN("capture_id", capturing->origin->capture_id),
		          LOG_S("error", err.text));
}

static bool is_disabled(const struct agent_config *config, const char *name)
{
	for (size_t i = 0; i < config->sections.disable.count; i++) {
		if (strcmp(config->sections.disable.items[i], name) == 0)
			return true;
	}
	return false;
}

static enum status withhold_name(struct capturing *capturing, const char *name)
{
	struct capture_row *row = new_row(capturing, name, OUTCOME_WITHHELD, 0);

	return row == NULL ? STATUS_TOO_LARGE : withhold(capturing, row);
}

/* Nothing is read from the box at all. */
static enum status withhold_everything(struct capturing *capturing)
{
	const struct agent_config *config = capturing->config;
	enum status status = add_note(capturing, agent_section_names[0], OUTCOME_WITHHELD, note_no_rules, true);

	for (size_t i = 1; agent_section_names[i] != NULL && status == STATUS_OK; i++) {
		if (!is_disabled(config, agent_section_names[i]))
			status = withhold_name(capturing, agent_section_names[i]);
	}
	for (size_t i = 0; i < config->sections.extra_count && status == STATUS_OK; i++)
		status = withhold_name(capturing, config->sections.extra[i].name);
	return status;
}

/* NULL when any rule or any known value is in doubt. */
static struct redactor *make_redactor(const struct agent_config *config, const struct record_origin *origin,
                                      struct collect_known *ret_known)
{
	const struct redact_options options = { .rules_dir = config->redaction.rules_dir };
	struct redactor *redactor = NULL;
	struct err err = ERR_INIT;
	enum status status = redactor_new(&options, &redactor, &err);

	if (status == STATUS_OK)
		status = collect_known_values(config, redactor, ret_known, &err);
	if (status == STATUS_OK)
		return redactor;
	log_event(LOG_ERROR, "capture.no_redactor", LOG_SPAN("capture_id", origin->capture_id),
	          LOG_S("error", err.text),
	          LOG_S("do", "correct the rules or the known value files; until then everything is withheld"));
	redactor_free(redactor);
	return NULL;
}

enum status capture_run(const struct agent_config *config, const struct identity *identity, const struct order *order,
                        int early_fd, struct parcel **ret_parcel, struct capture_table *ret_table, struct err *err)
{
	const struct record_origin origin = {
		.org = span_cstr(identity->org),
		.workspace_id = span_cstr(order->workspace_id),
		.instance_id = SPAN_LIT(""),
		.capture_id = span_cstr(order->capture_id),
		.reason = order->reason,
		.ts_ns = clock_real_ns(),
	};
	struct collect_known known = { 0 };
	struct capture_table table;
	struct redactor *redactor = make_redactor(config, &origin, &known);
	struct capturing capturing = {
		.config = config,
		.origin = &origin,
		.ordered_ns = order->ordered_ns,
		.redactor = redactor,
		.tags = config->redaction.number_secrets ? redact_tags_new() : NULL,
		.parcel = parcel_new(&origin),
		.table = ret_table != NULL ? ret_table : &table,
	};
	enum status status = STATUS_NO_MEMORY;

	memset(capturing.table, 0, sizeof *capturing.table);
	capturing.table->known = known;
	*ret_parcel = NULL;
	if (capturing.parcel != NULL)
		status = redactor != NULL ? add_everything(&capturing, order, err) : withhold_everything(&capturing);
	if (status == STATUS_OK && redactor != NULL && early_fd >= 0)
		add_early(&capturing, early_fd);
	redact_tags_free(capturing.tags);
	redactor_free(redactor);
	if (status == STATUS_OK) {
		*ret_parcel = capturing.parcel;
		return STATUS_OK;
	}
	parcel_free(capturing.parcel);
	return err_set(err, status, "cannot capture: %s", status_name(status));
}
