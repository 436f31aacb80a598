#include "cli/store_picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BAR 60

static uint64_t number_in(const json_t *from, const char *name)
{
        const json_t *value = json_object_get(from, name);

        return json_is_number(value) && json_number_value(value) > 0
                       ? (uint64_t)json_number_value(value)
                       : 0;
}

static const char *text_in(const json_t *from, const char *name)
{
        const char *text = json_string_value(json_object_get(from, name));

        return text ? text : "";
}

/* A duration as people say it: 40 ms, 1.2 s, 3 min. */
static const char *how_long(uint64_t ms, char *to, size_t size)
{
        if (ms < 1000)
                snprintf(to, size, "%" PRIu64 " ms", ms);
        else if (ms < 120000)
                snprintf(to, size, "%" PRIu64 ".%" PRIu64 " s", ms / 1000, ms % 1000 / 100);
        else
                snprintf(to, size, "%" PRIu64 " min", ms / 60000);
        return to;
}

static void print_hosts(const json_t *books, uint64_t now_ms)
{
        json_t *hosts = json_object_get(books, "hosts"), *host;
        uint64_t epoch = number_in(json_object_get(books, "books"), "epoch");
        const char *hex;
        char ago[32], grace[32];

        printf("  %-16s  %-16s  %-12s  %-8s\n", "host", "name", "last heard", "grace");
        json_object_foreach(hosts, hex, host)
        {
                uint64_t heard = number_in(host, "heard");

                printf("  %-16s  %-16.16s  %-12s  %-8s%s%s\n", hex, text_in(host, "name"),
                       how_long(now_ms > heard ? now_ms - heard : 0, ago, sizeof(ago)),
                       how_long(number_in(host, "grace"), grace, sizeof(grace)),
                       number_in(host, "epoch") == epoch ? ""
                                                         : "  not heard since the store came back",
                       json_is_true(json_object_get(host, "known"))
                               ? ""
                               : "  not yet named by another host");
        }
}

/* What the host may use of window @w, and the part of it that it has reported as used. */
static uint64_t claim_of(const json_t *record, uint64_t w, uint64_t *ret_used)
{
        const json_t *claim, *used;
        char key[24];

        snprintf(key, sizeof(key), "%" PRIu64, w);
        claim = json_object_get(json_object_get(record, "claims"), key);
        used = json_object_get(json_object_get(record, "used"), key);
        *ret_used = number_in(used, "n");
        return claim ? (uint64_t)json_number_value(claim) : number_in(record, "share");
}

/* One letter per host in turn: large what it used, small what it may use besides. */
static void print_bar(const json_t *budget, uint64_t w, uint64_t limit)
{
        json_t *records = json_object_get(budget, "hosts"), *record;
        uint64_t sum = 0;
        size_t n = 0, at = 0;
        const char *hex;
        char bar[BAR + 1], key[24];

        json_object_foreach(records, hex, record)
        {
                uint64_t used, claim = claim_of(record, w, &used);
                size_t used_to = (size_t)((sum + (used < claim ? used : claim)) * BAR / limit);
                size_t claim_to = (size_t)((sum + claim) * BAR / limit);

                for (; at < BAR && at < claim_to; ++at)
                        bar[at] = (char)((at < used_to ? 'A' : 'a') + (int)(n % 26));
                sum += claim;
                n++;
        }
        snprintf(key, sizeof(key), "%" PRIu64, w);
        sum += number_in(json_object_get(budget, "foreign"), key);
        for (; at < BAR && at < (size_t)(sum * BAR / limit); ++at)
                bar[at] = 'x';
        for (; at < BAR; ++at)
                bar[at] = '.';
        bar[BAR] = '\0';
        printf("    [%s]\n", bar);
}

static void print_budget(const char *id, const json_t *books, const json_t *budget, uint64_t now_ms)
{
        json_t *records = json_object_get(budget, "hosts"), *record, *hosts;
        uint64_t span = number_in(budget, "span"), limit = number_in(budget, "limit"), w;
        const char *hex;
        char left[32];
        size_t n = 0;

        if (span == 0 || limit == 0)
                return;
        w = now_ms / span;
        hosts = json_object_get(books, "hosts");
        printf("\n%s  limit %" PRIu64 ", window %" PRIu64 " for another %s", id, limit, w,
               how_long((w + 1) * span - now_ms, left, sizeof(left)));
        if (number_in(budget, "expected") > 0)
                printf(", %" PRIu64 " expected of strangers", number_in(budget, "expected"));
        putchar('\n');
        print_bar(budget, w, limit);
        json_object_foreach(records, hex, record)
        {
                uint64_t used, next, unused, claim = claim_of(record, w, &used);
                const char *name = text_in(json_object_get(hosts, hex), "name");

                next = claim_of(record, w + 1, &unused);
                printf("    %c %-16.16s  may use %6" PRIu64 ", used %6" PRIu64 ", next %6" PRIu64
                       ", share %6" PRIu64 "%s\n",
                       (char)('a' + (int)(n++ % 26)), name[0] ? name : hex, claim, used, next,
                       number_in(record, "share"),
                       json_is_true(json_object_get(record, "gone")) ? "  has left" : "");
        }
}

static void print_gates(const json_t *books, uint64_t now_ms)
{
        json_t *gates = json_object_get(books, "gates"), *gate;
        const char *name;
        char left[32];

        json_object_foreach(gates, name, gate)
        {
                uint64_t until = number_in(gate, "until");

                if (until > now_ms && !json_object_get(gate, "opened"))
                        printf("\ngate %s is shut for another %s\n", name,
                               how_long(until - now_ms, left, sizeof(left)));
        }
}

void store_picture(const json_t *books, const char *place, uint64_t now_ms)
{
        const json_t *head = json_object_get(books, "books");
        json_t *budgets = json_object_get(books, "budgets"), *budget;
        const char *id;

        printf("%s: books %s, epoch %" PRIu64 ", %zu host%s\n\n", place, text_in(head, "birth"),
               number_in(head, "epoch"), json_object_size(json_object_get(books, "hosts")),
               json_object_size(json_object_get(books, "hosts")) == 1 ? "" : "s");
        print_hosts(books, now_ms);
        json_object_foreach(budgets, id, budget) print_budget(id, books, budget, now_ms);
        print_gates(books, now_ms);
}
