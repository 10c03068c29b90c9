/*
 * ledger: everything that must survive, in PostgreSQL. The only folder that knows libpq.
 *
 * A struct ledger is one connection to one tenant's database, opened on first use and again after it broke.
 * Calls block (never call them on a loop's thread) and are bounded by connect, statement and TCP user timeouts.
 * Each call is one statement or one transaction: it happened wholly or not at all. All times are the
 * database's. Any call may answer STATUS_UNAVAILABLE: the database cannot be reached or is shutting
 * down, try again later; the words name it, without the connection string's password.
 * Thread: one at a time for each struct ledger.
 */
#ifndef RESCUE_SWEEPER_LEDGER_LEDGER_H
#define RESCUE_SWEEPER_LEDGER_LEDGER_H

#include "proto/order.h"
#include "shared/tls/tickets.h"
#include "sweeper/config.h"

struct ledger;

/* Keeps pointers into `config`. No I/O. */
enum status ledger_new(const struct sweeper_config *config, const struct tenant_config *tenant,
                       struct ledger **ret_ledger);
void ledger_free(struct ledger *ledger);

/* One round trip. */
enum status ledger_ping(struct ledger *ledger, struct err *err);

/* The database's clock, in nanoseconds since 1970. */
enum status ledger_clock(struct ledger *ledger, int64_t *ret_now_ns, struct err *err);

/* -- schema (migrate.c) ------------------------------------------------------------------------------------- */

/* Brings schema `rescue` to this program's version; several at once are safe (advisory lock). */
enum status ledger_migrate(struct ledger *ledger, struct err *err);
/* STATUS_OK when the schema is there and of this version; STATUS_INVALID says to run `migrate`. */
enum status ledger_check_schema(struct ledger *ledger, struct err *err);

/* -- what may be put on the platform's table (platform.c) ---------------------------------------------------- */

/*
 * The trigger that orders a capture, by what the configuration says now, for a row that anybody else flips to failed.
 * Installing needs the TRIGGER privilege on the table. STATUS_UNAVAILABLE when the table stays busy for seconds.
 */
enum status ledger_adoption_install(struct ledger *ledger, struct err *err);
enum status ledger_adoption_drop(struct ledger *ledger, struct err *err);
enum status ledger_adoption_installed(struct ledger *ledger, bool *ret_installed, struct err *err);

/* Of the platform's table. The first lets a sweep read only what is overdue, the second an enrolment one row. */
enum ledger_index { LEDGER_INDEX_SWEEP, LEDGER_INDEX_INSTANCE };

enum ledger_index_state {
	LEDGER_INDEX_THERE,  /* that one, or one of the platform's own that serves as well */
	LEDGER_INDEX_ABSENT,
	LEDGER_INDEX_BROKEN, /* an earlier attempt was broken off and left something that must be dropped first */
};

enum status ledger_index_state(struct ledger *ledger, enum ledger_index index, enum ledger_index_state *ret_state,
                               struct err *err);
/* Takes as long as the table is large. */
enum status ledger_index_make(struct ledger *ledger, enum ledger_index index, struct err *err);
/* Appends the statement that makes it, on one line. */
enum status ledger_index_statement(struct ledger *ledger, enum ledger_index index, struct buf *out);

/* -- verdicts (verdicts.c) ---------------------------------------------------------------------------------- */

struct ledger_verdict {
	char capture_id[CAPTURE_ID_SIZE];
	char workspace_id[LIMIT_WORKSPACE_ID + 1];
	char instance_id[LIMIT_INSTANCE_ID + 1];
	enum capture_reason reason;
	int64_t timeout_s; /* of the sweep; 0 otherwise */
};
typedef void ledger_each_verdict(void *ctx, const struct ledger_verdict *verdict);

struct ledger_timeouts {
	const struct runtime_timeout *runtimes; /* per runtime; NULL runtime of a row counts as "" */
	size_t runtime_count;
	int64_t default_s;
	int64_t override_s; /* 0: none; else it beats everything */
};

/*
 * Flips at most `batch` overdue rows: flip, capture row, event rows and notifications in one statement.
 * *ret_count below `batch` means that nothing overdue is left.
 */
enum status ledger_sweep(struct ledger *ledger, const struct ledger_timeouts *timeouts, int64_t batch,
                         ledger_each_verdict *each, void *ctx, int64_t *ret_count, struct err *err);

/*
 * The control plane's call. `error` and `log_tail` have passed the redactor. STATUS_OK: *ret_verdict is the verdict;
 * STATUS_CONFLICT: the row is not `provisioning`, nothing changed; STATUS_NOT_FOUND.
 */
enum status ledger_bootstrap_failed(struct ledger *ledger, struct span workspace_id, struct span error,
                                    struct span log_tail, struct ledger_verdict *ret_verdict, struct err *err);

/* -- orders (orders.c) -------------------------------------------------------------------------------------- */

enum ledger_next { LEDGER_WAIT, LEDGER_ORDER, LEDGER_STAND_DOWN };

/*
 * What an agent shall do now: an open capture's order first; else WAIT while the row is provisioning,
 * failed, awaiting_agent, without status, or does not exist since less than 15 minutes (counted from the
 * workspace's first visit, kept in rescue.identities); else STAND_DOWN.
 */
enum status ledger_next_order(struct ledger *ledger, struct span workspace_id, enum ledger_next *ret_next,
                              struct order *ret_order, struct err *err);

/* Every capture that an agent could take now, oldest first, at most 10,000; for matching with held agents. */
typedef void ledger_each_order(void *ctx, const struct order *order);
enum status ledger_open_orders(struct ledger *ledger, ledger_each_order *each, void *ctx, struct err *err);

/* Notes the first delivery of each of these, ids separated by commas. Not an error when one has moved on meanwhile. */
enum status ledger_mark_delivered(struct ledger *ledger, struct span capture_ids, struct err *err);

/*
 * Waits for a notification of a new order, at most `timeout_ms`, or until `wake_fd` is readable (-1: none).
 * STATUS_OK: `each` was called with the workspace id of every notification; STATUS_TIMEOUT; STATUS_STOPPED for wake_fd.
 * Keeps LISTENing between calls; after a reconnect the caller must look at the table, since notifications were
 * missed: the first call after one answers STATUS_AGAIN at once.
 */
typedef void ledger_each_notice(void *ctx, struct span workspace_id);
enum status ledger_listen(struct ledger *ledger, int64_t timeout_ms, int wake_fd, ledger_each_notice *each, void *ctx,
                          struct err *err);

/* -- identities (identities.c) ------------------------------------------------------------------------------ */

enum ledger_binding {
	LEDGER_BOUND,        /* the identity is bound to the key: it may have a certificate */
	LEDGER_NO_ROW,       /* no workspace names the instance (yet); renewal: the identity is bound to none */
	LEDGER_TOO_OLD,      /* the document's pendingTime lies more than enroll.max_age_s back */
	LEDGER_TOO_EARLY,    /* or more than LIMIT_ENROLL_SKEW_S in the future */
	LEDGER_WRONG_STATE,  /* the workspace is not one that a box may enrol or renew for */
	LEDGER_OVER,         /* the same, and the key is the one that is bound: the box needs no rescue any more */
	LEDGER_SEVERAL_ROWS, /* several workspaces that are provisioning name the instance */
	LEDGER_OTHER_KEY,    /* the identity is bound to another key */
};

/* What a verified document and a checked certificate request prove. */
struct ledger_proof {
	char instance_id[LIMIT_INSTANCE_ID + 1];
	const char *key_digest;
	int64_t pending_ns;
};

struct ledger_identity {
	enum ledger_binding binding;
	char workspace_id[LIMIT_WORKSPACE_ID + 1]; /* of LEDGER_BOUND and LEDGER_OTHER_KEY */
	char instance_id[LIMIT_INSTANCE_ID + 1];
	int64_t now_s; /* the database's clock */
};

/* How many workspaces name the instance, whatever their state. */
enum status ledger_count_instance(struct ledger *ledger, const char *instance_id, int64_t *ret_count, struct err *err);

/* Binds the identity of the workspace that names the instance to the key, on first use; one statement. */
enum status ledger_enroll(struct ledger *ledger, const struct ledger_proof *proof, struct ledger_identity *ret_identity,
                          struct err *err);

/* Whether a workspace that has a certificate may have a new one for the same key. */
enum status ledger_renew_identity(struct ledger *ledger, struct span workspace_id, const char *key_digest,
                                  struct ledger_identity *ret_identity, struct err *err);

/* Notes what was issued, before it is handed out. STATUS_CONFLICT: the identity is not bound to the key any more. */
enum status ledger_identity_issued(struct ledger *ledger, const char *workspace_id, const char *key_digest,
                                   const char *fingerprint, int64_t not_after_s, struct err *err);

/* Makes an event of an attempt with another key: at most one in ten minutes for each workspace. */
enum status ledger_identity_conflict(struct ledger *ledger, const struct ledger_identity *identity,
                                     const char *key_digest, const char *address, struct err *err);

/* Unbinds, and makes an event of it. STATUS_NOT_FOUND: it was bound to none. */
enum status ledger_identity_reset(struct ledger *ledger, struct span workspace_id, const char *operator_fingerprint,
                                  const char *address, struct err *err);

/* -- session tickets (ticket_keys.c) -------------------------------------------------------------------------- */

struct ledger_ticket_keys {
	struct tls_ticket_key keys[LIMIT_TICKET_KEYS];
	size_t count;
	int64_t now_ms; /* the database's clock, on which the keys' times are */
};

/*
 * The keys of this tenant's session tickets, which all replicas share: the one of the period before, the current one and
 * the next, made and dropped as the database's clock says. The caller wipes them.
 */
enum status ledger_ticket_keys(struct ledger *ledger, struct ledger_ticket_keys *ret_keys, struct err *err);

/* -- captures (captures.c) ---------------------------------------------------------------------------------- */

enum capture_state { CAPTURE_ORDERED, CAPTURE_RECEIVED, CAPTURE_SHIPPED, CAPTURE_UNREACHABLE, CAPTURE_REFUSED };
const char *capture_state_name(enum capture_state state);

struct ledger_capture {
	char capture_id[CAPTURE_ID_SIZE];
	char workspace_id[LIMIT_WORKSPACE_ID + 1];
	char instance_id[LIMIT_INSTANCE_ID + 1]; /* "" when the row has none */
	enum capture_reason reason;
	enum capture_state state;
	/* Nanoseconds since 1970; 0 when it did not happen. */
	int64_t requested_ns, delivered_ns, received_ns, shipped_ns, deadline_ns, grace_until_ns, next_attempt_ns;
	int64_t attempts;
	char bundle_sha256[65];  /* of the upload; "" when there was none */
	int64_t entry_base_ns;   /* first Loki entry's timestamp; 0 until shipping began */
	const char *shipped_to;  /* comma-separated names of the sinks that have it. Borrowed during the callback */
	const char *last_error;  /* "" when there is none. Borrowed during the callback */
	struct span bundle;      /* gzip NDJSON; empty when not asked for or cleared. Borrowed during the callback */
};
typedef void ledger_each_capture(void *ctx, const struct ledger_capture *capture);

/* `each` is called once. STATUS_NOT_FOUND. A malformed id is not found. */
enum status ledger_get_capture(struct ledger *ledger, struct span capture_id, bool with_bundle,
                               ledger_each_capture *each, void *ctx, struct err *err);

/* Newest first. workspace_id empty: of all workspaces. Without bundles. */
enum status ledger_list_captures(struct ledger *ledger, struct span workspace_id, int64_t limit,
                                 ledger_each_capture *each, void *ctx, struct err *err);

/*
 * Stores an uploaded bundle before it is acknowledged. `sha256` is that of the upload as sent, `bundle_gzip` what the
 * gate made of it. STATUS_OK: stored (ordered, unreachable or refused became received). STATUS_CONFLICT: one is stored
 * already; *ret_same says whether it is this one. STATUS_NOT_FOUND: no such capture of this workspace.
 */
enum status ledger_store_bundle(struct ledger *ledger, struct span capture_id, struct span workspace_id,
                                const char *sha256, struct span bundle_gzip, bool *ret_same, struct err *err);

/* Notes that an upload was refused (422) and why; only while nothing is stored. */
enum status ledger_refuse(struct ledger *ledger, struct span capture_id, struct span workspace_id, const char *reason,
                          struct err *err);

/*
 * An operator's retry: a stored bundle is shipped again at once, to the sinks that do not have it, or, when
 * all have it, to all of them; a capture without bundle is ordered again with a new deadline and grace.
 * STATUS_NOT_FOUND. STATUS_CONFLICT: shipped, and the bundle is no longer kept.
 */
enum status ledger_retry(struct ledger *ledger, struct span capture_id, struct err *err);

/*
 * Captures whose agent did not come by the deadline, or whose row names no instance: `make_record` makes the
 * bundle (gzip NDJSON, one record with outcome "unreachable") that is stored in the same transaction with state
 * `unreachable`. *ret_count is how many.
 */
typedef enum status ledger_make_record(void *ctx, const struct ledger_capture *capture, struct buf *ret_bundle_gzip);
enum status ledger_mark_unreachable(struct ledger *ledger, int64_t batch, ledger_make_record *make, void *ctx,
                                    int64_t *ret_count, struct err *err);

/* -- console output of unreachable boxes (console.c) -------------------------------------------------------- */

/*
 * Takes the next unreachable capture of an instance whose console output is to be asked for: `each` is called with it,
 * its bundle and the number of this attempt, from 1. *ret_count is 0 when none is due. An attempt that comes to
 * nothing needs no word: the next one is due by itself, until `attempts_max` were made.
 */
typedef void ledger_each_console(void *ctx, const struct ledger_capture *capture, int64_t attempt);
enum status ledger_claim_console(struct ledger *ledger, int64_t attempts_max, ledger_each_console *each, void *ctx,
                                 int64_t *ret_count, struct err *err);

/*
 * Stores the unreachable record together with what came of it, to be shipped. STATUS_CONFLICT: the capture has moved
 * on meanwhile.
 */
enum status ledger_store_console(struct ledger *ledger, const char *capture_id, int64_t attempt,
                                 struct span bundle_gzip, struct err *err);

/* -- shipping (shipments.c) --------------------------------------------------------------------------------- */

struct ledger_claim {
	const char *owner;
	int64_t lease_s, max;
	int64_t bytes; /* of bundles as stored; one more capture than reach it is claimed */
	const char *usable_sinks, *all_sinks; /* comma-separated names */
};

/*
 * Leases at most `max` captures, fewer when `bytes` is reached, that are due for shipping to `owner` for `lease_s` seconds, with entry_base_ns set (and
 * committed) and the bundle given. A crashed owner's captures are due again when the lease ends, and those that `owner`
 * holds already at once: call it with empty hands. What all usable sinks have, but not all sinks, is left alone.
 */
enum status ledger_claim(struct ledger *ledger, const struct ledger_claim *claim, ledger_each_capture *each, void *ctx,
                         struct err *err);

/* All of these answer STATUS_CONFLICT when `owner` no longer holds the lease: leave the capture alone then. */
enum status ledger_renew(struct ledger *ledger, const char *capture_id, const char *owner, int64_t lease_s,
                         struct err *err);
/*
 * Several at once, since each statement waits for the disk: `is_noted` says for which the lease held, and STATUS_OK that
 * it was asked for all.
 */
struct ledger_noted {
	const char *capture_id;
	bool is_noted;
	int64_t after_ms; /* of ledger_shipped: the time since the verdict; -1 for an unreachable one */
};
/* One sink has them. */
enum status ledger_sink_done(struct ledger *ledger, struct ledger_noted *noted, size_t count, const char *owner,
                             const char *sink, struct err *err);
/* Every sink has them: received becomes shipped, unreachable stays; shipped_at is set and the lease given back. */
enum status ledger_shipped(struct ledger *ledger, struct ledger_noted *noted, size_t count, const char *owner,
                           struct err *err);
/* Not now: due again after `delay_ms`; `reason` becomes last_error. `was_tried` counts an attempt. */
enum status ledger_ship_later(struct ledger *ledger, const char *capture_id, const char *owner, int64_t delay_ms,
                              const char *reason, bool was_tried, struct err *err);
/* New timestamps, committed before they are used: entry_base_ns becomes now. */
enum status ledger_rebase(struct ledger *ledger, const char *capture_id, const char *owner, int64_t *ret_base_ns,
                          struct err *err);

/* Stored and not yet shipped: how many, and the age of the oldest in seconds. */
enum status ledger_backlog(struct ledger *ledger, int64_t *ret_count, int64_t *ret_age_s, struct err *err);
/* Clears the bundles that were shipped more than `keep_s` seconds ago. */
enum status ledger_clear_bundles(struct ledger *ledger, int64_t keep_s, int64_t batch, struct err *err);

/* Forgets what nobody has asked for in `keep_s` seconds: workspaces whose agents are gone, and delivered events. */
enum status ledger_forget(struct ledger *ledger, int64_t keep_s, int64_t batch, struct err *err);

/* -- events (events.c) -------------------------------------------------------------------------------------- */

struct ledger_event {
	char event_id[CAPTURE_ID_SIZE];
	struct span json; /* the webhook's body. Borrowed during the callback */
	int64_t attempts;
};
typedef void ledger_each_event(void *ctx, const struct ledger_event *event);

/* Outbox: leases events that are due for the webhook, oldest first. */
enum status ledger_claim_events(struct ledger *ledger, const char *owner, int64_t lease_s, int64_t max,
                                ledger_each_event *each, void *ctx, struct err *err);
enum status ledger_event_done(struct ledger *ledger, const char *event_id, struct err *err);
enum status ledger_event_later(struct ledger *ledger, const char *event_id, int64_t delay_ms, const char *reason,
                               struct err *err);

#endif
