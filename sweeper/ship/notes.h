/*
 * notes: tells the ledger what became of the cargos of a claim. What went well is noted for many at once, since each
 * statement waits for the database's disk.
 *
 * Thread: belongs to the thread of its ship_loop.
 */
#ifndef RESCUE_SWEEPER_SHIP_NOTES_H
#define RESCUE_SWEEPER_SHIP_NOTES_H

#include "sweeper/ship/cargo.h"

enum { NOTES_MAX = 32 }; /* cargos of one claim */

struct notes {
	struct ledger *ledger;
	const char *owner;
	enum status status; /* the last failure of the ledger */
};

/* What one sink made of the cargos, by each one's result. Those that lost their lease are marked. */
void notes_delivered(struct notes *notes, struct cargo **cargos, size_t count, const char *sink);

/* The last word about the cargos in this round: shipped when nothing is owed, else due again later. */
void notes_finish(struct notes *notes, struct cargo *cargos, size_t count);

#endif
