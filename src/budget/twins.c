#include "budget/twins.h"

#include <string.h>

static const struct policy_charge *orders_of(const struct policy_plan *plan)
{
        for (unsigned i = 0; i < plan->n_charges; ++i)
                if (plan->charges[i].is_per_account &&
                    policy_pool(plan->charges[i].pool)->header == POLICY_HEADER_ORDER_COUNT)
                        return &plan->charges[i];
        return NULL;
}

static struct twins_pool *find_pool(struct twins *t, uint16_t pool)
{
        for (unsigned i = 0; i < t->n_pools; ++i)
                if (t->pools[i].pool == pool)
                        return &t->pools[i];
        if (t->n_pools == TWINS_POOLS)
                return NULL;
        t->pools[t->n_pools].pool = pool;
        return &t->pools[t->n_pools++];
}

static struct twins_key *find_key(struct twins_pool *p, uint64_t number, const char *key)
{
        struct twins_key *k;

        for (unsigned i = 0; i < p->n_keys; ++i)
                if (p->keys[i].number == number)
                        return &p->keys[i];
        if (p->n_keys == TWINS_KEYS)
                return NULL;
        k = &p->keys[p->n_keys++];
        k->number = number;
        str_copy(str_of(key), k->text, sizeof(k->text));
        return k;
}

/* Something was counted, or not: what was shown before leads to nothing any more. */
static void forget_shown(struct twins_pool *p)
{
        for (unsigned i = 0; i < p->n_keys; ++i)
                p->keys[i].is_shown = false;
}

void twins_sent(struct twins *t, const struct policy_plan *plan, uint64_t account, const char *key,
                struct twins_order *ret_order)
{
        const struct policy_charge *orders = orders_of(plan);
        struct twins_pool *p = orders && account != 0 ? find_pool(t, orders->pool) : NULL;
        struct twins_key *k = p ? find_key(p, account, key) : NULL;

        *ret_order = TWINS_ORDER_NULL;
        if (!k)
                return;
        *ret_order = (struct twins_order){ .is_flying = true,
                                           .was_alone = p->flying == 0,
                                           .pool = (uint8_t)(p - t->pools),
                                           .key = (uint8_t)(k - p->keys),
                                           .sent = ++p->sent };
        ++p->flying;
}

static void land(struct twins_pool *p, struct twins_order *order)
{
        order->is_flying = false;
        --p->flying;
}

void twins_ended(struct twins *t, struct twins_order *order, bool was_sent)
{
        struct twins_pool *p = &t->pools[order->pool];

        if (!order->is_flying)
                return;
        land(p, order);
        if (was_sent)
                forget_shown(p);
}

/* The count of the longest window, if it is certain which window it is of. */
static const struct limiter_news *longest(const struct limiter_news *news, size_t n, uint16_t pool,
                                          struct limiter_time time, uint64_t *ret_window)
{
        const struct limiter_news *best = NULL;

        for (size_t i = 0; i < n; ++i)
                if (news[i].pool == pool && news[i].span_ms > (best ? best->span_ms : 0))
                        best = &news[i];
        if (!best)
                return NULL;
        *ret_window = window_number(best->span_ms, time.now_ms, time.guard_ms);
        return *ret_window == (time.now_ms + time.guard_ms) / best->span_ms ? best : NULL;
}

/* What @i and @other have added since @i showed its count; and what all have. */
static void added_since(const struct twins_pool *p, unsigned i, unsigned other, uint32_t *ret_both,
                        uint32_t *ret_all)
{
        const struct twins_key *k = &p->keys[i];

        *ret_both = *ret_all = 0;
        for (unsigned j = 0; j < p->n_keys; ++j) {
                uint32_t added = p->keys[j].counted - k->counted_then[j];

                *ret_all += added;
                if (j == i || j == other)
                        *ret_both += added;
        }
}

/* A count that follows from what @last showed and both, or all, have added since. */
static bool fits(const struct twins_pool *p, unsigned last, unsigned one, unsigned other,
                 uint32_t shown)
{
        uint32_t both, all;

        added_since(p, last, last == one ? other : one, &both, &all);
        return shown == p->keys[last].shown + both || shown == p->keys[last].shown + all;
}

static void learn(struct twins_pool *p, unsigned before, unsigned now, uint32_t shown)
{
        struct twins_key *a = &p->keys[before], *b = &p->keys[now];
        bool is_turn = !b->is_shown || b->turn < a->turn;

        if (!fits(p, is_turn ? before : now, before, now, shown))
                a->fits[now] = b->fits[before] = 0;
        else if (is_turn && b->fits[before] < TWINS_ENOUGH)
                /* What follows one's own says nothing of the other. */
                ++b->fits[before];
}

static bool is_enough(const struct twins_pool *p, unsigned i, unsigned j)
{
        return p->keys[i].fits[j] == TWINS_ENOUGH && p->keys[j].fits[i] == TWINS_ENOUGH;
}

/*
 * Accounts that are used in step may look as if each key of the one were of the other too. Then a
 * key seems to belong to two that do not belong together, and nothing is said of either.
 */
static bool is_clear(const struct twins_pool *p, unsigned i, unsigned j)
{
        for (unsigned k = 0; k < p->n_keys; ++k) {
                if (k == i || k == j)
                        continue;
                if (is_enough(p, i, k) && p->keys[j].fits[k] + p->keys[k].fits[j] == 0)
                        return false;
                if (is_enough(p, j, k) && p->keys[i].fits[k] + p->keys[k].fits[i] == 0)
                        return false;
        }
        return true;
}

static bool compare(struct twins_pool *p, unsigned now, const struct limiter_news *news,
                    uint64_t window, struct twins_pair *ret_pair)
{
        struct twins_key *k = &p->keys[now];

        for (unsigned i = 0; i < p->n_keys; ++i) {
                const struct twins_key *other = &p->keys[i];

                if (i != now && other->is_shown && other->span_ms == news->span_ms &&
                    other->window == window)
                        learn(p, i, now, news->used);
        }
        for (unsigned i = 0; i < p->n_keys; ++i) {
                struct twins_key *other = &p->keys[i];

                if (i == now || other->is_told[now] || !is_enough(p, i, now) ||
                    !is_clear(p, i, now))
                        continue;
                k->is_told[i] = other->is_told[now] = true;
                *ret_pair = (struct twins_pair){ other, k };
                return true;
        }
        return false;
}

bool twins_answered(struct twins *t, struct twins_order *order, const struct policy_plan *plan,
                    int status, const struct limiter_news *news, size_t n, struct limiter_time time,
                    struct twins_pair *ret_pair)
{
        struct twins_pool *p = &t->pools[order->pool];
        const struct limiter_news *count;
        struct twins_key *k;
        uint64_t window;
        bool is_found;

        if (!order->is_flying)
                return false;
        land(p, order);
        count = longest(news, n, p->pool, time, &window);
        /* A refused order may have been counted. */
        if (status != 200 || !count) {
                forget_shown(p);
                return false;
        }
        k = &p->keys[order->key];
        k->counted += policy_charge_amount(orders_of(plan), count->span_ms);
        if (!order->was_alone || order->sent != p->sent)
                return false;
        if (k->is_shown && (k->span_ms != count->span_ms || k->window != window))
                k->is_shown = false;
        is_found = compare(p, order->key, count, window, ret_pair);
        k->is_shown = true;
        k->shown = count->used;
        k->span_ms = count->span_ms;
        k->window = window;
        k->turn = ++p->turn;
        for (unsigned i = 0; i < p->n_keys; ++i)
                k->counted_then[i] = p->keys[i].counted;
        return is_found;
}
