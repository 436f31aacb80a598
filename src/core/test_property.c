/*
 * Any schedule: spans, limits, costs, clocks, ways, deaths, strangers and changes of limits are
 * drawn from a seed, and the exchange never counts more than the highest limit that one of those
 * counted was released under.
 *
 * WEIR_PROPERTY_STEPS=100000000 goes on for longer than the four millions of the tests, and
 * WEIR_PROPERTY_SEED=N begins at another seed: what a failure prints is found again with its seed
 * alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/test_world.h"

#define STEPS_EACH    10000u
#define GUARD_MOST_MS 30000u

static uint64_t number_of(const char *name, uint64_t otherwise)
{
        const char *text = getenv(name);

        return text ? strtoull(text, NULL, 10) : otherwise;
}

/* Apart from the world's own: the scenario of a seed does not depend on how the world draws. */
static uint32_t draw(uint64_t *rng, uint32_t least, uint32_t most)
{
        *rng = *rng * 6364136223846793005ULL + 1442695040888963407ULL;
        return least + (uint32_t)((*rng >> 33) % (most - least + 1));
}

static uint64_t draw_window(uint64_t *rng, uint32_t least_ms)
{
        static const uint32_t spans_ms[] = { 1000, 2000, 5000, 10000, 60000, 300000 };
        uint32_t span_ms = spans_ms[draw(rng, 0, 3 + (least_ms > 1000) * 2)];

        return region_window(span_ms > least_ms ? span_ms : 10 * least_ms, draw(rng, 1, 500));
}

static void draw_scenario(uint64_t seed, struct scenario *s)
{
        uint64_t rng = seed * 0x9e3779b97f4a7c15ULL + 1;
        uint32_t span_ms;

        *s = (struct scenario){ .label = "any schedule", .steps = STEPS_EACH };
        s->windows[0][0] = draw_window(&rng, 0);
        span_ms = (uint32_t)(s->windows[0][0] >> 32);
        if (draw(&rng, 0, 1))
                s->windows[0][1] = draw_window(&rng, span_ms);
        s->cost_max[0] = draw(&rng, 1, 1 + (uint32_t)s->windows[0][0] / draw(&rng, 2, 20));
        if (draw(&rng, 0, 2) == 0) {
                s->windows[1][0] = draw_window(&rng, 0);
                s->cost_max[1] = draw(&rng, 1, 3);
        }
        s->guard_ms = draw(&rng, 0, 3) ? draw(&rng, 0, span_ms / 10) : draw(&rng, 0, 2 * span_ms);
        /* Beyond what books can be kept with, some of them: then nobody sends. */
        if (s->guard_ms > GUARD_MOST_MS)
                s->guard_ms = GUARD_MOST_MS;
        s->light_in_16 = draw(&rng, 0, 16);
        s->has_ceilings = draw(&rng, 0, 1);
        s->latency_ms = draw(&rng, 0, 1) ? draw(&rng, 1, 20) : draw(&rng, 1, 600);
        s->chaos = draw(&rng, 0, 4) > 0;
        s->spike_one_in = draw(&rng, 0, 1) ? draw(&rng, 20, 500) : 0;
        s->flows = draw(&rng, 1, 64);
        s->clients = draw(&rng, 1, CLIENTS_MAX);
        s->is_exact = draw(&rng, 0, 3) == 0;
        s->changes_limits = draw(&rng, 0, 1);
        s->refunds = draw(&rng, 0, 1);
        for (unsigned i = 0; i < draw(&rng, 0, 2); ++i)
                s->strangers[i] = (struct stranger){
                        .cost = draw(&rng, 1, 5),
                        .burst = draw(&rng, 1, 30),
                        .every_ms = draw(&rng, 10, 2 * span_ms),
                        .jitter_ms = draw(&rng, 0, span_ms),
                };
}

static void the_exchange_never_counts_more_whatever_happens(void **state)
{
        uint64_t wanted = number_of("WEIR_PROPERTY_STEPS", 4000000), steps = 0, sent = 0;
        uint64_t first = number_of("WEIR_PROPERTY_SEED", 1), seed = first;

        (void)state;
        for (; steps < wanted; ++seed) {
                struct scenario s;
                struct world_result r;

                draw_scenario(seed, &s);
                r = world_run(&s, seed);
                steps += r.n_steps;
                sent += r.n_sent;
        }
        print_message("%llu steps, %llu requests, seeds %llu to %llu\n", (unsigned long long)steps,
                      (unsigned long long)sent, (unsigned long long)first,
                      (unsigned long long)seed - 1);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_exchange_never_counts_more_whatever_happens),
        };

        return cmocka_run_group_tests_name("core/property", tests, NULL, NULL);
}
