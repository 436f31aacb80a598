/*
 * What answers, limits and names change in the books: counts that fall, what was carried and proven
 * not to be counted, what was sent without being asked for, budgets that become one, spans that
 * become others. See stage.h.
 */
#include "stage.h"

/* A count of orders falls as they are filled, and a header shows it. */
static void a_header_shows_less(void)
{
        struct limiter_request r = { .class = CLASS_CANCEL,
                                     .deadline_ms = UINT64_MAX,
                                     .n_charges = 1,
                                     .charges = { { .pool = 1, .amount = 20 } } };
        struct limiter_news news = { .pool = 1, .span_ms = 60000, .used = 20, .may_fall = true };
        struct limiter_ticket t;

        CHILD(limiter_reserve(&l, &r, NOW(1000), &t) == LIMITER_GO);
        promise(&says->least[1], 20);
        limiter_land(&l, &t, NOW(1100), 0, 0, &news, 1, NULL);
        r.charges[0].amount = 10;
        CHILD(limiter_reserve(&l, &r, NOW(2000), &t) == LIMITER_GO);
        promise(&says->least[1], 10);
        /* Eighteen of the first were filled: two are left, and these ten. */
        news.used = 12;
        promise(&says->least[1], -18);
        limiter_land(&l, &t, NOW(2100), 0, 0, &news, 1, NULL);
        CHILD(counted(&region, 1, N) == 12);
}

/* Answered after the turn, carried for that, and then a header shows that it was counted before. */
static void it_was_counted_before_the_turn(void)
{
        struct limiter_request r = request_of(7);
        struct limiter_news news = { .pool = 0, .span_ms = 60000, .used = 5 };
        struct limiter_ticket t;

        CHILD(limiter_reserve(&l, &r, NOW(59500), &t) == LIMITER_GO);
        promise(&says->must_now, 7);
        promise(&says->must_next, 7);
        limiter_land(&l, &t, NOW(60500), 0, 0, NULL, 0, NULL);
        r = request_of(5);
        CHILD(limiter_reserve(&l, &r, NOW(61000), &t) == LIMITER_GO);
        promise(&says->must_next, 5);
        /* All that the exchange has counted in the next minute is the second one, and so in pool 1,
         * of which nothing is known. */
        promise(&says->must_next, -7);
        limiter_land(&l, &t, NOW(61100), 0, 0, &news, 1, NULL);
        CHILD(counted(&region, 0, N + 1) == 5);
}

/* As shadow mode does, and who could not ask before it was sent. */
static void it_was_sent_without_asking(void)
{
        struct limiter_request r = request_of(7);
        struct limiter_ticket t, u;

        CHILD(limiter_charge(&l, &r, NOW(1000), &t) == 0);
        promise(&says->must_now, 7);
        CHILD(limiter_charge(&l, &r, NOW(59500), &u) == 0);
        promise(&says->must_now, 7);
        promise(&says->must_next, 7);
        limiter_land(&l, &t, NOW(1100), 0, 0, NULL, 0, NULL);
        /* No answer will come. */
        limiter_abandon(&u);
}

/* It might go, waits after all, and then goes. */
static void it_is_kept_and_goes_later(void)
{
        struct limiter_request r = request_of(7);
        struct limiter_ticket t;

        CHILD(limiter_reserve(&l, &r, NOW(21000), &t) == LIMITER_GO);
        limiter_keep(&t, AT(22000));
        CHILD(t.state == TICKET_HELD);
        CHILD(limiter_confirm(&l, &t, NOW(22000)) == LIMITER_GO);
        promise(&says->must_now, 7);
        /* It did not leave. */
        promise(&says->must_now, -7);
        limiter_keep(&t, AT(60200));
        limiter_refund(&l, &t);
}

#define FROM  11u
#define TO    22u
#define THEIR 20u
#define OUR   9u

static uint32_t used_by(const struct region *of, uint64_t owner, uint32_t span_ms)
{
        struct window w = { slot_find(of, 1, owner, span_ms, false), span_ms, LIMIT, NULL };

        return w.slot ? window_used(&w, AT(1000) / span_ms, true) : 0;
}

static void use(uint64_t owner, uint32_t amount)
{
        struct limiter_request r = { .class = CLASS_CANCEL,
                                     .deadline_ms = UINT64_MAX,
                                     .n_charges = 1,
                                     .charges = {
                                             { .pool = 1, .owner = owner, .amount = amount } } };
        struct limiter_ticket t;

        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_GO);
        limiter_land(&l, &t, NOW(1000), 0, 0, NULL, 0, NULL);
}

static void two_owners_have_used(void)
{
        use(FROM, THEIR);
        use(TO, OUR);
        limiter_shut_pool(&l, 1, FROM, AT(900000));
}

static void two_budgets_become_one(void)
{
        CHILD(limiter_merge(&l, 1, FROM, TO, NOW(1000)) == 0);
        promise(&says->told, 1);
}

/* What either has used stays; once it is said to be done, theirs is in ours. */
static void look_at_both(unsigned long step, const char *story)
{
        uint32_t ours = used_by(&region, TO, 60000), least = says->told ? THEIR + OUR : OUR;

        if (ours < least || used_by(&region, FROM, 60000) < THEIR)
                fail_msg("%s, step %lu: %u of %u", story, step, ours, least);
        if (says->told &&
            atomic_load(&slot_find(&region, 1, TO, 60000, false)->shut_until_ms) != AT(900000))
                fail_msg("%s, step %lu: the stop is lost", story, step);
}

/* Again, by the next process: it is finished then, and was not lost. */
static void look_whether_both_can_be_finished(unsigned long step, const char *story)
{
        struct limiter *other = stage_copy();

        look_at_both(step, story);
        if (limiter_merge(other, 1, FROM, TO, NOW(1000)) < 0 ||
            used_by(other->region, TO, 60000) < THEIR + OUR)
                fail_msg("%s, step %lu: it cannot be finished", story, step);
}

static void an_owner_has_used(void)
{
        use(FROM, THEIR);
}

/* The exchange says that the 10 s are 20 s now, and allow more; the minute stays. */
static void a_span_becomes_another(void)
{
        const uint64_t windows[REGION_POOL_WINDOWS] = { region_window(20000, 150),
                                                        region_window(60000, LIMIT) };

        limiter_set_pool(&l, 1, windows);
        limiter_carry_span(&l, 1, 10000, windows[0], NOW(1000));
        promise(&says->told, 1);
}

static void look_at_spans(unsigned long step, const char *story)
{
        unsigned n = 0;

        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint64_t window = atomic_load(&region.header->pools[1][i]);

                if (window >> 32 == 60000 && (uint32_t)window == LIMIT)
                        ++n;
                else if (window != 0 && window != region_window(10000, LIMIT) &&
                         window != region_window(20000, 150))
                        fail_msg("%s, step %lu: a window %llx", story, step,
                                 (unsigned long long)window);
        }
        if (n == 0)
                fail_msg("%s, step %lu: the minute is missing", story, step);
        if (used_by(&region, FROM, 60000) < THEIR ||
            (says->told && used_by(&region, FROM, 20000) < THEIR))
                fail_msg("%s, step %lu: what was used is not carried", story, step);
}

#define RATE_PER_MIN 600u
#define BURST        20u

static void requests_are_paced(void)
{
        struct limiter_request r = request_of(5);
        struct limiter_ticket t, u, v;

        CHILD(limiter_set_pacing(&l, RATE_PER_MIN, BURST) == 0);
        r.class = CLASS_MARKET;
        r.pacing = 15;
        CHILD(limiter_reserve(&l, &r, NOW(1000), &t) == LIMITER_GO);
        promise(&says->told, 15);
        promise(&says->must_now, 5);
        CHILD(limiter_reserve(&l, &r, NOW(1000), &u) == LIMITER_WAIT);
        promise(&says->told, 15);
        promise(&says->told, -15);
        limiter_refund(&l, &u);
        r.class = CLASS_ORDER;
        CHILD(limiter_reserve(&l, &r, NOW(1000), &v) == LIMITER_GO);
        promise(&says->told, 15);
        promise(&says->must_now, 5);
        promise(&says->must_now, -5);
        promise(&says->told, -15);
        limiter_refund(&l, &v);
        limiter_land(&l, &t, NOW(1100), 0, 0, NULL, 0, NULL);
}

static void look_at_tokens(unsigned long step, const char *story)
{
        struct slot *slot = slot_find(&region, REGION_POOL_PACING,
                                      (uint64_t)RATE_PER_MIN << 32 | BURST, 0, false);
        struct bucket bucket;

        if (!slot)
                return;
        bucket = (struct bucket){ &slot->cells[0].sent, RATE_PER_MIN, BURST };
        if (bucket_level_milli(&bucket, AT(1000) * US_PER_MS) >
            ((int64_t)BURST - (int64_t)says->told) * 1000)
                fail_msg("%s, step %lu: tokens are given twice", story, step);
}

static void a_kill_while_the_books_change_loses_nothing(void **state)
{
        static const struct story stories[] = {
                { "a header shows less", a_header_shows_less, .states = 12 },
                { "it was counted before", it_was_counted_before_the_turn, .states = 20 },
                { "sent without asking", it_was_sent_without_asking, .states = 10 },
                { "kept, and goes later", it_is_kept_and_goes_later, .states = 8 },
                { "two budgets become one", two_budgets_become_one, .states = 6,
                  .prepare = two_owners_have_used, .look = look_whether_both_can_be_finished,
                  .is_plain = true },
                { "a span becomes another", a_span_becomes_another, .states = 4,
                  .prepare = an_owner_has_used, .look = look_at_spans, .is_plain = true },
                { "requests are paced", requests_are_paced, .states = 14, .look = look_at_tokens },
        };

        (void)state;
        stage_play(stories, ARRAY_SIZE(stories));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_kill_while_the_books_change_loses_nothing),
        };

        return cmocka_run_group_tests_name("crash/books", tests, NULL, NULL);
}
