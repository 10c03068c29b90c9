#include "shared/redact/site.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/redact/chars.h"
#include "shared/redact/pattern.h"
#include "shared/redact/prefilter.h"
#include "shared/yaml.h"

enum { MAX_ENTRIES = 1000, MAX_LABEL = 40 };

/* A value or a pattern to leave, or the name of a rule that is switched off. */
struct entry {
	struct entry *next;
	const struct yaml_node *node; /* the text; borrowed from its document */
	struct pattern *pattern;      /* NULL: the text is meant literally */
};

struct document {
	struct document *next;
	struct yaml *yaml;
};

struct site {
	struct document *documents; /* the rules' texts live in them */
	struct rule *rules;
	size_t rule_count;
	struct entry *allowed;
	struct entry *disabled;
};

struct reading {
	struct site *site;
	const char *file;
	struct err *err;
};

static enum status refuse(const struct reading *reading, const struct yaml_node *node, const char *what)
{
	return err_set(reading->err, STATUS_INVALID, "%s:%u:%u: %s", reading->file, node->line, node->column, what);
}

static enum status no_memory(const struct reading *reading)
{
	return err_set(reading->err, STATUS_NO_MEMORY, "%s: out of memory", reading->file);
}

static bool is_text(const struct yaml_node *node)
{
	return node != NULL && node->kind == YAML_SCALAR && node->text.len > 0;
}

static enum status compile(const struct reading *reading, const struct yaml_node *node, struct pattern **ret_pattern)
{
	struct err why = ERR_INIT;
	enum status status = pattern_new((const char *)node->text.ptr, false, ret_pattern, &why);

	return status == STATUS_OK ? STATUS_OK : refuse(reading, node, why.text);
}

static enum status add_entry(const struct reading *reading, struct entry **list, const struct yaml_node *node,
                             bool is_pattern)
{
	struct entry *entry = calloc(1, sizeof *entry);
	enum status status = STATUS_OK;

	if (entry == NULL)
		return no_memory(reading);
	entry->node = node;
	if (is_pattern)
		status = compile(reading, node, &entry->pattern);
	entry->next = *list;
	*list = entry;
	return status;
}

static enum status read_allow(const struct reading *reading, const struct yaml_node *item)
{
	const struct yaml_node *value = yaml_get(item, "value"), *pattern = yaml_get(item, "pattern");

	if (is_text(value) == is_text(pattern))
		return refuse(reading, item, "expected a value or a pattern that is left as it is");
	if (!is_text(yaml_get(item, "reason")))
		return refuse(reading, item, "expected a reason beside what is left as it is");
	return add_entry(reading, &reading->site->allowed, is_text(value) ? value : pattern, is_text(pattern));
}

static bool is_rule_name(const struct site *site, struct span name)
{
	static const char *const finders[] = { "key-name", "url-credentials", "random-blob", "kubernetes-secret",
	                                       "encoded-undecided" };

	for (size_t i = 0; i < rule_count; i++) {
		if (span_eq(name, span_cstr(rule_table[i].name)))
			return true;
	}
	for (size_t i = 0; i < site->rule_count; i++) {
		if (span_eq(name, span_cstr(site->rules[i].name)))
			return true;
	}
	for (size_t i = 0; i < sizeof finders / sizeof *finders; i++) {
		if (span_eq(name, span_cstr(finders[i])))
			return true;
	}
	return false;
}

static enum status read_disable(const struct reading *reading, const struct yaml_node *item)
{
	if (!is_text(item) || !is_rule_name(reading->site, item->text))
		return refuse(reading, item, "expected the name of a rule");
	return add_entry(reading, &reading->site->disabled, item, false);
}

static enum status read_keywords(const struct reading *reading, const struct yaml_node *list, struct rule *rule)
{
	size_t count = 0;

	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		if (!is_text(item) || item->text.len < PREFILTER_MIN_KEYWORD || count == RULE_MAX_KEYWORDS - 1)
			return refuse(reading, item, "expected at most 15 keywords of 3 bytes or more");
		rule->keywords[count++] = (const char *)item->text.ptr;
	}
	return count > 0 ? STATUS_OK : refuse(reading, list, "expected at least one keyword");
}

/* The label stands in every mask, where it must not be mistaken for anything else. */
static bool is_label(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_upper(text.ptr[i]) && !is_digit(text.ptr[i]) && text.ptr[i] != '_')
			return false;
	}
	return text.len <= MAX_LABEL;
}

static enum status read_rule(const struct reading *reading, const struct yaml_node *item)
{
	static const char *const members[] = { "name", "label", "pattern" };
	const struct yaml_node *keywords = yaml_get(item, "keywords"), *nocase = yaml_get(item, "nocase");
	struct rule rule = { .reach = RULE_REACH, .back = RULE_MAX_BACK, .checks = RULE_CHECK_ANY };
	struct rule *rules;
	struct pattern *pattern = NULL;
	enum status status;

	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		if (!is_text(yaml_get(item, members[i])))
			return refuse(reading, item, "expected name, label, keywords and pattern");
	}
	if (keywords == NULL || keywords->kind != YAML_LIST)
		return refuse(reading, item, "expected name, label, keywords and pattern");
	if (!is_label(yaml_get(item, "label")->text))
		return refuse(reading, yaml_get(item, "label"), "expected a label of at most 40 capitals, digits and _");
	rule.name = (const char *)yaml_get(item, "name")->text.ptr;
	rule.label = (const char *)yaml_get(item, "label")->text.ptr;
	rule.pattern = (const char *)yaml_get(item, "pattern")->text.ptr;
	rule.nocase = nocase != NULL && span_eq(nocase->text, SPAN_LIT("true"));
	status = compile(reading, yaml_get(item, "pattern"), &pattern);
	pattern_free(pattern);
	if (status == STATUS_OK)
		status = read_keywords(reading, keywords, &rule);
	if (status != STATUS_OK)
		return status;
	rules = reallocarray(reading->site->rules, reading->site->rule_count + 1, sizeof *rules);
	if (rules == NULL)
		return no_memory(reading);
	reading->site->rules = rules;
	rules[reading->site->rule_count++] = rule;
	return STATUS_OK;
}

static enum status read_list(const struct reading *reading, const struct yaml_node *list,
                             enum status (*read)(const struct reading *, const struct yaml_node *))
{
	enum status status = STATUS_OK;

	if (list == NULL)
		return STATUS_OK;
	if (list->kind != YAML_LIST || list->count > MAX_ENTRIES)
		return refuse(reading, list, "expected a list of at most 1000 entries");
	for (const struct yaml_node *item = list->first; item != NULL && status == STATUS_OK; item = item->next)
		status = read(reading, item);
	return status;
}

static enum status read_document(const struct reading *reading, const struct yaml_node *root)
{
	enum status status;

	if (root->kind != YAML_MAP)
		return refuse(reading, root, "expected rules, disable or allow");
	for (const struct yaml_node *member = root->first; member != NULL; member = member->next) {
		if (!span_eq(member->key, SPAN_LIT("rules")) && !span_eq(member->key, SPAN_LIT("disable")) &&
		    !span_eq(member->key, SPAN_LIT("allow")))
			return refuse(reading, member, "expected rules, disable or allow");
	}
	status = read_list(reading, yaml_get(root, "rules"), read_rule);
	if (status == STATUS_OK)
		status = read_list(reading, yaml_get(root, "disable"), read_disable);
	return status == STATUS_OK ? read_list(reading, yaml_get(root, "allow"), read_allow) : status;
}

static enum status load_file(struct site *site, const char *dir, const char *name, struct err *err)
{
	char path[LIMIT_PATH];
	struct reading reading = { .site = site, .file = path, .err = err };
	struct document *document = calloc(1, sizeof *document);
	enum status status;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	if (document == NULL)
		return no_memory(&reading);
	document->next = site->documents;
	site->documents = document;
	status = yaml_load(path, &document->yaml, err);
	return status == STATUS_OK ? read_document(&reading, yaml_root(document->yaml)) : status;
}

static int is_rule_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static enum status load_files(struct site *site, const char *dir, struct err *err)
{
	struct dirent **entries = NULL;
	int count = scandir(dir, &entries, is_rule_file, alphasort);
	enum status status = STATUS_OK;

	if (count < 0)
		return errno == ENOENT ? STATUS_OK : err_set_errno(err, "cannot read the rules in %s", dir);
	for (int i = 0; i < count; i++) {
		if (status == STATUS_OK)
			status = load_file(site, dir, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return status;
}

enum status site_load(const char *dir, struct site **ret_site, struct err *err)
{
	struct site *site = calloc(1, sizeof *site);
	enum status status = STATUS_OK;

	*ret_site = NULL;
	if (site == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	if (dir != NULL)
		status = load_files(site, dir, err);
	if (status != STATUS_OK) {
		site_free(site);
		return status;
	}
	*ret_site = site;
	return STATUS_OK;
}

static void free_entries(struct entry *entry)
{
	while (entry != NULL) {
		struct entry *next = entry->next;

		pattern_free(entry->pattern);
		free(entry);
		entry = next;
	}
}

void site_free(struct site *site)
{
	if (site == NULL)
		return;
	free_entries(site->allowed);
	free_entries(site->disabled);
	while (site->documents != NULL) {
		struct document *next = site->documents->next;

		yaml_drop(site->documents->yaml);
		free(site->documents);
		site->documents = next;
	}
	free(site->rules);
	free(site);
}

size_t site_rule_count(const struct site *site)
{
	return site->rule_count;
}

const struct rule *site_rule(const struct site *site, size_t index)
{
	return &site->rules[index];
}

static enum status entry_matches(const struct entry *entry, struct span value, bool *ret_matches)
{
	struct matcher *matcher;
	struct pattern_hit hit;
	enum status status;

	*ret_matches = entry->pattern == NULL && span_eq(value, entry->node->text);
	if (entry->pattern == NULL)
		return STATUS_OK;
	matcher = matcher_new();
	if (matcher == NULL)
		return STATUS_NO_MEMORY;
	status = pattern_find(entry->pattern, matcher, value, 0, 0, &hit);
	*ret_matches = status == STATUS_OK && hit.match_end == value.len;
	matcher_free(matcher);
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

bool site_disables(const struct site *site, const char *rule)
{
	for (const struct entry *entry = site->disabled; entry != NULL; entry = entry->next) {
		if (span_eq(entry->node->text, span_cstr(rule)))
			return true;
	}
	return false;
}

enum status site_allows(const struct site *site, struct span text, const struct finding *finding, bool *ret_allowed)
{
	struct span value = span_sub(text, finding->start, finding->end - finding->start);
	enum status status = STATUS_OK;

	*ret_allowed = false;
	if (finding->rank >= FINDING_BLOCK)
		return STATUS_OK;
	*ret_allowed = site_disables(site, finding->rule);
	for (const struct entry *entry = site->allowed; entry != NULL && !*ret_allowed && status == STATUS_OK;
	     entry = entry->next)
		status = entry_matches(entry, value, ret_allowed);
	return status;
}
