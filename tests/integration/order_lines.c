/*
 * A desk's program that lives long: one adapter, one line of the input per market order.
 *
 *      order_lines URL REGION|gateway  <  "SYMBOL buy|sell QUANTITY CLIENT_ID"
 *
 * Answers each with "CLIENT_ID executed looked-up attempts lookups status".
 */
#include "base/clock.h"
#include "budget/budget.h"
#include "core/region.h"
#include "trade/futures.h"
#include "trade/words.h"

#include <stdio.h>
#include <string.h>

static const char *const executed[] = { "na", "no", "yes", "partly", "unknown" };

static void place(struct futures *f, char *line)
{
        struct weir_order order = WEIR_ORDER_DEFAULTS;
        struct weir_order_report report;
        char *rest = NULL;
        int r;

        order.type = WEIR_TYPE_MARKET;
        order.symbol = strtok_r(line, " \n", &rest);
        r = words_side_from(strtok_r(NULL, " \n", &rest), &order.side);
        order.quantity = strtok_r(NULL, " \n", &rest);
        order.client_id = strtok_r(NULL, " \n", &rest);
        must(r == 0 && order.client_id);
        r = futures_place(f, &order, futures_now_ms(f) + 30000, &report);
        printf("%s %s %d %u %u %s %d %s\n", order.client_id, executed[report.executed],
               report.was_looked_up, report.attempts, report.lookups,
               words_status(report.order.status), r, futures_why(f));
        fflush(stdout);
}

int main(int argc, char **argv)
{
        struct futures_config config = FUTURES_CONFIG_DEFAULT;
        struct region region = REGION_NULL;
        struct limiter limiter = { .region = &region };
        struct region_error error;
        struct region_plan plan;
        struct futures *f = NULL;
        char why[FUTURES_WHY_MAX], line[256];
        int r = 0;

        must(argc == 3);
        config.recv_window_ms = 500;
        config.timeout_ms = 250;
        config.lookup_ms = 350;
        if (strcmp(argv[2], "gateway") == 0) {
                config.gateway = argv[1];
        } else {
                budget_plan(&plan, clock_wall_us() / US_PER_MS);
                r = region_open(argv[2], &plan, &region, &error);
                must(r == 0);
                config.url = argv[1];
                config.limiter = &limiter;
        }
        r = futures_open(&config, &f, why);
        if (r < 0)
                fprintf(stderr, "weir: %s\n", why);
        while (r == 0 && fgets(line, sizeof(line), stdin))
                place(f, line);
        futures_close(f);
        region_close(&region);
        return r == 0 ? 0 : 1;
}
