/*
 * Counts that fall by themselves, believed while others are in flight: whatever the order of
 * leaving, being counted, being filled and being answered, the books never say less than the
 * exchange has counted and may still count.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/window.h"

#define SPAN  86400000u
#define N     20000ULL
#define NOW   (N * SPAN + SPAN / 2)
#define MOST  64
#define STEPS 1000000u
#define SEEDS 4u

static struct slot slot;
static const struct window w = { &slot, SPAN, WINDOW_AMOUNT_MAX, NULL };

struct order {
        enum {
                FREE,
                LEFT,
                COUNTED
        } state;
        struct window_place place;
        uint32_t shown;
};

static uint64_t next(uint64_t *random)
{
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        return *random;
}

/* What a new request would find used. */
static uint32_t books(void)
{
        return window_used(&w, N, true);
}

static bool leave(struct order *o, uint64_t chance)
{
        uint32_t amount = 1 + (uint32_t)(chance % 3);

        if (chance % 5 == 0) {
                /* A place that was held, and whose time has come. */
                if (window_take(&w, N, amount, WINDOW_AMOUNT_MAX, false, &o->place) != WINDOW_TAKEN)
                        return false;
                return window_fly(&w, N, &o->place);
        }
        return window_take(&w, N, amount, WINDOW_AMOUNT_MAX, true, &o->place) == WINDOW_TAKEN;
}

static void play(uint64_t seed)
{
        struct order orders[MOST];
        uint64_t random = seed, n_believed = 0;
        uint32_t counted = 0, coming = 0;

        memset(&slot, 0, sizeof(slot));
        memset(orders, 0, sizeof(orders));
        for (unsigned step = 0; step < STEPS; ++step) {
                uint64_t chance = next(&random) >> 8;
                struct order *o = &orders[chance % (1 + (step >> 14) % MOST)];

                chance >>= 8;
                if (chance % 4 == 0 && counted > 0)
                        counted -= chance % 16 == 0 && counted > 5 ? 5 : 1;
                if (o->state == FREE) {
                        if (!leave(o, chance))
                                fail_msg("seed %llu, step %u: no place", (unsigned long long)seed,
                                         step);
                        o->state = LEFT;
                        coming += o->place.amount;
                } else if (o->state == LEFT && chance % 16 == 1) {
                        /* It never reached the exchange. */
                        window_give_back(&w, N, o->place.amount, true);
                        coming -= o->place.amount;
                        o->state = FREE;
                } else if (o->state == LEFT) {
                        coming -= o->place.amount;
                        counted += o->place.amount;
                        o->shown = counted;
                        o->state = COUNTED;
                } else {
                        n_believed += window_believe(&w, N, &o->place, o->shown);
                        window_land(&w, N, o->place.amount, 0, NOW, 0);
                        o->state = FREE;
                }
                if (books() < counted + coming)
                        fail_msg("seed %llu, step %u: the books say %u, %u are counted and %u on "
                                 "their way",
                                 (unsigned long long)seed, step, books(), counted, coming);
        }
        /* And they are of use: they follow the count down. */
        assert_true(n_believed > STEPS / 100);
        if (books() > counted + coming + 8 * MOST)
                fail_msg("seed %llu: the books say %u of %u", (unsigned long long)seed, books(),
                         counted + coming);
}

static void books_never_fall_below_what_may_be_counted(void **state)
{
        (void)state;
        for (uint64_t seed = 1; seed <= SEEDS; ++seed)
                play(seed * 0x9e3779b97f4a7c15ULL);
}

/* The same by threads: the exchange is one atomic counter, and looked at when all have paused. */
#define THREADS 4
#define ROUNDS  200
#define ORDERS  200

static _Atomic(uint32_t) exchange;
static pthread_barrier_t barrier;

static void *trade(void *arg)
{
        uint64_t random = 0x9e3779b97f4a7c15ULL * (1 + (uintptr_t)arg);

        for (unsigned round = 0; round < ROUNDS; ++round) {
                for (unsigned i = 0; i < ORDERS; ++i) {
                        struct window_place place;
                        uint32_t shown;

                        if (window_take(&w, N, 1, WINDOW_AMOUNT_MAX, true, &place) != WINDOW_TAKEN)
                                return arg;
                        shown = atomic_fetch_add(&exchange, 1) + 1;
                        if (next(&random) & 256)
                                atomic_fetch_sub(&exchange, 1);
                        (void)!window_believe(&w, N, &place, shown);
                        window_land(&w, N, 1, 0, NOW, 0);
                }
                pthread_barrier_wait(&barrier);
                /* Nobody takes or lands between the two. */
                if (arg == NULL && books() < atomic_load(&exchange))
                        atomic_store(&exchange, UINT32_MAX);
                pthread_barrier_wait(&barrier);
        }
        return NULL;
}

static void threads_do_not_lower_what_others_have_sent(void **state)
{
        pthread_t threads[THREADS];
        void *failed;

        (void)state;
        memset(&slot, 0, sizeof(slot));
        atomic_store(&exchange, 0);
        assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
        for (uintptr_t i = 0; i < THREADS; ++i)
                assert_int_equal(pthread_create(&threads[i], NULL, trade, (void *)i), 0);
        for (unsigned i = 0; i < THREADS; ++i) {
                assert_int_equal(pthread_join(threads[i], &failed), 0);
                assert_null(failed);
        }
        pthread_barrier_destroy(&barrier);
        assert_true(atomic_load(&exchange) < THREADS * ROUNDS * ORDERS);
        assert_true(books() >= atomic_load(&exchange));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(books_never_fall_below_what_may_be_counted),
                cmocka_unit_test(threads_do_not_lower_what_others_have_sent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
