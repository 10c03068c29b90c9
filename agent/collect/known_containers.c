#include "agent/collect/known_containers.h"

#include "agent/collect/container_disk.h"
#include "agent/collect/engine.h"

static enum status learn(const struct container *container, struct redactor *redactor)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; i < container->env_count && status == STATUS_OK; i++) {
		struct span variable = span_cstr(container->env[i]);
		size_t sign = span_find(variable, SPAN_LIT("="), 0);

		status = redactor_learn_variable(redactor, span_sub(variable, 0, sign),
		                                 span_sub(variable, sign + 1, variable.len));
	}
	return status;
}

/* Each container's variables are let go before the next is asked for. */
static enum status ask_each(struct engine *engine, struct container_list *list, struct redactor *redactor,
                            enum status *ret_answered, struct err *err)
{
	enum status told = STATUS_OK;

	for (size_t i = 0; i < list->count && told == STATUS_OK; i++) {
		enum status status = engine_inspect(engine, &list->items[i], err);

		if (status == STATUS_OK)
			told = learn(&list->items[i], redactor);
		else if (status != STATUS_NOT_FOUND) /* one that was removed meanwhile has no variables any more */
			*ret_answered = status;
		container_done(&list->items[i]);
		if (status == STATUS_TIMEOUT)
			break;
	}
	if (list->is_cut)
		*ret_answered = err_set(err, STATUS_TOO_LARGE, "more than %d containers", LIMIT_CONTAINERS);
	return told;
}

/* *ret_answered: whether the Engine told everything. */
static enum status ask_engine(const struct plan *plan, struct redactor *redactor, enum status *ret_answered,
                              struct err *err)
{
	struct container_list list = { 0 };
	struct engine *engine = NULL;
	enum status told = STATUS_OK;

	*ret_answered = engine_new(plan, &engine, err);
	if (*ret_answered == STATUS_OK)
		*ret_answered = engine_list(engine, &list, err);
	if (*ret_answered == STATUS_OK)
		told = ask_each(engine, &list, redactor, ret_answered, err);
	container_list_done(&list);
	engine_free(engine);
	return told;
}

static enum status read_disk(const struct plan *plan, struct redactor *redactor, enum status *ret_read)
{
	struct container_list list;
	enum status told = STATUS_OK;

	*ret_read = container_disk_list(plan->root, &list, NULL);
	for (size_t i = 0; i < list.count && told == STATUS_OK; i++) {
		if (list.items[i].has_details)
			told = learn(&list.items[i], redactor);
		else
			*ret_read = STATUS_INVALID;
	}
	if (list.is_cut)
		*ret_read = STATUS_TOO_LARGE;
	container_list_done(&list);
	return told;
}

enum status known_read_containers(const struct plan *plan, struct redactor *redactor, bool *ret_unread, struct err *err)
{
	enum status answered, read = STATUS_OK;
	enum status told = ask_engine(plan, redactor, &answered, err);

	if (told != STATUS_OK || answered == STATUS_OK)
		return told;
	told = read_disk(plan, redactor, &read);
	/* Neither a socket nor a folder: there is no Engine. */
	if (read != STATUS_OK && !(answered == STATUS_NOT_FOUND && read == STATUS_NOT_FOUND))
		*ret_unread = true;
	return told;
}
