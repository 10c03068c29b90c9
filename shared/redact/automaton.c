#include "shared/redact/automaton.h"

#include <assert.h>
#include <stdlib.h>

#include "shared/buf.h"

enum { FIRST_CAP = 64, PAIRS = 65536 };

struct string {
	uint8_t *bytes;
	size_t len;
	uint32_t id;
	uint32_t next; /* with the same prefix; 0: last */
};

/* A state is a prefix of some string; state 0 is the empty one. */
struct state {
	uint32_t fail;   /* the longest other prefix that this one ends with */
	uint32_t string; /* the first whose prefix this is; 0: none */
	uint32_t output; /* the next state on the way of fail that has a string; 0: none */
	uint32_t depth;
};

/* One transition; a child of 0 marks a free slot, for no transition leads to the empty prefix. */
struct edge {
	uint32_t parent;
	uint32_t child;
	uint8_t byte;
};

struct automaton {
	struct string *strings; /* the first is unused */
	size_t string_count, string_cap;
	struct state *states;
	size_t state_count, state_cap;
	struct edge *edges; /* open addressing */
	size_t edge_cap;
	uint8_t starts[PAIRS / 8]; /* which two bytes begin a string */
};

struct automaton *automaton_new(void)
{
	struct automaton *automaton = calloc(1, sizeof *automaton);

	if (automaton == NULL)
		return NULL;
	automaton->states = calloc(FIRST_CAP, sizeof *automaton->states);
	automaton->strings = calloc(FIRST_CAP, sizeof *automaton->strings);
	automaton->edges = calloc(FIRST_CAP, sizeof *automaton->edges);
	automaton->state_cap = automaton->string_cap = automaton->edge_cap = FIRST_CAP;
	automaton->state_count = automaton->string_count = 1;
	if (automaton->states != NULL && automaton->strings != NULL && automaton->edges != NULL)
		return automaton;
	automaton_free(automaton);
	return NULL;
}

void automaton_free(struct automaton *automaton)
{
	if (automaton == NULL)
		return;
	for (size_t i = 1; automaton->strings != NULL && i < automaton->string_count; i++) {
		wipe(automaton->strings[i].bytes, automaton->strings[i].len);
		free(automaton->strings[i].bytes);
	}
	/* The edges spell the strings out. */
	if (automaton->edges != NULL)
		wipe(automaton->edges, automaton->edge_cap * sizeof *automaton->edges);
	free(automaton->edges);
	free(automaton->states);
	free(automaton->strings);
	free(automaton);
}

static size_t slot_of(const struct automaton *automaton, uint32_t parent, uint8_t byte)
{
	size_t mask = automaton->edge_cap - 1;
	size_t slot = (((uint64_t)parent << 8 | byte) * UINT64_C(0x9E3779B97F4A7C15) >> 32) & mask;

	while (automaton->edges[slot].child != 0 &&
	       (automaton->edges[slot].parent != parent || automaton->edges[slot].byte != byte))
		slot = (slot + 1) & mask;
	return slot;
}

static uint32_t child_of(const struct automaton *automaton, uint32_t parent, uint8_t byte)
{
	return automaton->edges[slot_of(automaton, parent, byte)].child;
}

static enum status grow_edges(struct automaton *automaton)
{
	struct edge *old = automaton->edges;
	size_t old_cap = automaton->edge_cap;
	struct edge *edges = calloc(old_cap * 2, sizeof *edges);

	if (edges == NULL)
		return STATUS_NO_MEMORY;
	automaton->edges = edges;
	automaton->edge_cap = old_cap * 2;
	for (size_t i = 0; i < old_cap; i++) {
		if (old[i].child != 0)
			edges[slot_of(automaton, old[i].parent, old[i].byte)] = old[i];
	}
	wipe(old, old_cap * sizeof *old);
	free(old);
	return STATUS_OK;
}

static enum status grow_states(struct automaton *automaton)
{
	struct state *states = reallocarray(automaton->states, automaton->state_cap * 2, sizeof *states);

	if (states == NULL)
		return STATUS_NO_MEMORY;
	automaton->states = states;
	automaton->state_cap *= 2;
	return STATUS_OK;
}

static enum status add_state(struct automaton *automaton, uint32_t parent, uint8_t byte, uint32_t *ret_child)
{
	enum status status = STATUS_OK;

	if (automaton->state_count == automaton->state_cap)
		status = grow_states(automaton);
	if (status == STATUS_OK && automaton->state_count * 2 >= automaton->edge_cap)
		status = grow_edges(automaton);
	if (status != STATUS_OK)
		return status;
	*ret_child = (uint32_t)automaton->state_count++;
	automaton->states[*ret_child] = (struct state){ .depth = automaton->states[parent].depth + 1 };
	automaton->edges[slot_of(automaton, parent, byte)] = (struct edge){ parent, *ret_child, byte };
	return STATUS_OK;
}

static enum status keep_string(struct automaton *automaton, struct span string, uint32_t id)
{
	uint8_t *bytes;

	if (automaton->string_count == automaton->string_cap) {
		struct string *strings =
			reallocarray(automaton->strings, automaton->string_cap * 2, sizeof *strings);

		if (strings == NULL)
			return STATUS_NO_MEMORY;
		automaton->strings = strings;
		automaton->string_cap *= 2;
	}
	bytes = malloc(string.len);
	if (bytes == NULL)
		return STATUS_NO_MEMORY;
	memcpy(bytes, string.ptr, string.len);
	automaton->strings[automaton->string_count++] = (struct string){ .bytes = bytes, .len = string.len, .id = id };
	return STATUS_OK;
}

enum status automaton_add(struct automaton *automaton, struct span string, uint32_t id)
{
	uint32_t state = 0;
	enum status status = keep_string(automaton, string, id);
	size_t pair = (size_t)string.ptr[0] << 8 | string.ptr[1];

	assert(string.len >= 2);
	for (size_t i = 0; i < string.len && i < AUTOMATON_PREFIX && status == STATUS_OK; i++) {
		uint32_t child = child_of(automaton, state, string.ptr[i]);

		if (child == 0)
			status = add_state(automaton, state, string.ptr[i], &child);
		state = child;
	}
	if (status != STATUS_OK)
		return status;
	automaton->starts[pair / 8] |= (uint8_t)(1U << pair % 8);
	automaton->strings[automaton->string_count - 1].next = automaton->states[state].string;
	automaton->states[state].string = (uint32_t)automaton->string_count - 1;
	return STATUS_OK;
}

bool automaton_holds(const struct automaton *automaton, struct span string)
{
	uint32_t state = 0;

	for (size_t i = 0; i < string.len && i < AUTOMATON_PREFIX; i++) {
		state = child_of(automaton, state, string.ptr[i]);
		if (state == 0)
			return false;
	}
	for (uint32_t i = automaton->states[state].string; i != 0; i = automaton->strings[i].next) {
		if (span_eq(span_of(automaton->strings[i].bytes, automaton->strings[i].len), string))
			return true;
	}
	return false;
}

static uint32_t step(const struct automaton *automaton, uint32_t state, uint8_t byte)
{
	for (;;) {
		uint32_t child = child_of(automaton, state, byte);

		if (child != 0 || state == 0)
			return child;
		state = automaton->states[state].fail;
	}
}

static void link_state(struct automaton *automaton, const struct edge *edge)
{
	uint32_t fail = 0;

	if (edge->parent != 0)
		fail = step(automaton, automaton->states[edge->parent].fail, edge->byte);
	automaton->states[edge->child].fail = fail;
	automaton->states[edge->child].output =
		automaton->states[fail].string != 0 ? fail : automaton->states[fail].output;
}

/* From the shallow states to the deep ones: each link needs those of all shallower states. */
void automaton_build(struct automaton *automaton)
{
	for (uint32_t depth = 1; depth <= AUTOMATON_PREFIX; depth++) {
		for (size_t i = 0; i < automaton->edge_cap; i++) {
			const struct edge *edge = &automaton->edges[i];

			if (edge->child != 0 && automaton->states[edge->child].depth == depth)
				link_state(automaton, edge);
		}
	}
}

/* While no string has begun, two bytes at a time decide whether one may begin here. */
static size_t skip(const struct automaton *automaton, struct span text, size_t at)
{
	for (; at + 1 < text.len; at++) {
		size_t pair = (size_t)text.ptr[at] << 8 | text.ptr[at + 1];

		if ((automaton->starts[pair / 8] >> pair % 8 & 1) != 0)
			return at;
	}
	return text.len;
}

void automaton_find_all(const struct automaton *automaton, struct span text,
                        void (*each)(void *ctx, size_t start, size_t end, uint32_t id), void *ctx)
{
	uint32_t state = 0;

	for (size_t at = 0; at < text.len; at++) {
		if (state == 0)
			at = skip(automaton, text, at);
		if (at >= text.len)
			return;
		state = step(automaton, state, text.ptr[at]);
		for (uint32_t hit = state; hit != 0; hit = automaton->states[hit].output) {
			size_t start = at + 1 - automaton->states[hit].depth;

			for (uint32_t i = automaton->states[hit].string; i != 0; i = automaton->strings[i].next) {
				const struct string *string = &automaton->strings[i];

				if (span_starts_with(span_sub(text, start, string->len),
				                     span_of(string->bytes, string->len)))
					each(ctx, start, start + string->len, string->id);
			}
		}
	}
}
