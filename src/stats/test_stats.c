#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stats/stats.h"

#include <stdio.h>
#include <string.h>

#define MINUTE(n) (UINT64_C(1790000000000) / 60000 * 60000 + (uint64_t)(n)*60000)

static struct stats_name called(const char *text)
{
        return (struct stats_name){ stats_key(str_of(text)), str_of(text) };
}

/* One that was answered. */
static struct stats_request request(const char *client, uint32_t weight, uint64_t sent_ms)
{
        return (struct stats_request){
                .class = CLASS_MARKET,
                .pool = 0,
                .endpoint = called("GET /api/v3/depth"),
                .client = called(client),
                .outcome = STATS_OK,
                .sent_ms = sent_ms,
                .weight = weight,
                .wait_us = 300,
                .exchange_us = 20000,
                .verdict = 0,
        };
}

static struct stats *opened(uint64_t span_ms)
{
        struct stats_pool pool = { "spot-weight", span_ms, 6000 };
        struct stats *s;

        assert_int_equal(stats_open(7, &s), 0);
        stats_set_pool(s, 0, &pool);
        return s;
}

struct found {
        const char *name;
        struct stats_figures figures;
        unsigned n;
};

static void find(void *ctx, const char *name, const struct stats_figures *figures)
{
        struct found *f = ctx;

        ++f->n;
        if (strcmp(name, f->name) == 0)
                f->figures = *figures;
}

static struct found figures_of(const struct stats *s, enum stats_by by, const char *name)
{
        struct found f = { .name = name };

        stats_each(s, by, find, &f);
        return f;
}

static const struct stats_row *row(const struct stats_window *w, enum stats_by by, const char *name)
{
        for (size_t i = 0; i < w->n_rows; ++i)
                if (w->rows[i].by == by && strcmp(w->rows[i].name, name) == 0)
                        return &w->rows[i];
        return NULL;
}

static void each_request_is_counted_once_in_every_dimension(void **state)
{
        struct stats *s = opened(60000);
        struct stats_request r = request("maker", 5, MINUTE(0) + 10);
        const struct stats_sums *sums = stats_sums(s);
        uint64_t n = 0;

        (void)state;
        stats_note(s, &r, MINUTE(0) + 30);
        r.account = called("main");
        r.orders = 1;
        r.class = CLASS_ORDER;
        stats_note(s, &r, MINUTE(0) + 40);
        r.outcome = STATS_REFUSED;
        r.reason = "late";
        r.sent_ms = r.weight = r.orders = 0;
        stats_note(s, &r, MINUTE(0) + 50);

        assert_int_equal(sums->all.requests, 3);
        assert_int_equal(sums->all.weight, 10);
        assert_int_equal(sums->all.refused, 1);
        for (unsigned i = 0; i < STATS_OUTCOME_COUNT; ++i)
                n += sums->outcomes[i];
        assert_int_equal(n, 3);
        assert_int_equal(sums->outcomes[STATS_OK], 2);
        assert_int_equal(sums->refused[0], 1);
        assert_string_equal(stats_reason(s, 0), "late");
        assert_null(stats_reason(s, 1));
        assert_int_equal(sums->waits[CLASS_MARKET].n, 1);
        assert_int_equal(figures_of(s, STATS_BY_CLIENT, "maker").figures.requests, 3);
        assert_int_equal(figures_of(s, STATS_BY_ACCOUNT, STATS_NONE).figures.requests, 1);
        assert_int_equal(figures_of(s, STATS_BY_ACCOUNT, "main").figures.orders, 1);
        assert_int_equal(figures_of(s, STATS_BY_CLASS, "order").figures.requests, 2);
        assert_int_equal(figures_of(s, STATS_BY_ENDPOINT, "GET /api/v3/depth").figures.weight, 10);
        stats_close(s);
}

static void an_attempt_spends_and_is_no_request(void **state)
{
        struct stats *s = opened(60000);
        struct stats_request r = request("maker", 5, MINUTE(0) + 10);

        (void)state;
        r.is_attempt = true;
        r.over_limit = 1;
        r.code = -1003;
        stats_note(s, &r, MINUTE(0) + 30);
        r = request("maker", 5, MINUTE(1) + 10);
        r.retries = 1;
        stats_note(s, &r, MINUTE(1) + 30);
        stats_turn(s, 0, MINUTE(1) + 20000, false);

        assert_int_equal(stats_sums(s)->all.requests, 1);
        assert_int_equal(stats_sums(s)->all.weight, 10);
        assert_int_equal(stats_sums(s)->all.over_limit, 1);
        assert_int_equal(stats_sums(s)->codes[0].code, -1003);
        assert_int_equal(stats_closed(s, 0, 0)->all.requests, 0);
        assert_int_equal(row(stats_closed(s, 0, 0), STATS_BY_CLIENT, "maker")->figures.weight, 5);
        stats_close(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_request_is_counted_once_in_every_dimension),
                cmocka_unit_test(an_attempt_spends_and_is_no_request),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
