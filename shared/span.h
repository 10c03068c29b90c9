/*
 * span: borrowed bytes. Nothing relies on a trailing NUL, and nothing here owns memory.
 */
#ifndef RESCUE_SHARED_SPAN_H
#define RESCUE_SHARED_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *ptr; /* may be NULL when len is 0 */
	size_t len;
};

/* A string literal, without its NUL. */
#define SPAN_LIT(literal) ((struct span){ (const uint8_t *)("" literal), sizeof(literal) - 1 })
/* For printf's "%.*s". The length is cut at INT_MAX by the caller's limits. */
#define SPAN_ARG(span) (int)(span).len, (const char *)(span).ptr

static inline struct span span_of(const void *ptr, size_t len)
{
	return (struct span){ (const uint8_t *)ptr, len };
}

/* A NUL-terminated string; NULL gives the empty span. */
static inline struct span span_cstr(const char *text)
{
	return (struct span){ (const uint8_t *)text, text == NULL ? 0 : strlen(text) };
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool span_starts_with(struct span text, struct span prefix)
{
	return text.len >= prefix.len && (prefix.len == 0 || memcmp(text.ptr, prefix.ptr, prefix.len) == 0);
}

/* The part from `from` on, at most `len` bytes; both are cut to what is there. */
static inline struct span span_sub(struct span text, size_t from, size_t len)
{
	if (from > text.len)
		from = text.len;
	if (len > text.len - from)
		len = text.len - from;
	return (struct span){ text.ptr == NULL ? NULL : text.ptr + from, len };
}

/* ASCII without regard to case (HTTP field names, environment names). */
bool span_eq_nocase(struct span a, struct span b);

/* Offset of the first occurrence of `needle` at or after `from`; text.len when there is none. */
size_t span_find(struct span text, struct span needle, size_t from);

/* FNV-1a with a final mix. With a secret seed nobody can choose texts that meet in one place of a table. */
uint64_t span_hash(struct span text, uint64_t seed);

/* A whole decimal number with nothing around it. False when it is not one or does not fit. */
bool span_to_u64(struct span text, uint64_t *ret_value);

/*
 * Takes the next line off the front of *rest: *ret_line is it with its '\n' (the last may have none).
 * False at the end.
 */
bool span_next_line(struct span *rest, struct span *ret_line);

#endif
