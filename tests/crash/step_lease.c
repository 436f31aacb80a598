/*
 * The keeper, killed at any instruction of what it does to the caps of this host (core/lease.h):
 * never may more be used here than the store was told, and never less be left than was used. See
 * stage.h.
 */
#include "core/lease.h"
#include "core/unshare.h"

#include "stage.h"

#define USED 30u

static struct window window_of(const struct region *of)
{
        return (struct window){ slot_find(of, 0, 0, 60000, false), 60000, LIMIT, of };
}

/* What the store was told last of minute N, and of the next. */
static void tell(uint32_t now, uint32_t next)
{
        says->told = now;
        says->must_next = next;
}

/* The cap that anybody reads now, and what the next keeper makes of it. */
static void look_at_the_cap(unsigned long step, const char *story)
{
        struct limiter *other = stage_copy();
        struct window w = window_of(other->region);
        unsigned most = says->told;
        uint32_t cap = lease_cap(&w, N, AT(1000)), after;

        lease_settle(&w, N - 1, N + 1);
        after = lease_speak(&w, N, AT(1000));
        if (cap > most || after > most)
                fail_msg("%s, step %lu: a cap of %u, then %u; the store was told %u", story, step,
                         cap, after, most);
        if (after < USED)
                fail_msg("%s, step %lu: a cap of %u, and %u are used", story, step, after, USED);
        if (lease_cap(&w, N + 1, AT(1000)) > says->must_next)
                fail_msg("%s, step %lu: a cap of %u for the next window", story, step,
                         lease_cap(&w, N + 1, AT(1000)));
}

/* A share of 60, of which some is used and on its way. */
static void some_is_used(void)
{
        struct window w = { slot_find(&region, 0, 0, 60000, true), 60000, LIMIT, &region };
        struct limiter_request r = request_of(USED);
        struct limiter_ticket t;

        atomic_store(&region.header->sharing, LEASE_SHARING);
        atomic_store(&region.lease->share_until_ms, AT(600000));
        lease_set_share(&w, 60, N - 1, N + 1);
        r.n_charges = 1;
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_GO);
        tell(60, 60);
}

static void a_cap_is_raised_and_lowered(void)
{
        struct window w = window_of(&region);

        CHILD(lease_speak(&w, N, AT(1000)) == 60);
        /* The store has it before. */
        tell(80, 60);
        lease_raise(&w, N, 80);
        says->told = lease_lower(&w, N, 50);
        CHILD(says->told == 50);
        /* Less than is used: what is used stays. */
        says->told = lease_lower(&w, N, 10);
        CHILD(says->told == USED);
}

static void a_share_is_lowered(void)
{
        struct window w = window_of(&region);

        lease_set_share(&w, 10, N - 1, N + 1);
        /* What flies may be counted in the next minute as well. */
        CHILD(lease_cap(&w, N, AT(1000)) == USED && lease_cap(&w, N + 1, AT(1000)) == USED);
        CHILD(lease_share(&w, AT(1000)) == 10);
        tell(USED, USED);
        lease_set_share(&w, 70, N - 1, N + 1);
        CHILD(lease_cap(&w, N + 1, AT(1000)) == USED && lease_cap(&w, N + 2, AT(1000)) == 70);
}

static void another_takes_what_is_left(void)
{
        struct limiter_request r = request_of(25);
        struct limiter_ticket t, u;

        r.n_charges = 1;
        CHILD(limiter_reserve(&l, &r, NOW(2000), &t) == LIMITER_GO);
        promise(&says->least[0], 25 + USED);
        CHILD(limiter_reserve(&l, &r, NOW(2000), &u) != LIMITER_GO);
        limiter_refund(&l, &u);
        limiter_land(&l, &t, NOW(2100), 0, 0, NULL, 0, NULL);
}

/* Of both that were let through, each is in the books, and together they are within the cap. */
static void look_at_what_left(unsigned long step, const char *story)
{
        struct window w = window_of(&region);

        if (lease_used(&w, N) < says->least[0])
                fail_msg("%s, step %lu: %u of %u", story, step, lease_used(&w, N), says->least[0]);
        look_at_the_cap(step, story);
}

static void it_shares_no_more(void)
{
        struct limiter_time times[REGION_POOLS];

        for (size_t i = 0; i < REGION_POOLS; ++i)
                times[i] = NOW(1000);
        unshare(&region, times);
}

/* Of all slots it goes through one is a budget. */
static uint64_t what_is_shared(void)
{
        struct window w = window_of(&region);

        return region_hash(lease_of(&w), sizeof(struct lease)) ^
               atomic_load(&region.header->sharing);
}

static bool is_shared_no_more(void)
{
        return atomic_load(&region.header->sharing) == 0;
}

static void a_kill_leaves_no_more_than_the_store_was_told(void **state)
{
        static const struct story stories[] = {
                { "a cap is raised and lowered", a_cap_is_raised_and_lowered, .states = 6,
                  .prepare = some_is_used, .look = look_at_the_cap, .is_plain = true },
                { "a share is lowered", a_share_is_lowered, .states = 4, .prepare = some_is_used,
                  .look = look_at_the_cap, .is_plain = true },
                { "it shares no more", it_shares_no_more, .states = 4, .prepare = some_is_used,
                  .look = look_at_the_cap, .digest = what_is_shared, .is_over = is_shared_no_more,
                  .is_plain = true },
                { "another takes what is left", another_takes_what_is_left, .states = 6,
                  .prepare = some_is_used, .look = look_at_what_left, .is_plain = true },
        };

        (void)state;
        stage_play(stories, ARRAY_SIZE(stories));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_kill_leaves_no_more_than_the_store_was_told),
        };

        return cmocka_run_group_tests_name("crash/lease", tests, NULL, NULL);
}
