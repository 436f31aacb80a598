#include "cli/order_show.h"
#include "cli/cmd.h"
#include "cli/futures_json.h"
#include "trade/words.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_TEXT 32

static const char *time_text(uint64_t ms, char to[TIME_TEXT])
{
        time_t seconds = (time_t)(ms / MS_PER_SECOND);
        struct tm tm;

        gmtime_r(&seconds, &tm);
        strftime(to, TIME_TEXT, "%Y-%m-%d %H:%M:%S", &tm);
        return to;
}

static void print_json(json_t *j)
{
        json_dumpf(j, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(j);
}

void show_begin_list(struct show *show)
{
        show->n = 0;
        show->list = show->is_json ? json_array() : NULL;
}

void show_end_list(struct show *show, const char *nothing)
{
        if (show->list)
                print_json(show->list);
        else if (show->n == 0)
                puts(nothing);
        show->list = NULL;
}

/* Orders. */

static void print_order(FILE *to, const struct weir_order_state *o)
{
        const char *type = words_type(o->type);

        fprintf(to, "%s %s %s", o->symbol, words_side(o->side), type ? type : "order");
        if (o->position_side != WEIR_POSITION_BOTH)
                fprintf(to, " %s", words_position_side(o->position_side));
        if (o->close_position)
                fprintf(to, " close-position");
        else
                fprintf(to, " %s", o->quantity);
        if (o->price[0] && (o->price[0] != '0' || strspn(o->price, "0.") != strlen(o->price)))
                fprintf(to, " at %s", o->price);
        if (o->trigger_price[0] && strspn(o->trigger_price, "0.") != strlen(o->trigger_price))
                fprintf(to, " trigger %s", o->trigger_price);
        if (o->reduce_only)
                fprintf(to, " reduce-only");
        if (o->status != WEIR_STATUS_NONE)
                fprintf(to, ": %s", words_status(o->status));
        if (o->filled[0] && strspn(o->filled, "0.") != strlen(o->filled))
                fprintf(to, ", filled %s at %s", o->filled, o->average_price);
        if (o->order_id)
                fprintf(to, ", order %llu", (unsigned long long)o->order_id);
        fprintf(to, ", id %s%s\n", o->client_id, o->is_conditional ? " (conditional)" : "");
}

void show_order(void *ctx, const struct weir_order_state *order)
{
        struct show *show = ctx;

        ++show->n;
        if (show->list)
                json_array_append_new(show->list, futures_json_order(order));
        else
                print_order(stdout, order);
}

void show_one_order(struct show *show, const struct weir_order_state *order)
{
        if (show->is_json)
                print_json(futures_json_order(order));
        else
                print_order(stdout, order);
}

/* Lists. */

void show_position(void *ctx, const struct weir_position *p)
{
        struct show *show = ctx;

        if (!show->list) {
                if (show->n++ == 0)
                        printf("%-16s %-5s %14s %14s %14s %16s %14s\n", "SYMBOL", "SIDE",
                               "QUANTITY", "ENTRY", "MARK", "UNREALIZED", "LIQUIDATION");
                printf("%-16s %-5s %14s %14s %14s %16s %14s\n", p->symbol,
                       words_position_side(p->side), p->quantity, p->entry_price, p->mark_price,
                       p->unrealized, p->liquidation_price);
                return;
        }
        json_array_append_new(show->list, futures_json_position(p));
}

void show_balance(void *ctx, const struct weir_balance *b)
{
        struct show *show = ctx;

        if (!show->list) {
                if (show->n++ == 0)
                        printf("%-8s %20s %18s %20s %20s\n", "ASSET", "WALLET", "UNREALIZED",
                               "EQUITY", "AVAILABLE");
                printf("%-8s %20s %18s %20s %20s\n", b->asset[0] ? b->asset : "(all)", b->wallet,
                       b->unrealized, b->equity, b->available);
                return;
        }
        json_array_append_new(show->list, futures_json_balance(b));
}

void show_trade(void *ctx, const struct weir_trade *t)
{
        struct show *show = ctx;
        char when[TIME_TEXT];

        if (!show->list) {
                if (show->n++ == 0)
                        printf("%-19s  %-12s %-4s %14s %14s %16s %s\n", "TIME (UTC)", "SYMBOL",
                               "SIDE", "QUANTITY", "PRICE", "REALIZED", "ORDER");
                printf("%-19s  %-12s %-4s %14s %14s %16s %llu\n", time_text(t->time_ms, when),
                       t->symbol, words_side(t->side), t->quantity, t->price, t->realized,
                       (unsigned long long)t->order_id);
                return;
        }
        json_array_append_new(show->list, futures_json_trade(t));
}

void show_kline(void *ctx, const struct weir_kline *k)
{
        struct show *show = ctx;
        char when[TIME_TEXT];
        json_t *j;

        if (!show->list) {
                if (show->n++ == 0)
                        printf("%-19s  %14s %14s %14s %14s %18s\n", "OPENS (UTC)", "OPEN", "HIGH",
                               "LOW", "CLOSE", "VOLUME");
                printf("%-19s  %14s %14s %14s %14s %18s\n", time_text(k->open_ms, when), k->open,
                       k->high, k->low, k->close, k->volume);
                return;
        }
        j = json_object();
        futures_json_put(j, "openMs", futures_json_number(k->open_ms));
        futures_json_put(j, "closeMs", futures_json_number(k->close_ms));
        futures_json_put(j, "open", futures_json_text(k->open));
        futures_json_put(j, "high", futures_json_text(k->high));
        futures_json_put(j, "low", futures_json_text(k->low));
        futures_json_put(j, "close", futures_json_text(k->close));
        futures_json_put(j, "volume", futures_json_text(k->volume));
        futures_json_put(j, "value", futures_json_text(k->value));
        futures_json_put(j, "trades", futures_json_number(k->n_trades));
        json_array_append_new(show->list, j);
}

/* One thing of many members: name and value by line, or an object. */

struct row {
        const char *name, *label, *value;
};

static json_t *rows_json(const struct row *rows, size_t n)
{
        json_t *j = json_object();

        for (size_t i = 0; i < n; ++i)
                futures_json_put(j, rows[i].name, futures_json_text(rows[i].value));
        return j;
}

static void print_rows(const struct row *rows, size_t n)
{
        for (size_t i = 0; i < n; ++i)
                if (rows[i].value[0])
                        printf("%-22s %s\n", rows[i].label, rows[i].value);
}

void show_ticker(struct show *show, const struct weir_ticker *t)
{
        const struct row rows[] = {
                { "symbol", "symbol", t->symbol },
                { "last", "last", t->last },
                { "changePercent", "change in 24 h, %", t->change_percent },
                { "high", "high", t->high },
                { "low", "low", t->low },
                { "volume", "volume", t->volume },
                { "bid", "bid", t->bid },
                { "bidQuantity", "bid quantity", t->bid_quantity },
                { "ask", "ask", t->ask },
                { "askQuantity", "ask quantity", t->ask_quantity },
        };

        if (show->is_json)
                print_json(rows_json(rows, ARRAY_SIZE(rows)));
        else
                print_rows(rows, ARRAY_SIZE(rows));
}

void show_filters(struct show *show, const struct weir_filters *f)
{
        const struct row rows[] = {
                { "symbol", "symbol", f->symbol },
                { "tick", "price: tick", f->tick },
                { "minPrice", "price: least", f->min_price },
                { "maxPrice", "price: most", f->max_price },
                { "step", "quantity: step", f->step },
                { "minQuantity", "quantity: least", f->min_quantity },
                { "maxQuantity", "quantity: most", f->max_quantity },
                { "marketStep", "market: step", f->market_step },
                { "marketMinQuantity", "market: least", f->market_min_quantity },
                { "marketMaxQuantity", "market: most", f->market_max_quantity },
                { "minNotional", "value: least", f->min_notional },
                { "contractSize", "contract size", f->contract_size },
        };
        json_t *j;

        if (show->is_json) {
                j = rows_json(rows, ARRAY_SIZE(rows));
                futures_json_put(j, "trading", json_boolean(f->is_trading));
                print_json(j);
                return;
        }
        print_rows(rows, ARRAY_SIZE(rows));
        if (!f->is_trading)
                puts("not traded now");
}

/* Reports. */

static const char *executed_name(enum weir_executed executed)
{
        static const char *const names[] = {
                [WEIR_EXECUTED_NA] = "na",           [WEIR_EXECUTED_NO] = "no",
                [WEIR_EXECUTED_YES] = "yes",         [WEIR_EXECUTED_PARTLY] = "partly",
                [WEIR_EXECUTED_UNKNOWN] = "unknown",
        };

        return names[executed];
}

static int exit_code(enum weir_executed executed)
{
        switch (executed) {
        case WEIR_EXECUTED_YES:
                return EXIT_DONE;
        case WEIR_EXECUTED_UNKNOWN:
        case WEIR_EXECUTED_PARTLY:
                return EXIT_UNKNOWN;
        default:
                return EXIT_FAILED;
        }
}

static json_t *report_json(const struct weir_order_report *r, const char *what, const char *why)
{
        json_t *j = json_object();

        futures_json_put(j, "executed", futures_json_text(executed_name(r->executed)));
        futures_json_put(j, "lookedUp", json_boolean(r->was_looked_up));
        futures_json_put(j, "attempts", futures_json_number(r->attempts));
        futures_json_put(j, "lookups", futures_json_number(r->lookups));
        futures_json_put(j, "sentMs", r->sent_ms ? futures_json_number(r->sent_ms) : json_null());
        futures_json_put(j, "verdict", futures_json_text(r->verdict.kind));
        futures_json_put(j, "status",
                         r->verdict.status ? futures_json_number((uint64_t)r->verdict.status)
                                           : json_null());
        futures_json_put(j, "code", r->verdict.code ? json_integer(r->verdict.code) : json_null());
        futures_json_put(j, "why", futures_json_text(why));
        if (!what)
                futures_json_put(j, "order", futures_json_order(&r->order));
        return j;
}

static void complain(const struct weir_order_report *r, const char *what, const char *why)
{
        const struct weir_order_state *o = &r->order;
        const char *separator = why[0] ? ": " : "";

        if (r->executed == WEIR_EXECUTED_NO || r->executed == WEIR_EXECUTED_NA) {
                fprintf(stderr, "weir: order: not executed%s%s\n", separator, why);
                if (!what && r->was_looked_up && o->status != WEIR_STATUS_NONE) {
                        fprintf(stderr, "weir: order: it is ");
                        print_order(stderr, o);
                }
                return;
        }
        if (r->executed == WEIR_EXECUTED_PARTLY) {
                fprintf(stderr, "weir: order: only a part was executed%s%s\n", separator, why);
                return;
        }
        fprintf(stderr, "weir: order: it is unknown whether this was executed%s%s\n", separator,
                why);
        if (!what && o->client_id[0])
                fprintf(stderr,
                        "weir: order: before you act again: weir order query %s --client-id %s%s\n",
                        o->symbol, o->client_id, o->is_conditional ? " --conditional" : "");
}

int show_report(struct show *show, const struct weir_order_report *report, const char *what,
                const char *why)
{
        if (show->is_json)
                print_json(report_json(report, what, why));
        else if (report->executed == WEIR_EXECUTED_YES && what)
                puts(what);
        else if (report->executed == WEIR_EXECUTED_YES)
                print_order(stdout, &report->order);
        else
                complain(report, what, why);
        return exit_code(report->executed);
}
