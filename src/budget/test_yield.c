/*
 * How much of every window is used, and how often the exchange refuses: the model's world with
 * clocks that are measured as the gateway measures them, over spans, sizes of requests, latencies
 * and numbers of processes.
 *
 * WEIR_YIELD_SEED=7 runs other accidents. WEIR_YIELD_TABLE=1 prints a row for each: window, sizes,
 * classes, one-way latency on average, processes; of what the exchange allows the mean and the
 * worst window; the worst of what could be had; refused. With orders: window and sizes; of what the
 * exchange allows the mean and the worst window; orders that waited; the p99 of their waits, the
 * mean of all runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "budget/exclock.h"
#include "core/test_world.h"

static struct exclock clocks[CLIENTS_MAX];

static void clock_start(unsigned client, uint64_t local_us)
{
        static const word_t none[2 * EXCLOCK_WHEN];

        exclock_init(&clocks[client], none, local_us, local_us);
}

static struct limiter_time clock_now(unsigned client, uint64_t local_us)
{
        return exclock_now(&clocks[client], local_us);
}

static void clock_sample(unsigned client, uint64_t server_ms, uint64_t sent_us,
                         uint64_t received_us)
{
        (void)exclock_sample(&clocks[client], server_ms, sent_us, received_us);
}

static const struct clock measured = { clock_start, clock_now, clock_sample, 60000 };

#define W(span_ms, limit) ((uint64_t)(span_ms) << 32 | (limit))

static const struct {
        const char *name;
        uint32_t cost_max, light_in_16, heavy_in_16;
} sizes[] = {
        { "light", 1, 16, 0 },
        { "mixed", 50, 4, 0 },
        { "heavy", 50, 0, 12 },
};

static const struct {
        const char *name;
        unsigned class_plus_1;
} classes[] = {
        { "all classes", 0 },
        { "data only", CLASS_MARKET + 1 },
};

static const struct {
        uint64_t window;
        uint32_t n_full;
} spans[] = {
        { W(5000, 500), 40 },
        { W(10000, 1000), 20 },
        { W(60000, 2400), 8 },
};

static const uint32_t latencies_ms[] = { 1, 20, 100, 300 };
static const unsigned clients[] = { 1, 2, 8 };

static unsigned n_saturated;

static bool is_printed(void)
{
        return getenv("WEIR_YIELD_TABLE") != NULL;
}

/*
 * Of what could be had. Where a round trip is more than a tenth of the window, one that did not get
 * away in time gives its place back too late for anybody else.
 */
static double least_of(const struct scenario *s)
{
        return 20 * s->latency_ms > s->windows[0][0] >> 32 ? 0.85 : 0.995;
}

static void row(const struct scenario *s, unsigned size, unsigned class)
{
        const char *seed = getenv("WEIR_YIELD_SEED");
        struct world_result r = world_run(s, seed ? strtoull(seed, NULL, 10) : 1);

        if (is_printed())
                print_message("| %2u s | %s | %-11s | %3u ms | %u | %6.2f %% | %6.2f %% | "
                              "%6.2f %% | %llu |\n",
                              (unsigned)(s->windows[0][0] >> 32) / 1000, sizes[size].name,
                              classes[class].name, s->latency_ms, s->clients, r.limit * 100,
                              r.limit_worst * 100, r.worst * 100, (unsigned long long)r.refused);
        if (r.refused > 0 || (r.n_windows > 0 && r.worst < least_of(s)))
                fail_msg("seed %s, %u s, %s, %s, %u ms, %u clients: worst %.2f %%, %llu refused",
                         seed ? seed : "1", (unsigned)(s->windows[0][0] >> 32) / 1000,
                         sizes[size].name, classes[class].name, s->latency_ms, s->clients,
                         r.worst * 100, (unsigned long long)r.refused);
        n_saturated += r.n_windows > 0;
}

static void every_window_is_full_whatever_the_way(void **state)
{
        (void)state;
        if (is_printed())
                print_message("| window | requests | of | latency | processes | mean | worst | "
                              "worst of what could be had | refused |\n"
                              "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
        for (unsigned span = 0; span < ARRAY_SIZE(spans); ++span)
                for (unsigned size = 0; size < ARRAY_SIZE(sizes); ++size)
                        for (unsigned class = 0; class < ARRAY_SIZE(classes); ++class)
                                for (unsigned l = 0; l < ARRAY_SIZE(latencies_ms); ++l)
                                        for (unsigned c = 0; c < ARRAY_SIZE(clients); ++c) {
                                                struct scenario s = {
                                                        .label = sizes[size].name,
                                                        .windows = { { spans[span].window } },
                                                        .cost_max = { sizes[size].cost_max },
                                                        .light_in_16 = sizes[size].light_in_16,
                                                        .heavy_in_16 = sizes[size].heavy_in_16,
                                                        .has_ceilings = true,
                                                        .class_plus_1 = classes[class].class_plus_1,
                                                        .latency_ms = latencies_ms[l],
                                                        .spike_one_in = 2000,
                                                        .flows = clients[c] == 1   ? 192
                                                                 : clients[c] == 2 ? 128
                                                                                   : 64,
                                                        .n_full = spans[span].n_full,
                                                        .clients = clients[c],
                                                        .is_exact = true,
                                                        .refuses = true,
                                                        .clock = &measured,
                                                        .drift_ppm = 50,
                                                };
                                                row(&s, size, class);
                                        }
        /* Requests of weight 1 on a slow way do not fill every window. */
        assert_true(n_saturated > 190);
}

/*
 * Data that waits all the time, and five orders a second, which the exchange does not count when
 * they have succeeded; from the first full window on.
 *
 * Of a window cannot be had: what leaves in time and arrives behind the turn (of what leaves in its
 * last three seconds the spikes), orders that are on their way when the last of the data has to
 * leave, and what is kept for those that may come after it.
 */
static const struct {
        const char *label;
        struct scenario s;
        double mean, worst; /* of the limit, at least; of one window */
        double late_pct;    /* of the orders wait, at most */
} with_orders[] = {
        { "light, 300 ms, spikes",
          { .windows = { { W(5000, 800) } },
            .cost_max = { 1 },
            .light_in_16 = 16,
            .latency_ms = 150,
            .spike_one_in = 250,
            .flows = 84 },
          99.3,
          98,
          3 },
        { "mixed, 300 ms, spikes",
          { .windows = { { W(5000, 2400) } },
            .cost_max = { 50 },
            .light_in_16 = 4,
            .latency_ms = 150,
            .spike_one_in = 250,
            .flows = 64 },
          99.4,
          90,
          2.5 },
        { "heavy, 100 ms, spikes",
          { .windows = { { W(5000, 2519) } },
            .cost_max = { 50 },
            .heavy_in_16 = 16,
            .latency_ms = 50,
            .spike_one_in = 250,
            .flows = 24 },
          99.5,
          85,
          0.1 },
        { "a limit of 100, 20 ms",
          { .windows = { { W(5000, 100) } },
            .cost_max = { 1 },
            .light_in_16 = 16,
            .latency_ms = 10,
            .flows = 24 },
          98.7,
          97,
          1 },
        { "light, 20 ms",
          { .windows = { { W(5000, 800) } },
            .cost_max = { 1 },
            .light_in_16 = 16,
            .latency_ms = 10,
            .flows = 24 },
          99.8,
          99.3,
          0.5 },
        { "mixed, 20 ms",
          { .windows = { { W(5000, 2400) } },
            .cost_max = { 50 },
            .light_in_16 = 4,
            .latency_ms = 10,
            .flows = 24 },
          99.8,
          99.3,
          0.5 },
};

#define RUNS 20u

static struct scenario from_start(struct scenario s)
{
        s.has_ceilings = true;
        s.class_plus_1 = CLASS_MARKET + 1;
        s.clients = 2;
        s.n_full = 8;
        s.is_exact = s.refuses = s.from_start = true;
        s.clock = &measured;
        s.drift_ppm = 50;
        s.orders = 4;
        s.are_free = true;
        /* From one's wish to the next one's, the way there and back included. */
        s.order_every_ms = 1600 - 2 * s.latency_ms;
        return s;
}

static void orders_find_room_at_the_end_of_a_full_window(void **state)
{
        const char *text = getenv("WEIR_YIELD_SEED");
        uint64_t first = text ? strtoull(text, NULL, 10) : 1;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(with_orders); ++i) {
                struct scenario s = from_start(with_orders[i].s);
                double sum = 0, worst = 1, p99_ms = 0;
                uint64_t n_windows = 0, n_orders = 0, n_late = 0;

                s.label = with_orders[i].label;
                for (uint64_t seed = first; seed < first + RUNS; ++seed) {
                        struct world_result r = world_run(&s, seed);

                        sum += r.limit * (double)r.n_windows;
                        worst = r.limit_worst < worst ? r.limit_worst : worst;
                        p99_ms += (double)r.order_p99_ms / RUNS;
                        n_windows += r.n_windows;
                        n_orders += r.n_orders;
                        n_late += r.n_late;
                        if (r.refused > 0)
                                fail_msg("%s, seed %llu: refused", s.label,
                                         (unsigned long long)seed);
                }
                sum *= 100 / (double)n_windows;
                if (is_printed())
                        print_message("| %-21s | %6.2f %% | %6.2f %% | %5.2f %% of %llu | %3.0f "
                                      "ms |\n",
                                      s.label, sum, worst * 100,
                                      (double)n_late * 100 / (double)n_orders,
                                      (unsigned long long)n_orders, p99_ms);
                if (sum < with_orders[i].mean || worst * 100 < with_orders[i].worst ||
                    (double)n_late * 100 > with_orders[i].late_pct * (double)n_orders)
                        fail_msg("%s, seeds from %llu: %.2f %% used, worst %.2f, %llu of %llu "
                                 "orders wait",
                                 s.label, (unsigned long long)first, sum, worst * 100,
                                 (unsigned long long)n_late, (unsigned long long)n_orders);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(orders_find_room_at_the_end_of_a_full_window),
                cmocka_unit_test(every_window_is_full_whatever_the_way),
        };

        return cmocka_run_group_tests_name("budget/yield", tests, NULL, NULL);
}
