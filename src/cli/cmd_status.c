#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/look.h"
#include "cli/option.h"
#include "cli/status_accounts.h"
#include "cli/status_hosts.h"
#include "cli/status_picture.h"
#include "cli/status_shadow.h"
#include "cli/status_ways.h"
#include "core/sweep.h"
#include "look/look.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "usage: weir status [OPTION]...\n\n"
        "Shows the budgets of the region now: what is used of each window, by us and by others,\n"
        "what is held for later, stops and bans, and what has happened so far.\n\n"
        "A bar is as long as the limit: # is what weir used (at a terminal = is the part of it "
        "that\n"
        "is in flight), + what others on the address used, o what is held for requests that wait\n"
        "(a place in the next windows, not used yet), ~ what others are expected to use before "
        "the\n"
        "turn (at a terminal only), . is free. The figures are used of limit; held is not in it.\n"
        "An account without a name of the configuration's is shown by a number (docs/top.md).\n\n"
        "  --region PATH   the region; default: WEIR_REGION, else the default place\n"
        "  --shadow        what a gateway in shadow mode saw, and would have done\n"
        "  --json          for programs\n"
        "  --help          this text\n\n"
        "Exit status: 0 shown, 1 there is no region to show, or it is shown and no program should "
        "work\n"
        "with it, as stderr says, 2 for a wrong command line.\n";

#define BAR_CELLS 30

/* For no terminal: plain, and the same in every locale. */
static void print_bar(const struct look_budget *b)
{
        uint64_t used = b->used, limit = b->limit ? b->limit : 1;
        unsigned ours = (unsigned)((used > b->foreign ? used - b->foreign : 0) * BAR_CELLS / limit);
        unsigned all = (unsigned)(used * BAR_CELLS / limit);
        unsigned held = (unsigned)((used + b->held) * BAR_CELLS / limit);

        for (unsigned i = 0; i < BAR_CELLS; ++i)
                putchar(i < ours ? '#' : i < all ? '+' : i < held ? 'o' : '.');
}

static void print_budget(const struct look *look, const struct look_budget *b)
{
        const char *egress = look_egress_of(look, b), *account = look_account_of(look, b);
        char owner[LOOK_OWNER_SIZE];

        printf("%-18s %4us  ", b->pool->name, b->span_ms / 1000);
        print_bar(b);
        printf(" %6u of %-7u turns in %llu s", b->used, b->limit,
               (unsigned long long)((b->turns_in_ms + 999) / 1000));
        if (b->held)
                printf(", held for who waits %u", b->held);
        if (b->in_flight)
                printf(", in flight %u", b->in_flight);
        if (b->foreign)
                printf(", by others %u", b->foreign);
        if (b->cap >= 0)
                printf(", this host may use %lld", (long long)b->cap);
        if (b->expected)
                printf(", expected of others %u", b->expected);
        if (egress && strcmp(egress, LOOK_EGRESS_DEFAULT) != 0)
                printf(", by %s", egress);
        if (account)
                printf(", account %s", account);
        else if (b->pool->scope == POLICY_PER_ACCOUNT)
                printf(", account no. %.*s", LOOK_OWNER_SHOWN, look_owner_text(b->owner, owner));
        if (b->shut_for_ms > 0)
                printf(", stopped for %llu s", (unsigned long long)(b->shut_for_ms / 1000 + 1));
        putchar('\n');
}

static void print_budgets(const struct look *look)
{
        for (size_t i = 0; i < look->n_budgets; ++i)
                print_budget(look, &look->budgets[i]);
        if (look->n_budgets == 0)
                puts("no budget has been used yet");
}

static void print_buckets(const struct look *look)
{
        for (size_t i = 0; i < look->n_buckets; ++i)
                printf("%-18s %u a minute, burst %u: %.1f tokens\n", "pacing",
                       look->buckets[i].rate_per_min, look->buckets[i].burst,
                       (double)look->buckets[i].milli / 1000);
}

static void print_counters(const struct look *look)
{
        putchar('\n');
        for (unsigned i = 0; i < COUNTERS; ++i)
                if (look->counters[i] > 0)
                        printf("%12llu  %s\n", (unsigned long long)look->counters[i],
                               counter_help((enum counter)i));
}

/* Long before nobody finds room any more. */
static void print_slots(const struct look *look)
{
        if (look->slots_taken >= SWEEP_FROM)
                printf("%-18s %zu of %d slots are taken, by about 1400 there may be no room for "
                       "another owner: stop all programs that use the region and start them again, "
                       "what nobody used for two days makes room then\n",
                       "region", look->slots_taken, REGION_SLOTS);
}

static void print_all(const struct look *look)
{
        bool is_picture = isatty(STDOUT_FILENO) && status_picture(look);

        if (!is_picture)
                print_budgets(look);
        print_buckets(look);
        /* The picture has in words first what is not as usual. */
        if (!is_picture)
                status_print_ways(look);
        if (!is_picture || look->hosts.sharing.state == SHARING_GOOD)
                status_print_hosts(&look->hosts);
        status_print_accounts(look);
        if (look->weight_disagreements > 0)
                printf("%-18s %zu cost other than charged, see weir check --weights\n", "weights",
                       look->weight_disagreements);
        print_slots(look);
        print_counters(look);
}

static void print_json(const struct look *look, const char *path)
{
        json_t *root = look_json(look, path);

        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(root);
}

static int show(const char *path, bool is_json)
{
        struct region region = REGION_NULL;
        struct look *look;
        int r = look_open(path, &region);

        if (r < 0)
                return EXIT_FAILED;
        if (look_new(&region, &look) < 0) {
                fputs("weir: status: out of memory\n", stderr);
                region_close(&region);
                return EXIT_FAILED;
        }
        look_take(look, clock_wall_us() / US_PER_MS);
        if (is_json)
                print_json(look, path);
        else
                print_all(look);
        look_free(look);
        region_close(&region);
        return r == REGION_DOUBTED ? EXIT_FAILED : EXIT_DONE;
}

int cmd_status(int argc, char **argv)
{
        const char *path = getenv("WEIR_REGION");
        bool is_json = false, is_shadow = false;
        const struct option_row rows[] = {
                { "--region", .text = &path },
                { "--shadow", .on = &is_shadow },
                { "--json", .on = &is_json },
                { .name = NULL },
        };
        const struct options options = { .command = "status", .usage = usage, .rows = rows };
        char place[LOOK_PATH_SIZE];
        int code;

        if (!options_read(&options, argc, argv, &code))
                return code;
        path = look_path(path, place);
        if (!path)
                return EXIT_FAILED;
        if (is_shadow)
                return status_shadow(path, is_json);
        return show(path, is_json);
}
