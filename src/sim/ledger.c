#include "sim/ledger.h"

#include <stdlib.h>
#include <string.h>

static const enum pool shut_by[POOL_COUNT] = {
#define POOL(id, name, by) [POOL_##id] = POOL_##by,
#include "sim/limits.def"
};

void ledger_init(struct ledger *ledger, const struct ledger_rules *rules)
{
        *ledger = (struct ledger){ .rules = *rules };
        for (size_t i = 0; i < OWNER_BUCKETS; ++i)
                list_init(&ledger->owners[i]);
}

static void owner_free(struct owner *owner)
{
        struct list *it, *after;

        list_for_each_safe(it, after, &owner->books) free(container_of(it, struct book, link));
        free(owner);
}

void ledger_deinit(struct ledger *ledger)
{
        struct list *it, *after;

        for (size_t i = 0; i < OWNER_BUCKETS; ++i) {
                list_for_each_safe(it, after, &ledger->owners[i])
                        owner_free(container_of(it, struct owner, link));
                list_init(&ledger->owners[i]);
        }
        ledger->n_owners = 0;
}

struct owner *ledger_owner(struct ledger *ledger, struct str name)
{
        uint32_t hash = 2166136261U;
        struct list *bucket, *it, *after;
        struct owner *owner;

        if (name.n >= OWNER_NAME)
                name.n = OWNER_NAME - 1;
        for (size_t i = 0; i < name.n; ++i)
                hash = (hash ^ (unsigned char)name.p[i]) * 16777619U;
        bucket = &ledger->owners[hash % OWNER_BUCKETS];
        list_for_each_safe(it, after, bucket)
        {
                owner = container_of(it, struct owner, link);
                if (str_eq(name, str_of(owner->name)))
                        return owner;
        }
        if (ledger->n_owners >= OWNERS_MAX && !str_eq(name, STR_LITERAL("others")))
                return ledger_owner(ledger, STR_LITERAL("others"));

        owner = calloc(1, sizeof(*owner));
        must(owner);
        str_copy(name, owner->name, sizeof(owner->name));
        list_init(&owner->books);
        list_append(bucket, &owner->link);
        ledger->n_owners += 1;
        return owner;
}

struct book *ledger_book(struct owner *owner, enum pool pool, const char *endpoint)
{
        struct list *it, *after;
        struct book *book;

        must(pool < POOL_COUNT);
        if (!endpoint && owner->quick[pool])
                return owner->quick[pool];
        list_for_each_safe(it, after, &owner->books)
        {
                book = container_of(it, struct book, link);
                if (book->pool == pool && endpoint && book->endpoint &&
                    strcmp(book->endpoint, endpoint) == 0)
                        return book;
        }
        book = calloc(1, sizeof(*book));
        must(book);
        book->pool = pool;
        book->endpoint = endpoint;
        list_append(&owner->books, &book->link);
        if (!endpoint)
                owner->quick[pool] = book;
        return book;
}

void ledger_foreign(struct ledger *ledger, enum pool pool, uint64_t weight_per_second,
                    uint64_t now_ms)
{
        ledger->foreign[pool] = weight_per_second;
        ledger->foreign_from_ms[pool] = now_ms;
}

static uint64_t span_ms(const struct limit *limit)
{
        return limit->span_s * MS_PER_SECOND;
}

/* 0 for a limit that there is none of. */
static uint64_t window_id(const struct limit *limit, uint64_t now_ms)
{
        uint64_t span = span_ms(limit);

        return span ? now_ms / span : 0;
}

/* What others have spent in the window of @now_ms, as a steady stream. */
static uint64_t foreign_used(const struct ledger *ledger, enum pool pool, uint64_t now_ms)
{
        uint64_t span = span_ms(&ledger->rules.limits[pool][LIMIT_WEIGHT]);
        uint64_t from = span ? now_ms - now_ms % span : now_ms;

        if (from < ledger->foreign_from_ms[pool])
                from = ledger->foreign_from_ms[pool];
        return now_ms > from ? (now_ms - from) * ledger->foreign[pool] / MS_PER_SECOND : 0;
}

static void remember(struct book *book, const struct window *window)
{
        if (window->fresh)
                book->history[book->n_history++ % HISTORY_MAX] = *window;
}

/* The window of @now_ms, emptied when it is a new one. */
static struct window *turn(struct ledger *ledger, struct book *book, enum limit_type type,
                           uint64_t now_ms)
{
        const struct limit *limit = &ledger->rules.limits[book->pool][type];
        struct window *window = &book->now[type];
        uint64_t id = window_id(limit, now_ms);

        if (window->id != id) {
                if (type == LIMIT_WEIGHT) {
                        remember(book, window);
                        book->after_429 = 0;
                }
                *window = (struct window){ .id = id };
        }
        return window;
}

uint64_t ledger_used(const struct ledger *ledger, const struct book *book, enum limit_type type,
                     uint64_t now_ms)
{
        const struct limit *limit = &ledger->rules.limits[book->pool][type];
        uint64_t used = type == LIMIT_WEIGHT ? foreign_used(ledger, book->pool, now_ms) : 0;

        if (book->now[type].id != window_id(limit, now_ms))
                return used;
        return used + book->now[type].used;
}

static uint64_t seconds_up(uint64_t ms)
{
        uint64_t s = (ms + MS_PER_SECOND - 1) / MS_PER_SECOND;

        return s ? s : 1;
}

static bool firewall_blocks(struct ledger *ledger, struct owner *address, uint64_t now_ms)
{
        uint64_t second = now_ms / MS_PER_SECOND;

        if (!ledger->rules.firewall_rate)
                return false;
        if (now_ms < address->firewall_until_ms)
                return true;
        if (address->second != second) {
                address->second = second;
                address->in_second = 0;
        }
        if (++address->in_second <= ledger->rules.firewall_rate)
                return false;
        address->firewall_until_ms = now_ms + ledger->rules.firewall_s * MS_PER_SECOND;
        return true;
}

/* The book in which the bans of @book's pool are kept. */
static struct book *ban_book(struct ledger *ledger, struct owner *address, const struct book *book)
{
        return ledger_book(address, ledger->rules.ban_all ? POOL_SPOT : shut_by[book->pool], NULL);
}

static uint64_t ban_length_ms(const struct ledger *ledger, const struct book *book)
{
        size_t step = book->strikes > ledger->rules.n_bans ? ledger->rules.n_bans : book->strikes;

        return (step ? ledger->rules.ban_s[step - 1] : 0) * MS_PER_SECOND;
}

static void strike(struct ledger *ledger, struct book *shut, uint64_t now_ms)
{
        if (now_ms - shut->last_strike_ms > ledger->rules.strike_memory_s * MS_PER_SECOND)
                shut->strikes = 0;
        shut->strikes += 1;
        shut->last_strike_ms = now_ms;
        shut->ban_until_ms = now_ms + ban_length_ms(ledger, shut);
        shut->bans[shut->n_bans++ % BANS_MAX] = (struct ban){ now_ms, shut->ban_until_ms };
}

static enum ledger_answer banned(struct book *book, const struct book *shut, uint64_t now_ms,
                                 struct ledger_entry *entry)
{
        book->banned += 1;
        entry->until_ms = shut->ban_until_ms;
        entry->retry_after_s = seconds_up(shut->ban_until_ms - now_ms);
        return LEDGER_BANNED;
}

static enum ledger_answer refuse(struct ledger *ledger, struct book *book, enum limit_type type,
                                 uint64_t now_ms, struct ledger_entry *entry)
{
        const struct limit *limit = &ledger->rules.limits[book->pool][type];

        entry->type = type;
        entry->limit = *limit;
        entry->until_ms = (window_id(limit, now_ms) + 1) * span_ms(limit);
        entry->retry_after_s = seconds_up(entry->until_ms - now_ms);
        return LEDGER_REFUSED;
}

static bool asks_for_ban(const struct ledger *ledger, const struct book *book, uint64_t used)
{
        const struct ledger_rules *rules = &ledger->rules;
        uint64_t limit = rules->limits[book->pool][LIMIT_WEIGHT].limit;

        if (rules->n_bans == 0)
                return false;
        if (rules->ban_factor && limit && used > rules->ban_factor * limit)
                return true;
        return rules->ban_after && book->after_429 > rules->ban_after;
}

/* Charges and judges one request that the firewall and the ban let through. */
static enum ledger_answer count(struct ledger *ledger, struct book *book, uint64_t weight,
                                uint64_t now_ms, struct ledger_entry *entry)
{
        const struct limit *limits = ledger->rules.limits[book->pool];
        struct window *raw = turn(ledger, book, LIMIT_RAW, now_ms);
        struct window *window = turn(ledger, book, LIMIT_WEIGHT, now_ms);
        uint64_t foreign = foreign_used(ledger, book->pool, now_ms);
        bool over_raw, over_weight;

        raw->used += 1;
        raw->requests += 1;
        over_raw = limits[LIMIT_RAW].limit && raw->used > limits[LIMIT_RAW].limit;
        over_weight = limits[LIMIT_WEIGHT].limit && weight > 0 &&
                      window->used + foreign + weight > limits[LIMIT_WEIGHT].limit;

        window->fresh = true;
        window->requests += 1;
        entry->window = window->id;
        if (!(over_raw || over_weight)) {
                window->used += weight;
                entry->weight = weight;
                return LEDGER_OK;
        }
        if (!ledger->rules.free_refusals)
                window->used += weight;
        window->refused += 1;
        book->after_429 += 1;
        return refuse(ledger, book, over_raw ? LIMIT_RAW : LIMIT_WEIGHT, now_ms, entry);
}

enum ledger_answer ledger_arrive(struct ledger *ledger, struct owner *address, struct book *book,
                                 uint64_t weight, uint64_t now_ms, struct ledger_entry *ret_entry)
{
        struct book *shut;
        enum ledger_answer answer;

        *ret_entry = (struct ledger_entry){ .book = book };
        if (firewall_blocks(ledger, address, now_ms)) {
                address->blocked += 1;
                if (book)
                        book->blocked += 1;
                return LEDGER_FIREWALL;
        }
        if (!book)
                return LEDGER_OK;

        book->requests += 1;
        shut = ban_book(ledger, address, book);
        if (now_ms < shut->ban_until_ms) {
                shut->in_ban += 1;
                if (ledger->rules.ban_extends) {
                        shut->ban_until_ms = now_ms + ban_length_ms(ledger, shut);
                        shut->bans[(shut->n_bans - 1) % BANS_MAX].until_ms = shut->ban_until_ms;
                }
                return banned(book, shut, now_ms, ret_entry);
        }
        answer = count(ledger, book, weight, now_ms, ret_entry);
        if (answer == LEDGER_REFUSED &&
            asks_for_ban(ledger, book, ledger_used(ledger, book, LIMIT_WEIGHT, now_ms))) {
                strike(ledger, shut, now_ms);
                return banned(book, shut, now_ms, ret_entry);
        }
        if (answer == LEDGER_REFUSED)
                book->refused_429 += 1;
        return answer;
}

void ledger_refund(struct ledger *ledger, struct ledger_entry *entry, uint64_t now_ms)
{
        struct window *window;

        if (!entry->book || entry->weight == 0)
                return;
        window = turn(ledger, entry->book, LIMIT_WEIGHT, now_ms);
        if (window->id == entry->window)
                window->used -= entry->weight < window->used ? entry->weight : window->used;
        entry->weight = 0;
}

static bool orders_fit(struct ledger *ledger, struct book *book, enum limit_type type, uint64_t n,
                       uint64_t now_ms)
{
        uint64_t limit = ledger->rules.limits[book->pool][type].limit;

        return !limit || turn(ledger, book, type, now_ms)->used + n <= limit;
}

enum ledger_answer ledger_orders(struct ledger *ledger, struct book *book, uint64_t n,
                                 uint64_t n_long, uint64_t now_ms, struct ledger_entry *ret_entry)
{
        enum limit_type full = LIMIT_TYPES;

        *ret_entry = (struct ledger_entry){ .book = book };
        if (n + n_long == 0)
                return LEDGER_OK;
        book->requests += 1;
        if (!orders_fit(ledger, book, LIMIT_ORDERS_LONG, n_long, now_ms))
                full = LIMIT_ORDERS_LONG;
        else if (!orders_fit(ledger, book, LIMIT_ORDERS, n, now_ms))
                full = LIMIT_ORDERS;
        if (full != LIMIT_TYPES) {
                book->now[full].refused += 1;
                book->refused_429 += 1;
                return refuse(ledger, book, full, now_ms, ret_entry);
        }
        book->now[LIMIT_ORDERS].used += n;
        book->now[LIMIT_ORDERS].requests += 1;
        book->now[LIMIT_ORDERS_LONG].used += n_long;
        book->now[LIMIT_ORDERS_LONG].requests += 1;
        return LEDGER_OK;
}

void ledger_orders_give_back(struct ledger *ledger, struct book *book, uint64_t n, uint64_t now_ms)
{
        static const enum limit_type types[] = { LIMIT_ORDERS, LIMIT_ORDERS_LONG };

        for (size_t i = 0; i < ARRAY_SIZE(types); ++i) {
                struct window *window = turn(ledger, book, types[i], now_ms);

                window->used -= n < window->used ? n : window->used;
        }
}
