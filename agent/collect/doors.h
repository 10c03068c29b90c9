/*
 * doors: what was opened for a collector that is confined (agent/sandbox) and cannot open it by itself any more.
 *
 * One set a process, set once before the first collection; a process that is not confined sets none and opens
 * everything itself. Thread: set by the first one, read by any.
 */
#ifndef RESCUE_AGENT_COLLECT_DOORS_H
#define RESCUE_AGENT_COLLECT_DOORS_H

#include "shared/buf.h"

struct doors {
	int engine;   /* takes sockets, each of which becomes a connection to the Engine (agent/relay.h) */
	int metadata; /* gives the metadata service's answer, once (agent/doorkeeper.h) */
	int environ;  /* /proc/1/environ */
	int kmsg;     /* /dev/kmsg */
};

#define DOORS_NONE ((struct doors){ .engine = -1, .metadata = -1, .environ = -1, .kmsg = -1 })

/* What comes out of the metadata door: this, and then the document up to the end. */
struct doors_metadata {
	enum status status;
	struct err err;
};

/* The descriptors stay the caller's and open. */
void doors_set(struct doors doors);
struct doors doors_get(void);

/* collect_file_whole, through the door if `path` is /proc/1/environ and there is one. */
enum status doors_read(const char *root, const char *path, struct buf *content, struct err *err);

/* What the metadata service said to whoever asked it. Can be read once. */
enum status doors_read_metadata(struct buf *ret_document, struct err *err);

/* A new connection to the Engine through the door: a connected socket, or -1. For fetch_options.open_connection. */
int doors_connect_engine(void *unused);

#endif
