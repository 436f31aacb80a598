#include "core/sweep.h"

#include "core/chart.h"
#include "core/slot.h"
#include "core/word.h"

#include <sys/mman.h>

/* Window numbers as far as a cell tells them: a tag, and its place in the ring. */
#define NUMBER_BITS 24
#define NUMBER_MASK ((1ULL << NUMBER_BITS) - 1)

_Static_assert(1ULL << NUMBER_BITS == (TAG_MASK + 1) * RING_CELLS, "a tag and a place");

struct broom {
        struct region *region;
        const uint64_t *clocks_ms;
        bool is_over[REGION_SLOTS];
};

static uint64_t load(const word_t *word)
{
        /* Nobody else is here. */
        return atomic_load_explicit(word, memory_order_relaxed);
}

size_t sweep_count(const struct region *region)
{
        size_t n = 0;

        for (size_t i = 0; i < REGION_SLOTS; ++i)
                n += load(&region->slots[i].key) != 0;
        return n;
}

static bool is_past(const struct broom *b, uint64_t ms)
{
        for (size_t i = 0; i < 2; ++i)
                if (ms + SWEEP_AGE_MS >= b->clocks_ms[i])
                        return false;
        return true;
}

/* What is more than half of all numbers behind is ahead. */
static bool is_window_over(const struct broom *b, uint64_t number, uint32_t span_ms)
{
        uint64_t least = SWEEP_AGE_MS / span_ms + SWEEP_WINDOWS;

        for (size_t i = 0; i < 2; ++i) {
                uint64_t behind = (b->clocks_ms[i] / span_ms - number) & NUMBER_MASK;

                if (behind < least || behind > NUMBER_MASK / 2)
                        return false;
        }
        return true;
}

static bool is_cell_over(const struct broom *b, const struct slot *slot, size_t i, uint32_t span_ms)
{
        const struct cell *cell = &slot->cells[i];
        const uint64_t words[] = { load(&cell->sent), load(&cell->held), load(&cell->seen),
                                   load(&cell->foreign) };

        for (size_t k = 0; k < ARRAY_SIZE(words); ++k)
                if (words[k] != 0 &&
                    !is_window_over(b, (words[k] >> (2 * FIELD_BITS)) * RING_CELLS + i, span_ms))
                        return false;
        return true;
}

static bool is_budget_over(const struct broom *b, const struct slot *slot, uint32_t span_ms)
{
        if (load(&slot->owner) == 0 || span_ms == 0 || !is_past(b, load(&slot->shut_until_ms)))
                return false;
        for (size_t i = 0; i < RING_CELLS; ++i)
                if (!is_cell_over(b, slot, i, span_ms))
                        return false;
        return true;
}

/* Claimed by one who was killed before he said what for: there is nothing in it. */
static bool is_unnamed(const struct slot *slot)
{
        const word_t *words = &slot->shut_until_ms;

        for (size_t i = 0; i < sizeof(*slot) / sizeof(*words) - 1; ++i)
                if (load(&words[i]) != 0 && &words[i] != &slot->owner)
                        return false;
        return true;
}

static bool is_over(const struct broom *b, size_t index)
{
        const struct slot *slot = &b->region->slots[index];
        uint64_t pool_span = load(&slot->pool_span);
        uint32_t pool = slot_pool(pool_span);

        if (load(&slot->key) == 0)
                return false;
        if (pool_span == 0)
                return is_unnamed(slot);
        if (pool == REGION_POOL_PACING)
                return is_past(b, load(&slot->cells[0].sent) / US_PER_MS);
        return pool < REGION_POOLS && is_budget_over(b, slot, slot_span(pool_span));
}

/* Anchors are of a budget, and go with it. */
static void mark_anchors(struct broom *b)
{
        const struct slot *slots = b->region->slots;

        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                uint64_t budget = load(&slots[i].owner);
                bool is_kept = false;

                if (load(&slots[i].key) == 0 || slot_span(load(&slots[i].pool_span)) == 0 ||
                    slot_pool(load(&slots[i].pool_span)) != REGION_POOL_EVIDENCE)
                        continue;
                for (size_t k = 0; k < SLOT_PROBES && !is_kept; ++k) {
                        size_t at = (size_t)((budget + k) % REGION_SLOTS);

                        is_kept = load(&slots[at].key) == budget && !b->is_over[at];
                }
                b->is_over[i] = !is_kept;
        }
}

/* Whether one is found behind it that is kept, or @by_any that is there. */
static bool is_passed(const struct broom *b, size_t index, bool by_any)
{
        for (size_t away = 1; away < SLOT_PROBES; ++away) {
                size_t at = (index + away) % REGION_SLOTS;
                uint64_t key = load(&b->region->slots[at].key);

                if (key != 0 && (by_any || !b->is_over[at]) &&
                    (at + REGION_SLOTS - key % REGION_SLOTS) % REGION_SLOTS >= away)
                        return true;
        }
        return false;
}

/* Those that stay for another's sake are found behind others in turn. */
static void keep_the_way(struct broom *b)
{
        bool is_more;

        do {
                is_more = false;
                for (size_t i = REGION_SLOTS; i-- > 0;) {
                        if (!b->is_over[i] || !is_passed(b, i, false))
                                continue;
                        b->is_over[i] = false;
                        is_more = true;
                }
        } while (is_more);
}

static void clear(void *at, size_t bytes)
{
        word_t *words = at;

        for (size_t i = bytes / sizeof(*words); i-- > 0;)
                atomic_store_explicit(&words[i], 0, memory_order_relaxed);
}

/* All that is kept for slot @index, but its key: whatever stands behind the slots is one for each.
 * What says whose it is goes last: until then it is an old budget with less in it. */
static void empty(struct region *region, size_t index)
{
        char *base = (char *)region->header;
        struct slot *slot = &region->slots[index];

        for (size_t i = 0; i < chart_section_count(); ++i) {
                const struct chart_section *s = chart_section(i);

                if (s->offset > REGION_HEADER_BYTES && s->count == REGION_SLOTS)
                        clear(base + s->offset + index * s->chart->bytes, s->chart->bytes);
        }
        clear(&slot->trip, sizeof(*slot) - offsetof(struct slot, trip));
        clear(&slot->shut_until_ms, sizeof(slot->shut_until_ms));
        atomic_store_explicit(&slot->pool_span, 0, memory_order_release);
        clear(&slot->owner, sizeof(slot->owner));
}

/* Off by one for each who was killed at it. */
static void count_evidence(struct region *region)
{
        word_t *said = &region->header->weights[WEIGHTS_SLOTS];
        uint64_t n = 0;

        for (size_t i = 0; i < REGION_SLOTS; ++i)
                n += load(&region->slots[i].key) != 0 &&
                     slot_pool(load(&region->slots[i].pool_span)) == REGION_POOL_EVIDENCE;
        atomic_store_explicit(said, n, memory_order_relaxed);
}

/* The last behind others first, so that whoever is left is found as before. In a ring that is full
 * all the way round there may be no such: then anyone, for there is nothing in them. */
static size_t free_them(struct broom *b)
{
        size_t n = 0, before;
        bool in_any_order = false;

        do {
                before = n;
                for (size_t i = REGION_SLOTS; i-- > 0;) {
                        word_t *key = &b->region->slots[i].key;

                        if (!b->is_over[i] || load(key) == 0 ||
                            (!in_any_order && is_passed(b, i, true)))
                                continue;
                        atomic_store_explicit(key, 0, memory_order_release);
                        ++n;
                        in_any_order = false;
                }
                in_any_order = n == before && !in_any_order;
        } while (n > before || in_any_order);
        return n;
}

void sweep_places(struct region *region)
{
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                struct slot *slot = &region->slots[i];
                uint64_t pool_span = load(&slot->pool_span);

                if (load(&slot->key) == 0 || slot_pool(pool_span) >= REGION_POOLS ||
                    slot_span(pool_span) == 0)
                        continue;
                for (size_t k = 0; k < RING_CELLS; ++k) {
                        word_t *held = &slot->cells[k].held;
                        uint64_t word = load(held);

                        if (word >> FIELD_BITS & FIELD_MASK)
                                atomic_store_explicit(held, word & ~(FIELD_MASK << FIELD_BITS),
                                                      memory_order_relaxed);
                }
        }
}

size_t sweep(struct region *region, const uint64_t clocks_ms[2])
{
        struct broom b = { .region = region, .clocks_ms = clocks_ms };
        size_t n;

        if (clocks_ms[0] == 0 || clocks_ms[1] == 0)
                return 0;
        for (size_t i = 0; i < REGION_SLOTS; ++i)
                b.is_over[i] = is_over(&b, i);
        mark_anchors(&b);
        keep_the_way(&b);
        for (size_t i = 0; i < REGION_SLOTS; ++i)
                if (b.is_over[i])
                        empty(region, i);
        /* A power cut must not leave a free slot with something in it. */
        if (region->fd >= 0)
                (void)!msync(region->header, REGION_BYTES, MS_SYNC);
        n = free_them(&b);
        count_evidence(region);
        return n;
}
