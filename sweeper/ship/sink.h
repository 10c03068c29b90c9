/*
 * sink: what every kind of sink offers to the ship loop. The table of kinds is in ship.c.
 *
 * A sink works on several cargos at once, may block, and is called by one thread only.
 */
#ifndef RESCUE_SWEEPER_SHIP_SINK_H
#define RESCUE_SWEEPER_SHIP_SINK_H

#include "sweeper/ship/lease.h"

struct sink_options {
	const struct sink_config *config;
	const char *org;
};

struct sink_ops {
	/* No I/O that could fail for a while only: that belongs into ship. *ret_sink is NULL on failure. */
	enum status (*make)(const struct sink_options *options, void **ret_sink, struct err *err);
	void (*free)(void *sink);
	/*
	 * Brings the opened cargos to the sink and sets each one's result:
	 *   STATUS_OK          the sink has it for good; doing it again would do no harm
	 *   STATUS_STOPPED     the process shall stop
	 *   anything else      not now; cargo->err says why, without a byte of content
	 * A cargo that is or becomes lost needs no result.
	 */
	void (*ship)(void *sink, struct lease *lease, struct cargo **cargos, size_t count);
};

/* Whether a failure says that the sink cannot be used, so that going on with other captures is of no use. */
static inline bool sink_is_down(enum status result)
{
	return result == STATUS_UNAVAILABLE || result == STATUS_TIMEOUT || result == STATUS_DENIED;
}

extern const struct sink_ops loki_sink;
extern const struct sink_ops stdout_sink;
extern const struct sink_ops archive_sink;

#endif
