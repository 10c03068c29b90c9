#include "shared/redact/scan.h"

#include <stdlib.h>

#include "shared/redact/assign.h"
#include "shared/redact/blob.h"
#include "shared/redact/chars.h"
#include "shared/redact/insert.h"
#include "shared/redact/kube.h"
#include "shared/redact/layers.h"
#include "shared/redact/pem.h"
#include "shared/redact/ranges.h"
#include "shared/redact/repeat.h"
#include "shared/redact/runs.h"
#include "shared/redact/url.h"
#include "shared/redact/value.h"
#include "shared/redact/view.h"

/* Fewer capitals and digits than this stand in no encoded text and in no token of RUNS_MIN bytes. */
enum { MIN_ENCODED_SIGNS = 2 };

struct scan {
	const struct scan_job *job;
	struct span text;
	struct findings *findings;
	struct matcher *matcher; /* made when the first pattern is needed */
	size_t *rule_done;       /* for each rule, where its last match ended */
	size_t name_done;        /* where the last name ended */
	size_t block_done;       /* where the last PEM block ended */
	size_t kind_done;        /* where the last Kubernetes Secret ended */
	size_t escape_done;      /* where the last word with escapes ended */
	size_t insert_done;      /* where the last rows of SQL ended */
	size_t dump_done;        /* where the last dump ended */
	size_t lines_done;       /* where the last text with lines in it ended */
	size_t sign_done;        /* where the last line with signs beyond ASCII ended */
	size_t encoded_done;     /* how far encoded lines were looked at */
	bool is_readable;        /* they stand for text without a secret */
	bool has_colours;        /* the text is to be scanned without them as well */
	struct keyname_memo names;
	struct table_memo tables;
	struct ranges public_parts;
};

static enum status prepare_matching(struct scan *scan)
{
	if (scan->matcher != NULL)
		return STATUS_OK;
	scan->matcher = matcher_new();
	scan->rule_done = calloc(ruleset_count(scan->job->rules), sizeof *scan->rule_done);
	return scan->matcher == NULL || scan->rule_done == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static void add_match(struct scan *scan, const struct rule *rule, const struct pattern_hit *hit)
{
	if (rule_accepts(rule, span_sub(scan->text, hit->start, hit->end - hit->start)))
		findings_add(scan->findings, (struct finding){ .start = hit->start,
		                                               .end = hit->end,
		                                               .rank = FINDING_FORMAT,
		                                               .label = rule->label,
		                                               .rule = rule->name });
}

/* A keyword of rule `index` stands at `at`: the pattern sees only what is near, so that no text costs more. */
static enum status try_rule(struct scan *scan, size_t index, size_t at)
{
	const struct rule *rule = ruleset_rule(scan->job->rules, index);
	struct span window = span_sub(scan->text, 0, at + rule->reach);
	const struct pattern *pattern;
	struct pattern_hit hit;
	size_t from = at > rule->back ? at - rule->back : 0;
	enum status status = prepare_matching(scan);

	if (status != STATUS_OK || at < scan->rule_done[index])
		return status;
	if (from < scan->rule_done[index])
		from = scan->rule_done[index];
	status = ruleset_pattern(scan->job->rules, index, &pattern);
	if (status == STATUS_OK)
		status = pattern_find(pattern, scan->matcher, window, from, at, &hit);
	if (status == STATUS_OK) {
		add_match(scan, rule, &hit);
		scan->rule_done[index] = hit.match_end;
	}
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void find_named(struct scan *scan, size_t at)
{
	struct assign_job job = { .text = scan->text,
		                  .memo = &scan->names,
		                  .tables = &scan->tables,
		                  .findings = scan->findings,
		                  .public_parts = &scan->public_parts };

	assign_find(&job, at, &scan->name_done);
}

static enum status handle(struct scan *scan, uint32_t id, size_t at)
{
	switch (ruleset_hit(id)) {
	case RULESET_RULE:
		return try_rule(scan, ruleset_index(id), at);
	case RULESET_NAME:
		if (at >= scan->name_done)
			find_named(scan, at);
		break;
	case RULESET_BEGIN:
		if (at >= scan->block_done)
			pem_begin(scan->text, at, scan->findings, &scan->public_parts, &scan->block_done);
		break;
	case RULESET_END:
		if (at >= scan->block_done)
			pem_end(scan->text, at, scan->findings, &scan->public_parts);
		break;
	case RULESET_URL:
		url_find(scan->text, at, scan->findings);
		break;
	case RULESET_KIND:
		if (at >= scan->kind_done)
			kube_find(scan->text, at, scan->findings, &scan->kind_done);
		break;
	case RULESET_COLOUR:
		scan->has_colours |= scan->job->depth < SCAN_DEPTH;
		break;
	case RULESET_ESCAPE:
		if (at >= scan->escape_done)
			return layers_escapes(scan->job, at, &scan->escape_done);
		break;
	case RULESET_INSERT:
		if (at >= scan->insert_done)
			insert_find(scan->text, at, scan->findings, &scan->insert_done);
		break;
	case RULESET_DUMP:
		if (at >= scan->dump_done)
			return layers_dump(scan->job, at, &scan->dump_done);
		break;
	case RULESET_LINES:
		if (at >= scan->lines_done)
			return layers_lines(scan->job, at, &scan->lines_done);
		break;
	case RULESET_SIGN:
		if (at >= scan->sign_done)
			return layers_signs(scan->job, at, &scan->sign_done);
		break;
	}
	return STATUS_OK;
}

/* Most runs are words in a path: of what is encoded nearly half are capitals and digits. */
static bool is_words(struct span run)
{
	struct char_counts counts = chars_count(run);

	return counts.upper + counts.digits < MIN_ENCODED_SIGNS;
}

/* A part of a run that no finding covers. */
static enum status consider(struct scan *scan, const struct scan_job *job, size_t start, size_t end)
{
	size_t before = job->findings->count;
	enum status status = STATUS_OK;

	if (is_words(span_sub(scan->text, start, end - start)))
		return STATUS_OK;
	if (start >= scan->encoded_done)
		status = layers_encoded(job, start, end, &scan->encoded_done, &scan->is_readable);
	/* What is public may look as random as it likes, but not hold a secret. */
	if (status == STATUS_OK && job->findings->count == before && !scan->is_readable &&
	    !ranges_hold(&scan->public_parts, start) && blob_find(scan->text, start, end, &start, &end))
		findings_add(job->findings, (struct finding){ .start = start,
		                                              .end = end,
		                                              .rank = FINDING_BLOB,
		                                              .label = "BLOB",
		                                              .rule = "random-blob" });
	return status;
}

/* Considers what is left of [start, end) between the findings. *known is the first finding that may reach there. */
static enum status consider_gaps(struct scan *scan, const struct scan_job *job, size_t start, size_t end, size_t *known)
{
	const struct findings *found = scan->findings;
	enum status status = STATUS_OK;

	while (*known < found->count && found->items[*known].end <= start)
		++*known;
	for (size_t i = *known; status == STATUS_OK && i < found->count && found->items[i].start < end; i++) {
		if (found->items[i].start > start)
			status = consider(scan, job, start, found->items[i].start);
		start = found->items[i].end;
	}
	return status == STATUS_OK && start < end ? consider(scan, job, start, end) : status;
}

/* Drops what is masked already and what the site leaves as it is. */
static enum status drop_allowed(const struct scan *scan, struct findings *findings)
{
	enum status status = STATUS_OK;
	size_t kept = 0;

	for (size_t i = 0; i < findings->count && status == STATUS_OK; i++) {
		struct finding finding = findings->items[i];
		bool allowed = value_is_masked(span_sub(scan->text, finding.start, finding.end - finding.start));

		if (!allowed)
			status = site_allows(ruleset_site(scan->job->rules), scan->text, &finding, &allowed);
		if (!allowed)
			findings->items[kept++] = finding;
	}
	findings->count = kept;
	return status;
}

/* Everything that has a name or a form is known by now; this looks at what remains. */
static enum status find_runs(struct scan *scan)
{
	struct findings runs = { 0 };
	struct scan_job job = *scan->job;
	enum status status = STATUS_OK;
	size_t start, end = 0, known = 0;

	job.findings = &runs;
	findings_settle(scan->findings);
	while (status == STATUS_OK && runs_next(scan->text, end, &start, &end))
		status = consider_gaps(scan, &job, start, end, &known);
	if (status == STATUS_OK)
		status = runs.failed;
	if (status == STATUS_OK)
		status = drop_allowed(scan, &runs);
	for (size_t i = 0; i < runs.count; i++)
		findings_add(scan->findings, runs.items[i]);
	if (runs.count > 0)
		findings_settle(scan->findings);
	findings_done(&runs);
	return status;
}

static enum status scan_plain(struct scan *scan)
{
	const struct scan_job *job = scan->job;
	struct prefilter_cursor cursor = { 0 };
	enum status status = known_find_all(job->known, job->text, job->findings);
	uint32_t id;

	while (status == STATUS_OK && prefilter_next(ruleset_prefilter(job->rules), job->text, &cursor, &id))
		status = handle(scan, id, cursor.at);
	if (status == STATUS_OK)
		status = scan->public_parts.failed;
	if (status == STATUS_OK)
		status = drop_allowed(scan, scan->findings);
	if (status == STATUS_OK)
		status = find_runs(scan);
	return status == STATUS_OK ? job->findings->failed : status;
}

enum status scan_run(const struct scan_job *job)
{
	struct scan scan = { .job = job, .text = job->text, .findings = job->findings };
	enum status status = STATUS_OK;

	scan.has_colours = job->depth < SCAN_DEPTH &&
	                   (chars_find(job->text, '\x1B', 0) < job->text.len || view_is_spread(job->text));
	/*
	 * With colour codes, and with what is no text behind every letter, both readings are scanned: what looks like one
	 * may be none.
	 */
	status = scan_plain(&scan);
	if (status == STATUS_OK && scan.has_colours) {
		status = layers_colours(job);
		findings_settle(job->findings);
	}
	if (status == STATUS_OK && job->depth == 0 && job->findings->count > 0)
		status = repeat_find(job->text, job->findings);
	ranges_done(&scan.public_parts);
	matcher_free(scan.matcher);
	free(scan.rule_done);
	return status;
}
