#include "shared/redact/blob.h"

#include "shared/redact/chars.h"
#include "shared/redact/value.h"

enum { MIN_PART = 16, MIN_ENTROPY = 400, CLASS_PERCENT = 8 };

/* "sha512-…", "SHA256:…", "ssh-rsa AAAA…": published hashes and public keys. */
static bool is_published(struct span text, size_t start, struct span run)
{
	static const char *const starts[] = { "sha1-", "sha256-", "sha384-", "sha512-", "h1:" };
	struct span before = span_sub(text, start > 24 ? start - 24 : 0, start > 24 ? 24 : start);

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		if (span_starts_with(run, span_cstr(starts[i])))
			return true;
	}
	if (span_find(before, SPAN_LIT("ENC[AES256_GCM,"), 0) < before.len) /* encrypted by SOPS */
		return true;
	if (span_starts_with(run, SPAN_LIT("AAAA")))
		return span_find(before, SPAN_LIT("ssh-"), 0) < before.len ||
		       span_find(before, SPAN_LIT("ecdsa-"), 0) < before.len;
	return before.len >= 7 && (span_eq_nocase(span_sub(before, before.len - 7, 7), SPAN_LIT("SHA256:")) ||
	                           span_eq_nocase(span_sub(before, before.len - 3, 3), SPAN_LIT("h1:")));
}

/* The longest part between signs that paths, names and versions are made of. */
static struct span longest_part(struct span run)
{
	struct span best = { 0 };
	size_t start = 0;

	for (size_t i = 0; i <= run.len; i++) {
		if (i < run.len && memchr("/-_=", run.ptr[i], 4) == NULL)
			continue;
		if (i - start > best.len)
			best = span_sub(run, start, i - start);
		start = i + 1;
	}
	return best;
}

/* Capitals, small letters and digits in fair shares: a name has one digit or one capital. */
static bool is_mixed(struct span run)
{
	size_t lower = 0, upper = 0, digits = 0, least = run.len * CLASS_PERCENT / 100;

	for (size_t i = 0; i < run.len; i++) {
		lower += is_lower(run.ptr[i]);
		upper += is_upper(run.ptr[i]);
		digits += is_digit(run.ptr[i]);
	}
	return lower > least && upper > least && digits > least / 2;
}

/* Shorter runs have to show one of the signs of base64 as well. */
static bool is_long_enough(struct span run)
{
	if (run.len < BLOB_MIN || run.len >= BLOB_MIN_PLAIN)
		return run.len >= BLOB_MIN;
	return run.ptr[run.len - 1] == '=' || memchr(run.ptr, '+', run.len) != NULL || memchr(run.ptr, '/', run.len) != NULL;
}

bool blob_is_secret(struct span text, size_t start, size_t end)
{
	struct span run = span_sub(text, start, end - start), part;

	if (!is_long_enough(run) || !is_mixed(run))
		return false;
	part = longest_part(run);
	/* Base64 has a '/' every 32 characters or so, paths have one every word. */
	return part.len >= MIN_PART && is_mixed(part) && value_is_random(run) && value_entropy(run) >= MIN_ENTROPY &&
	       !is_published(text, start, run);
}
