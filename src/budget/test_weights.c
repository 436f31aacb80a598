#include "budget/counters.h"
#include "budget/landing.h"
#include "budget/test_stage.h"
#include "budget/weights_list.h"

#define START_MS (30000000ULL * 60000)

static uint64_t now_ms;
static uint32_t shown;
static struct evidence_finding finding;

static int setup(void **state)
{
        (void)state;
        now_ms = START_MS;
        shown = 0;
        return stage_open(START_MS);
}

static struct policy_plan plan_of(const char *method, const char *path, const char *query)
{
        return stage_plan(method, path, query, "");
}

static uint32_t charged(const struct policy_plan *plan)
{
        struct limiter_request request;

        budget_request(&l, plan, &request);
        return request.charges[0].amount;
}

/* One request, alone, that the exchange counts as @real. */
static void send(const struct policy_plan *plan, int status, uint32_t real,
                 enum evidence_control control)
{
        struct limiter_news news = { .pool = plan->charges[0].pool, .span_ms = 60000 };
        struct evidence_findings found;
        struct budget_answer answer = { .status = status,
                                        .news = &news,
                                        .n_news = 1,
                                        .control = control,
                                        .ret_findings = &found };
        struct limiter_time time = { now_ms, 0 };
        struct limiter_request request;
        struct limiter_ticket ticket;

        finding = (struct evidence_finding){ 0 };
        budget_request(&l, plan, &request);
        assert_int_equal(limiter_reserve(&l, &request, time, &ticket), LIMITER_GO);
        shown += real;
        news.used = shown;
        answer.sent_ms = now_ms;
        now_ms += 10;
        time.now_ms = now_ms;
        (void)budget_land(&l, plan, &ticket, &answer, time);
        for (unsigned i = 0; i < found.n; ++i)
                if (found.all[i].charged != found.all[i].learnt || finding.variant == 0)
                        finding = found.all[i];
}

static void next_window(void)
{
        now_ms = (now_ms / 60000 + 1) * 60000 + 1000;
        shown = 0;
}

/* So often, in three windows, each time behind and before a request that costs what it should. */
static void send_often(const struct policy_plan *plan, int status, uint32_t real)
{
        struct policy_plan time = plan_of("GET", "/api/v3/time", "");

        for (unsigned i = 0; i < 18; ++i) {
                if (i % 6 == 0)
                        next_window();
                send(&time, 200, 1, EVIDENCE_PLAIN);
                send(&time, 200, 1, EVIDENCE_PLAIN);
                send(plan, status, real, i % 2 ? EVIDENCE_SUSPECT : EVIDENCE_PLAIN);
                if (finding.variant == plan->variant)
                        return;
                send(&time, 200, 1, i % 2 ? EVIDENCE_PLAIN : EVIDENCE_CONTROL);
                if (finding.variant == plan->variant)
                        return;
        }
}

static void a_price_that_was_raised_is_charged(void **state)
{
        struct policy_plan plan = plan_of("GET", "/api/v3/klines", "symbol=A");

        (void)state;
        assert_int_equal(charged(&plan), 2);
        send_often(&plan, 200, 7);
        assert_int_equal(finding.learnt, 7);
        assert_int_equal(finding.charged, 2);
        assert_int_equal(charged(&plan), 7);
        assert_int_equal(counter_read(region.header, COUNTER_weight_mismatches), 1);
        assert_int_equal(weights_disagreements(&region), 1);
}

static void a_price_that_was_lowered_is_said_and_not_used(void **state)
{
        struct policy_plan plan = plan_of("GET", "/api/v3/klines", "symbol=A");

        (void)state;
        send_often(&plan, 200, 1);
        assert_int_equal(finding.learnt, 1);
        assert_int_equal(charged(&plan), 2);
        assert_int_equal(weights_disagreements(&region), 1);
}

static void what_was_decided_is_charged_until_something_new_is_seen(void **state)
{
        struct policy_plan plan = plan_of("GET", "/api/v3/klines", "symbol=A");
        struct evidence *e;

        (void)state;
        send_often(&plan, 200, 1);
        e = evidence_find(&region, plan.variant);
        assert_non_null(e);
        evidence_decide(&region, e, EVIDENCE_OK, 1);
        assert_int_equal(charged(&plan), 1);
        assert_int_equal(weights_disagreements(&region), 0);
        send_often(&plan, 200, 1);
        assert_int_equal(weights_disagreements(&region), 0);
        for (unsigned i = 0; i < 12 && finding.variant != plan.variant; ++i)
                send_often(&plan, 200, 5);
        assert_int_equal(finding.learnt, 5);
        assert_int_equal(charged(&plan), 1);
        assert_int_equal(weights_disagreements(&region), 1);
}

static void each_outcome_has_its_evidence(void **state)
{
        struct policy_plan plan = plan_of("DELETE", "/api/v3/order", "symbol=A");

        (void)state;
        send_often(&plan, 200, 0);
        assert_int_equal(finding.kind, EVIDENCE_OK);
        assert_int_equal(finding.charged, 0);
        assert_int_equal(finding.learnt, 0);
        send_often(&plan, 400, 4);
        assert_int_equal(finding.kind, EVIDENCE_FAILED);
        assert_int_equal(finding.charged, 1);
        assert_int_equal(finding.learnt, 4);
        assert_int_equal(charged(&plan), 4);
        /* What succeeds is given back whole. */
        send(&plan, 200, 0, EVIDENCE_PLAIN);
        send(&plan, 400, 4, EVIDENCE_PLAIN);
        assert_int_equal(weights_disagreements(&region), 1);
}

static void what_is_refused_for_a_limit_or_is_no_answer_teaches_nothing(void **state)
{
        static const int statuses[] = { 0, 403, 408, 418, 429, 500, 503, 504 };
        struct policy_plan plan = plan_of("GET", "/api/v3/klines", "symbol=A");

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(statuses); ++i)
                send_often(&plan, statuses[i], 1);
        assert_null(evidence_find(&region, plan.variant));
}

static void an_unknown_endpoint_is_learnt_once_it_has_a_name(void **state)
{
        struct policy_plan plan = plan_of("GET", "/api/v3/no/such", "a=1");
        static struct weights_list list;

        (void)state;
        send_often(&plan, 200, 3);
        assert_null(evidence_find(&region, plan.variant));
        weights_note_unknown(&l, &plan, STR_LITERAL("GET"), STR_LITERAL("/api/v3/no\"such"));
        weights_note_unknown(&l, &plan, STR_LITERAL("GET"), STR_LITERAL("/api/v3/no\xffsuch"));
        assert_null(evidence_find(&region, plan.variant));
        weights_note_unknown(&l, &plan, STR_LITERAL("GET"), STR_LITERAL("/api/v3/no/such"));
        send_often(&plan, 200, 3);
        assert_int_equal(finding.learnt, 3);
        assert_int_equal(charged(&plan), 50);
        weights_list(&region, &list);
        assert_int_equal(list.n_disagreements, 1);
        assert_string_equal(list.rows[0].name, "GET /api/v3/no/such");
        assert_false(list.rows[0].is_known);
        assert_string_equal(list.rows[1].name, "GET /api/v3/time");
        assert_string_equal(weights_row_state(&list.rows[1]), "agrees");
}

static void a_refusal_that_costs_less_is_no_news(void **state)
{
        struct policy_plan plan = plan_of("GET", "/api/v3/klines", "symbol=A");

        (void)state;
        send_often(&plan, 400, 1);
        assert_int_equal(finding.learnt, 1);
        assert_int_equal(weights_disagreements(&region), 0);
        assert_int_equal(counter_read(region.header, COUNTER_weight_mismatches), 0);
}

static void names_can_be_read_again(void **state)
{
        static const char *const names[] = {
                "GET /api/v3/klines",           "GET /api/v3/klines @failed",
                "POST /api/v3/order @ok",       "PUT /api/v3/order/amend/keepPriority @expired",
                "GET /api/v3/ticker symbols#3",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                char text[WEIGHTS_NAME_SIZE];
                uint64_t variant;
                unsigned kind;
                bool is_known;

                assert_int_equal(weights_named(str_of(names[i]), &variant, &kind, &is_known), 0);
                assert_true(is_known);
                weights_name(variant, (enum evidence_kind)kind, NULL, text, sizeof(text));
                assert_string_equal(text, names[i]);
        }
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_price_that_was_raised_is_charged),
                TEST(a_price_that_was_lowered_is_said_and_not_used),
                TEST(what_was_decided_is_charged_until_something_new_is_seen),
                TEST(each_outcome_has_its_evidence),
                TEST(what_is_refused_for_a_limit_or_is_no_answer_teaches_nothing),
                TEST(an_unknown_endpoint_is_learnt_once_it_has_a_name),
                TEST(a_refusal_that_costs_less_is_no_news),
                TEST(names_can_be_read_again),
        };

        return cmocka_run_group_tests_name("budget/weights", tests, NULL, teardown);
}
