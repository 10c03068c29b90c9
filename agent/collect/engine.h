/*
 * engine: the three questions to a container Engine (Docker Engine API) over its socket: which containers there are,
 * the details of one, and what it printed.
 *
 * Asked in version 1.41; an Engine that refuses it (400) is asked without a version from then on. The socket is looked
 * up below root and kept open as a place, so that neither its path's length nor a link in it matters.
 * Answers hold secrets and are wiped. Thread: one at a time for each struct engine.
 */
#ifndef RESCUE_AGENT_COLLECT_ENGINE_H
#define RESCUE_AGENT_COLLECT_ENGINE_H

#include "agent/collect/container.h"
#include "agent/collect/container_log.h"
#include "agent/collect/plan.h"

/* What is ever asked, so that whoever stands between can tell. A path begins with the version, or not. */
#define ENGINE_VERSION_PATH "/v1.41"
#define ENGINE_LIST_PATH "/containers/json?all=1"
#define ENGINE_CONTAINER_PATH "/containers/"
#define ENGINE_DETAILS_PATH "/json"
#define ENGINE_LOGS_PATH "/logs?stdout=1&stderr=1&tail=" ENGINE_TEXT(LIMIT_ENGINE_LOG_LINES) "&timestamps=1"
#define ENGINE_TEXT(number) ENGINE_TEXT_OF(number)
#define ENGINE_TEXT_OF(number) #number

struct engine;

/* STATUS_NOT_FOUND when there is no socket. `plan` is borrowed for as long as the engine lives. */
enum status engine_new(const struct plan *plan, struct engine **ret_engine, struct err *err);
void engine_free(struct engine *engine);

/*
 * Each ends by plan->engine_end_mono_ms with STATUS_TIMEOUT. STATUS_UNAVAILABLE: the Engine does not answer, or with
 * an error, whose own words are in `err` only as its HTTP code. STATUS_INVALID, STATUS_TOO_LARGE: not a usable answer.
 */
enum status engine_list(struct engine *engine, struct container_list *ret_list, struct err *err);
enum status engine_inspect(struct engine *engine, struct container *container, struct err *err);

/*
 * Adds the last LIMIT_ENGINE_LOG_LINES lines to `log`. To be asked after engine_list, which settles the version.
 * `refusal` gets the Engine's own words, raw, if it answers with an error (a logging driver that cannot be read).
 * What came before a failure is in `log`.
 */
enum status engine_logs(struct engine *engine, const struct container *container, struct container_log *log,
                        struct buf *refusal, struct err *err);

#endif
