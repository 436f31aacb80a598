#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/ceiling.h"

static struct ceiling_window whole(uint32_t limit, uint32_t span_ms)
{
        return (struct ceiling_window){ limit, span_ms, 0 };
}

static void a_share_opens_towards_the_end_of_the_window(void **state)
{
        static const struct {
                const char *label;
                enum weir_class class;
                uint32_t limit, span_ms;
                uint64_t into_ms;
                uint32_t ceiling;
        } rows[] = {
                { "cancels may use all", CLASS_CANCEL, 100, 60000, 0, 100 },
                { "orders nearly all", CLASS_ORDER, 100, 60000, 0, 95 },
                { "market data its share", CLASS_MARKET, 1000, 60000, 0, 800 },
                { "until it opens", CLASS_MARKET, 1000, 60000, 30000, 800 },
                { "then a little more", CLASS_MARKET, 1000, 60000, 30150, 801 },
                { "not before", CLASS_MARKET, 1000, 60000, 30149, 800 },
                { "half way", CLASS_MARKET, 1000, 60000, 45000, 900 },
                { "the last moment", CLASS_MARKET, 1000, 60000, 59999, 999 },
                { "after the turn all of it", CLASS_MARKET, 1000, 60000, 60000, 1000 },
                { "and further on", CLASS_MARKET, 1000, 60000, 70000, 1000 },
                { "history less", CLASS_BACKFILL, 1000, 60000, 0, 600 },
                { "shares are rounded down", CLASS_MARKET, 99, 60000, 0, 79 },
                { "a limit of 1 is everybody's", CLASS_BACKFILL, 1, 1000, 0, 1 },
                { "of 2 one is kept back", CLASS_BACKFILL, 2, 1000, 0, 1 },
                { "of 5 one is kept from market data", CLASS_MARKET, 5, 1000, 0, 4 },
                { "nothing of nothing", CLASS_BACKFILL, 0, 1000, 999, 0 },
                { "the largest limit", CLASS_BACKFILL, UINT32_MAX, 1000, 750, 3435973836 },
        };
        struct ceilings c = CEILINGS_DEFAULT;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint32_t got = ceiling_at(&c, rows[i].class, whole(rows[i].limit, rows[i].span_ms),
                                          rows[i].into_ms);

                if (got != rows[i].ceiling)
                        fail_msg("%s: %u", rows[i].label, got);
        }
}

static void it_is_known_when_a_ceiling_is_reached(void **state)
{
        static const struct {
                const char *label;
                enum weir_class class;
                uint32_t limit;
                uint64_t used, into_ms;
        } rows[] = {
                { "within the share", CLASS_MARKET, 1000, 800, 0 },
                { "one above", CLASS_MARKET, 1000, 801, 30150 },
                { "half way", CLASS_MARKET, 1000, 900, 45000 },
                { "the whole window, at its end", CLASS_MARKET, 1000, 1000, 60000 },
                { "never", CLASS_MARKET, 1000, 1001, UINT64_MAX },
                { "cancels at once", CLASS_CANCEL, 1000, 1000, 0 },
                { "or never", CLASS_CANCEL, 1000, 1001, UINT64_MAX },
                { "a small limit", CLASS_BACKFILL, 2, 2, 60000 },
                { "no limit", CLASS_BACKFILL, 0, 1, UINT64_MAX },
        };
        struct ceilings c = CEILINGS_DEFAULT;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t got = ceiling_reaches(&c, rows[i].class, whole(rows[i].limit, 60000),
                                               rows[i].used);

                if (got != rows[i].into_ms)
                        fail_msg("%s: %llu", rows[i].label, (unsigned long long)got);
        }
}

static void reaches_and_at_agree(void **state)
{
        static const uint32_t limits[] = { 1, 2, 5, 7, 100, 1201, 6000 };
        static const uint8_t from[] = { 0, 33, 50, 99 };
        static const uint32_t leads_ms[] = { 0, 100, 20000 };
        struct ceilings c = CEILINGS_DEFAULT;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(limits) * ARRAY_SIZE(from) * ARRAY_SIZE(leads_ms); ++i) {
                uint32_t limit = limits[i % ARRAY_SIZE(limits)];
                struct ceiling_window window = {
                        limit, 10007, leads_ms[i / ARRAY_SIZE(limits) / ARRAY_SIZE(from)]
                };

                c.opens_from_pct = from[i / ARRAY_SIZE(limits) % ARRAY_SIZE(from)];
                for (unsigned class = 0; class < CLASS_COUNT; ++class) {
                        for (uint32_t used = 0; used <= limit; ++used) {
                                uint64_t t =
                                        ceiling_reaches(&c, (enum weir_class) class, window, used);

                                if (ceiling_at(&c, (enum weir_class) class, window, t) < used ||
                                    (t > 0 && ceiling_at(&c, (enum weir_class) class, window,
                                                         t - 1) >= used))
                                        fail_msg("limit %u class %u used %u: %llu", limit, class,
                                                 used, (unsigned long long)t);
                        }
                }
        }
}

static void a_lead_opens_them_earlier_and_never_all_at_once(void **state)
{
        static const struct {
                const char *label;
                uint32_t lead_ms;
                uint64_t into_ms;
                uint32_t ceiling;
        } rows[] = {
                { "the share until half of the window", 6000, 30000, 800 },
                { "half of it half way", 6000, 42000, 900 },
                { "all of it that much before the end", 6000, 54000, 1000 },
                { "and not before", 6000, 53999, 999 },
                { "takes a quarter of the time at least", 29000, 37499, 999 },
                { "however long the lead", UINT32_MAX, 37500, 1000 },
        };
        struct ceilings c = CEILINGS_DEFAULT;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct ceiling_window window = { 1000, 60000, rows[i].lead_ms };
                uint32_t got = ceiling_at(&c, CLASS_MARKET, window, rows[i].into_ms);

                if (got != rows[i].ceiling)
                        fail_msg("%s: %u", rows[i].label, got);
        }
}

static void ceilings_survive_their_word_and_damage_reads_as_the_default(void **state)
{
        struct ceilings c = { .pct = { 100, 50, 1, 99, 2, 3 }, .opens_from_pct = 99 };
        const struct ceilings standard = CEILINGS_DEFAULT;
        uint64_t bad[4] = { 0, ceilings_pack(&c), ceilings_pack(&c), ceilings_pack(&c) };
        struct ceilings got = ceilings_unpack(ceilings_pack(&c));

        (void)state;
        assert_memory_equal(&got, &c, sizeof(c));
        bad[1] = (bad[1] & ~(0xffULL << 56)) | 100ULL << 56;
        bad[2] = (bad[2] & ~(0xffULL << 40)) | 101ULL << 40;
        bad[3] = bad[3] & ~(0xffULL << 16);
        for (size_t i = 0; i < ARRAY_SIZE(bad); ++i) {
                got = ceilings_unpack(bad[i]);
                assert_memory_equal(&got, &standard, sizeof(got));
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_share_opens_towards_the_end_of_the_window),
                cmocka_unit_test(it_is_known_when_a_ceiling_is_reached),
                cmocka_unit_test(reaches_and_at_agree),
                cmocka_unit_test(a_lead_opens_them_earlier_and_never_all_at_once),
                cmocka_unit_test(ceilings_survive_their_word_and_damage_reads_as_the_default),
        };

        return cmocka_run_group_tests_name("core/ceiling", tests, NULL, NULL);
}
