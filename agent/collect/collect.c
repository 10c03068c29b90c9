#include "agent/collect/collect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/collect/collect_file.h"
#include "agent/collect/docker_section.h"
#include "agent/collect/env_section.h"
#include "agent/collect/first_error.h"
#include "agent/collect/host_section.h"
#include "agent/collect/jobs.h"
#include "shared/clock.h"

enum { MAX_SMALL_FILE = 4096 };

/* In the order of the bundle. */
static const struct built_in {
	const char *name;
	void (*plain)(const struct plan *plan, struct section_result *result);
	void (*docker)(const struct plan *plan, struct container_view *view, struct section_result *result);
} built_ins[] = {
	{ .name = "config.yaml", .plain = section_config },
	{ .name = "system-prompt.md", .plain = section_system_prompt },
	{ .name = "cloud-init-output.log.tail", .plain = section_cloud_init_output },
	{ .name = "cloud-init.status", .plain = section_cloud_init_status },
	{ .name = "docker-ps", .docker = docker_section_ps },
	{ .name = "agent-container.logs.tail", .docker = docker_section_logs },
	{ .name = "model-provider-runtime.env", .docker = env_section },
	{ .name = "host", .plain = host_section },
};

/* The first line of a small file. */
static void read_small(const struct plan *plan, const char *path, struct buf *out)
{
	struct buf content = BUF_INIT(MAX_SMALL_FILE);

	if (collect_file_whole(plan->root, path, &content, NULL) == STATUS_OK)
		buf_append_span(out, span_sub(buf_span(&content), 0,
		                              span_find(buf_span(&content), SPAN_LIT("\n"), 0)));
	buf_wipe(&content);
}

static void find_facts(const struct plan *plan, struct job_facts *facts)
{
	BUF_AUTO uptime = BUF_INIT(MAX_SMALL_FILE);
	uint64_t seconds;

	read_small(plan, "/proc/sys/kernel/random/boot_id", &facts->boot_id.bytes);
	read_small(plan, "/proc/uptime", &uptime);
	if (span_to_u64(span_sub(buf_span(&uptime), 0, span_find(buf_span(&uptime), SPAN_LIT("."), 0)), &seconds) &&
	    seconds <= INT64_MAX)
		facts->uptime_s = (int64_t)seconds;
	/* Without the file there is no error in it; the file's own section says that it is missing. */
	if (first_error_find(plan->root, "/var/log/cloud-init-output.log", &facts->first_error, NULL) != STATUS_OK)
		raw_text_done(&facts->first_error);
}

static bool is_disabled(const struct agent_config *config, const char *name)
{
	for (size_t i = 0; i < config->sections.disable.count; i++) {
		if (strcmp(config->sections.disable.items[i], name) == 0)
			return true;
	}
	return false;
}

/* The container's log is always read, since others wait for what is found out on the way. */
static void add_built_ins(const struct agent_config *config, struct jobs *jobs)
{
	for (size_t i = 0; i < ARRAY_LEN(built_ins); i++) {
		bool is_wanted = !is_disabled(config, built_ins[i].name);
		struct job *job;

		if (!is_wanted && built_ins[i].docker != docker_section_logs)
			continue;
		job = jobs_add(jobs);
		job->name = is_wanted ? built_ins[i].name : NULL;
		job->plain = built_ins[i].plain;
		job->docker = built_ins[i].docker;
	}
}

static void add_jobs(const struct agent_config *config, struct jobs *jobs)
{
	struct job *job;

	add_built_ins(config, jobs);
	job = jobs_add(jobs);
	job->facts = find_facts;
	for (size_t i = 0; i < jobs->plan->extra_count; i++) {
		if (is_disabled(config, jobs->plan->extra[i].name))
			continue;
		job = jobs_add(jobs);
		/* The configuration does not accept more than LIMIT_SECTIONS. */
		if (job == NULL)
			break;
		job->name = jobs->plan->extra[i].name;
		job->extra = &jobs->plan->extra[i];
	}
}

static void take_section(struct jobs *jobs, struct job *job, int64_t took_ms, struct collect_section *ret_section)
{
	struct section_result result;

	(void)snprintf(ret_section->name, sizeof ret_section->name, "%s", job->name);
	if (jobs_is_done(jobs, job)) {
		result = job->result;
		section_init(&job->result);
		ret_section->took_ms = job->took_ms;
	} else {
		section_init(&result);
		section_set(&result, OUTCOME_ERROR, "(not collected: it took longer than %" PRId64 " ms)", took_ms);
		ret_section->took_ms = took_ms;
	}
	ret_section->outcome = result.outcome;
	ret_section->content = result.content;
}

static void take_container_facts(struct jobs *jobs, struct collect_facts *facts)
{
	const struct container *container;

	if (!container_view_is_filled(&jobs->view) || jobs->view.chosen == NULL)
		return;
	container = jobs->view.chosen;
	facts->container_rule = jobs->view.rule;
	facts->has_exit_code = container->has_exit_code;
	facts->exit_code = container->exit_code;
	facts->oom_killed = container->oom_killed;
	buf_printf(&facts->container.bytes, "name=%s id=%.12s image=%s state=%s", container->name, container->id,
	           container->image, container->state);
	if (container->error[0] != '\0')
		buf_printf(&facts->container.bytes, " error=%s", container->error);
	if (jobs->view.is_from_disk)
		buf_append_cstr(&facts->container.bytes, " (from disk)");
	/* Nothing rather than a part. */
	if (buf_status(&facts->container.bytes) != STATUS_OK)
		buf_shrink(&facts->container.bytes);
}

static void take_facts(struct jobs *jobs, struct collect_facts *facts)
{
	facts->uptime_s = -1;
	raw_text_init(&facts->container, LIMIT_SECTION_CONTEXT);
	raw_text_init(&facts->first_error, LIMIT_SECTION_CONTEXT);
	raw_text_init(&facts->boot_id, LIMIT_SECTION_CONTEXT);
	take_container_facts(jobs, facts);
	for (size_t i = 0; i < jobs->count; i++) {
		if (jobs->items[i].facts == NULL || !jobs_is_done(jobs, &jobs->items[i]))
			continue;
		facts->first_error = jobs->facts.first_error;
		facts->boot_id = jobs->facts.boot_id;
		facts->uptime_s = jobs->facts.uptime_s;
		raw_text_init(&jobs->facts.first_error, LIMIT_SECTION_CONTEXT);
		raw_text_init(&jobs->facts.boot_id, LIMIT_SECTION_CONTEXT);
	}
}

static enum status take_all(struct jobs *jobs, int64_t took_ms, struct collection **ret_collection, struct err *err)
{
	struct collection *collection = calloc(1, sizeof *collection);

	if (collection == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	collection->sections = calloc(jobs->count, sizeof *collection->sections);
	if (collection->sections == NULL) {
		free(collection);
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	}
	for (size_t i = 0; i < jobs->count; i++) {
		if (jobs->items[i].name != NULL)
			take_section(jobs, &jobs->items[i], took_ms, &collection->sections[collection->count++]);
	}
	take_facts(jobs, &collection->facts);
	*ret_collection = collection;
	return STATUS_OK;
}

enum status collect_run(const struct agent_config *config, const struct collect_request *request,
                        struct collection **ret_collection, struct err *err)
{
	int64_t start_ms = clock_mono_ms();
	struct plan *plan = plan_new(config, request->workspace_id, request->deadline_ms);
	struct jobs *jobs;
	enum status status;

	*ret_collection = NULL;
	if (plan == NULL)
		return err_set(err, STATUS_NO_MEMORY, "out of memory");
	status = jobs_new(plan, &jobs, err);
	if (status != STATUS_OK)
		return status;
	add_jobs(config, jobs);
	jobs_run(jobs);
	status = take_all(jobs, clock_mono_ms() - start_ms, ret_collection, err);
	jobs_release(jobs);
	return status;
}

void collection_free(struct collection *collection)
{
	if (collection == NULL)
		return;
	for (size_t i = 0; i < collection->count; i++)
		raw_text_done(&collection->sections[i].content);
	free(collection->sections);
	raw_text_done(&collection->facts.container);
	raw_text_done(&collection->facts.first_error);
	raw_text_done(&collection->facts.boot_id);
	free(collection);
}
