/*
 * console: a few redacted lines on the box's serial console, for a box whose network never came: the cloud shows
 * them to whoever asks for its console output. Beside upload at the end of the data's way.
 *
 *   === RESCUE SUMMARY BEGIN capture=… workspace=… ===
 *   the verdict's lines, then the end of cloud-init's output
 *   === RESCUE SUMMARY END ===
 *
 * At most LIMIT_CONSOLE_BYTES, markers included. It comes from a parcel, so that it is clean text; control characters
 * are replaced, since the reader may be a terminal. Nothing here waits longer than LIMIT_CONSOLE_MS: a console
 * without a reader, with stopped output, or that is no console at all costs the summary and nothing else.
 */
#ifndef RESCUE_AGENT_CONSOLE_H
#define RESCUE_AGENT_CONSOLE_H

#include "agent/parcel.h"

/* -1, after a line in the log, when it cannot be opened now. */
int console_open(const char *path);

/* Appends the summary of a parcel that is not sealed. `out` is empty and its max is at least LIMIT_CONSOLE_BYTES. */
enum status console_summary(const struct parcel *parcel, const struct record_origin *origin, struct buf *out);

/* As much as gets out in time; what does not is logged. */
void console_write(int fd, struct span summary);

#endif
