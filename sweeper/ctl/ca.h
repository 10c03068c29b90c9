/*
 * ca: the folder of a small certificate authority: ca.crt, ca.key (0600) and trust-domain, a line of text.
 *
 * Thread: one at a time; two `ca` commands on one folder at once are the operator's mistake.
 */
#ifndef RESCUE_SWEEPER_CTL_CA_H
#define RESCUE_SWEEPER_CTL_CA_H

#include "shared/buf.h"
#include "sweeper/ctl/ctl.h"

enum { CA_MAX_DAYS = 36500, CA_COMMON_NAME_SIZE = 65 };

struct ca_folder {
	struct buf cert_pem;
	struct buf key_pem; /* wiped by ca_folder_done */
	char trust_domain[LIMIT_TRUST_DOMAIN + 1];
};

/* Words name the file that is missing or wrong. Call ca_folder_done in any case. */
enum status ca_folder_load(const char *dir, struct ca_folder *ret_folder, struct err *err);
void ca_folder_done(struct ca_folder *folder);

/* dir/name, appended. */
void ca_path(const char *dir, const char *name, struct buf *out);

/* `days` from now in seconds since 1970, begun a little in the past for boxes whose clock is behind. */
void ca_validity(int64_t days, int64_t *ret_not_before_s, int64_t *ret_not_after_s);

/* {"cert": …, "key": …} or two lines about the files made. */
enum ctl_exit ca_report(const struct ctl *ctl, const char *cert_path, const char *key_path, const char *uri);

enum ctl_exit ca_init(struct ctl *ctl);
enum ctl_exit ca_issue(struct ctl *ctl);

#endif
