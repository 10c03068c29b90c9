#include "shared/redact/prefilter.h"

#include <assert.h>
#include <stdlib.h>
#if defined(__x86_64__) && !defined(RESCUE_PLAIN)
#include <immintrin.h>
#endif

#include "shared/redact/chars.h"

#define HASH_FACTOR 0x9E3779B1U
enum { HASH_BITS = 15, HASH_SIZE = 1 << HASH_BITS, GRAM = 3, WORD = 4, FIRST_CAP = 256, LANES = 8 };

struct entry {
	struct span keyword;
	uint32_t word;   /* the four bytes from its gram on, folded */
	uint32_t mask;   /* which of them belong to the keyword */
	uint32_t offset; /* of the gram in the keyword */
	uint32_t id;
	uint32_t next;   /* of the same hash; 0: last */
	bool nocase;
};

struct prefilter {
	/* For each hash of three bytes, by the low five bits of the fourth, whether a keyword has them. */
	uint32_t flags[HASH_SIZE];
	uint16_t first[HASH_SIZE];
	bool is_common[HASH_SIZE]; /* for each hash of three bytes, whether words have them that every log is full of */
	size_t (*scan)(const struct prefilter *filter, struct span text, size_t at, unsigned *ret_up);
	struct entry *entries; /* the first is unused, so that 0 can mean none */
	size_t count;
	size_t cap;
};

void prefilter_free(struct prefilter *filter)
{
	if (filter == NULL)
		return;
	free(filter->entries);
	free(filter);
}

/* Folding by setting one bit also maps a few signs onto others; the comparison that follows is exact. */
static uint32_t word_at(const uint8_t *bytes)
{
	return ((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24) |
	       0x20202020U;
}

/* The same near the end of the text, where fewer than four bytes may be left: missing ones read as blanks. */
static uint32_t last_word(struct span text, size_t at)
{
	uint8_t bytes[WORD] = { 0 };

	memcpy(bytes, text.ptr + at, text.len - at);
	return word_at(bytes);
}

static inline uint32_t word_near(struct span text, size_t at)
{
	return at + WORD <= text.len ? word_at(text.ptr + at) : last_word(text, at);
}

/* The shift drops the fourth byte. */
static uint32_t hash_of(uint32_t word)
{
	return ((word << 8) * HASH_FACTOR) >> (32 - HASH_BITS);
}

/* The flag that stands for a word's fourth byte; letters of both cases have the same. */
static unsigned fourth_bit(uint32_t word)
{
	return word >> 24 & 31;
}

static unsigned is_up(const struct prefilter *filter, uint32_t word)
{
	return filter->flags[hash_of(word)] >> fourth_bit(word) & 1U;
}

/* How often a byte stands in English text and in logs, in per mille, roughly. */
static unsigned frequency(uint8_t c)
{
	static const uint8_t letters[] = { 80, 15, 28, 42, 125, 22, 20, 60, 70, 2,  8,  40, 24,
		                           67, 75, 19, 1,  60, 63, 90, 28, 10, 24, 2, 20, 1 };

	if (is_alpha(c))
		return letters[to_lower(c) - 'a'];
	return is_digit(c) ? 40 : memchr(" -./:=", c, 6) != NULL ? 60 : 5;
}

/* Words of which logs are full, in small letters: what stands in them tells a keyword badly. */
static const char common_words[] =
	"a about access account action added admin after agent all allow api application arguments array auth available "
	"backend block boot bridge build cache call certificate check client cloud code command commit complete config "
	"configuration configured configuring connect connection container content control cookie core could create "
	"created credentials daemon data database date debug default delete dependencies destination detected device "
	"digest directory disabled discovery disk docker done down download driver enabled encrypt encryption end entry "
	"environment error event exception exit expected export failed failure fetch file filesystem finished for found "
	"from function generated get group handler host http https image import in index info init initialized input "
	"install installed installing instance interface internal invalid is item kernel key keys label layer level "
	"library line linux listening load loaded local log login lookup main manager map memory message meta method "
	"missing mode module mount name network new node not null object of on open option order os output override "
	"package packages page parse password path pending permission plugin policy port post pre prepare preparing "
	"private process processing production profile project protocol provider proxy public pull push python quiet "
	"range read ready received record refresh refused register registry release reload remote removing replace reply "
	"request requests required reset resolve resource response result retry returned role root route run runtime "
	"script secret section security selecting sent server service session set setting setup shared shell signature "
	"size socket source space stack stage start started starting state status step stop storage store string success "
	"swap sync system target task temp test thread time timeout to token trace transaction triggers true type unable "
	"unit unpacking update upgrade url use user users using uuid value variable verify version via volume wait "
	"warning web with worker workspace write x y zone ";

/* A gram is as rare as its bytes are, and less so where common words have three of them. */
static size_t rarest_gram(const struct prefilter *filter, struct span keyword)
{
	enum { COMMON = 4096 };
	size_t len = keyword.len < WORD ? (size_t)GRAM : (size_t)WORD, best = 0;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i + len <= keyword.len; i++) {
		uint64_t product = 1;

		for (size_t j = i; j < i + len; j++)
			product *= frequency(keyword.ptr[j]);
		for (size_t j = i; j + GRAM <= i + len; j++)
			product *= filter->is_common[hash_of(word_near(keyword, j))] ? COMMON : 1;
		if (product < least) {
			least = product;
			best = i;
		}
	}
	return best;
}

static enum status make_room(struct prefilter *filter)
{
	size_t cap = filter->cap == 0 ? FIRST_CAP : filter->cap * 2;
	struct entry *entries;

	if (filter->count < filter->cap)
		return STATUS_OK;
	if (cap > UINT16_MAX)
		return STATUS_TOO_LARGE;
	entries = reallocarray(filter->entries, cap, sizeof *entries);
	if (entries == NULL)
		return STATUS_NO_MEMORY;
	filter->entries = entries;
	filter->cap = cap;
	return STATUS_OK;
}

enum status prefilter_add(struct prefilter *filter, struct span keyword, bool nocase, uint32_t id)
{
	enum status status = make_room(filter);
	uint8_t gram[WORD] = { 0 };
	size_t offset = rarest_gram(filter, keyword);
	struct span rest = span_sub(keyword, offset, WORD);
	uint32_t word, hash;

	assert(keyword.len >= PREFILTER_MIN_KEYWORD);
	if (status != STATUS_OK)
		return status;
	memcpy(gram, rest.ptr, rest.len);
	word = word_at(gram);
	hash = hash_of(word);
	filter->entries[filter->count] = (struct entry){ .keyword = keyword,
		                                         .word = rest.len < WORD ? word & 0xFFFFFFU : word,
		                                         .mask = rest.len < WORD ? 0xFFFFFFU : UINT32_MAX,
		                                         .offset = (uint32_t)offset,
		                                         .id = id,
		                                         .next = filter->first[hash],
		                                         .nocase = nocase };
	filter->first[hash] = (uint16_t)filter->count++;
	filter->flags[hash] |= rest.len < WORD ? UINT32_MAX : UINT32_C(1) << fourth_bit(word);
	return STATUS_OK;
}

/* `at` is where the gram stands, and `word` what is there. */
static bool stands_at(const struct entry *entry, struct span text, size_t at, uint32_t word)
{
	struct span there;

	if ((word & entry->mask) != entry->word || at < entry->offset)
		return false;
	there = span_sub(text, at - entry->offset, entry->keyword.len);
	return entry->nocase ? span_eq_nocase(there, entry->keyword) : span_eq(there, entry->keyword);
}

/*
 * The first eight places from `at` on of which one has its flag up, with a bit in *ret_up for each that has. None of
 * them is so near to the end that fewer than four bytes stand there; when only such are left, *ret_up is 0.
 */
static size_t scan_plain(const struct prefilter *filter, struct span text, size_t at, unsigned *ret_up)
{
	const uint8_t *p = text.ptr;

	for (*ret_up = 0; at + LANES + WORD - 1 <= text.len; at += LANES) {
		for (size_t i = 0; i < LANES; i++)
			*ret_up |= is_up(filter, word_at(p + at + i)) << i;
		if (*ret_up != 0)
			break;
	}
	return at;
}

#if defined(__x86_64__) && !defined(RESCUE_PLAIN)
/* The same hash in each lane of a vector, the flags by one gather. */
__attribute__((target("avx2"))) static size_t scan_avx2(const struct prefilter *filter, struct span text, size_t at,
                                                        unsigned *ret_up)
{
	const __m256i words = _mm256_setr_epi8(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, 4, 5, 6, 7, 5, 6, 7, 8, 6, 7, 8,
	                                       9, 7, 8, 9, 10);
	const __m256i fold = _mm256_set1_epi32(0x20202020), factor = _mm256_set1_epi32((int)HASH_FACTOR);
	const __m256i last = _mm256_set1_epi32(31);

	for (*ret_up = 0; at + 16 <= text.len; at += LANES) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text.ptr + at));
		__m256i word = _mm256_or_si256(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), words), fold);
		__m256i hash = _mm256_srli_epi32(_mm256_mullo_epi32(_mm256_slli_epi32(word, 8), factor), 32 - HASH_BITS);
		__m256i flags = _mm256_i32gather_epi32((const int *)(const void *)filter->flags, hash, sizeof *filter->flags);
		/* The bit that counts becomes the sign, which movemask takes. */
		__m256i sign = _mm256_sllv_epi32(flags, _mm256_andnot_si256(_mm256_srli_epi32(word, 24), last));

		*ret_up = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(sign));
		if (*ret_up != 0)
			break;
	}
	return at;
}
#endif

struct prefilter *prefilter_new(void)
{
	struct prefilter *filter = calloc(1, sizeof *filter);

	if (filter == NULL)
		return NULL;
	filter->count = 1;
	for (struct span words = span_cstr(common_words); words.len > GRAM; words = span_sub(words, 1, words.len))
		filter->is_common[hash_of(word_near(words, 0))] = true;
	filter->scan = scan_plain;
#if defined(__x86_64__) && !defined(RESCUE_PLAIN)
	if (__builtin_cpu_supports("avx2"))
		filter->scan = scan_avx2;
#endif
	return filter;
}

/* Moves on to the next place where a flag is up. False at the end. */
static bool next_place(const struct prefilter *filter, struct span text, struct prefilter_cursor *cursor)
{
	while (cursor->up == 0 && cursor->next + GRAM <= text.len) {
		cursor->block = filter->scan(filter, text, cursor->next, &cursor->up);
		cursor->next = cursor->block + LANES;
		if (cursor->up == 0) {
			cursor->next = cursor->block + 1;
			cursor->up = cursor->block + GRAM <= text.len && is_up(filter, word_near(text, cursor->block));
		}
	}
	if (cursor->up == 0)
		return false;
	cursor->place = cursor->block + (size_t)__builtin_ctz(cursor->up);
	cursor->up &= cursor->up - 1;
	return true;
}

bool prefilter_next(const struct prefilter *filter, struct span text, struct prefilter_cursor *cursor,
                    uint32_t *ret_id)
{
	for (;;) {
		while (cursor->entry != 0) {
			const struct entry *entry = &filter->entries[cursor->entry];

			cursor->entry = entry->next;
			if (stands_at(entry, text, cursor->place, cursor->word)) {
				cursor->at = cursor->place - entry->offset;
				*ret_id = entry->id;
				return true;
			}
		}
		if (!next_place(filter, text, cursor))
			return false;
		cursor->word = word_near(text, cursor->place);
		cursor->entry = filter->first[hash_of(cursor->word)];
	}
}
