/*
 * worker: the process that reads the box. It is made for one capture: collects, redacts, hands over what is clean,
 * ends. It stands between wait and spool in the data's way.
 *
 *   supervisor ──fork──▶ doorkeepers ◀─doors─ worker ──report──▶ uploader, or `collect`
 *        └───────fork────────────────────────▶ │  └──bundle──▶ the spool's file, for an early capture
 *                                               └──summary──▶ the console
 *
 * Before it reads anything it is confined (agent/sandbox): it makes no connection and writes to nothing but the
 * descriptors that it was given. What it gives out is a parcel, which holds clean text alone.
 * Whoever receives a report treats it as bytes from outside: it has the caps of limits.h, and its words are ours to
 * check.
 * Thread: start and receive belong to processes with one thread, or to the first one.
 */
#ifndef RESCUE_AGENT_WORKER_H
#define RESCUE_AGENT_WORKER_H

#include <sys/types.h>

#include "agent/capture.h"

enum worker_output {
	WORKER_PLAIN,  /* a report with the bundle as NDJSON */
	WORKER_PACKED, /* a report with the sealed bundle */
	WORKER_FILE,   /* nothing but the sealed bundle, synced */
};

struct worker_job {
	struct identity identity;
	bool reads_identity; /* from the certificate, if there is one: nobody could ask yet */
	struct order order;  /* its workspace is replaced where the identity is read */
	enum worker_output output;
	int output_fd;
	int early_fd;        /* a bundle of before the order, to go along; -1: none */
	int not_for_it[2];   /* descriptors of the caller that the worker shall not have; -1: none */
};

struct worker_pids {
	pid_t worker, relay, metadata; /* children of the caller; -1: none */
};

/*
 * Starts the worker and its doorkeepers. The caller may close its copies of the job's descriptors at once and reaps
 * all children; the others end by themselves when the worker has, unless they hang.
 */
enum status worker_start(const struct agent_config *config, const struct worker_job *job,
                         struct worker_pids *ret_pids, struct err *err);

/* The other end of worker_receive. */
bool worker_send(int fd, enum status status, const struct err *err, const struct capture_table *table,
                 struct span bundle);

/* What a worker told. `bundle` is the receiver's. */
struct worker_report {
	struct capture_table table;
	struct buf bundle;
};

/*
 * Waits for the report, at most until `until_mono_ms`. STATUS_CLOSED: the worker ended without one; STATUS_TIMEOUT;
 * STATUS_INVALID; or what the capture itself said. The bundle is empty then.
 */
enum status worker_receive(int fd, int64_t until_mono_ms, struct worker_report *ret_report, struct err *err);

/* How long a report may take after the order: the capture's own deadline, and redacting and packing. */
int64_t worker_patience_ms(const struct agent_config *config);

#endif
