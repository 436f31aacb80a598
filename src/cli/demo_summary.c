#include "cli/demo.h"

#include "base/clock.h"
#include "cli/demo_bot.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

const char *demo_count(uint64_t n, char *to)
{
        char plain[DEMO_TEXT];
        size_t digits = (size_t)snprintf(plain, sizeof(plain), "%llu", (unsigned long long)n);
        size_t at = 0;

        for (size_t i = 0; i < digits && at + 2 < DEMO_TEXT; ++i) {
                if (i > 0 && (digits - i) % 3 == 0)
                        to[at++] = ',';
                to[at++] = plain[i];
        }
        to[at] = '\0';
        return to;
}

const char *demo_duration(uint64_t us, char *to)
{
        double ms = (double)us / (double)US_PER_MS, s = ms / (double)MS_PER_SECOND;

        if (us == 0)
                (void)snprintf(to, DEMO_TEXT, "0 s");
        else if (us < US_PER_MS)
                (void)snprintf(to, DEMO_TEXT, "%u us", (unsigned)us);
        else if (us < US_PER_SECOND)
                (void)snprintf(to, DEMO_TEXT, "%.*f ms", ms < 99.95 ? 1 : 0, ms);
        else
                (void)snprintf(to, DEMO_TEXT, "%.*f s", s < 99.95 ? 1 : 0, s);
        return to;
}

uint64_t demo_elapsed_ms(const struct demo *d)
{
        uint64_t until_us = d->end_us ? d->end_us : clock_mono_us();

        return (until_us - d->start_us) / US_PER_MS;
}

static void take_waits(const struct tally *t, size_t n, struct demo_result *ret)
{
        ret->wait_p50_us = tally_percentile_us(t, n, TALLY_WAIT_ORDER, 50);
        ret->wait_p99_us = tally_percentile_us(t, n, TALLY_WAIT_ORDER, 99);
        ret->wait_max_us = tally_longest_us(t, n, TALLY_WAIT_ORDER);
        ret->in_weir_p50_us = tally_percentile_us(t, n, TALLY_WAIT_IN_WEIR, 50);
        ret->in_weir_p99_us = tally_percentile_us(t, n, TALLY_WAIT_IN_WEIR, 99);
}

void demo_result(const struct demo *d, const struct demo_side *side, struct demo_result *ret)
{
        const struct tally *t = side->tallies;
        const struct books *b = &side->books;
        size_t n = d->n_bots;

        *ret = (struct demo_result){
                .answered = tally_sum(t, n, TALLY_ANSWERED),
                .seen_429 = tally_sum(t, n, TALLY_429),
                .seen_418 = tally_sum(t, n, TALLY_418),
                .errors = tally_sum(t, n, TALLY_ERRORS),
                .orders_wanted = tally_sum(t, n, TALLY_ORDERS_WANTED),
                .orders_placed = tally_sum(t, n, TALLY_ORDERS_PLACED),
                .orders_refused = tally_sum(t, n, TALLY_ORDERS_REFUSED),
                .waiting = tally_sum(t, n, TALLY_WAITING),
                .waiting_since_us = tally_sum(t, n, TALLY_WAITING_SINCE),
                .cancelled = tally_sum(t, n, TALLY_CANCELLED),
                .cancels_refused = tally_sum(t, n, TALLY_CANCELS_REFUSED),
                .refused_429 = b->refused_429,
                .refused_418 = b->refused_418,
                .n_bans = b->n_bans,
                .banned_ms = b->banned_ms,
                .window_mean = b->windows ? b->used_in_all / b->windows : 0,
        };
        take_waits(t, n, ret);
}

bool demo_is_clean(const struct demo *d)
{
        struct demo_result r;

        demo_result(d, &d->sides[WEIR], &r);
        return r.refused_429 == 0 && r.refused_418 == 0 && r.n_bans == 0 && r.seen_429 == 0 &&
               r.seen_418 == 0 && r.answered > 0 && d->sides[WEIR].books.n_answers > 0;
}

static void print_row(const char *what, const char *direct, const char *weir)
{
        printf("  %-34s %20s %20s\n", what, direct, weir);
}

static void print_counts(const char *what, uint64_t direct, uint64_t weir)
{
        char a[DEMO_TEXT], b[DEMO_TEXT];

        print_row(what, demo_count(direct, a), demo_count(weir, b));
}

static void print_durations(const char *what, uint64_t direct_us, uint64_t weir_us)
{
        char a[DEMO_TEXT], b[DEMO_TEXT];

        print_row(what, demo_duration(direct_us, a), demo_duration(weir_us, b));
}

static void print_table(const struct demo_result *direct, const struct demo_result *weir)
{
        char p99[DEMO_TEXT];

        print_row("", "straight", "through weir");
        print_counts("requests answered", direct->answered, weir->answered);
        print_counts("refused with 429", direct->refused_429, weir->refused_429);
        print_counts("refused with 418 (banned)", direct->refused_418, weir->refused_418);
        print_counts("bans", direct->n_bans, weir->n_bans);
        print_durations("  time banned", direct->banned_ms * US_PER_MS,
                        weir->banned_ms * US_PER_MS);
        if (weir->window_mean > 0)
                print_counts("weight used per window of " DEMO_WEIGHT, direct->window_mean,
                             weir->window_mean);
        print_counts("orders wanted", direct->orders_wanted, weir->orders_wanted);
        print_counts("  placed", direct->orders_placed, weir->orders_placed);
        print_counts("  still waiting at the end", direct->waiting, weir->waiting);
        print_counts("  refusals of orders and cancels",
                     direct->orders_refused + direct->cancels_refused,
                     weir->orders_refused + weir->cancels_refused);
        print_durations("order wait, p50", direct->wait_p50_us, weir->wait_p50_us);
        print_durations("order wait, p99", direct->wait_p99_us, weir->wait_p99_us);
        print_row("  of it in weir, p99", "", demo_duration(weir->in_weir_p99_us, p99));
}

static void print_direct_meaning(const struct demo *d, const struct demo_result *r)
{
        char wait[DEMO_TEXT];

        if (r->n_bans > 0)
                printf("Straight at the exchange the bots were banned %llu time%s, for %llu of "
                       "%llu "
                       "seconds,\nand an order waited up to %s.\n",
                       (unsigned long long)r->n_bans, r->n_bans == 1 ? "" : "s",
                       (unsigned long long)((r->banned_ms + 500) / MS_PER_SECOND),
                       (unsigned long long)((demo_elapsed_ms(d) + 500) / MS_PER_SECOND),
                       demo_duration(r->wait_max_us, wait));
        else
                printf("Straight at the exchange the bots were refused %llu times; they got away "
                       "without a ban.\n",
                       (unsigned long long)r->refused_429);
}

static void print_weir_meaning(const struct demo *d, const struct demo_result *direct,
                               const struct demo_result *weir)
{
        char wait[DEMO_TEXT];

        if (!demo_is_clean(d)) {
                puts("Through weir something was refused too. That must not be: please report it, "
                     "with the\noutput of weir demo --json.");
                return;
        }
        printf("The same bots through weir were never refused");
        if (direct->answered > 0 && weir->answered > direct->answered)
                printf(", got %.1f times as many answers",
                       (double)weir->answered / (double)direct->answered);
        printf(",\nand 99 of 100 orders were placed within %s, next to pollers that use up the "
               "limit.\n",
               demo_duration(weir->wait_p99_us, wait));
}

static void print_commands(void)
{
        printf("\nThe same for real, with Binance's own servers behind it:\n\n"
               "  %s gateway    # listens on 127.0.0.1:8900\n"
               "  %s status     # the budgets now\n\n"
               "and your programs' base URL is http://127.0.0.1:8900:\n\n"
               "  curl    curl 'http://127.0.0.1:8900/fapi/v1/depth?symbol=BTCUSDT&limit=5'\n"
               "  ccxt    for (const k in ex.urls.api) ex.urls.api[k] = ex.urls.api[k].replace(\n"
               "            /https:\\/\\/[a-z0-9-]+\\.binance\\.com/, 'http://127.0.0.1:8900')\n"
               "  python  Client.API_URL = 'http://127.0.0.1:8900/api'         (python-binance)\n"
               "          Client.FUTURES_URL = 'http://127.0.0.1:8900/fapi'\n\n"
               "Streams cost no weight: leave them as they are. README.md has more clients.\n",
               program_invocation_name, program_invocation_name);
}

void demo_print_summary(const struct demo *d)
{
        struct demo_result direct, weir;

        demo_result(d, &d->sides[DIRECT], &direct);
        demo_result(d, &d->sides[WEIR], &weir);
        printf("\nweir demo, %llu s: %u pollers and a trader on each side, " DEMO_WEIGHT
               " weight per " DEMO_WINDOW_S " s\n\n",
               (unsigned long long)((demo_elapsed_ms(d) + 500) / MS_PER_SECOND), d->n_bots - 1);
        print_table(&direct, &weir);
        putchar('\n');
        print_direct_meaning(d, &direct);
        print_weir_meaning(d, &direct, &weir);
        print_commands();
        fflush(stdout);
}

static json_t *windows_json(const struct books *b)
{
        json_t *list = json_array();

        for (size_t i = 0; i < BOOKS_WINDOWS; ++i)
                json_array_append_new(list, json_integer((json_int_t)b->used[i]));
        return list;
}

static json_t *orders_json(const struct demo_result *r)
{
        return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "wanted",
                         (json_int_t)r->orders_wanted, "placed", (json_int_t)r->orders_placed,
                         "refused", (json_int_t)r->orders_refused, "waiting",
                         (json_int_t)r->waiting, "cancelled", (json_int_t)r->cancelled,
                         "cancels_refused", (json_int_t)r->cancels_refused, "wait_p50_us",
                         (json_int_t)r->wait_p50_us, "wait_p99_us", (json_int_t)r->wait_p99_us,
                         "wait_max_us", (json_int_t)r->wait_max_us, "in_weir_p50_us",
                         (json_int_t)r->in_weir_p50_us, "in_weir_p99_us",
                         (json_int_t)r->in_weir_p99_us);
}

static json_t *side_json(const struct demo *d, const struct demo_side *side)
{
        struct demo_result r;

        demo_result(d, side, &r);
        return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:{s:I,s:I,s:I},s:I,s:I,s:o,s:o}", "answered",
                         (json_int_t)r.answered, "status_429", (json_int_t)r.refused_429,
                         "status_418", (json_int_t)r.refused_418, "bans", (json_int_t)r.n_bans,
                         "banned_ms", (json_int_t)r.banned_ms, "requests",
                         (json_int_t)side->books.requests, "seen_by_bots", "status_429",
                         (json_int_t)r.seen_429, "status_418", (json_int_t)r.seen_418, "errors",
                         (json_int_t)r.errors, "limit", (json_int_t)side->books.limit, "window_ms",
                         (json_int_t)side->books.span_ms, "windows_used",
                         windows_json(&side->books), "orders", orders_json(&r));
}

void demo_print_json(const struct demo *d)
{
        json_t *root =
                json_pack("{s:I,s:I,s:b,s:o,s:o}", "elapsed_ms", (json_int_t)demo_elapsed_ms(d),
                          "bots", (json_int_t)d->n_bots, "clean", demo_is_clean(d), "straight",
                          side_json(d, &d->sides[DIRECT]), "weir", side_json(d, &d->sides[WEIR]));

        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(root);
}
