/*
 * Caps that are lowered and raised under those who take
 *
 * Two hosts share a limit: each has a region, takers, and a keeper that lowers its cap, tells a
 * store what it has come down to, and raises it again by what the store has left. The store never
 * gives the two of them more than the limit. Some of what is taken leaves and is counted, some is
 * taken back. At no moment
 * has more left than the store knows of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <cmocka.h>

#include "core/lease.h"
#include "core/limiter.h"
#include "core/slot.h"

#define HOSTS   2
#define TAKERS  3
#define WINDOWS 60
#define LIMIT   3000u
#define FIRST   30000000ULL
#define SPAN_MS 60000u

struct host {
        struct region region;
        struct limiter limiter;
        struct window window;
        uint32_t claim;            /* as the store knows it */
        _Atomic(uint32_t) counted; /* by the exchange, in this window */
};

static struct host hosts[HOSTS];
static pthread_mutex_t store = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t turn;
static _Atomic(uint32_t) takers, over;
static _Atomic(uint64_t) all;

struct worker {
        struct host *host;
        uint64_t rng;
};

static uint32_t rnd(struct worker *w, uint32_t below)
{
        uint64_t z = (w->rng += 0x9e3779b97f4a7c15ULL);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return (uint32_t)((z ^ (z >> 31)) % below);
}

static struct limiter_time time_of(uint64_t number)
{
        return (struct limiter_time){ number * SPAN_MS + 1000, 5 };
}

/* Takes until nothing is left, however often it looks. */
static void take_all(struct worker *w, uint64_t number)
{
        unsigned refused = 0;

        while (refused < 3000) {
                struct limiter_request r = {
                        .class = CLASS_CANCEL,
                        .deadline_ms = UINT64_MAX,
                        .n_charges = 1,
                        .charges = { { .amount = 1 + rnd(w, 3) } },
                };
                struct limiter_ticket t;

                if (limiter_reserve(&w->host->limiter, &r, time_of(number), &t) != LIMITER_GO) {
                        limiter_refund(&w->host->limiter, &t);
                        ++refused;
                        continue;
                }
                if (rnd(w, 4) == 0) {
                        limiter_refund(&w->host->limiter, &t);
                        continue;
                }
                atomic_fetch_add(&w->host->counted, r.charges[0].amount);
                limiter_land(&w->host->limiter, &t, time_of(number), 0, 0, NULL, 0, NULL);
        }
}

static void *taker(void *arg)
{
        struct worker *w = arg;

        for (uint64_t n = FIRST; n < FIRST + WINDOWS; ++n) {
                (void)pthread_barrier_wait(&turn);
                take_all(w, n);
                atomic_fetch_sub(&takers, 1);
                (void)pthread_barrier_wait(&turn);
        }
        return NULL;
}

/* What both hold is never more than the limit. */
static void ask_for_more(struct worker *w, uint64_t number)
{
        uint32_t sum = 0, claim;

        (void)pthread_mutex_lock(&store);
        for (int i = 0; i < HOSTS; ++i)
                sum += hosts[i].claim;
        /* A little, so that takers are always at it. */
        if (LIMIT - sum > 0)
                w->host->claim += 1 + rnd(w, LIMIT - sum < 8 ? LIMIT - sum : 8);
        claim = w->host->claim;
        (void)pthread_mutex_unlock(&store);
        lease_raise(&w->host->window, number, claim);
}

/* What has left is never more than the store was told. */
static void check(const struct host *host)
{
        if (atomic_load(&host->counted) > host->claim)
                atomic_fetch_add(&over, 1);
}

/* As far as it goes, mostly. */
static void give_back(struct worker *w, uint64_t number)
{
        uint32_t cap = lease_lower(&w->host->window, number, rnd(w, 4) ? 0 : rnd(w, LIMIT));

        (void)pthread_mutex_lock(&store);
        if (cap < w->host->claim)
                w->host->claim = cap;
        (void)pthread_mutex_unlock(&store);
        check(w->host);
}

static void begin(struct worker *w, uint64_t number)
{
        lease_set_share(&w->host->window, LIMIT / HOSTS / 8, number - 1, number + 1);
        w->host->claim = lease_speak(&w->host->window, number, 0);
}

static void *keeper(void *arg)
{
        struct worker *w = arg;

        begin(w, FIRST);
        for (uint64_t n = FIRST; n < FIRST + WINDOWS; ++n) {
                (void)pthread_barrier_wait(&turn);
                while (atomic_load(&takers) > 0) {
                        give_back(w, n);
                        ask_for_more(w, n);
                }
                (void)pthread_barrier_wait(&turn);
                check(w->host);
                atomic_fetch_add(&all, atomic_exchange(&w->host->counted, 0));
                if (n + 1 < FIRST + WINDOWS)
                        begin(w, n + 1);
                if (w->host == hosts)
                        atomic_store(&takers, HOSTS * TAKERS);
        }
        return NULL;
}

static void open_host(struct host *host)
{
        static struct region_plan plan;
        struct region_error error;

        plan.windows[0][0] = region_window(SPAN_MS, LIMIT);
        host->region = REGION_NULL;
        assert_int_equal(region_open(NULL, &plan, &host->region, &error), 0);
        host->limiter.region = &host->region;
        atomic_store(&host->region.header->sharing, LEASE_SHARING);
        atomic_store(&host->region.lease->share_until_ms, UINT64_MAX);
        host->window = (struct window){ slot_find(&host->region, 0, 0, SPAN_MS, true), SPAN_MS,
                                        LIMIT, &host->region };
}

static void what_two_hosts_send_is_within_the_limit_whatever_their_caps_do(void **state)
{
        pthread_t threads[HOSTS * (TAKERS + 1)];
        struct worker workers[HOSTS * (TAKERS + 1)];
        unsigned n = 0;

        (void)state;
        (void)pthread_barrier_init(&turn, NULL, HOSTS * (TAKERS + 1));
        atomic_store(&takers, HOSTS * TAKERS);
        for (int h = 0; h < HOSTS; ++h)
                open_host(&hosts[h]);
        for (int h = 0; h < HOSTS; ++h) {
                for (int i = 0; i <= TAKERS; ++i, ++n) {
                        workers[n] = (struct worker){ &hosts[h], n * 77 + 1 };
                        assert_int_equal(pthread_create(&threads[n], NULL, i ? taker : keeper,
                                                        &workers[n]),
                                         0);
                }
        }
        while (n-- > 0)
                (void)pthread_join(threads[n], NULL);
        for (int h = 0; h < HOSTS; ++h)
                region_close(&hosts[h].region);
        (void)pthread_barrier_destroy(&turn);
        if (atomic_load(&over) > 0)
                fail_msg("%u times more had left than the store knew", atomic_load(&over));
        /* Something was tried at all. */
        assert_true(atomic_load(&all) > (uint64_t)WINDOWS * 10);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_two_hosts_send_is_within_the_limit_whatever_their_caps_do),
        };

        return cmocka_run_group_tests_name("race/lease", tests, NULL, NULL);
}
