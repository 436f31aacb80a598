/*
 * What must hold in the model's world: the exchange never counts more of ours than the limit in any
 * of its windows; and under saturation hardly less.
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

/* WEIR_SIMULATION_SEEDS=100 to look harder. */
static uint64_t seeds(uint64_t n)
{
        const char *more = getenv("WEIR_SIMULATION_SEEDS");

        return more ? strtoull(more, NULL, 10) : n;
}

#define W(span_ms, limit) ((uint64_t)(span_ms) << 32 | (limit))

static void the_exchange_never_counts_more_than_the_limit(void **state)
{
        static const struct scenario scenarios[] = {
                { .label = "1 s, chaos",
                  .windows = { { W(1000, 40) } },
                  .guard_ms = 20,
                  .cost_max = { 4 },
                  .light_in_16 = 8,
                  .has_ceilings = true,
                  .latency_ms = 60,
                  .chaos = true,
                  .flows = 64,
                  .n_full = 1000 },
                { .label = "2 s, chaos",
                  .windows = { { W(2000, 60) } },
                  .guard_ms = 50,
                  .cost_max = { 6 },
                  .light_in_16 = 8,
                  .has_ceilings = true,
                  .latency_ms = 60,
                  .chaos = true,
                  .flows = 64,
                  .n_full = 500 },
                { .label = "5 s, chaos",
                  .windows = { { W(5000, 50) } },
                  .guard_ms = 100,
                  .cost_max = { 5 },
                  .light_in_16 = 8,
                  .latency_ms = 80,
                  .chaos = true,
                  .flows = 64,
                  .n_full = 200 },
                { .label = "10 s, chaos",
                  .windows = { { W(10000, 300) } },
                  .guard_ms = 250,
                  .cost_max = { 30 },
                  .light_in_16 = 8,
                  .has_ceilings = true,
                  .latency_ms = 80,
                  .chaos = true,
                  .flows = 64,
                  .n_full = 100 },
                { .label = "60 s, chaos",
                  .windows = { { W(60000, 1200) } },
                  .guard_ms = 250,
                  .cost_max = { 120 },
                  .light_in_16 = 8,
                  .has_ceilings = true,
                  .latency_ms = 80,
                  .chaos = true,
                  .flows = 64,
                  .n_full = 40 },
                { .label = "10 s and 60 s, chaos",
                  .windows = { { W(10000, 100), W(60000, 400) } },
                  .guard_ms = 100,
                  .cost_max = { 10 },
                  .light_in_16 = 8,
                  .latency_ms = 50,
                  .chaos = true,
                  .flows = 64,
                  .n_full = 30 },
                { .label = "two pools, chaos",
                  .windows = { { W(60000, 600) }, { W(10000, 50), W(60000, 200), W(300000, 900) } },
                  .guard_ms = 30,
                  .cost_max = { 60, 3 },
                  .light_in_16 = 12,
                  .has_ceilings = true,
                  .latency_ms = 50,
                  .chaos = true,
                  .flows = 64,
                  .n_full = 30 },
                { .label = "a limit of 1, chaos",
                  .windows = { { W(1000, 1) } },
                  .guard_ms = 20,
                  .cost_max = { 1 },
                  .light_in_16 = 16,
                  .has_ceilings = true,
                  .latency_ms = 60,
                  .chaos = true,
                  .flows = 4,
                  .n_full = 1000 },
                { .label = "a limit of 2, chaos",
                  .windows = { { W(1000, 2) } },
                  .guard_ms = 20,
                  .cost_max = { 2 },
                  .light_in_16 = 8,
                  .has_ceilings = true,
                  .latency_ms = 60,
                  .chaos = true,
                  .flows = 4,
                  .n_full = 1000 },
                { .label = "a limit of 5, chaos",
                  .windows = { { W(2000, 5) } },
                  .guard_ms = 20,
                  .cost_max = { 5 },
                  .light_in_16 = 8,
                  .latency_ms = 60,
                  .chaos = true,
                  .flows = 4,
                  .n_full = 500 },
                { .label = "a guard longer than the span, chaos",
                  .windows = { { W(1000, 40) } },
                  .guard_ms = 1500,
                  .cost_max = { 4 },
                  .light_in_16 = 8,
                  .latency_ms = 60,
                  .chaos = true,
                  .flows = 32,
                  .n_full = 500 },
                { .label = "a guard of nearly the span, chaos",
                  .windows = { { W(2000, 40) } },
                  .guard_ms = 1900,
                  .cost_max = { 4 },
                  .light_in_16 = 8,
                  .has_ceilings = true,
                  .latency_ms = 60,
                  .chaos = true,
                  .flows = 32,
                  .n_full = 500 },
                { .label = "foreign use, chaos",
                  .windows = { { W(10000, 200) } },
                  .guard_ms = 50,
                  .cost_max = { 20 },
                  .light_in_16 = 8,
                  .has_ceilings = true,
                  .latency_ms = 60,
                  .chaos = true,
                  .foreign = true,
                  .flows = 32,
                  .n_full = 100 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(scenarios); ++i)
                for (uint64_t seed = 1; seed <= seeds(2); ++seed)
                        world_run(&scenarios[i], seed);
}

static void saturation_fills_every_window(void **state)
{
        static const struct scenario scenarios[] = {
                { .label = "1 s, light",
                  .windows = { { W(1000, 100) } },
                  .guard_ms = 5,
                  .cost_max = { 1 },
                  .light_in_16 = 16,
                  .latency_ms = 30,
                  .flows = 64,
                  .n_full = 300,
                  .min_yield = 0.99 },
                { .label = "1 s, mixed",
                  .windows = { { W(1000, 100) } },
                  .guard_ms = 5,
                  .cost_max = { 10 },
                  .light_in_16 = 8,
                  .latency_ms = 30,
                  .flows = 64,
                  .n_full = 300,
                  .min_yield = 0.99 },
                { .label = "10 s, light",
                  .windows = { { W(10000, 100) } },
                  .guard_ms = 20,
                  .cost_max = { 1 },
                  .light_in_16 = 16,
                  .latency_ms = 50,
                  .flows = 64,
                  .n_full = 100,
                  .min_yield = 0.99 },
                { .label = "10 s, mixed, classes",
                  .windows = { { W(10000, 300) } },
                  .guard_ms = 20,
                  .cost_max = { 30 },
                  .light_in_16 = 8,
                  .has_ceilings = true,
                  .latency_ms = 50,
                  .flows = 64,
                  .n_full = 100,
                  .min_yield = 0.98 },
                { .label = "60 s, light, classes",
                  .windows = { { W(60000, 300) } },
                  .guard_ms = 20,
                  .cost_max = { 1 },
                  .light_in_16 = 16,
                  .has_ceilings = true,
                  .latency_ms = 50,
                  .flows = 128,
                  .n_full = 50,
                  .min_yield = 0.99 },
                { .label = "60 s, mixed",
                  .windows = { { W(60000, 2400) } },
                  .guard_ms = 20,
                  .cost_max = { 240 },
                  .light_in_16 = 8,
                  .latency_ms = 50,
                  .flows = 64,
                  .n_full = 50,
                  .min_yield = 0.99 },
                { .label = "60 s, mixed, classes",
                  .windows = { { W(60000, 2400) } },
                  .guard_ms = 20,
                  .cost_max = { 240 },
                  .light_in_16 = 8,
                  .has_ceilings = true,
                  .latency_ms = 50,
                  .flows = 64,
                  .n_full = 50,
                  .min_yield = 0.99 },
                { .label = "10 s and 60 s, mixed",
                  .windows = { { W(10000, 100), W(60000, 400) } },
                  .guard_ms = 20,
                  .cost_max = { 10 },
                  .light_in_16 = 8,
                  .latency_ms = 50,
                  .flows = 64,
                  .n_full = 50,
                  .min_yield = 0.99 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(scenarios); ++i)
                for (uint64_t seed = 1; seed <= seeds(1); ++seed)
                        world_run(&scenarios[i], seed);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_exchange_never_counts_more_than_the_limit),
                cmocka_unit_test(saturation_fills_every_window),
        };

        return cmocka_run_group_tests_name("core/simulation", tests, NULL, NULL);
}
