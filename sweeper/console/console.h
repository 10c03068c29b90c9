/*
 * console: the last resort for a box whose agent never came: EC2's console output, redacted, as the section
 * `console-output` behind the record that says `unreachable` (sweeper.yaml: console_fallback). It stands beside ship:
 * that record is on its way before anybody is asked, and goes again with what came of it.
 *
 *   unreachable ──claim──▶ ask EC2 ──output────────▶ store, to be shipped again
 *        ▲                    ├ refused for good ──▶ store words that say so
 *        └── due later ───────┴ not now, or nothing on the console yet; after the last attempt as above
 *
 * Thread: a thread for each tenant that does nothing else, so that neither sweep nor shipping waits for AWS.
 */
#ifndef RESCUE_SWEEPER_CONSOLE_CONSOLE_H
#define RESCUE_SWEEPER_CONSOLE_CONSOLE_H

#include "sweeper/ship/ship.h"

/* Works for one tenant until stop_wanted. `options` must outlive the call; its wake is raised, never waited for. */
void console_loop(const struct ship_options *options);

#endif
