#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/look.h"
#include "cli/option.h"
#include "cli/status_accounts.h"
#include "cli/status_hosts.h"
#include "cli/status_shadow.h"
#include "cli/status_ways.h"
#include "core/limiter.h"
#include "core/strangers.h"
#include "core/sweep.h"
#include "budget/budget.h"
#include "budget/counters.h"
#include "budget/weights_list.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "usage: weir status [OPTION]...\n\n"
        "Shows the budgets of the region now: what is used of each window, by us and by others,\n"
        "what is held for later, stops and bans, and what has happened so far.\n\n"
        "  --region PATH   the region; default: WEIR_REGION, else the default place\n"
        "  --shadow        what a gateway in shadow mode saw, and would have done\n"
        "  --json          for programs\n"
        "  --help          this text\n\n"
        "Exit status: 0 shown, 1 there is no region to show, 2 for a wrong command line.\n";

#define BAR_CELLS 30

struct look {
        const struct region *region;
        json_t *accounts; /* by name: owner and keys */
        uint64_t wall_ms;
        json_t *budgets; /* NULL: print for people */
        bool is_terminal;
        size_t n;
};

static void print_bar(const struct window_view *v, uint32_t limit, bool is_terminal)
{
        uint64_t total = (uint64_t)v->spent + v->extra;
        unsigned ours = (unsigned)((uint64_t)v->spent * BAR_CELLS / (limit ? limit : 1));
        unsigned all = (unsigned)(total * BAR_CELLS / (limit ? limit : 1));

        for (unsigned i = 0; i < BAR_CELLS; ++i) {
                if (is_terminal)
                        fputs(i < ours  ? "\xe2\x96\x88"
                              : i < all ? "\xe2\x96\x93"
                                        : "\xe2\x96\x91",
                              stdout);
                else
                        putchar(i < ours ? '#' : i < all ? '+' : '.');
        }
}

static void show_slot(void *ctx, const struct window *w, uint16_t pool_index, uint64_t owner,
                      uint64_t shut_until_ms)
{
        struct look *look = ctx;
        const struct policy_pool *pool;
        struct limiter_time time;
        struct window_view v;
        uint64_t number, turns_ms;
        uint32_t expected;
        json_t *account;
        char owner_is[STATUS_OWNER_SIZE], place[EGRESS_TEXT];
        const char *egress;
        int64_t cap;

        if (pool_index >= policy_pool_count())
                return;
        pool = policy_pool(pool_index);
        time = look_pool_time(look->region, pool, look->wall_ms);
        number = window_number(w->span_ms, time.now_ms, time.guard_ms);
        turns_ms = window_opens_ms(w->span_ms, number + 1, time.guard_ms) - time.now_ms;
        window_look(w, number, &v);
        expected = strangers_expected(w, number, time.now_ms);
        cap = status_cap(w, number, time.now_ms);
        ++look->n;
        status_owner_text(owner, owner_is);
        egress = look_egress_of(look->region, pool, owner, place);
        if (look->budgets) {
                json_t *row =
                        json_pack("{s:s, s:s, s:s?, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
                                  "s:I}",
                                  "name", pool->name, "owner", owner_is, "egress", egress,
                                  "account", status_account_of(look->accounts, owner_is), "span_ms",
                                  (json_int_t)w->span_ms, "limit", (json_int_t)w->limit, "used",
                                  (json_int_t)v.spent - v.held + v.extra, "in_flight",
                                  (json_int_t)v.flying, "held", (json_int_t)v.held, "foreign",
                                  (json_int_t)v.foreign, "expected", (json_int_t)expected,
                                  "turns_in_ms", (json_int_t)turns_ms, "shut_for_ms",
                                  (json_int_t)(shut_until_ms > time.now_ms
                                                       ? shut_until_ms - time.now_ms
                                                       : 0));

                if (cap >= 0)
                        json_object_set_new(row, "cap", json_integer((json_int_t)cap));
                json_array_append_new(look->budgets, row);
                return;
        }
        printf("%-18s %4us  ", pool->name, w->span_ms / 1000);
        print_bar(&v, w->limit, look->is_terminal);
        printf(" %6u of %-7u turns in %llu s", v.spent + v.extra, w->limit,
               (unsigned long long)((turns_ms + 999) / 1000));
        if (v.held)
                printf(", held %u", v.held);
        if (v.flying)
                printf(", in flight %u", v.flying);
        if (v.foreign)
                printf(", by others %u", v.foreign);
        if (cap >= 0)
                printf(", this host may use %lld", (long long)cap);
        if (expected)
                printf(", of others expected %u", expected);
        if (egress && strcmp(egress, LOOK_EGRESS_DEFAULT) != 0)
                printf(", by %s", egress);
        account = status_account_of(look->accounts, owner_is);
        if (json_is_string(account))
                printf(", account %s", json_string_value(account));
        json_decref(account);
        if (shut_until_ms > time.now_ms)
                printf(", stopped for %llu s",
                       (unsigned long long)((shut_until_ms - time.now_ms) / 1000 + 1));
        putchar('\n');
}

struct buckets {
        const struct look *look;
        json_t *list; /* NULL: print for people */
};

static void show_bucket(void *ctx, const struct bucket *bucket)
{
        struct buckets *buckets = ctx;
        int64_t milli = bucket_level_milli(bucket, buckets->look->wall_ms * US_PER_MS);

        if (buckets->list)
                json_array_append_new(buckets->list,
                                      json_pack("{s:I, s:I, s:f}", "requests_per_minute",
                                                (json_int_t)bucket->rate_per_min, "burst",
                                                (json_int_t)bucket->burst, "tokens",
                                                (double)milli / 1000));
        else
                printf("%-18s %u a minute, burst %u: %.1f tokens\n", "pacing", bucket->rate_per_min,
                       bucket->burst, (double)milli / 1000);
}

static void show_buckets(const struct look *look, json_t *list)
{
        struct buckets buckets = { look, list };

        limiter_each_bucket(look->region, show_bucket, &buckets);
}

static json_t *counters_json(const struct region *region)
{
        json_t *counters = json_object();

        for (unsigned i = 0; i < COUNTERS; ++i)
                json_object_set_new(counters, counter_name((enum counter)i),
                                    json_integer((json_int_t)counter_read(region->header,
                                                                          (enum counter)i)));
        return counters;
}

static void print_counters(const struct region *region)
{
        putchar('\n');
        for (unsigned i = 0; i < COUNTERS; ++i) {
                uint64_t n = counter_read(region->header, (enum counter)i);

                if (n > 0)
                        printf("%12llu  %s\n", (unsigned long long)n,
                               counter_help((enum counter)i));
        }
}

static void print_weights(const struct region *region)
{
        size_t n = weights_disagreements(region);

        if (n > 0)
                printf("%-18s %zu cost other than charged, see weir check --weights\n", "weights",
                       n);
}

/* Long before nobody finds room any more. */
static void print_slots(const struct region *region)
{
        size_t n = sweep_count(region);

        if (n >= SWEEP_FROM)
                printf("%-18s %zu of %u slots are taken, by about 1400 there may be no room for "
                       "another owner: stop all programs that use the region and start them again, "
                       "what nobody used for two days makes room then\n",
                       "region", n, REGION_SLOTS);
}

static void print_all(struct look *look)
{
        look->is_terminal = isatty(STDOUT_FILENO);
        limiter_each_slot(look->region, show_slot, look);
        if (look->n == 0)
                puts("no budget has been used yet");
        show_buckets(look, NULL);
        status_print_ways(look->region, look->wall_ms);
        status_print_hosts(look->region,
                           look_pool_time(look->region, policy_pool(0), look->wall_ms).now_ms);
        status_print_accounts(look->region, look->accounts);
        print_weights(look->region);
        print_slots(look->region);
        print_counters(look->region);
}

static void print_json(struct look *look, const char *path)
{
        json_t *pacing = json_array(), *root;

        look->budgets = json_array();
        limiter_each_slot(look->region, show_slot, look);
        show_buckets(look, pacing);
        root = json_pack("{s:s, s:o, s:o, s:O, s:o, s:o}", "region", path, "budgets", look->budgets,
                         "pacing", pacing, "accounts", look->accounts, "same_account",
                         status_suspects(look->region), "counters", counters_json(look->region));
        status_add_ways(look->region, look->wall_ms, root);
        json_object_set_new(root, "weight_disagreements",
                            json_integer((json_int_t)weights_disagreements(look->region)));
        json_object_set_new(
                root, "hosts",
                status_hosts(look->region,
                             look_pool_time(look->region, policy_pool(0), look->wall_ms).now_ms));
        json_object_set_new(root, "slots_taken",
                            json_integer((json_int_t)sweep_count(look->region)));
        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(root);
}

int cmd_status(int argc, char **argv)
{
        static const struct option options[] = {
                { "region", required_argument, NULL, 'r' },
                { "shadow", no_argument, NULL, 's' },
                { "json", no_argument, NULL, 'j' },
                { "help", no_argument, NULL, 'h' },
                { NULL, 0, NULL, 0 },
        };
        const char *path = getenv("WEIR_REGION");
        struct region region = REGION_NULL;
        struct look look = { .region = &region, .wall_ms = clock_wall_us() / US_PER_MS };
        bool is_json = false, is_shadow = false;
        char place[LOOK_PATH_SIZE];
        int c;

        opterr = 0;
        while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
                switch (c) {
                case 'r':
                        path = optarg;
                        break;
                case 's':
                        is_shadow = true;
                        break;
                case 'j':
                        is_json = true;
                        break;
                case 'h':
                        fputs(usage, stdout);
                        return EXIT_DONE;
                default:
                        option_complain("status", c, argv);
                        return EXIT_USAGE;
                }
        }
        if (optind < argc) {
                fprintf(stderr, "weir: status: unexpected \"%s\"; see weir status --help\n",
                        argv[optind]);
                return EXIT_USAGE;
        }
        path = look_path(path, place);
        if (!path)
                return EXIT_FAILED;
        if (is_shadow)
                return status_shadow(path, is_json);
        if (look_open(path, &region) < 0)
                return EXIT_FAILED;
        look.accounts = status_accounts(&region);
        if (is_json)
                print_json(&look, path);
        else
                print_all(&look);
        json_decref(look.accounts);
        region_close(&region);
        return EXIT_DONE;
}
