/*
 * Trading and watching: a position is opened, seen, closed, and seen to be closed. The limiter, and
 * with it every budget, is that of all programs of this machine.
 *
 *      cc positions.c $(pkg-config --cflags --libs weir)
 *      weir sim &
 *      BINANCE_API_KEY=... BINANCE_API_SECRET=... ./a.out http://127.0.0.1:8901
 */
#include <weir.h>

#include <stdio.h>

static void on_event(void *ctx, const struct weir_event *event)
{
        const struct weir_watched *w = event->now ? event->now : event->before;
        int *n_events = ctx;

        ++*n_events;
        printf("%s", weir_event_name(event->kind));
        if (w)
                printf(" %s %s", w->position.symbol, w->position.quantity);
        if (event->has_trades)
                printf(", realised %s in %zu trades", event->realized, event->n_trades);
        putchar('\n');
}

static void on_position(void *ctx, const struct weir_watched *w)
{
        (void)ctx;
        printf("%s %s, unrealised %s, stop-loss %s\n", w->position.symbol, w->position.quantity,
               w->position.unrealized, weir_coverage_name(w->stop_loss));
}

static int trade(struct weir_futures *futures, enum weir_side side)
{
        struct weir_order_report report = { .size = sizeof(report) };
        struct weir_order order = WEIR_ORDER_DEFAULTS;
        int r;

        order.symbol = "BTCUSDT";
        order.side = side;
        order.type = WEIR_TYPE_MARKET;
        order.quantity = "0.01";
        r = weir_futures_place(futures, &order, weir_futures_now_ms(futures) + 10000, &report);
        if (r == 0 && report.executed == WEIR_EXECUTED_YES)
                return 0;
        /* Never place it again before it is known: weir_futures_query(). */
        fprintf(stderr, "the order: %s\n", weir_futures_why(futures));
        return -1;
}

static int watch(struct weir_futures *futures, struct weir_monitor *monitor)
{
        struct weir_monitor_state state = { .size = sizeof(state) };
        int n_events = 0, r;

        for (int i = 0; i < 3; ++i) {
                r = weir_monitor_check(monitor, weir_futures_now_ms(futures) + 10000, on_event,
                                       &n_events);
                weir_monitor_state(monitor, &state);
                if (r != 0) {
                        fprintf(stderr, "%s\n", state.why);
                        return 1;
                }
                weir_monitor_positions(monitor, on_position, NULL);
                if (i < 2 && trade(futures, i == 0 ? WEIR_BUY : WEIR_SELL) < 0)
                        return 1;
        }
        printf("done, %d events; the last check weighed %u\n", n_events, state.weight);
        return n_events == 2 ? 0 : 1;
}

int main(int argc, char **argv)
{
        struct weir_futures_options options = WEIR_FUTURES_DEFAULTS;
        struct weir_monitor_options watching = WEIR_MONITOR_DEFAULTS;
        struct weir_futures *futures;
        struct weir_monitor *monitor;
        struct weir_error error;
        int status = 1;

        /* Without a URL, Binance's testnet. */
        options.url = argc > 1 ? argv[1] : NULL;
        options.is_testnet = argc < 2;
        if (weir_futures_open(&options, &futures, &error) < 0) {
                fprintf(stderr, "%s\n", error.text);
                return 1;
        }
        watching.full_look_ms = 0;
        if (weir_monitor_new(&watching, futures, &monitor, &error) == 0) {
                status = watch(futures, monitor);
                weir_monitor_free(monitor);
        } else {
                fprintf(stderr, "%s\n", error.text);
        }
        weir_futures_close(futures);
        return status;
}
