/*
 * The slots of a region: whether they can be found where they are, and whether what is in them can
 * be what their kind keeps.
 */
#include "budget/holder.h"
#include "cli/region_findings.h"
#include "core/chart.h"
#include "core/evidence.h"
#include "core/slot.h"
#include "core/trip.h"
#include "core/word.h"
#include "look/look.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_OF_CELLS (RING_CELLS * sizeof(struct cell) / sizeof(uint64_t))
/* In 1/16 ms: a minute, as core/trip.c has it. */
#define TRIP_MOST (60000u * 16u)
/* Beyond what the ring reaches, a window may be written by a clock that is so far ahead. */
#define AHEAD_MORE_MS 5000u
/* An exchange whose clock is further away than this is not believed. */
#define OFFSET_MAX_MS 86400000ULL

struct sight {
        const struct region_file *file;
        struct findings *findings;
        uint64_t wall_ms;
        size_t index;
        const struct slot *slot;
        uint64_t key, pool, owner;
        uint32_t span_ms;
};

static uint64_t load(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_relaxed);
}

/* @at: in the slot. */
PRINTF(3, 4)
static void find(const struct sight *s, const void *at, const char *format, ...)
{
        size_t in_slot = (size_t)((const char *)at - (const char *)s->slot), field = 0;
        char where[64], text[320];
        va_list args;

        while (field + 1 < chart_slot.n_fields && chart_slot.fields[field + 1].offset <= in_slot)
                ++field;
        if (in_slot >= offsetof(struct slot, cells))
                snprintf(where, sizeof(where), "slot %zu cell %zu", s->index,
                         (in_slot - offsetof(struct slot, cells)) / sizeof(struct cell));
        else
                snprintf(where, sizeof(where), "slot %zu %s", s->index,
                         chart_slot.fields[field].name);
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        findings_add(s->findings, REGION_HEADER_BYTES + s->index * sizeof(struct slot) + in_slot,
                     where, "%s", text);
}

/* Words from @at on, in the slot, that nothing is kept in. */
static void check_empty(const struct sight *s, size_t at, size_t bytes, const char *what)
{
        for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
                const word_t *word = (const word_t *)(const void *)((const char *)s->slot + at + i);

                if (load(word) != 0) {
                        find(s, word, "is %#llx, where %s keeps nothing",
                             (unsigned long long)load(word), what);
                        return;
                }
        }
}

static void check_text(const struct sight *s, const word_t *at, size_t bytes, const char *what)
{
        const char *text = (const char *)(uintptr_t)at;
        size_t n = strnlen(text, bytes);

        for (size_t i = 0; i < n; ++i)
                if (text[i] < ' ' || text[i] > '~') {
                        find(s, at, "%s has a byte %#x, which is no letter", what,
                             (unsigned)(unsigned char)text[i]);
                        return;
                }
        for (size_t i = n; i < bytes; ++i)
                if (text[i] != '\0') {
                        find(s, at, "%s has something behind its end", what);
                        return;
                }
}

/* Where it is and what it says it is. */

static void check_place(const struct sight *s)
{
        uint64_t home = s->key % REGION_SLOTS;
        size_t away = (size_t)((s->index + REGION_SLOTS - home) % REGION_SLOTS);

        if (away >= SLOT_PROBES) {
                find(s, &s->slot->key,
                     "belongs at slot %llu, and is too far behind it: nobody finds it, what is in "
                     "it counts for nobody",
                     (unsigned long long)home);
                return;
        }
        for (size_t i = 0; i < away; ++i) {
                uint64_t before = load(&s->file->region.slots[(home + i) % REGION_SLOTS].key);

                if (before == 0 || before == s->key) {
                        find(s, &s->slot->key,
                             before == 0 ? "nobody finds it: slot %llu before it is free"
                                         : "is there twice: slot %llu has this key and is found "
                                           "first",
                             (unsigned long long)((home + i) % REGION_SLOTS));
                        return;
                }
        }
}

static void check_name(const struct sight *s)
{
        if (s->pool <= UINT16_MAX && s->key == slot_key((uint16_t)s->pool, s->owner, s->span_ms))
                return;
        find(s, &s->slot->key,
             "is not the key of pool %llu, owner %016llx, span %u ms: one of the four is damaged",
             (unsigned long long)s->pool, (unsigned long long)s->owner, s->span_ms);
}

/* Budgets. */

/* The last window that anybody can have written in. */
static uint64_t last_window(const struct sight *s)
{
        const struct policy_pool *pool = policy_pool(s->pool);
        struct limiter_time time = look_pool_time(&s->file->region, pool, s->wall_ms);
        uint64_t off_ms =
                time.now_ms > s->wall_ms ? time.now_ms - s->wall_ms : s->wall_ms - time.now_ms;

        if (off_ms > OFFSET_MAX_MS)
                time = (struct limiter_time){ s->wall_ms, 0 };
        return (time.now_ms + time.guard_ms + AHEAD_MORE_MS) / s->span_ms +
               window_ahead(s->span_ms) + 1;
}

/* Return: false when @word is of a window that cannot have come. */
static bool check_tag(const struct sight *s, size_t cell, const word_t *word, const char *what,
                      uint64_t last)
{
        uint64_t newest = last - (last + RING_CELLS - cell) % RING_CELLS;
        uint64_t ahead = ((load(word) >> (2 * FIELD_BITS)) - tag_of(newest)) & TAG_MASK;

        if (load(word) == 0 || ahead == 0 || ahead > TAG_AHEAD_MAX)
                return true;
        find(s, word,
             "%s is of a window %llu s ahead of all that can be: until then nobody may write "
             "here (-ESTALE); a clock was far ahead, or it is damaged",
             what, (unsigned long long)(ahead * RING_CELLS * s->span_ms / MS_PER_SECOND));
        return false;
}

static void check_cell(const struct sight *s, size_t i, uint64_t last)
{
        const struct cell *cell = &s->slot->cells[i];
        const struct {
                const word_t *word;
                const char *name;
        } words[] = {
                { &cell->sent, "sent" },
                { &cell->held, "held" },
                { &cell->seen, "seen" },
                { &cell->foreign, "foreign" },
        };
        uint64_t sent = load(&cell->sent), high = sent >> FIELD_BITS & FIELD_MASK;

        for (size_t k = 0; k < ARRAY_SIZE(words); ++k)
                if (!check_tag(s, i, words[k].word, words[k].name, last))
                        return;
        if ((sent & FIELD_MASK) > high)
                find(s, &cell->sent, "%llu are flying of %llu that were sent: damaged",
                     (unsigned long long)(sent & FIELD_MASK), (unsigned long long)high);
        if (high == FIELD_MASK)
                find(s, &cell->sent, "sent is as high as a word counts: it may be more");
}

static void check_budget(const struct sight *s)
{
        uint64_t trip = load(&s->slot->trip) & TRIP_MASK,
                 look_ms = load(&s->slot->look) >> FIELD_BITS;
        uint64_t last;

        if (s->span_ms == 0) {
                find(s, &s->slot->pool_span, "a budget of no span");
                return;
        }
        if (trip > TRIP_MOST)
                find(s, &s->slot->trip, "is %llu: nothing is on its way for so long",
                     (unsigned long long)trip);
        if (!region_is_time(look_ms, s->wall_ms))
                find(s, &s->slot->look, "is %#llx: a time that is none",
                     (unsigned long long)load(&s->slot->look));
        last = last_window(s);
        for (size_t i = 0; i < RING_CELLS; ++i)
                check_cell(s, i, last);
}

/* The others. */

static void check_pacing(const struct sight *s)
{
        if (s->owner >> 32 == 0 || (s->owner & UINT32_MAX) == 0 || s->span_ms != 0)
                find(s, &s->slot->owner, "a pacing bucket of %llu a minute, %llu at once",
                     (unsigned long long)(s->owner >> 32),
                     (unsigned long long)(s->owner & UINT32_MAX));
        if (!region_is_time(load(&s->slot->cells[0].sent) / US_PER_MS, s->wall_ms))
                find(s, &s->slot->cells[0].sent,
                     "the bucket is full again at a time that is none: who waits for it waits for "
                     "ever");
        check_empty(s, offsetof(struct slot, cells) + sizeof(uint64_t),
                    sizeof(s->slot->cells) - sizeof(uint64_t), "a pacing bucket");
}

/* As budget/holder.h has them. */
static void check_holder(const struct sight *s)
{
        const word_t *words = &s->slot->cells[0].sent;

        if (load(&words[1]) > 1)
                find(s, &words[1], "is %#llx: neither that both are charged nor that one is",
                     (unsigned long long)load(&words[1]));
        check_empty(s, offsetof(struct slot, cells) + 3 * sizeof(uint64_t), sizeof(uint64_t),
                    "a key");
        check_text(s, &words[4], 16, "the key");
        check_text(s, &words[6], 16, "the other key");
        check_text(s, &words[8], HOLDER_NAME_SIZE, "the account's name");
        check_empty(s, offsetof(struct slot, cells) + 16 * sizeof(uint64_t),
                    (WORDS_OF_CELLS - 16) * sizeof(uint64_t), "a key");
}

/* 1 + a cost, or 0. */
static void check_cost(const struct sight *s, const word_t *word, uint64_t value, const char *what)
{
        if (value > (uint64_t)WINDOW_AMOUNT_MAX + 1)
                find(s, word, "%s is a cost of %llu, more than any window holds", what,
                     (unsigned long long)value - 1);
}

static void check_evidence(const struct sight *s)
{
        const struct evidence *e = (const struct evidence *)(const void *)s->slot->cells;

        for (unsigned kind = 0; kind < EVIDENCE_KINDS; ++kind) {
                const struct evidence_figures *f = &e->of[kind];

                check_cost(s, &f->charged, load(&f->charged), "charged");
                check_cost(s, &f->learnt, load(&f->learnt), "learnt");
                check_cost(s, &f->decided, load(&f->decided) & UINT32_MAX, "decided");
                if (!region_is_time(load(&f->first_ms), s->wall_ms) ||
                    !region_is_time(load(&f->last_ms), s->wall_ms))
                        find(s, &f->first_ms, "samples of a time that is none");
        }
        /* Its first word is written last: without it there is no name yet. */
        if (load(&e->name[0]) != 0)
                check_text(s, &e->name[0], EVIDENCE_NAME, "the name");
}

static bool has_key(const struct sight *s, uint64_t key)
{
        size_t n = region_file_slots(s->file);

        for (size_t i = 0; i < n; ++i)
                if (load(&s->file->region.slots[i].key) == key)
                        return true;
        return false;
}

static void check_anchors(const struct sight *s)
{
        if (s->file->state == REGION_GOOD && !has_key(s, s->owner))
                find(s, &s->slot->owner,
                     "anchors of a budget that is not there: they take room and are of no use");
        for (size_t i = 0; i < RING_CELLS; ++i) {
                const struct anchor *a = (const struct anchor *)(const void *)&s->slot->cells[i];

                if ((load(&a->variant) & 3) >= EVIDENCE_KINDS)
                        find(s, &a->variant, "is %#llx: a kind of answer that there is not",
                             (unsigned long long)load(&a->variant));
                if (load(&a->spare) != 0)
                        find(s, &a->spare, "is %#llx: a spare word is 0",
                             (unsigned long long)load(&a->spare));
        }
}

/* What only budgets keep. */
static void check_no_budget(const struct sight *s, const char *what)
{
        check_empty(s, offsetof(struct slot, shut_until_ms), sizeof(uint64_t), what);
        check_empty(s, offsetof(struct slot, trip),
                    offsetof(struct slot, cells) - offsetof(struct slot, trip), what);
}

static void check_kind(const struct sight *s)
{
        if (s->pool < policy_pool_count()) {
                check_budget(s);
        } else if (s->pool == REGION_POOL_PACING) {
                check_no_budget(s, "a pacing bucket");
                check_pacing(s);
        } else if (s->pool == REGION_POOL_KEYS) {
                check_no_budget(s, "a key");
                check_holder(s);
        } else if (s->pool == REGION_POOL_EVIDENCE) {
                check_no_budget(s, "evidence");
                if (s->span_ms == 0)
                        check_evidence(s);
                else
                        check_anchors(s);
        } else {
                find(s, &s->slot->pool_span, "there is no pool %llu: what is in it is not counted",
                     (unsigned long long)s->pool);
        }
        if (!region_is_time(load(&s->slot->shut_until_ms), s->wall_ms))
                find(s, &s->slot->shut_until_ms,
                     "is shut until a time that is none: nothing is taken from it for ever");
}

void region_check_slots(const struct region_file *f, uint64_t wall_ms, struct findings *findings)
{
        size_t n = region_file_slots(f);

        for (size_t i = 0; i < n; ++i) {
                const struct slot *slot = &f->region.slots[i];
                uint64_t pool_span = load(&slot->pool_span);
                struct sight s = { .file = f,
                                   .findings = findings,
                                   .wall_ms = wall_ms,
                                   .index = i,
                                   .slot = slot,
                                   .key = load(&slot->key),
                                   .pool = slot_pool(pool_span),
                                   .span_ms = slot_span(pool_span),
                                   .owner = load(&slot->owner) };

                if (s.key == 0) {
                        check_empty(&s, 0, sizeof(*slot), "a free slot");
                        continue;
                }
                check_place(&s);
                if (pool_span == 0) {
                        /* Its claimer was killed, or is about to say what it is: nothing is taken
                         * before that. */
                        check_empty(&s, offsetof(struct slot, trip),
                                    sizeof(*slot) - offsetof(struct slot, trip),
                                    "a slot that nobody has named yet");
                        continue;
                }
                check_name(&s);
                check_kind(&s);
        }
}
