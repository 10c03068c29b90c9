#include "shared/redact/blob.h"

#include "shared/redact/chars.h"
#include "shared/redact/value.h"
#include "shared/redact/words.h"

enum {
	BLOB_MIN = 40,       /* of base64 with one of its signs */
	BLOB_MIN_PLAIN = 60, /* without */
	MIN_PART = 16,
	MIN_ENTROPY = 400,
	CLASS_PERCENT = 8,
	TOKEN_MIN = 23,        /* with its prefix; runs.h finds no shorter ones for sure */
	CORE_MIN = 16,         /* of a token: between its signs */
	CORE_MIN_BARE = 30,    /* of one without a prefix */
	CORE_MIN_LOWER = 20,   /* of one in small letters and digits */
	CORE_MIN_BARE_LOWER = 32,
	CORE_MIN_LETTERS = 24, /* of one in letters alone */
	PREFIX_MAX = 16,
	MIXED_CHANGES = 40,    /* per cent of neighbours that differ in kind; chance gives 62 */
	LOWER_CHANGES = 25,    /* chance gives 40 */
	LETTERS_CHANGES = 35,  /* chance gives 50 */
	LETTERS_SHARE = 30,    /* per cent of either case */
	MIN_HEX_ENTROPY = 330,
	MIN_UPPER = 4, /* fewer capitals and fewer digits than this are words */
	MIN_DIGITS = 2,
	MAX_ENCRYPTED = 4096,
	MAX_NAME = 32, /* of what a published value is called */
	AGE_RECIPIENT = 62,
	MANGLED_PERCENT = 40,
	MANGLED_NAME = 200, /* of one of the names in it */
};

/* Inside "ENC[AES256_GCM,data:…,iv:…,tag:…]": SOPS has encrypted it. */
static bool is_encrypted(struct span text, size_t start)
{
	size_t from = start > MAX_ENCRYPTED ? start - MAX_ENCRYPTED : 0;
	struct span before = span_sub(text, from, start - from);
	const uint8_t *open = before.len == 0 ? NULL : memrchr(before.ptr, '[', before.len);

	return open != NULL && open - before.ptr >= 3 && memcmp(open - 3, "ENC", 3) == 0 &&
	       memchr(open, ']', (size_t)(before.ptr + before.len - open)) == NULL;
}

static bool ends_with(struct span text, struct span end)
{
	return text.len >= end.len && span_eq_nocase(span_sub(text, text.len - end.len, end.len), end);
}

/* The word before a value, behind the signs that tie the two together: "x-amz-id-2: …", "pin-sha256=\"…", "peer: …". */
static struct span name_before(struct span text, size_t start)
{
	size_t end = start, at;

	while (end > 0 && start - end < 4 && memchr("\"': =/", text.ptr[end - 1], 6) != NULL)
		end--;
	for (at = end; at > 0 && end - at < MAX_NAME; at--) {
		if (!is_alnum(text.ptr[at - 1]) && text.ptr[at - 1] != '-' && text.ptr[at - 1] != '_')
			break;
	}
	return end < start ? span_sub(text, at, end - at) : span_sub(text, start, 0);
}

/*
 * Digests, WireGuard's public keys, the numbers that Amazon and Google give their answers, and those of snaps; by their
 * length where they have one, padded or not.
 */
static bool is_called_published(struct span name, size_t len)
{
	static const struct published {
		const char *name;
		size_t len; /* 0: any */
	} names[] = { { "peer", 44 },          { "pubkey", 44 }, { "x-amz-id-2", 0 }, { "x-amz-cf-id", 0 },
		      { "x-amz-apigw-id", 0 }, { "hostid", 0 },  { "snap-id", 32 },   { "x-guploader-uploadid", 0 } },
	  digests[] = { { "sha1", 28 }, { "sha256", 44 }, { "sha384", 64 }, { "sha512", 88 }, { "content-md5", 24 } };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (span_eq_nocase(name, span_cstr(names[i].name)))
			return names[i].len == 0 || len == names[i].len;
	}
	for (size_t i = 0; i < sizeof digests / sizeof *digests; i++) {
		if (ends_with(name, span_cstr(digests[i].name)))
			return len <= digests[i].len && len + 2 >= digests[i].len &&
			       !ends_with(span_sub(name, 0, span_find(name, SPAN_LIT("-"), 0)), SPAN_LIT("hmac"));
	}
	return false;
}

/* "age1…": whom something is encrypted for; what decrypts it is written in capitals. */
static bool is_recipient(struct span run)
{
	return run.len == AGE_RECIPIENT && span_starts_with(run, SPAN_LIT("age1")) && chars_count(run).upper == 0;
}

/*
 * "_ZN4node9inspector5Agent5StartERKSs": what a compiler calls functions, as stack traces show it. Most of it are names,
 * each behind its length.
 */
static bool is_mangled(struct span part)
{
	size_t named = 0;

	if (!span_starts_with(part, SPAN_LIT("_Z")) && !span_starts_with(part, SPAN_LIT("_R")))
		return false;
	for (size_t at = 2; at < part.len; at++) {
		size_t len = 0, from = at;

		while (at < part.len && is_digit(part.ptr[at]) && len < MANGLED_NAME)
			len = len * 10 + (size_t)(part.ptr[at++] - '0');
		if (at == from || len < 2 || len > MANGLED_NAME || len > part.len - at ||
		    !value_is_identifier(span_sub(part, at, len)))
			continue;
		named += at - from + len;
		at += len - 1;
	}
	return named * 100 >= part.len * MANGLED_PERCENT;
}

/* "sha512-…", "SHA256:…", "ssh-rsa AAAA…": published hashes and public keys. */
static bool is_published(struct span text, size_t start, struct span run)
{
	static const char *const starts[] = { "sha1-", "sha256-", "sha384-", "sha512-", "sha256//", "h1:",
	                                      "sha1=", "sha256=", "sha384=", "sha512=" };
	struct span before = span_sub(text, start > 24 ? start - 24 : 0, start > 24 ? 24 : start);

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		if (span_starts_with(run, span_cstr(starts[i])))
			return true;
	}
	if (is_encrypted(text, start) || is_mangled(run) || is_recipient(run) ||
	    is_called_published(name_before(text, start), run.len))
		return true;
	if (span_starts_with(run, SPAN_LIT("AAAA")))
		return span_find(before, SPAN_LIT("ssh-"), 0) < before.len ||
		       span_find(before, SPAN_LIT("ecdsa-"), 0) < before.len;
	return before.len >= 7 && (span_eq_nocase(span_sub(before, before.len - 7, 7), SPAN_LIT("SHA256:")) ||
	                           span_eq_nocase(span_sub(before, before.len - 3, 3), SPAN_LIT("h1:")));
}

/* Sixteen bytes; what is not zero in a half tells where signs stand that parts are told apart by. */
typedef uint64_t halves __attribute__((vector_size(16)));

enum parts {
	PARTS_OF_PATH,  /* "/", "=" and "+": in a path or a list each part is looked at by itself */
	PARTS_OF_NAME,  /* "/", "=", "-" and "_": what paths, names and versions are made of */
};

static halves signs_in(const uint8_t *bytes, enum parts parts)
{
	typedef uint8_t block __attribute__((vector_size(16)));
	block b;

	memcpy(&b, bytes, sizeof b);
	if (parts == PARTS_OF_PATH)
		return (halves)((b == '/') | (b == '=') | (b == '+'));
	return (halves)((b == '/') | (b == '=') | (b == '-') | (b == '_'));
}

static bool is_sign(uint8_t c, enum parts parts)
{
	return c == '/' || c == '=' || (parts == PARTS_OF_PATH ? c == '+' : c == '-' || c == '_');
}

/* Where the part ends that begins at `from`. */
static size_t part_end(struct span run, size_t from, enum parts parts)
{
	size_t at = from;

	for (; at + 16 <= run.len; at += 16) {
		halves signs = signs_in(run.ptr + at, parts);

		if ((signs[0] | signs[1]) != 0)
			break;
	}
	while (at < run.len && !is_sign(run.ptr[at], parts))
		at++;
	return at;
}

static struct span longest_part(struct span run)
{
	struct span best = { 0 };

	for (size_t start = 0, end; start < run.len; start = end + 1) {
		end = part_end(run, start, PARTS_OF_NAME);
		if (end - start > best.len)
			best = span_sub(run, start, end - start);
	}
	return best;
}

/* Capitals, small letters and digits in fair shares: a name has one digit or one capital. */
static bool is_mixed(struct span run)
{
	struct char_counts counts = chars_count(run);
	size_t least = run.len * CLASS_PERCENT / 100;

	return counts.lower > least && counts.upper > least && counts.digits > least / 2;
}

/* Shorter runs have to show one of the signs of base64 as well. */
static bool is_long_enough(struct span run)
{
	if (run.len < BLOB_MIN || run.len >= BLOB_MIN_PLAIN)
		return run.len >= BLOB_MIN;
	return run.ptr[run.len - 1] == '=' || memchr(run.ptr, '+', run.len) != NULL || memchr(run.ptr, '/', run.len) != NULL;
}

static bool is_base64(struct span run)
{
	struct span part;

	if (!is_long_enough(run) || !is_mixed(run))
		return false;
	part = longest_part(run);
	/* Base64 has a '/' every 32 characters or so, paths have one every word. */
	return part.len >= MIN_PART && is_mixed(part) && value_is_random(run) && value_entropy(run) >= MIN_ENTROPY;
}

static unsigned kind_of(uint8_t c)
{
	return is_lower(c) ? 0 : is_upper(c) ? 1 : 2;
}

/* How many neighbours differ in kind, per cent: words and counters keep to one kind for a while. */
static size_t changes(struct span core)
{
	size_t count = 0;

	for (size_t i = 1; i < core.len; i++)
		count += kind_of(core.ptr[i]) != kind_of(core.ptr[i - 1]);
	return count * 100 / core.len;
}

static bool is_hex(struct span core)
{
	for (size_t i = 0; i < core.len; i++) {
		if (hex_value(core.ptr[i]) < 0)
			return false;
	}
	return true;
}

/* What services put before the numbers of their requests and records, which a reader looks up. */
static const word_listed record_words[] = {
	"acct", "app", "asset", "assets", "asst", "batch", "build", "bundle", "cache", "call", "ch", "chatcmpl",
	"chunk", "cni", "commit", "container", "corr", "crio", "cus", "deploy", "digest", "docker", "dpl", "etag",
	"event", "evt", "file", "hash", "id", "iid", "image", "in", "index", "job", "layer", "libpod", "main", "md5",
	"message", "msg", "net", "node", "obj", "org", "page", "pi", "pod", "price", "prod", "proj", "project", "ref",
	"req", "request", "resp", "rev", "run", "sha", "sha1", "sha256", "span", "static", "sub", "task", "team",
	"thread", "tmp", "toolu", "trace", "txn", "uid", "user", "usr", "v", "vendor", "vendors", "vol", "volume",
	"worker",
};

/* Letters alone in both cases: in names capitals are rare. */
static bool is_random_letters(struct span core)
{
	struct char_counts counts = chars_count(core);

	return counts.upper + counts.lower == core.len && counts.upper * 100 >= core.len * LETTERS_SHARE &&
	       counts.lower * 100 >= core.len * LETTERS_SHARE && changes(core) >= LETTERS_CHANGES &&
	       !value_is_identifier(core);
}

/* "vol0865dcff3ca6d93f3": a word and a number in hexadecimal. */
static bool is_numbered(struct span core)
{
	while (core.len > 0 && !is_digit(core.ptr[0]))
		core = span_sub(core, 1, core.len);
	return is_hex(core);
}

/* Every digit belongs to the name of something that programs are made of: "X509TrustManagerIPv4Impl". */
static bool is_technical(struct span core)
{
	static const char *const words[] = { "X509", "IPv4", "IPv6", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16",
	                                     "UInt32", "UInt64", "Float32", "Float64", "Base32", "Base64", "Sha256", "SHA1",
	                                     "SHA256", "SHA384", "SHA512", "MD5", "UTF8", "UTF16", "Utf8", "HTTP2", "Http2",
	                                     "OAuth2", "EC2", "K8s", "Log4j", "Slf4j", "JUnit5", "Web3" };

	for (size_t at = 0; at < core.len; at++) {
		struct span rest = span_sub(core, at, core.len), word = { 0 };

		for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
			if (rest.ptr[0] == (uint8_t)*words[i] && span_starts_with(rest, span_cstr(words[i])))
				word = span_cstr(words[i]);
		}
		if (word.len > 0)
			at += word.len - 1;
		else if (is_digit(core.ptr[at]))
			return false;
	}
	return true;
}

/* The core of a token is random for its kind of alphabet. `sign` is what stands before it, 0 for nothing. */
static bool is_core(struct span core, uint8_t sign)
{
	if (is_hex(core)) /* most likely a digest, but for what is written as "dop_v1_…" or "shpat_…" */
		return sign == '_' && (core.len == 32 || core.len == 40 || core.len == 64) &&
		       value_entropy(core) >= MIN_HEX_ENTROPY;
	if (!value_is_random(core))
		return sign == '_' && core.len >= CORE_MIN_LETTERS && is_random_letters(core);
	if (chars_count(core).upper > 0)
		return is_mixed(core) && core.len >= (sign == 0 ? (size_t)CORE_MIN_BARE : (size_t)CORE_MIN) &&
		       changes(core) >= MIXED_CHANGES && !is_technical(core);
	return !is_numbered(core) && core.len >= (sign == 0 ? (size_t)CORE_MIN_BARE_LOWER : (size_t)CORE_MIN_LOWER) &&
	       changes(core) >= LOWER_CHANGES;
}

/* Most runs are words in a path or in a name: neither capitals in number nor digits. */
static bool is_words(struct span run)
{
	struct char_counts counts = chars_count(run);

	return counts.upper < MIN_UPPER && counts.digits < MIN_DIGITS;
}

/* "hf_…", "glpat-…", "sk-proj-…": a short prefix, then what looks random; or the latter alone when it is long. */
static bool is_token(struct span part)
{
	struct span core, prefix;
	size_t at, first = 0;

	if (part.len < TOKEN_MIN || is_words(part))
		return false;
	core = longest_part(part);
	at = (size_t)(core.ptr - part.ptr);
	if (core.len < CORE_MIN || !is_core(core, at == 0 ? 0 : part.ptr[at - 1]))
		return false;
	while (first < at && part.ptr[first] != '_' && part.ptr[first] != '-')
		first++;
	prefix = span_sub(part, 0, first);
	return at == 0 || (is_alpha(part.ptr[0]) && first <= PREFIX_MAX && !words_hold_span(WORD_LIST(record_words), prefix));
}

bool blob_find(struct span text, size_t start, size_t end, size_t *ret_start, size_t *ret_end)
{
	struct span run = span_sub(text, start, end - start);

	*ret_start = start;
	*ret_end = end;
	if (is_words(run) || is_hex(run))
		return false;
	if (is_base64(run))
		return !is_published(text, start, run);
	for (size_t from = 0, stop; from + TOKEN_MIN <= run.len; from = stop + 1) {
		stop = part_end(run, from, PARTS_OF_PATH);
		*ret_start = start + from;
		*ret_end = start + stop;
		if (is_token(span_sub(run, from, stop - from)))
			return !is_published(text, start, run) && !is_mangled(span_sub(run, from, stop - from));
	}
	return false;
}
