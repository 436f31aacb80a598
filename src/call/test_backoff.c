#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "call/backoff.h"

static void delays_double_up_to_the_ceiling(void **state)
{
        static const struct {
                const char *label;
                struct backoff_config config;
                uint32_t attempt;
                uint64_t random, delay_ms;
        } rows[] = {
                { "first", { 1000, 300000, 0 }, 0, 0, 1000 },
                { "second", { 1000, 300000, 0 }, 1, 0, 2000 },
                { "third", { 1000, 300000, 0 }, 2, 0, 4000 },
                { "fourth", { 1000, 300000, 0 }, 3, 0, 8000 },
                { "fifth", { 1000, 300000, 0 }, 4, 0, 16000 },
                { "at the ceiling", { 1000, 300000, 0 }, 9, 0, 300000 },
                { "far beyond", { 1000, 300000, 0 }, UINT32_MAX, 0, 300000 },
                { "a base above the ceiling", { 1000, 10, 0 }, 0, 0, 10 },
                { "no ceiling means no growth", { 1000, 0, 0 }, 5, 0, 1000 },
                { "a base of zero is a millisecond", { 0, 300000, 0 }, 0, 0, 1 },
                { "nothing on top", { 1000, 300000, 25 }, 0, 0, 1000 },
                { "the most on top", { 1000, 300000, 25 }, 0, 249, 1249 },
                { "and around", { 1000, 300000, 25 }, 0, 250, 1000 },
                { "any random number", { 1000, 300000, 25 }, 0, UINT64_MAX, 1115 },
                { "a share too small to matter", { 1, 300000, 25 }, 0, 99, 1 },
                { "a share above the whole", { 1000, 300000, 200 }, 0, 1999, 2999 },
                { "the largest of all", { UINT32_MAX, UINT32_MAX, 0 }, 3, 7, UINT32_MAX },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t delay_ms =
                        backoff_delay_ms(&rows[i].config, rows[i].attempt, rows[i].random);

                if (delay_ms != rows[i].delay_ms)
                        fail_msg("%s: got %llu", rows[i].label, (unsigned long long)delay_ms);
        }
}

static void jitter_never_shortens(void **state)
{
        static const struct backoff_config config = BACKOFF_CONFIG_DEFAULT;
        uint64_t random = 1;

        (void)state;
        for (uint32_t i = 0; i < 100000; ++i) {
                uint64_t plain_ms = 1000ULL << i % 5;
                uint64_t delay_ms = backoff_delay_ms(&config, i % 5, random);

                random = random * 6364136223846793005ULL + 1442695040888963407ULL;
                assert_true(delay_ms >= plain_ms && delay_ms < plain_ms + plain_ms / 4);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(delays_double_up_to_the_ceiling),
                cmocka_unit_test(jitter_never_shortens),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
