#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "watch/metrics.h"

#define NOW UINT64_C(1790000000000)

static struct look look;
static struct metrics_gateway gateway;
static struct buf buf;

static int setup(void **state)
{
        (void)state;
        memset(&look, 0, sizeof(look));
        memset(&gateway, 0, sizeof(gateway));
        look.wall_ms = NOW;
        look.egresses[0].is_there = true;
        snprintf(look.egresses[0].name, sizeof(look.egresses[0].name), "default");
        gateway.history = "off";
        buf_init(&buf, METRICS_BYTES_MAX);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        buf_deinit(&buf);
        return 0;
}

static const struct policy_pool *pool_named(const char *name, uint16_t *ret_index)
{
        int i = policy_pool_find(str_of(name));

        assert_true(i >= 0);
        *ret_index = (uint16_t)i;
        return policy_pool((size_t)i);
}

static struct look_budget *add_budget(const char *pool, uint32_t span_ms, uint64_t owner)
{
        struct look_budget *b = &look.budgets[look.n_budgets++];

        *b = (struct look_budget){
                .owner = owner,
                .egress = LOOK_NONE,
                .account = LOOK_NONE,
                .span_ms = span_ms,
                .limit = 1000,
                .cap = -1,
        };
        b->pool = pool_named(pool, &b->pool_index);
        return b;
}

/* All of it as text with a NUL. */
static const char *written(const struct metrics_input *input)
{
        buf_clear(&buf);
        assert_int_equal(metrics_write(&buf, EXPOSITION_OPENMETRICS, input), 0);
        assert_int_equal(buf_append(&buf, "", 1), 0);
        return buf_str(&buf).p;
}

static const char *look_text(void)
{
        const struct metrics_input input = { .look = &look, .gateway = &gateway };

        return written(&input);
}

static void assert_line(const char *text, const char *line)
{
        char whole[320];

        snprintf(whole, sizeof(whole), "\n%s\n", line);
        if (!strstr(text, whole))
                fail_msg("there is no line %s", line);
}

static size_t count(const char *text, const char *needle)
{
        size_t n = 0;

        for (const char *p = strstr(text, needle); p; p = strstr(p + 1, needle))
                ++n;
        return n;
}

static void a_budget_shows_what_is_used_and_what_is_left(void **state)
{
        struct look_budget *b = add_budget("spot-weight", 60000, 0xabc);
        const char *text;

        (void)state;
        b->egress = 0;
        b->used = 700;
        b->ours = 600;
        b->foreign = 100;
        b->held = 50;
        b->in_flight = 7;
        b->turns_in_ms = 1500;
        b->has_ceilings = true;
        b->ceilings[CLASS_MARKET] = 800;
        text = look_text();
#define LABELS_OF                                                                                  \
        "{pool=\"spot-weight\",window=\"1m\",owner=\"0000000000000abc\",egress=\"default\""
        assert_line(text, "weir_budget_limit" LABELS_OF "} 1000");
        assert_line(text, "weir_budget_used" LABELS_OF "} 700");
        assert_line(text, "weir_budget_ours" LABELS_OF "} 600");
        assert_line(text, "weir_budget_foreign" LABELS_OF "} 100");
        assert_line(text, "weir_budget_in_flight" LABELS_OF "} 7");
        assert_line(text, "weir_budget_headroom" LABELS_OF "} 250");
        assert_line(text, "weir_budget_turn_seconds" LABELS_OF "} 1.5");
        assert_line(text, "weir_budget_ceiling" LABELS_OF ",class=\"market\"} 800");
        assert_line(text, "weir_pool_fullest_ratio{pool=\"spot-weight\",window=\"1m\"} 0.75");
        assert_int_equal(count(text, "\nweir_budget_cap{"), 0);
        /* A part of it is this host's: of that its own use is taken off, others' is not. */
        b->cap = 660;
        text = look_text();
        assert_line(text, "weir_budget_cap" LABELS_OF "} 660");
        assert_line(text, "weir_budget_headroom" LABELS_OF "} 10");
        b->cap = 100;
        assert_line(look_text(), "weir_budget_headroom" LABELS_OF "} 0");
}

/* A series that is there twice makes Prometheus refuse all of them. */
static void no_two_pools_have_one_name(void **state)
{
        (void)state;
        for (size_t i = 0; i < policy_pool_count(); ++i)
                for (size_t k = 0; k < i; ++k)
                        if (strcmp(policy_pool(i)->name, policy_pool(k)->name) == 0)
                                fail_msg("%s is there twice", policy_pool(i)->name);
}

static void windows_are_named_as_the_exchange_names_them(void **state)
{
        static const struct {
                uint32_t span_ms;
                const char *text;
        } rows[] = { { 60000, "1m" }, { 10000, "10s" },  { 300000, "5m" }, { 86400000, "1d" },
                     { 1000, "1s" },  { 3600000, "1h" }, { 90000, "90s" } };
        char line[120];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                add_budget("spot-weight", rows[i].span_ms, i);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                snprintf(line, sizeof(line), "weir_budgets{pool=\"spot-weight\",window=\"%s\"} 1",
                         rows[i].text);
                assert_line(look_text(), line);
        }
}

/* Hundreds that are counted by endpoint take no place of an account's, and hide in no ratio. */
static void many_budgets_are_bounded_and_the_important_come_first(void **state)
{
        const char *text;
        char line[200];

        (void)state;
        for (uint64_t i = 0; i < 1000; ++i)
                add_budget("sapi-ip", 60000, 0x1000 + i)->used = i == 999 ? 990 : 1;
        for (uint64_t i = 0; i < 20; ++i)
                add_budget("spot-orders", 10000, 0xa0 + i);
        text = look_text();
        assert_int_equal(count(text, "\nweir_budget_used{"), METRICS_BUDGETS_MAX);
        assert_int_equal(count(text, "\nweir_budget_used{pool=\"spot-orders\""), 20);
        snprintf(line, sizeof(line), "weir_budgets_hidden %d", 1020 - METRICS_BUDGETS_MAX);
        assert_line(text, line);
        assert_line(text, "weir_budgets{pool=\"sapi-ip\",window=\"1m\"} 1000");
        assert_line(text, "weir_pool_fullest_ratio{pool=\"sapi-ip\",window=\"1m\"} 0.99");
}

static void a_ban_has_an_end_and_an_open_gate_has_none(void **state)
{
        const char *text = look_text();

        (void)state;
        assert_line(text, "weir_gates_shut{kind=\"ban\"} 0");
        assert_int_equal(count(text, "\nweir_gate_until_timestamp_seconds{"), 0);
        look.gates[0] = (struct look_gate){ .product = "api", .kind = GATE_BAN, .for_ms = 90000 };
        look.gates[1] =
                (struct look_gate){ .product = "futures", .kind = GATE_STOP, .is_probing = true };
        look.n_gates = 2;
        text = look_text();
        assert_line(text, "weir_gates_shut{kind=\"ban\"} 1");
        assert_line(text, "weir_gate_until_timestamp_seconds{egress=\"default\",product=\"api\","
                          "kind=\"ban\"} 1790000090");
        assert_line(text,
                    "weir_gate_probing{egress=\"default\",product=\"futures\",kind=\"stop\"} 1");
}

static void a_store_is_up_away_or_not_there_at_all(void **state)
{
        const char *text = look_text();

        (void)state;
        assert_int_equal(count(text, "weir_store_up"), 0);
        look.hosts = (struct look_hosts){ .are_sharing = true,
                                          .sharing = { .state = SHARING_GOOD },
                                          .was_answered = true,
                                          .n_seen = 3 };
        text = look_text();
        assert_line(text, "weir_store_up 1");
        assert_line(text, "weir_store_waits_seconds 0");
        assert_line(text, "weir_hosts 3");
        look.hosts.sharing.state = SHARING_WAITS;
        look.hosts.is_waiting = true;
        look.hosts.waits_s = 7;
        text = look_text();
        assert_line(text, "weir_store_up 1");
        assert_line(text, "weir_store_waits_seconds 7");
        look.hosts.sharing.state = SHARING_AWAY;
        look.hosts.is_away = true;
        look.hosts.away_s = 12;
        text = look_text();
        assert_line(text, "weir_store_up 0");
        assert_line(text, "weir_store_away_seconds 12");
        assert_line(text, "weir_store_refused_seconds 0");
        look.hosts = (struct look_hosts){ .are_sharing = true,
                                          .sharing = { .state = SHARING_REFUSED },
                                          .is_refused = true,
                                          .refused_s = 5 };
        text = look_text();
        assert_line(text, "weir_store_up 0");
        assert_line(text, "weir_store_away_seconds 0");
        assert_line(text, "weir_store_refused_seconds 5");
}

static void what_somebody_has_seen_is_open_no_more(void **state)
{
        (void)state;
        look.weight_disagreements = 3;
        gateway.weights_acknowledged = 2;
        assert_line(look_text(), "weir_weight_disputes{state=\"open\"} 1");
        assert_line(look_text(), "weir_weight_disputes{state=\"acknowledged\"} 2");
        /* Of two moments. */
        gateway.weights_acknowledged = 4;
        assert_line(look_text(), "weir_weight_disputes{state=\"open\"} 0");
}

static void every_counter_of_the_region_is_there_once(void **state)
{
        const char *text;
        char line[80];

        (void)state;
        for (unsigned i = 0; i < COUNTERS; ++i)
                look.counters[i] = 1000 + i;
        text = look_text();
        for (unsigned i = 0; i < COUNTERS; ++i) {
                snprintf(line, sizeof(line), " %u\n", 1000 + i);
                if (count(text, line) != 1)
                        fail_msg("%s is there %zu times", counter_name((enum counter)i),
                                 count(text, line));
        }
        assert_line(text, "weir_refused_total{reason=\"late\"} 1008");
        assert_line(text, "weir_requests_total 1000");
}

static void the_states_of_a_gateway_are_told(void **state)
{
        const char *text;

        (void)state;
        gateway.state = METRICS_DRAINING;
        gateway.history = "failed";
        gateway.queue[CLASS_ORDER] = (struct metrics_queue){ 3, 0.25, true };
        gateway.paused_clients = 2;
        gateway.clocks[0] = (struct metrics_clock){ "api", "default", false, 5, 6 };
        gateway.clocks[1] = (struct metrics_clock){ "fapi", "default", true, -0.5, 0.02 };
        gateway.n_clocks = 2;
        text = look_text();
        assert_line(text, "weir_gateway_state{state=\"ready\"} 0");
        assert_line(text, "weir_gateway_state{state=\"draining\"} 1");
        assert_line(text, "weir_history_state{state=\"failed\"} 1");
        assert_line(text, "weir_queue_waiting{class=\"order\"} 3");
        assert_line(text, "weir_queue_oldest_seconds{class=\"order\"} 0.25");
        assert_line(text, "weir_queue_paused{class=\"order\"} 1");
        assert_line(text, "weir_paused_clients 2");
        assert_line(text, "weir_clock_known{product=\"api\",egress=\"default\"} 0");
        assert_line(text, "weir_clock_offset_seconds{product=\"fapi\",egress=\"default\"} -0.5");
        /* What is not known has no number. */
        assert_int_equal(count(text, "weir_clock_offset_seconds{product=\"api\""), 0);
}

static void note(struct stats *stats, const char *account, const char *client)
{
        const struct stats_request request = {
                .class = CLASS_ORDER,
                .account = { stats_key(str_of(account)), str_of(account) },
                .client = { stats_key(str_of(client)), str_of(client) },
                .sent_ms = NOW,
                .orders = 1,
                .wait_us = 700,
                .verdict = 1,
                .code = -1121,
        };

        stats_note(stats, &request, NOW);
}

static const char *verdict_name(unsigned i)
{
        return i == 0 ? "ok" : i == 1 ? "rejected" : NULL;
}

static void an_account_without_a_name_is_not_told_by_its_key(void **state)
{
        static struct top clients;
        struct stats *stats;
        const char *text;

        (void)state;
        assert_int_equal(stats_open(7, &stats), 0);
        look.n_accounts = 1;
        snprintf(look.accounts[0].name, sizeof(look.accounts[0].name), "desk");
        note(stats, "desk", "one");
        note(stats, "SimKeyAlic", "one");
        note(stats, "SimKeyBob4", "two");
        top_init(&clients, 1);
        top_update(&clients, stats, STATS_BY_CLIENT);
        text = written(&(struct metrics_input){
                .look = &look, .stats = stats, .clients = &clients, .verdict_name = verdict_name });
        assert_line(text, "weir_account_orders_total{account=\"desk\"} 1");
        assert_line(text, "weir_account_orders_total{account=\"(unnamed)\"} 2");
        assert_null(strstr(text, "SimKey"));
        assert_line(text, "weir_client_requests_total{client=\"one\"} 2");
        assert_line(text, "weir_client_requests_total{client=\"(others)\"} 1");
        assert_line(text, "weir_answers_total{verdict=\"rejected\"} 3");
        assert_line(text, "weir_exchange_errors_total{code=\"-1121\"} 3");
        assert_line(text, "weir_wait_seconds_bucket{class=\"order\",le=\"0.0005\"} 0");
        assert_line(text, "weir_wait_seconds_bucket{class=\"order\",le=\"0.001\"} 3");
        assert_line(text, "weir_wait_seconds_sum{class=\"order\"} 0.0021");
        stats_close(stats);
}

static void what_is_not_known_is_left_out(void **state)
{
        const char *text = written(&(struct metrics_input){ 0 });

        (void)state;
        assert_int_equal(count(text, "# TYPE"), 1);
        assert_non_null(strstr(text, "weir_build_info{version=\"" WEIR_VERSION "\"} 1\n# EOF\n"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(a_budget_shows_what_is_used_and_what_is_left),
                TEST(no_two_pools_have_one_name),
                TEST(windows_are_named_as_the_exchange_names_them),
                TEST(many_budgets_are_bounded_and_the_important_come_first),
                TEST(a_ban_has_an_end_and_an_open_gate_has_none),
                TEST(a_store_is_up_away_or_not_there_at_all),
                TEST(what_somebody_has_seen_is_open_no_more),
                TEST(every_counter_of_the_region_is_there_once),
                TEST(the_states_of_a_gateway_are_told),
                TEST(an_account_without_a_name_is_not_told_by_its_key),
                TEST(what_is_not_known_is_left_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
