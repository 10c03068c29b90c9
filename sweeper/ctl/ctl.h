/*
 * ctl: what every subcommand of rescuectl shares: the global options, the way to fail, the way to print.
 *
 * Thread: the program has one.
 */
#ifndef RESCUE_SWEEPER_CTL_CTL_H
#define RESCUE_SWEEPER_CTL_CTL_H

#include "shared/jdoc.h"
#include "sweeper/ctl/args.h"
#include "sweeper/ctl/style.h"

enum ctl_exit { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NOTHING = 3 };

struct ctl;

struct ctl_command {
	const char *name;
	const char *usage;   /* what stands behind "rescuectl NAME " */
	const char *summary;
	const char *details; /* printed by --help; "" for none */
	enum ctl_exit (*run)(struct ctl *ctl);
};

struct ctl {
	/* Global options, from the command line or else the environment; NULL when not given. */
	const char *sweeper; /* https URL without a path */
	const char *admin;   /* http URL of the sweeper's admin listener */
	const char *cert, *key, *ca;
	const char *loki;    /* base URL: read from there instead of from the sweeper */
	const char *org;
	const char *tenant;  /* X-Scope-OrgID for Loki */
	bool json;
	bool help;
	bool terminal_err;   /* stderr is a terminal: progress may rewrite its line */
	struct style style;
	const struct ctl_command *command;
	int argc;            /* the words behind the subcommand's name */
	char *const *argv;
};

/* The global options, as args.h wants them. Borrowed until the next call. */
struct args_table ctl_globals(struct ctl *ctl);
/* Options that were not given come from RESCUE_SWEEPER and its like. */
void ctl_read_env(struct ctl *ctl);

/*
 * Reads the subcommand's words. False: the answer is given already (help, or a usage error on stderr), the subcommand
 * returns *ret_exit.
 */
bool ctl_parse(struct ctl *ctl, const struct args_option *options, size_t count, size_t min, size_t max,
               struct args *ret_args, enum ctl_exit *ret_exit);
void ctl_print_usage(const struct ctl_command *command, bool whole);

/* "rescuectl: <words>" on stderr, made harmless to a terminal. CTL_NOTHING for STATUS_NOT_FOUND, else CTL_FAILED. */
enum ctl_exit ctl_fail(enum status status, const struct err *err);
/* The same with a hint at the subcommand's usage; CTL_USAGE. */
enum ctl_exit ctl_usage(const struct ctl *ctl, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Prints `text` on stdout. CTL_DONE, or CTL_FAILED when it could not be written. */
enum ctl_exit ctl_print(const struct buf *text);
/* Prints the document on a line. NULL (out of memory while building it) fails. */
enum ctl_exit ctl_print_json(const struct jdoc *doc);

/* The URL of `name` on a server: base without its slashes at the end, and `path`. */
void ctl_url(const char *base, const char *path, struct buf *out);

/* -- subcommands, one file each ------------------------------------------------------------------------------ */

enum ctl_exit list_run(struct ctl *ctl);
enum ctl_exit show_run(struct ctl *ctl);
enum ctl_exit wait_run(struct ctl *ctl);
enum ctl_exit retry_run(struct ctl *ctl);
enum ctl_exit identity_run(struct ctl *ctl);
enum ctl_exit ca_run(struct ctl *ctl);
enum ctl_exit doctor_run(struct ctl *ctl);

#endif
