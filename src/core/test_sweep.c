#include "core/evidence.h"
#include "core/sweep.h"

#include "core/test_budgets.h"

#define DAY_MS 86400000ULL

/* An order of @owner at @ms, which is never answered. */
static bool order_of(uint64_t owner, uint64_t ms)
{
        struct limiter_request r = { .class = CLASS_CANCEL,
                                     .deadline_ms = UINT64_MAX,
                                     .n_charges = 1,
                                     .charges = {
                                             { .pool = ORDERS, .owner = owner, .amount = 1 } } };
        struct limiter_ticket t;

        return limiter_reserve(&l, &r, (struct limiter_time){ ms, GUARD }, &t) == LIMITER_GO;
}

static uint64_t owner_of(unsigned i)
{
        return limiter_owner(&l, &i, sizeof(i));
}

static size_t sweep_at(uint64_t told_ms, uint64_t ours_ms)
{
        return sweep(&region, (const uint64_t[]){ told_ms, ours_ms });
}

/* Every slot is found where it is. */
static void check_reachable(void)
{
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                const struct slot *slot = &region.slots[i];
                uint64_t pool_span = slot->pool_span;

                if (slot->key != 0 && slot_find(&region, (uint16_t)(pool_span >> 32), slot->owner,
                                                (uint32_t)pool_span, false) != slot)
                        fail_msg("slot %zu is not found", i);
        }
}

static void owners_of_long_ago_make_room(void **state)
{
        unsigned n = 0, again = 0;

        (void)state;
        while (order_of(owner_of(n), AT(0)))
                ++n;
        /* Two windows each, and slots are found within 64 places only. */
        assert_true(n > 500);
        assert_false(order_of(owner_of(n), AT(0)));
        assert_true(sweep_count(&region) > SWEEP_FROM);
        /* One of them works on. */
        assert_true(order_of(owner_of(5), AT(3 * DAY_MS)));
        (void)sweep_at(AT(3 * DAY_MS), AT(3 * DAY_MS));
        check_reachable();
        assert_true(sweep_count(&region) < 100);
        for (size_t i = 0; i < REGION_SLOTS; ++i)
                if (region.slots[i].key == 0)
                        for (size_t k = 0; k < sizeof(struct slot) / 8; ++k)
                                assert_int_equal(((uint64_t *)&region.slots[i])[k], 0);
        /* What it has used is still known: 49 more of 50. */
        while (order_of(owner_of(5), AT(3 * DAY_MS)))
                ++again;
        assert_int_equal(again, 49);
        assert_true(order_of(owner_of(n), AT(3 * DAY_MS)));
}

/* Of each row, whether the one order of an owner is forgotten. */
static void what_may_still_count_by_either_clock_stays(void **state)
{
        static const struct {
                const char *label;
                uint64_t told_ms, ours_ms;
                size_t freed;
        } rows[] = {
                { "now", AT(0), AT(0), 0 },
                { "a day later", AT(DAY_MS), AT(DAY_MS), 0 },
                { "three days later", AT(3 * DAY_MS), AT(3 * DAY_MS), 2 },
                { "our clock is a year ahead", AT(0), AT(365 * DAY_MS), 0 },
                { "our clock is at its beginning", AT(3 * DAY_MS), 1000, 0 },
                { "our clock is behind", AT(3 * DAY_MS), AT(DAY_MS), 0 },
                { "no exchange has told its time", 0, AT(30 * DAY_MS), 0 },
                { "told long before, and used since", AT(0) - 20 * DAY_MS, AT(5 * DAY_MS), 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                size_t freed;

                assert_int_equal(setup(state), 0);
                assert_true(order_of(owner_of(1), AT(0)));
                freed = sweep_at(rows[i].told_ms, rows[i].ours_ms);
                if (freed != rows[i].freed)
                        fail_msg("%s: %zu freed", rows[i].label, freed);
        }
}

static void what_is_not_a_matter_of_time_stays(void **state)
{
        struct limiter other = { .region = &region };
        struct evidence *cost;

        (void)state;
        /* The address's own budgets, with what is known of strangers. */
        assert_true(order_of(0, AT(0)));
        /* A stop that lasts. */
        limiter_shut_pool(&l, ORDERS, 7, AT(30 * DAY_MS));
        /* A key with a name, a cost. */
        assert_non_null(slot_find(&region, REGION_POOL_KEYS, 9, 0, true));
        cost = evidence_claim(&region, 0x1000, NULL);
        assert_non_null(cost);
        assert_int_equal(sweep_at(AT(9 * DAY_MS), AT(9 * DAY_MS)), 0);
        /* Buckets that are full, once they are; what nobody named; anchors of no budget. */
        assert_int_equal(limiter_set_pacing(&other, 60, 10), 0);
        atomic_store(other.pacing.full_us, AT(9 * DAY_MS) * US_PER_MS);
        assert_int_equal(sweep_at(AT(9 * DAY_MS), AT(9 * DAY_MS)), 0);
        assert_non_null(slot_find(&region, REGION_POOL_EVIDENCE, 12345, 60000, true));
        atomic_store(&region.slots[77].key, 77);
        atomic_store(&region.header->weights[WEIGHTS_SLOTS], 99);
        assert_int_equal(sweep_at(AT(12 * DAY_MS), AT(12 * DAY_MS)), 3);
        assert_int_equal(atomic_load(&region.header->weights[WEIGHTS_SLOTS]), 1);
        assert_ptr_equal(evidence_find(&region, 0x1000), cost);
        check_reachable();
}

static void a_slot_that_others_are_found_behind_stays_until_they_go(void **state)
{
        const uint64_t home = 100;
        unsigned n = 0, first = 0, last = 0;

        (void)state;
        /* Five owners whose slots begin at one place. */
        for (unsigned i = 0; n < 5; ++i) {
                if (slot_key(OWN, owner_of(i), 1000) % REGION_SLOTS != home)
                        continue;
                assert_non_null(slot_find(&region, OWN, owner_of(i), 1000, true));
                first = n == 0 ? i : first;
                last = i;
                ++n;
        }
        atomic_store(&slot_find(&region, OWN, owner_of(last), 1000, false)->shut_until_ms,
                     AT(20 * DAY_MS));
        assert_int_equal(sweep_at(AT(9 * DAY_MS), AT(9 * DAY_MS)), 0);
        check_reachable();
        atomic_store(&slot_find(&region, OWN, owner_of(first), 1000, false)->shut_until_ms,
                     AT(20 * DAY_MS));
        atomic_store(&slot_find(&region, OWN, owner_of(last), 1000, false)->shut_until_ms, 0);
        assert_int_equal(sweep_at(AT(9 * DAY_MS), AT(9 * DAY_MS)), 4);
        assert_non_null(slot_find(&region, OWN, owner_of(first), 1000, false));
        assert_int_equal(sweep_count(&region), 1);
}

static void a_ring_without_a_gap_can_be_swept(void **state)
{
        (void)state;
        /* Each is found one place behind where it belongs: nobody is the last. */
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                atomic_store(&region.slots[i].key,
                             (i + REGION_SLOTS - 1) % REGION_SLOTS + 5 * REGION_SLOTS);
                atomic_store(&region.slots[i].owner, 1 + i);
                atomic_store(&region.slots[i].pool_span, (uint64_t)OWN << 32 | 1000);
        }
        assert_int_equal(sweep_at(AT(9 * DAY_MS), AT(9 * DAY_MS)), REGION_SLOTS);
        assert_int_equal(sweep_count(&region), 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(owners_of_long_ago_make_room),
                TEST(what_may_still_count_by_either_clock_stays),
                TEST(what_is_not_a_matter_of_time_stays),
                TEST(a_slot_that_others_are_found_behind_stays_until_they_go),
                TEST(a_ring_without_a_gap_can_be_swept),
        };

        return cmocka_run_group_tests_name("core/sweep", tests, NULL, NULL);
}
