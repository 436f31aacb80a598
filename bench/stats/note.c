/*
 * What it costs that a request is counted: stats_note(), as the gateway calls it at each end, and
 * what all of it takes of memory.
 *
 *      bench_stats CLIENTS ENDPOINTS N
 *
 * In time of the processor. Windows turn once a minute of a clock that goes 10 ms with each hundred
 * requests.
 */
#include "stats/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define START_MS UINT64_C(1790000000000)

static uint64_t now_ns(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
        return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#define NAMES_MAX 10000

struct names {
        struct stats_name all[NAMES_MAX];
        char texts[NAMES_MAX][32];
};

static void make_names(struct names *names, const char *kind, unsigned n)
{
        for (unsigned i = 0; i < n; ++i) {
                snprintf(names->texts[i], sizeof(names->texts[i]), "%s-%u", kind, i);
                names->all[i].text = str_of(names->texts[i]);
                names->all[i].key = stats_key(names->all[i].text);
        }
}

int main(int argc, char **argv)
{
        static struct names clients, endpoints;
        unsigned n_clients = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10;
        unsigned n_endpoints = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 20;
        unsigned long n = argc > 3 ? strtoul(argv[3], NULL, 10) : 10000000;
        struct stats_pool pool = { "spot-weight", 60000, 6000 };
        struct stats *stats;
        uint64_t start, random = 88172645463325252u, turned = 0;

        if (n_clients < 1 || n_clients > NAMES_MAX || n_endpoints < 1 || n_endpoints > NAMES_MAX ||
            stats_open(1, &stats) < 0)
                return 1;
        make_names(&clients, "client", n_clients);
        make_names(&endpoints, "endpoint", n_endpoints);
        stats_set_pool(stats, 0, &pool);
        start = now_ns();
        for (unsigned long i = 0; i < n; ++i) {
                uint64_t at_ms = START_MS + i / 10;
                struct stats_request r = {
                        .class = CLASS_MARKET,
                        .outcome = STATS_OK,
                        .sent_ms = at_ms,
                        .weight = 1,
                        .exchange_us = 20000,
                };

                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                r.client = clients.all[random % n_clients];
                r.endpoint = endpoints.all[(random >> 32) % n_endpoints];
                r.wait_us = random >> 48;
                stats_note(stats, &r, at_ms);
                if (i % 1000 == 0) {
                        uint64_t began = now_ns();

                        stats_turn(stats, 0, at_ms, false);
                        if (now_ns() - began > turned)
                                turned = now_ns() - began;
                }
        }
        start = now_ns() - start;
        printf("%u clients, %u endpoints: %.0f ns for each request, a turn %.0f us at most, %.1f "
               "MiB\n",
               n_clients, n_endpoints, (double)start / (double)n, (double)turned / 1000,
               (double)stats_bytes(stats) / (1 << 20));
        stats_close(stats);
        return 0;
}
