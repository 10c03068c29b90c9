#include "sweeper/ship/loki_answer.h"

struct phrase {
	struct span text;
	struct loki_answer answer;
};

#define PHRASE(text_, verdict_, reason_) { SPAN_LIT(text_), { verdict_, reason_ } }

/*
 * In this order: what is wrong with the stream's labels is wrong with every entry, so it outranks what an answer
 * about several entries says of single ones.
 */
static const struct phrase phrases_400[] = {
	PHRASE("label names; limit", LOKI_MISCONFIGURED, "too many labels: remove some from the sink's labels"),
	PHRASE("couldn't parse labels", LOKI_MISCONFIGURED, "a label's name is not allowed: see the sink's labels"),
	PHRASE("label value too long", LOKI_MISCONFIGURED, "a label's value is too long: see the sink's labels"),
	PHRASE("label name too long", LOKI_MISCONFIGURED, "a label's name is too long: see the sink's labels"),
	PHRASE("duplicate label name", LOKI_MISCONFIGURED, "a label is there twice: see the sink's labels"),
	PHRASE("snappy: corrupt input", LOKI_MISCONFIGURED, "the content type was lost on the way: a proxy in between?"),
	PHRASE("includes structured metadata, but this feature is disallowed", LOKI_MISCONFIGURED,
	       "structured metadata is switched off in Loki: set structured_metadata: false"),
	PHRASE("timestamp too old", LOKI_MISTIMED, "timestamp too old"),
	PHRASE("timestamp too new", LOKI_MISTIMED, "timestamp too new"),
	PHRASE("too far behind", LOKI_MISTIMED, "timestamp too far behind the stream's newest"),
	PHRASE("out of order", LOKI_MISTIMED, "timestamp out of order"),
	PHRASE("max entry size", LOKI_REFUSED, "entry too long for Loki's max_line_size"),
	PHRASE("structured metadata too large", LOKI_REFUSED, "structured metadata too large"),
	PHRASE("too many structured metadata labels", LOKI_REFUSED, "too many structured metadata entries"),
};

static struct loki_answer read_400(struct span body)
{
	for (size_t i = 0; i < sizeof phrases_400 / sizeof phrases_400[0]; i++) {
		if (span_find(body, phrases_400[i].text, 0) < body.len)
			return phrases_400[i].answer;
	}
	return (struct loki_answer){ LOKI_REFUSED, "refused with 400 for a reason that is not known here" };
}

static struct loki_answer read_500(struct span body)
{
	/* Loki's parts speak gRPC with each other, whose message limit surfaces as a 500. */
	if (span_find(body, SPAN_LIT("larger than max"), 0) < body.len)
		return (struct loki_answer){ LOKI_TOO_BIG, "push too large for Loki's gRPC limit" };
	return (struct loki_answer){ LOKI_LATER, "Loki failed inside (5xx)" };
}

struct loki_answer loki_answer_read(int code, struct span body)
{
	if (code >= 200 && code <= 299)
		return (struct loki_answer){ LOKI_STORED, "stored" };
	switch (code) {
	case 400:
		return read_400(body);
	case 401:
		return (struct loki_answer){ LOKI_MISCONFIGURED, "401: check tenant_id, basic_auth_file and bearer_file" };
	case 403:
		return (struct loki_answer){ LOKI_MISCONFIGURED, "403: these credentials may not push" };
	case 404:
		return (struct loki_answer){ LOKI_MISCONFIGURED, "404: the sink's url does not lead to a Loki" };
	case 408:
		return (struct loki_answer){ LOKI_LATER, "Loki did not wait for the push (408)" };
	case 413:
		return (struct loki_answer){ LOKI_TOO_BIG, "push too large (413)" };
	case 422:
		return (struct loki_answer){ LOKI_REFUSED, "refused with 422" };
	case 429:
		return (struct loki_answer){ LOKI_BUSY, "Loki's rate limit is reached (429)" };
	default:
		break;
	}
	if (code == 502 || code == 503 || code == 504)
		return (struct loki_answer){ LOKI_BUSY, "Loki is not ready (502, 503 or 504)" };
	if (code >= 500)
		return read_500(body);
	return (struct loki_answer){ LOKI_MISCONFIGURED, "an answer that Loki does not give: check the sink's url" };
}
