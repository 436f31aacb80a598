#include "budget/holder.h"
#include "budget/exclock.h"
#include "core/slot.h"

#include <errno.h>
#include <string.h>

/* Places among the words of a key's slot. */
enum {
        WORD_ACCOUNT = 0,
        WORD_IS_WHOLE = 1,
        WORD_TWIN = 2,
        WORD_KEY = 4,
        WORD_TWIN_KEY = 6,
        WORD_NAME = 8,
        NAME_WORDS = HOLDER_NAME_SIZE / 8,
};

/* A byte that no key begins with: a name never has a key's number. */
#define NAME_MARK '\x01'

_Static_assert(POLICY_KEY_TEXT_SIZE <= 16, "the key's text has two words");
_Static_assert(WORD_NAME + NAME_WORDS <= 64, "they fit the cells");

bool holder_is_name(struct str name)
{
        if (name.n == 0 || name.n >= HOLDER_NAME_SIZE)
                return false;
        for (size_t i = 0; i < name.n; ++i)
                if (!memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
                            name.p[i], 65))
                        return false;
        return true;
}

uint64_t holder_number(struct str name)
{
        char marked[HOLDER_NAME_SIZE];

        must(name.n < HOLDER_NAME_SIZE);
        marked[0] = NAME_MARK;
        memcpy(marked + 1, name.p, name.n);
        return policy_account(str_from(marked, name.n + 1));
}

uint64_t holder_owner(const struct limiter *l, uint64_t whose, uint64_t endpoint)
{
        uint64_t name[2] = { whose, endpoint };

        return whose == 0 && endpoint == 0 ? 0 : limiter_owner(l, name, sizeof(name));
}

static word_t *word_at(struct slot *slot, unsigned i)
{
        struct cell *cell = &slot->cells[i / 4];
        word_t *const words[] = { &cell->sent, &cell->held, &cell->seen, &cell->foreign };

        return words[i % 4];
}

/* Relaxed: who reads them has read word 0 with acquire, or is a person. */
static uint64_t get(struct slot *slot, unsigned i)
{
        return atomic_load_explicit(word_at(slot, i), memory_order_relaxed);
}

static void put(struct slot *slot, unsigned i, uint64_t value)
{
        atomic_store_explicit(word_at(slot, i), value, memory_order_relaxed);
}

static void put_text(struct slot *slot, unsigned first, unsigned n, struct str text)
{
        for (unsigned i = 0; i < n; ++i) {
                uint64_t word = 0;

                if (text.n > 8 * (size_t)i)
                        memcpy(&word, text.p + 8 * (size_t)i,
                               text.n - 8 * (size_t)i < 8 ? text.n - 8 * (size_t)i : 8);
                put(slot, first + i, word);
        }
}

static void get_text(struct slot *slot, unsigned first, char *to, size_t size)
{
        for (size_t i = 0; i < size; i += 8) {
                uint64_t word = get(slot, first + (unsigned)(i / 8));

                memcpy(to + i, &word, size - i < 8 ? size - i : 8);
        }
        to[size - 1] = '\0';
}

struct holder holder_find(const struct limiter *l, uint64_t key_number)
{
        struct holder own = { .number = key_number };
        struct slot *slot;
        uint64_t number;

        if (LIKELY(holders_version(l) == 0) || key_number == 0)
                return own;
        slot = slot_find(l->region, REGION_POOL_KEYS, key_number, 0, false);
        if (!slot)
                return own;
        number = atomic_load_explicit(word_at(slot, WORD_ACCOUNT), memory_order_acquire);
        if (number == 0)
                return own;
        return (struct holder){ number, get(slot, WORD_IS_WHOLE) == 0 };
}

/* The time of the products of @pool, as anybody measured it; else this machine's. */
static struct limiter_time time_of(const struct limiter *l, const struct policy_pool *pool,
                                   uint64_t wall_us)
{
        const struct region_header *header = l->region->header;
        unsigned group = 0;
        int64_t offset_ms;
        uint32_t error_ms;

        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g)
                if ((pool->groups & 1u << g) &&
                    exclock_read(&header->clocks[g], &offset_ms, &error_ms))
                        group = g;
        return exclock_shared(&header->clocks[group], wall_us);
}

/* What was used under the account @from, of all pools that are kept by account. */
static int take_over(struct limiter *l, uint64_t from, uint64_t to, uint64_t wall_us)
{
        int r = 0;

        for (size_t i = 0; i < policy_pool_count() && r == 0; ++i) {
                const struct policy_pool *pool = policy_pool(i);
                struct limiter_time time = time_of(l, pool, wall_us);

                if (pool->scope != POLICY_PER_ACCOUNT)
                        continue;
                if (!pool->is_per_endpoint) {
                        r = limiter_merge(l, (uint16_t)i, holder_owner(l, from, 0),
                                          holder_owner(l, to, 0), time);
                        continue;
                }
                r = limiter_merge(l, (uint16_t)i, holder_owner(l, from, POLICY_ENDPOINT_UNKNOWN),
                                  holder_owner(l, to, POLICY_ENDPOINT_UNKNOWN), time);
                for (size_t e = 0; e < policy_endpoint_count() && r == 0; ++e) {
                        uint64_t endpoint = policy_endpoint(e)->key;

                        if (pool->groups & 1u << policy_endpoint(e)->group)
                                r = limiter_merge(l, (uint16_t)i, holder_owner(l, from, endpoint),
                                                  holder_owner(l, to, endpoint), time);
                }
        }
        return r;
}

static void say_changed(struct limiter *l)
{
        /* Release: who sees the new version sees what it is about. */
        atomic_fetch_add_explicit(&l->region->header->accounts, 1, memory_order_release);
}

int holder_name(struct limiter *l, struct str name, struct str key, uint64_t wall_us)
{
        char shown[POLICY_KEY_TEXT_SIZE];
        uint64_t key_number, number, before;
        struct slot *slot;
        int r;

        if (!holder_is_name(name) || key.n == 0)
                return -EINVAL;
        key_number = policy_account(key);
        number = holder_number(name);
        slot = slot_find(l->region, REGION_POOL_KEYS, key_number, 0, true);
        if (!slot)
                return -ENOSPC;
        before = atomic_load_explicit(word_at(slot, WORD_ACCOUNT), memory_order_acquire);
        if (before == number && get(slot, WORD_IS_WHOLE) == 1)
                return 0;

        /* From here on both are charged, until all is taken over. */
        put(slot, WORD_IS_WHOLE, 0);
        policy_key_text(key, shown);
        put_text(slot, WORD_KEY, 2, str_of(shown));
        put_text(slot, WORD_NAME, NAME_WORDS, name);
        atomic_store_explicit(word_at(slot, WORD_ACCOUNT), number, memory_order_release);
        say_changed(l);

        r = take_over(l, key_number, number, wall_us);
        if (r == 0 && before != 0 && before != number)
                r = take_over(l, before, number, wall_us);
        if (r < 0)
                return r;
        put(slot, WORD_IS_WHOLE, 1);
        say_changed(l);
        return before != 0 && before != number ? HOLDER_MOVED : HOLDER_NAMED;
}

static bool is_of_key(const struct slot *slot)
{
        return atomic_load_explicit(&slot->key, memory_order_acquire) != 0 &&
               slot_pool(atomic_load_explicit(&slot->pool_span, memory_order_relaxed)) ==
                       REGION_POOL_KEYS;
}

void holders_each(const struct region *region, holder_fn fn, void *ctx)
{
        if (atomic_load_explicit(&region->header->accounts, memory_order_acquire) == 0)
                return;
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                struct slot *slot = &region->slots[i];
                struct holder_view view;

                if (!is_of_key(slot))
                        continue;
                view.number =
                        atomic_load_explicit(word_at(slot, WORD_ACCOUNT), memory_order_acquire);
                if (view.number == 0)
                        continue;
                get_text(slot, WORD_NAME, view.name, sizeof(view.name));
                get_text(slot, WORD_KEY, view.key, sizeof(view.key));
                fn(ctx, &view);
        }
}

/* Return: whether it is new in this slot. */
static bool suspect_at(struct limiter *l, uint64_t one, const char *one_key, uint64_t other,
                       const char *other_key)
{
        struct slot *slot = slot_find(l->region, REGION_POOL_KEYS, one, 0, true);

        if (!slot || get(slot, WORD_TWIN) != 0)
                return false;
        put_text(slot, WORD_KEY, 2, str_of(one_key));
        put_text(slot, WORD_TWIN_KEY, 2, str_of(other_key));
        atomic_store_explicit(word_at(slot, WORD_TWIN), other, memory_order_release);
        return true;
}

static bool is_suspected(struct limiter *l, uint64_t one, uint64_t other)
{
        struct slot *slot = slot_find(l->region, REGION_POOL_KEYS, one, 0, false);

        return slot && get(slot, WORD_TWIN) == other;
}

bool holder_suspect(struct limiter *l, const struct holder_twins *t)
{
        if (is_suspected(l, t->one, t->other) || is_suspected(l, t->other, t->one))
                return false;
        return suspect_at(l, t->one, t->one_key, t->other, t->other_key) ||
               suspect_at(l, t->other, t->other_key, t->one, t->one_key);
}

void holders_each_suspect(const struct limiter *l, holder_twins_fn fn, void *ctx)
{
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                struct slot *slot = &l->region->slots[i];
                struct holder_twins t;

                if (!is_of_key(slot))
                        continue;
                t.one = atomic_load_explicit(&slot->owner, memory_order_relaxed);
                t.other = atomic_load_explicit(word_at(slot, WORD_TWIN), memory_order_acquire);
                if (t.other == 0 || holder_find(l, t.one).number == holder_find(l, t.other).number)
                        continue;
                get_text(slot, WORD_KEY, t.one_key, sizeof(t.one_key));
                get_text(slot, WORD_TWIN_KEY, t.other_key, sizeof(t.other_key));
                fn(ctx, &t);
        }
}
