#include "fleet.h"

#include "books.h"
#include "budget/budget.h"
#include "budget/limits.h"
#include "core/slot.h"
#include "lease/keeper.h"
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#define START_MS     1700000000000ULL
#define GUARD_MS     5
#define LOOK_MS      10
#define POLLERS      52
#define RAW_SPAN_MS  300000
#define ORDERS_PER_S 24
#define ORDERS_EACH  8 /* places of orders of a host */
#define BURST_MS     700
#define BURST_AMOUNT 20
#define FLOWS_MAX    80
#define HOSTS_MAX    16
#define WINDOWS_MAX  64
#define WAITS_MAX    65536
#define NEWS_MAX     256
#define TEXT_MAX     ((size_t)1 << 20)

enum kind {
        KIND_ORDER,
        KIND_CALM,
        KIND_BUSY,
};

enum state {
        IDLE,    /* until due */
        WAITING, /* holds a place, or none, until due */
        FLYING,  /* arrives at due */
        COUNTED, /* answered at due */
};

struct flow {
        enum kind kind;
        enum state state;
        uint64_t due_ms, began_ms, period_ms;
        uint32_t amount, used;
        struct limiter_ticket ticket;
};

struct host {
        struct region region;
        struct limiter limiter;
        struct keeper *keeper;
        int64_t offset_ms;
        struct flow flows[FLOWS_MAX];
        size_t n_flows;
        uint64_t looked_ms, look_ms;
        bool has_learnt;               /* the windows of the exchange */
        bool is_busy;                  /* an op is on its way */
        uint64_t done_ms, answered_ms; /* when it is carried out, and answered; 0: was */
        struct buf answer;
        unsigned turn, turns;
};

struct news {
        uint64_t at_ms;
        struct buf text;
};

struct world {
        const struct fleet_scenario *s;
        struct books *books;
        uint64_t now_ms, random;
        uint16_t weight, orders, raw;
        struct host hosts[HOSTS_MAX];
        struct news news[NEWS_MAX];
        size_t news_first, news_end;
        uint64_t first; /* number of the first window */
        uint64_t counted[WINDOWS_MAX];
        uint64_t raw_number, raw_counted;            /* requests in the long window of now */
        uint32_t waits[WAITS_MAX], early[WAITS_MAX]; /* of orders: all, and in the first half */
        size_t n_waits, n_early;
        bool is_measured;
        struct fleet_figures *figures;
};

static uint64_t below(struct world *w, uint64_t n)
{
        w->random ^= w->random << 13;
        w->random ^= w->random >> 7;
        w->random ^= w->random << 17;
        return (w->random >> 16) % n;
}

/* Any of 64 bits, as a host's number is. */
static uint64_t number(struct world *w)
{
        return below(w, 1ull << 32) << 32 | below(w, 1ull << 32) | 1;
}

static struct limiter_time time_of(const struct world *w, const struct host *h)
{
        return (struct limiter_time){ (uint64_t)((int64_t)w->now_ms + h->offset_ms), GUARD_MS };
}

static struct keeper_time keeper_time(const struct world *w, const struct host *h)
{
        struct limiter_time now = time_of(w, h);
        struct keeper_time time = { .mono_us = (w->now_ms - START_MS + 1000) * US_PER_MS,
                                    .best = now,
                                    .is_known = true };

        for (size_t i = 0; i < REGION_POOLS; ++i)
                time.of_pool[i] = now;
        return time;
}

static void wake(const struct world *w, struct host *h)
{
        for (size_t i = 0; i < h->n_flows; ++i) {
                struct flow *f = &h->flows[i];

                if (f->state != WAITING)
                        continue;
                if (f->ticket.state == TICKET_HELD && f->ticket.blocker == BLOCKED_BY_POOL)
                        f->ticket.try_ms = time_of(w, h).now_ms;
                else if (f->ticket.state == TICKET_HELD || !f->ticket.is_capped)
                        continue;
                f->due_ms = w->now_ms;
        }
}

static void look(struct world *w, struct host *h)
{
        struct keeper_time time = keeper_time(w, h);

        h->looked_ms = w->now_ms;
        h->look_ms = w->now_ms + LOOK_MS;
        if (!keeper_look(h->keeper, &time) || h->is_busy)
                return;
        (void)keeper_op(h->keeper, &time);
        h->is_busy = true;
        h->done_ms = w->now_ms + w->s->store_ms / 2;
        if (w->is_measured) {
                ++w->figures->ops;
                ++w->figures->why[h->keeper->reason];
        }
}

static void follow(struct world *w, struct host *h, const struct keeper_change *change)
{
        if (change->has_room)
                wake(w, h);
        if (change->is_sooner || change->has_room)
                h->look_ms = w->now_ms;
}

static void carry_out(struct world *w, struct host *h)
{
        struct news *news = &w->news[w->news_end % NEWS_MAX];

        h->done_ms = 0;
        h->answered_ms = w->now_ms + w->s->store_ms - w->s->store_ms / 2;
        books_do(w->books, &h->keeper->op, &h->answer, &news->text);
        if (buf_length(&news->text) == 0)
                return;
        news->at_ms = h->answered_ms;
        ++w->news_end;
        must(w->news_end - w->news_first < NEWS_MAX);
}

static void answer(struct world *w, struct host *h)
{
        struct keeper_time time = keeper_time(w, h);
        struct keeper_change change;
        struct op_answer a;
        char why[OP_WHY_SIZE];

        h->answered_ms = 0;
        h->is_busy = false;
        if (op_answer_parse(buf_str(&h->answer), &a, why) < 0)
                must_failed(why, __FILE__, __LINE__, __func__);
        keeper_answer(h->keeper, &a, &time, &change);
        op_answer_deinit(&a);
        follow(w, h, &change);
}

static void hear(struct world *w, const struct news *news)
{
        char why[OP_WHY_SIZE];
        struct op_news told;

        must(op_news_parse(buf_str(&news->text), &told, why) == 0);
        for (size_t i = 0; i < w->s->n_hosts; ++i) {
                struct host *h = &w->hosts[i];
                struct keeper_time time = keeper_time(w, h);
                struct keeper_change change;

                keeper_news(h->keeper, &told, &time, &change);
                follow(w, h, &change);
                if (told.n_hungry + told.n_free > 0)
                        h->look_ms = w->now_ms;
        }
        op_news_deinit(&told);
}

static uint64_t true_ms(const struct host *h, uint64_t local_ms)
{
        return (uint64_t)((int64_t)local_ms - h->offset_ms);
}

static void note_wait(struct world *w, const struct flow *f)
{
        uint32_t ms = (uint32_t)(w->now_ms - f->began_ms);

        if (w->n_waits < WAITS_MAX)
                w->waits[w->n_waits++] = ms;
        /* Later all may be used up, by whomever. */
        if (2 * (f->began_ms % w->s->span_ms) < w->s->span_ms && w->n_early < WAITS_MAX)
                w->early[w->n_early++] = ms;
}

/* What came of a try to get a place, or to use it. */
static void place(struct world *w, struct host *h, struct flow *f, int answered)
{
        uint64_t again_ms = h->looked_ms + 1;

        if (answered == LIMITER_GO) {
                f->state = FLYING;
                f->due_ms = w->now_ms + 7 + below(w, 6);
                if (f->kind == KIND_ORDER && w->is_measured)
                        note_wait(w, f);
                return;
        }
        must(answered == LIMITER_WAIT || answered == LIMITER_CROWDED || answered == LIMITER_LOST);
        if (h->look_ms > again_ms)
                h->look_ms = again_ms > w->now_ms ? again_ms : w->now_ms;
        f->state = WAITING;
        f->due_ms = true_ms(h, ticket_next_ms(&f->ticket));
        if (f->due_ms <= w->now_ms)
                f->due_ms = w->now_ms + 1;
}

static void ask(struct world *w, struct host *h, struct flow *f)
{
        bool is_order = f->kind == KIND_ORDER;
        struct limiter_request r = {
                .class = is_order ? CLASS_ORDER : CLASS_MARKET,
                .deadline_ms = UINT64_MAX,
                .n_charges = is_order ? 2 : 1,
                .charges = { { .pool = w->weight, .has_ceilings = true, .amount = f->amount },
                             { .pool = w->orders, .owner = 7, .amount = 1 } },
        };

        if (is_order && w->s->has_light_orders) {
                r.charges[0] = r.charges[1];
                r.n_charges = 1;
        }
        if (w->s->raw_limit > 0)
                r.charges[r.n_charges++] = (struct limiter_charge){ .pool = w->raw,
                                                                    .has_ceilings = true,
                                                                    .amount = 1 };
        place(w, h, f, limiter_reserve(&h->limiter, &r, time_of(w, h), &f->ticket));
}

static uint32_t draw(struct world *w)
{
        return 1 + (uint32_t)below(w, 2);
}

static void begin(struct world *w, struct host *h, struct flow *f)
{
        uint64_t slot = w->now_ms / w->s->span_ms;

        if (f->kind == KIND_BUSY && slot % h->turns != h->turn) {
                f->due_ms = (slot + 1) * w->s->span_ms + 1;
                return;
        }
        /* What tells the limits goes before what is bound by them. */
        if (!h->has_learnt && f != &h->flows[ORDERS_EACH]) {
                f->due_ms = w->now_ms + 1;
                return;
        }
        f->began_ms = w->now_ms;
        f->amount = f->kind != KIND_ORDER            ? draw(w)
                    : w->s->pattern == FLEET_TRADERS ? BURST_AMOUNT
                                                     : 1;
        ask(w, h, f);
}

static void wait(struct world *w, struct host *h, struct flow *f)
{
        if (f->ticket.state == TICKET_HELD) {
                int answered = limiter_confirm(&h->limiter, &f->ticket, time_of(w, h));

                if (answered != LIMITER_LOST) {
                        place(w, h, f, answered);
                        return;
                }
        }
        ask(w, h, f);
}

static void count_raw(struct world *w)
{
        if (w->now_ms / RAW_SPAN_MS != w->raw_number)
                w->raw_counted = 0;
        w->raw_number = w->now_ms / RAW_SPAN_MS;
        if (++w->raw_counted > w->s->raw_limit && w->s->raw_limit > 0)
                ++w->figures->over;
}

static void count(struct world *w, struct flow *f)
{
        uint64_t n = w->now_ms / w->s->span_ms - w->first;

        must(n < WINDOWS_MAX);
        count_raw(w);
        if (f->kind != KIND_ORDER || !w->s->has_light_orders)
                w->counted[n] += f->amount;
        f->used = (uint32_t)w->counted[n];
        if (w->is_measured)
                ++w->figures->requests;
        f->state = COUNTED;
        f->due_ms = w->now_ms + 7 + below(w, 6);
}

/* As a gateway that was told by exchangeInfo. */
static void learn(struct world *w, struct host *h)
{
        struct budget_limit limit = { POLICY_WEIGHT, w->s->span_ms, w->s->limit };
        struct limiter_time time = time_of(w, h);
        struct budget_windows before;

        h->has_learnt = true;
        budget_windows(&h->limiter, POLICY_API, &before);
        budget_follow(&h->limiter, POLICY_API, &limit, 1, time);
        for (size_t i = 0; i < h->n_flows; ++i)
                budget_adopt(&h->limiter, POLICY_API, &before, &h->flows[i].ticket, time);
        h->look_ms = w->now_ms;
}

static void land(struct world *w, struct host *h, struct flow *f)
{
        struct limiter_news news = { w->weight, 0, w->s->span_ms, f->used, false };
        uint64_t mean = (uint64_t)ORDERS_EACH * w->s->n_hosts * 1000 / ORDERS_PER_S;

        if (!h->has_learnt)
                learn(w, h);
        limiter_land(&h->limiter, &f->ticket, time_of(w, h), 0, 0, &news, 1, NULL);
        f->state = IDLE;
        f->due_ms = w->now_ms;
        if (f->kind == KIND_CALM && f->began_ms + f->period_ms > w->now_ms)
                f->due_ms = f->began_ms + f->period_ms;
        if (f->kind == KIND_ORDER && w->s->pattern == FLEET_TRADERS)
                f->due_ms = (w->now_ms / BURST_MS + 1) * BURST_MS + (uint64_t)(h - w->hosts) * 40;
        else if (f->kind == KIND_ORDER)
                f->due_ms = w->now_ms + below(w, 2 * mean);
}

static void step(struct world *w, struct host *h, struct flow *f)
{
        switch (f->state) {
        case IDLE:
                begin(w, h, f);
                break;
        case WAITING:
                wait(w, h, f);
                break;
        case FLYING:
                count(w, f);
                break;
        case COUNTED:
                land(w, h, f);
                break;
        }
}

static void tick(struct world *w)
{
        for (size_t i = 0; i < w->s->n_hosts; ++i) {
                struct host *h = &w->hosts[i];

                if (h->done_ms != 0 && h->done_ms <= w->now_ms)
                        carry_out(w, h);
                if (h->answered_ms != 0 && h->answered_ms <= w->now_ms)
                        answer(w, h);
        }
        while (w->news_first < w->news_end && w->news[w->news_first % NEWS_MAX].at_ms <= w->now_ms)
                hear(w, &w->news[w->news_first++ % NEWS_MAX]);
        for (size_t i = 0; i < w->s->n_hosts; ++i) {
                struct host *h = &w->hosts[(i + w->now_ms) % w->s->n_hosts];

                for (size_t j = 0; j < h->n_flows; ++j)
                        if (h->flows[j].due_ms <= w->now_ms)
                                step(w, h, &h->flows[j]);
                if (h->look_ms <= w->now_ms)
                        look(w, h);
        }
}

static void add(struct world *w, struct host *h, enum kind kind, size_t n, uint64_t period_ms)
{
        for (size_t i = 0; i < n; ++i) {
                must(h->n_flows < FLOWS_MAX);
                h->flows[h->n_flows++] = (struct flow){ .kind = kind,
                                                        .due_ms = w->now_ms + 2500 + below(w, 500),
                                                        .period_ms = period_ms };
        }
}

/* As bench/hosts/demand.py has it. */
static void demand(struct world *w, struct host *h, size_t index)
{
        const struct fleet_scenario *s = w->s;
        size_t calm = s->pattern == FLEET_CHANGING ? s->n_hosts : s->n_hosts - 1;

        h->turns = 1;
        add(w, h, KIND_ORDER, ORDERS_EACH, 0);
        if (s->pattern == FLEET_TRADERS) {
                add(w, h, KIND_BUSY, index == 0 ? POLLERS : 0, 0);
                return;
        }
        if (s->pattern == FLEET_EVEN || s->pattern == FLEET_COLD) {
                add(w, h, KIND_BUSY, POLLERS / s->n_hosts, 0);
                /* The first questions of those that start cold are all on their way at once. */
                if (s->pattern == FLEET_COLD)
                        h->flows[ORDERS_EACH].due_ms = w->now_ms + 2500 + 4 * index;
                return;
        }
        if (s->pattern == FLEET_CHANGING || index > 0) {
                double rate = 0.1 * s->limit / s->span_ms / (double)calm;
                size_t n = (5 + calm / 2) / calm;

                n = n > 0 ? n : 1;
                add(w, h, KIND_CALM, n, (uint64_t)((double)n / rate));
        }
        if (s->pattern == FLEET_CHANGING || index == 0)
                add(w, h, KIND_BUSY, POLLERS * 9 / 10, 0);
        if (s->pattern == FLEET_CHANGING) {
                h->turn = (unsigned)index;
                h->turns = s->n_hosts;
        }
}

static void open_host(struct world *w, size_t index)
{
        static const struct keeper_config config = { "box", "main", 600000, 0 };
        uint64_t windows[REGION_POOL_WINDOWS] = { region_window(w->s->span_ms, w->s->limit) };
        uint64_t orders[REGION_POOL_WINDOWS] = { region_window(10000, 1000) };
        uint64_t raw[REGION_POOL_WINDOWS] = { region_window(RAW_SPAN_MS, w->s->raw_limit) };
        struct host *h = &w->hosts[index];
        struct region_plan plan;
        struct region_error error;
        struct keeper_time time;

        budget_plan(&plan, w->now_ms);
        h->region = REGION_NULL;
        must(region_open(NULL, &plan, &h->region, &error) == 0);
        /* Hosts take turns by their numbers: with random ones no two runs would be the same. */
        h->region.lease->host = number(w);
        h->limiter = (struct limiter){ .region = &h->region };
        h->has_learnt = w->s->pattern != FLEET_COLD;
        if (h->has_learnt)
                limiter_set_pool(&h->limiter, w->weight, windows);
        limiter_set_pool(&h->limiter, w->orders, orders);
        if (w->s->raw_limit > 0)
                limiter_set_pool(&h->limiter, w->raw, raw);
        atomic_store(&h->region.header->sharing, LEASE_SHARING);
        h->offset_ms = (int64_t)below(w, 7) - 3;
        h->keeper = calloc(1, sizeof(*h->keeper));
        must(h->keeper);
        if (h->has_learnt)
                must(slot_find(&h->region, w->weight, 0, w->s->span_ms, true));
        must(slot_find(&h->region, w->orders, 7, 10000, true));
        if (w->s->raw_limit > 0)
                must(slot_find(&h->region, w->raw, 0, RAW_SPAN_MS, true));
        time = keeper_time(w, h);
        keeper_init(h->keeper, &h->limiter, &config, &time);
        keeper_up(h->keeper);
        buf_init(&h->answer, TEXT_MAX);
        h->look_ms = w->now_ms + below(w, 100);
        demand(w, h, index);
}

static void close_host(struct host *h)
{
        free(h->keeper);
        region_close(&h->region);
        buf_deinit(&h->answer);
}

/* What is left of the window that ends, and who has it. */
static void note_rest(struct world *w, uint64_t n)
{
        uint64_t caps = 0;

        for (size_t i = 0; i < w->s->n_hosts; ++i) {
                struct host *h = &w->hosts[i];
                struct window window = { slot_find(&h->region, w->weight, 0, w->s->span_ms, true),
                                         w->s->span_ms, w->s->limit, &h->region };

                caps += lease_cap(&window, n, w->now_ms);
        }
        if (!w->is_measured)
                return;
        w->figures->left_held += ((double)caps - (double)w->counted[n - w->first]) / w->s->limit;
        w->figures->left_free += ((double)w->s->limit - (double)caps) / w->s->limit;
}

static int by_size(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return x < y ? -1 : x > y;
}

static uint32_t p99(uint32_t *waits, size_t n)
{
        qsort(waits, n, sizeof(*waits), by_size);
        return n > 0 ? waits[n * 99 / 100] : 0;
}

static void sum_up(struct world *w)
{
        const struct fleet_scenario *s = w->s;
        struct fleet_figures *f = w->figures;

        f->worst = 1;
        for (size_t i = 0; i < WINDOWS_MAX; ++i)
                f->over += w->counted[i] > s->limit ? w->counted[i] - s->limit : 0;
        for (size_t i = s->warm; i < s->warm + s->windows; ++i) {
                double part = (double)w->counted[i] / s->limit;

                f->yield += part / s->windows;
                f->worst = part < f->worst ? part : f->worst;
        }
        f->left_held /= s->windows;
        f->left_free /= s->windows;
        f->asks = 1000.0 * (double)f->ops / (double)f->requests;
        f->order_p99_ms = p99(w->waits, w->n_waits);
        f->early_p99_ms = p99(w->early, w->n_early);
}

void fleet_run(struct books *books, const struct fleet_scenario *s, uint64_t seed,
               struct fleet_figures *ret)
{
        struct world *w = calloc(1, sizeof(*w));
        uint64_t last;

        must(w && s->n_hosts <= HOSTS_MAX && s->warm + s->windows < WINDOWS_MAX);
        *ret = (struct fleet_figures){ 0 };
        *w = (struct world){ .s = s, .books = books, .figures = ret };
        w->random = seed * 0x9e3779b97f4a7c15 | 1;
        w->first = START_MS / s->span_ms + 1;
        w->now_ms = w->first * s->span_ms;
        w->weight = (uint16_t)policy_group_pool(POLICY_API, POLICY_WEIGHT);
        w->orders = (uint16_t)policy_group_pool(POLICY_API, POLICY_ORDERS);
        w->raw = (uint16_t)policy_group_pool(POLICY_API, POLICY_REQUESTS);
        for (size_t i = 0; i < NEWS_MAX; ++i)
                buf_init(&w->news[i].text, TEXT_MAX);
        books_wipe(books);
        for (size_t i = 0; i < s->n_hosts; ++i)
                open_host(w, i);
        last = w->first + s->warm + s->windows;
        for (; w->now_ms < last * s->span_ms; ++w->now_ms) {
                w->is_measured = w->now_ms / s->span_ms >= w->first + s->warm;
                tick(w);
                if ((w->now_ms + 1) % s->span_ms == 0)
                        note_rest(w, w->now_ms / s->span_ms);
        }
        sum_up(w);
        for (size_t i = 0; i < s->n_hosts; ++i)
                close_host(&w->hosts[i]);
        for (size_t i = 0; i < NEWS_MAX; ++i)
                buf_deinit(&w->news[i].text);
        free(w);
}
