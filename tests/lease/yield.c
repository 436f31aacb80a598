/*
 * How much hosts use of what they share, and how often they ask: docs/hosts-bench.md measures it
 * with programs and clocks, here time is a number, and a seed's figures are the same on any
 * machine.
 *
 *      fleet_yield [LABEL [SEED]]
 *
 * prints a line for each scenario, or for those with this in their label (all have ""). Other
 * seeds are other hosts' numbers, clocks and demand.
 *
 * Exit status: 0 all hold, 1 some do not, 77 no redis-server is installed.
 */
#include "books.h"
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKIPPED 77
/* Promised: of the limit, and ops for 1,000 requests. */
#define YIELD_LEAST 0.98
#define ASKS_MOST   20.0
/* What an order of the first half of a window may wait: two ways to the store, and looks at the
 * books. */
#define WAIT_MOST_MS 25

static const struct fleet_scenario scenarios[] = {
        { "1 even", 1, FLEET_EVEN, 5000, 12000, 2, 2, 3, ASKS_MOST, false, 0 },
        { "2 even", 2, FLEET_EVEN, 5000, 12000, 2, 2, 3, ASKS_MOST, false, 0 },
        { "4 even", 4, FLEET_EVEN, 5000, 12000, 2, 2, 3, ASKS_MOST, false, 0 },
        { "8 even", 8, FLEET_EVEN, 5000, 12000, 2, 2, 3, ASKS_MOST, false, 0 },
        { "16 even", 16, FLEET_EVEN, 5000, 12000, 2, 2, 3, ASKS_MOST, false, 0 },
        { "2 skewed", 2, FLEET_SKEWED, 5000, 12000, 2, 2, 3, ASKS_MOST, false, 0 },
        { "4 skewed", 4, FLEET_SKEWED, 5000, 12000, 2, 2, 3, ASKS_MOST, false, 0 },
        { "8 skewed", 8, FLEET_SKEWED, 5000, 12000, 2, 2, 3, ASKS_MOST, false, 0 },
        { "16 skewed", 16, FLEET_SKEWED, 5000, 12000, 2, 2, 3, ASKS_MOST, false, 0 },
        { "2 changing", 2, FLEET_CHANGING, 5000, 12000, 2, 2, 4, ASKS_MOST, false, 0 },
        { "4 changing", 4, FLEET_CHANGING, 5000, 12000, 2, 2, 4, ASKS_MOST, false, 0 },
        { "8 changing", 8, FLEET_CHANGING, 5000, 12000, 2, 2, 4, ASKS_MOST, false, 0 },
        { "16 changing", 16, FLEET_CHANGING, 5000, 12000, 2, 2, 4, ASKS_MOST, false, 0 },
        { "2 traders", 2, FLEET_TRADERS, 5000, 12000, 2, 2, 4, ASKS_MOST, false, 0 },
        { "4 traders", 4, FLEET_TRADERS, 5000, 12000, 2, 2, 4, ASKS_MOST, false, 0 },
        /* The first window that is used is one of these. */
        { "4 cold", 4, FLEET_COLD, 5000, 60, 2, 8, 3, ASKS_MOST, false, 0 },
        { "8 cold", 8, FLEET_COLD, 5000, 60, 2, 8, 3, ASKS_MOST, false, 0 },
        /* A store that is far away. */
        { "4 even, far", 4, FLEET_EVEN, 5000, 12000, 40, 2, 3, ASKS_MOST, false, 0 },
        { "4 skewed, far", 4, FLEET_SKEWED, 5000, 12000, 40, 2, 3, ASKS_MOST, false, 0 },
        { "4 changing, far", 4, FLEET_CHANGING, 5000, 12000, 40, 2, 3, ASKS_MOST, false, 0 },
        { "16 even, far", 16, FLEET_EVEN, 5000, 12000, 40, 2, 3, ASKS_MOST, false, 0 },
        { "16 skewed, far", 16, FLEET_SKEWED, 5000, 12000, 40, 2, 3, ASKS_MOST, false, 0 },
        { "16 changing, far", 16, FLEET_CHANGING, 5000, 12000, 40, 2, 3, ASKS_MOST, false, 0 },
        { "1, minute", 1, FLEET_EVEN, 60000, 6000, 2, 2, 4, ASKS_MOST, false, 0 },
        { "4 even, minute", 4, FLEET_EVEN, 60000, 6000, 2, 2, 4, ASKS_MOST, false, 0 },
        { "4 skewed, minute", 4, FLEET_SKEWED, 60000, 6000, 2, 2, 4, ASKS_MOST, false, 0 },
        { "4 changing, minute", 4, FLEET_CHANGING, 60000, 6000, 2, 2, 4, ASKS_MOST, false, 0 },
        { "16 even, minute", 16, FLEET_EVEN, 60000, 6000, 2, 2, 4, ASKS_MOST, false, 0 },
        { "16 skewed, minute", 16, FLEET_SKEWED, 60000, 6000, 2, 2, 4, ASKS_MOST, false, 0 },
        { "16 changing, minute", 16, FLEET_CHANGING, 60000, 6000, 2, 2, 4, ASKS_MOST, false, 0 },
        /* Beside a long window of which all are promised a part, and which is far from used up. */
        { "4 even, raw", 4, FLEET_EVEN, 5000, 12000, 2, 2, 40, ASKS_MOST, false, 300000 },
        { "4 changing, raw", 4, FLEET_CHANGING, 5000, 12000, 2, 2, 40, ASKS_MOST, false, 300000 },
        { "16 even, raw", 16, FLEET_EVEN, 5000, 12000, 2, 2, 40, ASKS_MOST, false, 300000 },
        { "16 skewed, raw", 16, FLEET_SKEWED, 5000, 12000, 2, 2, 40, ASKS_MOST, false, 300000 },
        { "16 changing, raw", 16, FLEET_CHANGING, 5000, 12000, 2, 2, 40, ASKS_MOST, false, 300000 },
        { "4 even, raw, far", 4, FLEET_EVEN, 5000, 12000, 40, 2, 40, ASKS_MOST, false, 300000 },
        { "4 even, long", 4, FLEET_EVEN, 300000, 61000, 2, 1, 2, ASKS_MOST, false, 0 },
        { "4 skewed, long", 4, FLEET_SKEWED, 300000, 61000, 2, 1, 2, ASKS_MOST, false, 0 },
        { "4 changing, long", 4, FLEET_CHANGING, 300000, 61000, 2, 1, 4, ASKS_MOST, false, 0 },
        { "16 even, long", 16, FLEET_EVEN, 300000, 61000, 2, 1, 2, ASKS_MOST, false, 0 },
        { "16 skewed, long", 16, FLEET_SKEWED, 300000, 61000, 2, 1, 2, ASKS_MOST, false, 0 },
        { "16 changing, long", 16, FLEET_CHANGING, 300000, 61000, 2, 1, 2, ASKS_MOST, false, 0 },
        /* Binance's futures: 2,400 a minute, of which orders use nothing. */
        { "16 even, futures", 16, FLEET_EVEN, 60000, 2400, 2, 2, 4, ASKS_MOST, true, 0 },
        { "16 skewed, futures", 16, FLEET_SKEWED, 60000, 2400, 2, 2, 4, ASKS_MOST, true, 0 },
        { "16 changing, futures", 16, FLEET_CHANGING, 60000, 2400, 2, 2, 4, ASKS_MOST, true, 0 },
};

static bool show(const struct fleet_scenario *s, const struct fleet_figures *f)
{
        /* Of those that start cold it matters that they keep a limit which they do not know yet. */
        bool is_quick = s->pattern == FLEET_COLD ||
                        (f->asks <= s->asks_most && f->early_p99_ms <= WAIT_MOST_MS);
        bool holds = f->over == 0 && f->yield >= YIELD_LEAST && is_quick;

        printf("%-19s yield %5.1f %% worst %5.1f over %llu asks/1000 %5.1f order p99 %u early %u "
               "ms "
               "left: held %4.1f free %4.1f %s ",
               s->label, 100 * f->yield, 100 * f->worst, (unsigned long long)f->over, f->asks,
               f->order_p99_ms, f->early_p99_ms, 100 * f->left_held, 100 * f->left_free,
               holds ? "" : "FAILS");
        printf("why:");
        for (size_t i = 0; i < ARRAY_SIZE(f->why); ++i)
                printf(" %llu", (unsigned long long)f->why[i]);
        printf("\n");
        fflush(stdout);
        return holds;
}

int main(int argc, char **argv)
{
        struct books *books = books_open();
        uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
        bool holds = true;

        if (!books) {
                printf("no redis-server is installed\n");
                return SKIPPED;
        }
        for (size_t i = 0; i < ARRAY_SIZE(scenarios); ++i) {
                struct fleet_figures figures;

                if (argc > 1 && !strstr(scenarios[i].label, argv[1]))
                        continue;
                fleet_run(books, &scenarios[i], seed, &figures);
                holds &= show(&scenarios[i], &figures);
        }
        books_close(books);
        return holds ? 0 : 1;
}
