#include "core/test_street.h"

#include "core/test_budgets.h"

#include <stdio.h>

#ifndef RUNS
#define RUNS 400
#endif

/* One place where nothing else is: a region of its own for each life. */
static void open_street(void)
{
        static struct region_plan plan;
        struct region_error error;
        struct ceilings c = CEILINGS_DEFAULT;

        memset(&plan, 0, sizeof(plan));
        plan.windows[0][0] = W(10000, 2400);
        plan.ceilings = ceilings_pack(&c);
        region_close(&region);
        assert_int_equal(region_open(NULL, &plan, &region, &error), 0);
}

static uint64_t draw(uint64_t *random, uint64_t below)
{
        *random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
        return (*random >> 33) % below;
}

static struct street_plan draw_plan(uint64_t seed)
{
        static const uint32_t costs[] = { 1, 1, 2, 5, 10, 20, 50 };
        static const uint64_t pauses_us[] = { 500, 5000, 50000, 200000, 1000000 };
        static const uint64_t ways_us[] = { 500, 5000, 20000, 100000, 150000 };
        uint64_t r = seed * 7919 + 1;
        struct street_plan p = {
                .seed = seed,
                .n_clients = 1 + (unsigned)draw(&r, STREET_CLIENTS),
                .has_mixed_clients = draw(&r, 2) == 0,
                .pause_us = pauses_us[draw(&r, ARRAY_SIZE(pauses_us))],
                .is_periodic = draw(&r, 2) == 0,
                .one_way_us = ways_us[draw(&r, ARRAY_SIZE(ways_us))],
                .stranger_weight = costs[draw(&r, ARRAY_SIZE(costs))],
                .failed_permille = draw(&r, 3) == 0 ? 200 : 0,
                .has_controls = true,
                .for_ms = 600000,
        };

        /* All the time, or as the gateway does. */
        p.control_pause_us = draw(&r, 2) == 0 ? 0 : 50000;
        p.jitter_us = draw(&r, 2) == 0 ? 0 : p.one_way_us / 2;
        if (draw(&r, 2) == 0)
                p.n_clients = 1;
        for (unsigned i = 0; i < STREET_VARIANTS; ++i)
                p.said[i] = p.real[i] =
                        i == STREET_CONTROL ? 1 : costs[draw(&r, ARRAY_SIZE(costs))];
        return p;
}

static void draw_stranger(struct street_plan *p)
{
        static const uint64_t pauses_us[] = { 7000, 30000, 100000, 333000, 1000000, 5000000 };
        uint64_t r = p->seed * 104729 + 5;

        p->stranger = (enum stranger)(1 + draw(&r, STRANGERS - 1));
        p->stranger_pause_us = pauses_us[draw(&r, ARRAY_SIZE(pauses_us))];
        /* At the same beat, at whatever place in it. */
        if (p->stranger == STRANGER_CLOCK && draw(&r, 2) == 0)
                p->stranger_pause_us = p->pause_us;
        if (p->stranger == STRANGER_FOLLOWER)
                p->stranger_pause_us = draw(&r, 4 * p->one_way_us + 1000);
        p->missing_permille = draw(&r, 4) == 0 ? 50 : 0;
        p->stale_permille = draw(&r, 4) == 0 ? 20 : 0;
}

static void fail_finding(const struct street_plan *p, const struct evidence_finding *f)
{
        fail_msg("seed %llu: variant %llu kind %d: learnt %u, charged %u (clients %u, pause %llu, "
                 "way %llu, stranger %d weight %u each %llu, stale %u)",
                 (unsigned long long)p->seed, (unsigned long long)f->variant / 64 - 1, (int)f->kind,
                 f->learnt, f->charged, p->n_clients, (unsigned long long)p->pause_us,
                 (unsigned long long)p->one_way_us, (int)p->stranger, p->stranger_weight,
                 (unsigned long long)p->stranger_pause_us, p->stale_permille);
}

static void strangers_and_bad_headers_never_accuse_a_right_table(void **state)
{
        struct street_report report;

        (void)state;
        for (uint64_t seed = 1; seed <= RUNS; ++seed) {
                struct street_plan p = draw_plan(seed);

                draw_stranger(&p);
                open_street();
                street_live(&region, &p, &report);
                for (unsigned i = 0; i < report.n_findings; ++i)
                        if (report.findings[i].learnt != report.findings[i].charged)
                                fail_finding(&p, &report.findings[i]);
        }
}

/* Some wrong, some not; whatever else happens, what is learnt is what is real. */
static void what_is_learnt_is_what_is_real(void **state)
{
        struct street_report report;
        unsigned n_learnt = 0;

        (void)state;
        for (uint64_t seed = 1; seed <= RUNS / 2; ++seed) {
                struct street_plan p = draw_plan(seed);
                uint64_t r = seed;

                if (seed % 2)
                        draw_stranger(&p);
                p.stale_permille = 0;
                for (unsigned i = 1; i < STREET_VARIANTS; i += 1 + (unsigned)draw(&r, 3))
                        p.real[i] = 1 + (uint32_t)draw(&r, 2) * 2 * p.said[i];
                open_street();
                street_live(&region, &p, &report);
                for (unsigned i = 0; i < report.n_findings; ++i) {
                        const struct evidence_finding *f = &report.findings[i];

                        /* Others may be in a price that was too high anyway. */
                        if (f->learnt != p.real[f->variant / 64 - 1] &&
                            (f->learnt > f->charged || f->learnt < p.real[f->variant / 64 - 1]))
                                fail_finding(&p, f);
                        n_learnt += f->learnt != f->charged && f->kind == EVIDENCE_OK;
                }
        }
        assert_true(n_learnt > 0);
}

static void one_who_is_alone_learns_all(void **state)
{
        struct street_report report;

        (void)state;
        for (uint64_t seed = 1; seed <= 40; ++seed) {
                struct street_plan p = draw_plan(seed);
                unsigned n_wrong = 0, n_learnt = 0;

                p.n_clients = 1;
                p.has_mixed_clients = true;
                p.failed_permille = 0;
                for (unsigned i = 1; i < STREET_VARIANTS; ++i) {
                        /* Not both: what makes up for one another is taken for a bad header. */
                        p.real[i] = seed % 2 ? 2 * p.said[i] + 1 : p.said[i] / 2;
                        n_wrong += p.real[i] != p.said[i];
                }
                open_street();
                street_live(&region, &p, &report);
                for (unsigned i = 0; i < report.n_findings; ++i)
                        n_learnt += report.findings[i].learnt ==
                                            p.real[report.findings[i].variant / 64 - 1] &&
                                    report.findings[i].learnt != report.findings[i].charged;
                if (n_learnt != n_wrong)
                        fail_msg("seed %llu: learnt %u of %u in %u answers",
                                 (unsigned long long)seed, n_learnt, n_wrong, report.n_answers);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(strangers_and_bad_headers_never_accuse_a_right_table),
                TEST(what_is_learnt_is_what_is_real),
                TEST(one_who_is_alone_learns_all),
        };

        return cmocka_run_group_tests_name("core/evidence", tests, NULL, teardown);
}
