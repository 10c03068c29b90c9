#include "sweeper/rules.h"

#include <pthread.h>
#include <stdlib.h>

#include "shared/log.h"

/* One loaded set. The list holds the current one and those that somebody still uses. */
struct generation {
	struct redactor *redactor;
	size_t users; /* the current one counts as used once by this file */
	struct generation *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct generation *generations;
static struct generation *current; /* NULL: withhold everything */

/* With the lock held: takes one use away and drops the set with its last one. */
static void unuse(struct generation *generation)
{
	if (generation == NULL || --generation->users > 0)
		return;
	for (struct generation **at = &generations; *at != NULL; at = &(*at)->next) {
		if (*at == generation) {
			*at = generation->next;
			break;
		}
	}
	redactor_free(generation->redactor);
	free(generation);
}

static void replace(struct generation *fresh)
{
	(void)pthread_mutex_lock(&lock);
	unuse(current);
	current = fresh;
	if (fresh != NULL) {
		fresh->next = generations;
		generations = fresh;
	}
	(void)pthread_mutex_unlock(&lock);
}

enum status rules_load(const char *rules_dir, struct err *err)
{
	const struct redact_options options = { .rules_dir = rules_dir };
	struct generation *fresh = calloc(1, sizeof *fresh);
	enum status status = fresh == NULL ? err_set(err, STATUS_NO_MEMORY, "out of memory")
	                                   : redactor_new(&options, &fresh->redactor, err);

	if (status == STATUS_OK) {
		fresh->users = 1;
		replace(fresh);
		log_event(LOG_INFO, "rules.loaded", LOG_S("rules_dir", rules_dir));
		return STATUS_OK;
	}
	free(fresh);
	replace(NULL);
	log_event(LOG_ERROR, "rules.failed", LOG_S("rules_dir", rules_dir), LOG_S("error", err == NULL ? "" : err->text),
	          LOG_S("effect", "every text is withheld until the rules load"));
	return status;
}

const struct redactor *rules_acquire(void)
{
	const struct redactor *redactor = NULL;

	(void)pthread_mutex_lock(&lock);
	if (current != NULL) {
		current->users++;
		redactor = current->redactor;
	}
	(void)pthread_mutex_unlock(&lock);
	return redactor;
}

void rules_release(const struct redactor *redactor)
{
	if (redactor == NULL)
		return;
	(void)pthread_mutex_lock(&lock);
	for (struct generation *at = generations; at != NULL; at = at->next) {
		if (at->redactor == redactor) {
			unuse(at);
			break;
		}
	}
	(void)pthread_mutex_unlock(&lock);
}

void rules_unload(void)
{
	replace(NULL);
}
