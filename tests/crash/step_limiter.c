/* Reserve, confirm, refund, land, the short way, stops and bans, evidence: see stage.h. */
#include "core/evidence.h"
#include "core/route.h"

#include "stage.h"

/* The stories. A promise is made after it was given, and taken back before it is returned. */

static void sends_and_lands(void)
{
        struct limiter_request r = request_of(7);
        struct limiter_news news = { .pool = 0, .span_ms = 60000, .used = 9 };
        struct limiter_ticket t;

        CHILD(limiter_reserve(&l, &r, NOW(1000), &t) == LIMITER_GO);
        promise(&says->must_now, 7);
        limiter_land(&l, &t, NOW(1100), 0, 0, &news, 1, NULL);
}

static void lands_after_the_turn(void)
{
        struct limiter_request r = request_of(7);
        struct limiter_ticket t;

        CHILD(limiter_reserve(&l, &r, NOW(59000), &t) == LIMITER_GO);
        promise(&says->must_now, 7);
        promise(&says->must_next, 7);
        limiter_land(&l, &t, NOW(60500), 0, 0, NULL, 0, NULL);
}

static void goes_the_short_way(void)
{
        struct limiter_request r = request_of(7);
        struct limiter_request other = { .class = CLASS_CANCEL,
                                         .deadline_ms = UINT64_MAX,
                                         .n_charges = 1,
                                         .charges = { { .pool = 1, .amount = 10 } } };
        struct limiter_ticket t, u, v;
        struct route route;

        CHILD(limiter_reserve(&l, &r, NOW(1000), &t) == LIMITER_GO);
        promise(&says->must_now, 7);
        CHILD(route_learn(&l, &r, &t, &route));
        CHILD(route_go(&l, &route, UINT64_MAX, NOW(21000), &u) == ROUTE_GO);
        promise(&says->must_now, 7);
        /* The last pool is full first: what was written down in the others is taken back. */
        CHILD(limiter_reserve(&l, &other, NOW(21000), &v) == LIMITER_GO);
        for (int i = 0; i < 10; ++i) {
                CHILD(route_go(&l, &route, UINT64_MAX, NOW(21000), &v) == ROUTE_GO);
                promise(&says->must_now, 7);
        }
        CHILD(route_go(&l, &route, UINT64_MAX, NOW(21000), &v) == ROUTE_LONG);
        promise(&says->must_next, 7);
        limiter_land(&l, &u, NOW(60500), 0, 0, NULL, 0, NULL);
        promise(&says->must_now, -7);
        limiter_refund(&l, &t);
}

static void waits_and_confirms(void)
{
        struct limiter_request r = request_of(60);
        struct limiter_ticket t, u, v;

        CHILD(limiter_reserve(&l, &r, NOW(21000), &t) == LIMITER_GO);
        promise(&says->must_now, 60);
        CHILD(limiter_reserve(&l, &r, NOW(21000), &u) == LIMITER_WAIT);
        promise(&says->spent_next, 60);
        limiter_land(&l, &t, NOW(21500), 0, 0, NULL, 0, NULL);
        CHILD(limiter_reserve(&l, &r, NOW(21600), &v) == LIMITER_WAIT);
        CHILD(limiter_confirm(&l, &u, NOW(60200)) == LIMITER_GO);
        promise(&says->must_next, 60);
        limiter_refund(&l, &v);
}

static void is_given_back(void)
{
        struct limiter_request r = request_of(30);
        struct limiter_ticket t, u;

        CHILD(limiter_reserve(&l, &r, NOW(1000), &t) == LIMITER_GO);
        promise(&says->must_now, 30);
        CHILD(limiter_reserve(&l, &r, NOW(1000), &u) == LIMITER_GO);
        promise(&says->must_now, 30);
        promise(&says->must_now, -30);
        limiter_refund(&l, &u);
        promise(&says->must_now, -10);
        limiter_land(&l, &t, NOW(2000), 0, 10, NULL, 0, NULL);
}

static void is_banned(void)
{
        CHILD(gate_shut(limiter_gate(&l, 0), GATE_BAN, AT(500000)));
        promise(&says->shut, 1);
        limiter_shut_pool(&l, 1, 0, AT(400000));
        CHILD(gate_probe(limiter_gate(&l, 0), AT(500200), 100));
        gate_probe_failed(limiter_gate(&l, 0), AT(600000));
}

#define VARIANT 0x1000u
#define COST    9u

/* Each is alone and costs more than is charged; in the end somebody decides what it costs. */
static void learns_what_it_costs(void)
{
        struct limiter_news news = { .pool = 0, .span_ms = 60000 };
        struct evidence_answer answer = { .variant = VARIANT, .charged = 7 };
        struct limiter_request r = request_of(7);
        struct evidence_findings findings;
        struct limiter_ticket t;

        for (uint32_t i = 0; i < 4; ++i) {
                CHILD(limiter_reserve(&l, &r, NOW(1000 + i * 100), &t) == LIMITER_GO);
                promise(&says->must_now, 7);
                news.used += COST;
                evidence_land(&l, &t, &answer, NOW(1050 + i * 100), &news, 1, &findings);
                limiter_land(&l, &t, NOW(1050 + i * 100), 0, 0, &news, 1, NULL);
        }
        CHILD(evidence_find(&region, VARIANT) != NULL);
        evidence_decide(&region, evidence_find(&region, VARIANT), EVIDENCE_OK, COST);
}

/* What is charged is what was decided or nothing, and no sample is made up. */
static void look_at_evidence(unsigned long step, const char *story)
{
        const struct evidence *e = evidence_find(&region, VARIANT);
        struct evidence_view v;

        if (!e)
                return;
        evidence_look(e, VARIANT, EVIDENCE_OK, &v);
        if ((v.has_decided && v.decided != COST) || v.has_learnt || v.samples > 4 ||
            (v.values[0].samples > 0 && v.values[0].cost != COST) || v.values[1].samples > 0)
                fail_msg("%s, step %lu: %u samples of %u, decided %u", story, step, v.samples,
                         v.values[0].cost, v.decided);
}

static void a_kill_at_any_instruction_leaves_no_less_than_was_promised(void **state)
{
        static const struct story stories[] = {
                { "sends and lands", sends_and_lands, .states = 12 },
                { "lands after the turn", lands_after_the_turn, .states = 12 },
                { "goes the short way", goes_the_short_way, .states = 50 },
                { "waits and confirms", waits_and_confirms, .states = 20 },
                { "is given back", is_given_back, .states = 14 },
                { "is banned", is_banned, .states = 5 },
                { "learns what it costs", learns_what_it_costs, .states = 40,
                  .look = look_at_evidence },
        };

        (void)state;
        stage_play(stories, ARRAY_SIZE(stories));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_kill_at_any_instruction_leaves_no_less_than_was_promised),
        };

        return cmocka_run_group_tests_name("crash/limiter", tests, NULL, NULL);
}
