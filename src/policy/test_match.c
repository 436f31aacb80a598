/*
 * Driven by tests/data/policy.txt, whose head says what a row is. Every row of the compiled
 * tables is matched as well: a row that cannot be reached would be a cost that is never charged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "policy/policy.h"

#define TABLE    "tests/data/policy.txt"
#define LINE_MAX 1024
#define PING_KEY 0xae0809c446a783e3ULL

static struct str text(const char *s)
{
        return str_of(s);
}

struct out {
        char text[LINE_MAX];
        size_t n;
};

static void say(struct out *out, const char *format, ...) PRINTF(2, 3);

static void say(struct out *out, const char *format, ...)
{
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(out->text + out->n, sizeof(out->text) - out->n, format, args);
        va_end(args);
        must(n >= 0 && (size_t)n < sizeof(out->text) - out->n);
        out->n += (size_t)n;
}

static void say_charge(struct out *out, const struct policy_charge *charge)
{
        say(out, " %s=%u", policy_pool(charge->pool)->name, charge->amount);
        for (unsigned i = 0; i < charge->n_specials; ++i)
                say(out, "@%llu:%u", (unsigned long long)charge->specials[i].span_ms,
                    charge->specials[i].amount);
}

/* The plan in the words of the table, without outcomes. */
static void say_plan(struct out *out, const struct policy_plan *plan)
{
        say(out, "%s %s", policy_group_name(plan->group), class_name(plan->class));
        for (unsigned i = 0; i < plan->n_charges; ++i)
                say_charge(out, &plan->charges[i]);
        say(out, "%s", plan->is_known ? "" : " unknown");
        say(out, "%s", plan->is_signed ? " signed" : "");
        say(out, "%s", plan->places_order ? " places" : "");
        say(out, "%s", plan->is_closing ? " closing" : "");
        say(out, "%s", plan->is_mutating ? " writes" : "");
        say(out, "%s", plan->is_weight_header_trusted ? "" : " no-header");
        if (plan->timestamp_ms)
                say(out, " ts=%llu", (unsigned long long)plan->timestamp_ms);
        if (plan->recv_window_us != 5000000)
                say(out, " recv=%llu", (unsigned long long)plan->recv_window_us);
}

/* Cuts the words "ok=0", "expired=1", "bad_symbol=2" off the end of @want and checks them. */
static void check_outcomes(struct str *want, const struct policy_plan *plan, int line)
{
        static const struct {
                const char *prefix;
                unsigned bit;
        } outcomes[] = {
                { " ok=", POLICY_OUTCOME_OK },
                { " expired=", POLICY_OUTCOME_EXPIRED },
                { " bad_symbol=", POLICY_OUTCOME_BAD_SYMBOL },
        };

        for (size_t i = ARRAY_SIZE(outcomes); i-- > 0;) {
                const char *at = str_find(*want, text(outcomes[i].prefix));
                uint64_t weight;

                if (!at)
                        continue;
                at += strlen(outcomes[i].prefix);
                assert_int_equal(str_to_u64(str_from(at, (size_t)(want->p + want->n - at)),
                                            &weight),
                                 0);
                want->n = (size_t)(at - want->p) - strlen(outcomes[i].prefix);
                if (policy_settle(plan, outcomes[i].bit) != weight)
                        fail_msg("%s:%d:%s%u expected, got %u", TABLE, line, outcomes[i].prefix,
                                 (unsigned)weight, policy_settle(plan, outcomes[i].bit));
        }
}

static bool cut(struct str *s, const char *separator, struct str *ret_head)
{
        const char *at = str_find(*s, text(separator));

        if (!at)
                return false;
        *ret_head = str_trim(str_from(s->p, (size_t)(at - s->p)));
        at += strlen(separator);
        *s = str_trim(str_from(at, (size_t)(s->p + s->n - at)));
        return true;
}

static void check_row(struct str want, int line)
{
        struct policy_input input = { 0 };
        struct policy_plan plan;
        struct str request = STR_NULL, head;
        struct out out = { .n = 0 };
        int r;

        if (!cut(&want, " => ", &request))
                fail_msg("%s:%d: no =>", TABLE, line);
        if (cut(&request, " | ", &head)) {
                input.body = request;
                request = head;
        }
        assert_true(cut(&request, " ", &input.method));
        if (!cut(&request, "?", &input.path))
                input.path = request;
        else
                input.query = request;

        r = policy_match(NULL, &input, &plan);
        if (str_eq(want, STR_LITERAL("none"))) {
                if (r != POLICY_NO_GROUP)
                        fail_msg("%s:%d: got an answer", TABLE, line);
                return;
        }
        if (r != 0)
                fail_msg("%s:%d: got %d", TABLE, line, r);
        check_outcomes(&want, &plan, line);
        say_plan(&out, &plan);
        if (!str_eq(want, str_from(out.text, out.n)))
                fail_msg("%s:%d: got\n%s", TABLE, line, out.text);
        assert_int_equal(policy_settle(&plan, 0), plan.charges[0].amount);
}

static void requests_cost_what_the_table_says(void **state)
{
        char line[LINE_MAX];
        FILE *file = fopen(TABLE, "re");
        int rows = 0;

        (void)state;
        assert_non_null(file);
        for (int number = 1; fgets(line, sizeof(line), file); ++number) {
                struct str row = str_from(line, strlen(line));

                if (row.n == 0 || row.p[row.n - 1] != '\n')
                        fail_msg("%s:%d: longer than %d bytes", TABLE, number, LINE_MAX);
                --row.n;
                if (row.n == 0 || row.p[0] == '#')
                        continue;
                check_row(row, number);
                ++rows;
        }
        (void)fclose(file);
        assert_true(rows > 200);
}

static struct policy_plan plan_of(const char *method, const char *path, const char *query)
{
        struct policy_input input = { .method = text(method),
                                      .path = text(path),
                                      .query = text(query) };
        struct policy_plan plan;

        assert_int_equal(policy_match(NULL, &input, &plan), 0);
        return plan;
}

static void every_endpoint_resolves_to_itself(void **state)
{
        (void)state;
        assert_true(policy_endpoint_count() > 700);
        for (size_t i = 0; i < policy_endpoint_count(); ++i) {
                const struct policy_endpoint *e = policy_endpoint(i);
                struct policy_plan plan = plan_of(e->method, e->path, "");
                bool has_weight = false;

                if (plan.endpoint != e)
                        fail_msg("%s %s resolves to another row", e->method, e->path);
                for (unsigned c = 0; c < plan.n_charges; ++c) {
                        const struct policy_pool *pool = policy_pool(plan.charges[c].pool);

                        has_weight |= c == 0 && pool->unit == POLICY_WEIGHT;
                        assert_true(pool->groups & 1u << e->group);
                        assert_int_equal(plan.charges[c].is_per_account,
                                         pool->scope == POLICY_PER_ACCOUNT);
                        assert_true(plan.charges[c].endpoint ==
                                    (pool->is_per_endpoint ? e->key : 0));
                }
                assert_true(has_weight);
                assert_true(e->key != 0 && e->key != POLICY_ENDPOINT_UNKNOWN);
        }
}

static void keys_of_endpoints_differ(void **state)
{
        (void)state;
        for (size_t i = 0; i < policy_endpoint_count(); ++i)
                for (size_t k = i + 1; k < policy_endpoint_count(); ++k)
                        assert_true(policy_endpoint(i)->key != policy_endpoint(k)->key);
}

/* Region files of other builds hold it. */
static void a_key_is_the_same_in_every_build(void **state)
{
        (void)state;
        assert_true(plan_of("GET", "/api/v3/ping", "").endpoint->key == PING_KEY);
}

static void unknown_endpoints_share_one_counter(void **state)
{
        struct policy_plan a = plan_of("GET", "/sapi/v1/aaa", ""), b;

        (void)state;
        b = plan_of("POST", "/sapi/v9/bbb", "");
        assert_true(a.charges[0].endpoint == POLICY_ENDPOINT_UNKNOWN);
        assert_true(a.charges[0].endpoint == b.charges[0].endpoint);
        assert_true(a.charges[1].is_per_account);
}

static void the_default_weight_is_the_callers(void **state)
{
        struct policy_input input = { .method = text("GET"), .path = text("/sapi/v1/unknown") };
        struct policy_plan plan;

        (void)state;
        assert_int_equal(policy_match(&(struct policy_options){ 7 }, &input, &plan), 0);
        assert_int_equal(plan.charges[0].amount, 7);
        assert_int_equal(policy_match(&(struct policy_options){ 0 }, &input, &plan), 0);
        assert_int_equal(plan.charges[0].amount, 0);
        assert_int_equal(policy_match(&(struct policy_options){ UINT32_MAX }, &input, &plan), 0);
        assert_true(plan.charges[1].amount == UINT32_MAX);
}

static void accounts_are_told_apart(void **state)
{
        struct policy_input input = { .method = text("GET"), .path = text("/api/v3/account") };
        struct policy_plan none, one, other;

        (void)state;
        assert_int_equal(policy_match(NULL, &input, &none), 0);
        input.api_key = text("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A");
        assert_int_equal(policy_match(NULL, &input, &one), 0);
        input.api_key = text("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8B");
        assert_int_equal(policy_match(NULL, &input, &other), 0);
        assert_true(none.account == 0 && one.account != 0 && one.account != other.account);
}

static void a_request_expires_after_its_window(void **state)
{
        struct policy_plan plan =
                plan_of("GET", "/api/v3/account", "timestamp=1000&recvWindow=20.9");

        (void)state;
        assert_int_equal(policy_expires_ms(&plan), 1020);
        plan = plan_of("GET", "/api/v3/account", "timestamp=1000");
        assert_int_equal(policy_expires_ms(&plan), 6000);
        plan = plan_of("GET", "/api/v3/account", "recvWindow=20");
        assert_int_equal(policy_expires_ms(&plan), 0);
}

static void a_window_may_take_its_own_amount(void **state)
{
        struct policy_plan plan = plan_of("POST", "/fapi/v1/batchOrders", "");

        (void)state;
        assert_int_equal(policy_charge_amount(&plan.charges[1], 10000), 5);
        assert_int_equal(policy_charge_amount(&plan.charges[1], 60000), 1);
        assert_int_equal(policy_charge_amount(&plan.charges[1], 86400000), 5);
        assert_int_equal(policy_charge_amount(&plan.charges[0], 10000), 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(requests_cost_what_the_table_says),
                cmocka_unit_test(every_endpoint_resolves_to_itself),
                cmocka_unit_test(keys_of_endpoints_differ),
                cmocka_unit_test(a_key_is_the_same_in_every_build),
                cmocka_unit_test(unknown_endpoints_share_one_counter),
                cmocka_unit_test(the_default_weight_is_the_callers),
                cmocka_unit_test(accounts_are_told_apart),
                cmocka_unit_test(a_request_expires_after_its_window),
                cmocka_unit_test(a_window_may_take_its_own_amount),
        };

        return cmocka_run_group_tests_name("policy/match", tests, NULL, NULL);
}
