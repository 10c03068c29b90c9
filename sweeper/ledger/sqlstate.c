#include "sweeper/ledger/sqlstate.h"

struct meaning {
	const char *prefix; /* of the code: a class of two characters or a whole one; the first that fits counts */
	enum status status;
	bool drops;
	const char *hint;
};

static const struct meaning meanings[] = {
	{ "22P02", STATUS_NOT_FOUND, false, "" },
	{ "22", STATUS_INVALID, false, "" },
	{ "23", STATUS_UNAVAILABLE, false, "" },
	{ "25006", STATUS_UNAVAILABLE, true, "this server only reads; is it a standby?" },
	{ "40", STATUS_UNAVAILABLE, false, "" },
	{ "42P01", STATUS_UNAVAILABLE, true, "check workspaces_table, and run rescue-sweeper migrate" },
	{ "3F000", STATUS_UNAVAILABLE, true, "run rescue-sweeper migrate" },
	{ "42501", STATUS_UNAVAILABLE, true, "grant the sweeper's role what it needs" },
	{ "53", STATUS_UNAVAILABLE, false, "" },
	{ "55P03", STATUS_UNAVAILABLE, false, "another transaction holds the lock" },
	{ "57014", STATUS_UNAVAILABLE, false, "the statement took too long" },
};

static const struct meaning other = { "", STATUS_UNAVAILABLE, true, "" };

static const struct meaning *find(const char *code)
{
	for (size_t i = 0; code != NULL && i < sizeof meanings / sizeof meanings[0]; i++) {
		if (span_starts_with(span_cstr(code), span_cstr(meanings[i].prefix)))
			return &meanings[i];
	}
	return &other;
}

enum status sqlstate_status(const char *code)
{
	return find(code)->status;
}

bool sqlstate_drops(const char *code)
{
	return find(code)->drops;
}

const char *sqlstate_hint(const char *code)
{
	return find(code)->hint;
}
