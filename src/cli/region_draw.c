/*
 * The picture for people.
 */
#include "cli/region_picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BAR_CELLS 30

static json_int_t number(const json_t *of, const char *name)
{
        return json_integer_value(json_object_get(of, name));
}

static const char *text(const json_t *of, const char *name)
{
        const char *value = json_string_value(json_object_get(of, name));

        return value ? value : "";
}

/* What has no name is called as in the settings. */
static const char *address(const json_t *of, const char *name)
{
        return text(of, name)[0] != '\0' ? text(of, name) : "default";
}

static void title(const char *name, const json_t *list)
{
        if (json_is_object(list) ? json_object_size(list) > 0 : json_array_size(list) > 0)
                printf("\n%s\n", name);
}

static const char *time_text(json_int_t ms, char to[32])
{
        time_t seconds = (time_t)(ms / (json_int_t)MS_PER_SECOND);
        struct tm tm;
        size_t n = 0;

        if (gmtime_r(&seconds, &tm))
                n = strftime(to, 32, "%Y-%m-%d %H:%M:%S", &tm);
        if (n == 0)
                snprintf(to, 32, "-");
        return to;
}

/* 60000 as "1m": spans are whole seconds, but for odd tests. */
static const char *span_text(json_int_t ms, char to[32])
{
        if (ms >= 86400000 && ms % 86400000 == 0)
                snprintf(to, 32, "%" JSON_INTEGER_FORMAT "d", ms / 86400000);
        else if (ms >= 60000 && ms % 60000 == 0)
                snprintf(to, 32, "%" JSON_INTEGER_FORMAT "m", ms / 60000);
        else if (ms % 1000 == 0)
                snprintf(to, 32, "%" JSON_INTEGER_FORMAT "s", ms / 1000);
        else
                snprintf(to, 32, "%" JSON_INTEGER_FORMAT "ms", ms);
        return to;
}

static void draw_file(const json_t *p)
{
        const json_t *certificate = json_object_get(p, "certificate");
        const json_t *users = json_object_get(p, "users"), *slots = json_object_get(p, "slots");
        json_t *user;
        char made[32];
        size_t i;

        printf("region %s\n", text(p, "region"));
        printf("  %" JSON_INTEGER_FORMAT " bytes, mode %s, user %" JSON_INTEGER_FORMAT
               ", version %" JSON_INTEGER_FORMAT ", made %s UTC, tables %s\n",
               number(p, "bytes"), text(p, "mode"), number(p, "uid"),
               number(certificate, "version"), time_text(number(certificate, "born_ms"), made),
               text(certificate, "table_hash"));
        if (text(p, "says")[0] != '\0')
                printf("  %s: %s\n", text(p, "state"), text(p, "says"));
        if (slots)
                printf("  slots: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                       " used: %zu budgets, %zu buckets, %zu keys, %zu costs, %" JSON_INTEGER_FORMAT
                       " anchors\n",
                       number(slots, "used"), number(slots, "all"),
                       json_array_size(json_object_get(p, "budgets")),
                       json_array_size(json_object_get(p, "pacing")),
                       json_array_size(json_object_get(p, "keys")),
                       json_array_size(json_object_get(p, "evidence")), number(slots, "anchors"));
        if (json_array_size(users) == 0)
                puts("  nobody uses it now, as far as can be seen");
        else
                printf("  used by process");
        json_array_foreach(users, i, user)
        {
                if (json_integer_value(user) > 0)
                        printf(" %" JSON_INTEGER_FORMAT, json_integer_value(user));
                else
                        printf(" (of another container)");
        }
        if (json_array_size(users) > 0)
                putchar('\n');
}

static void draw_exchanges(const json_t *p)
{
        json_t *row, *value;
        const char *key;
        char when[32];
        size_t i;

        title("exchanges", json_object_get(p, "exchanges"));
        json_object_foreach(json_object_get(p, "exchanges"), key, value)
                printf("  /%-6s %s\n", key, json_string_value(value));
        title("clocks", json_object_get(p, "clocks"));
        json_array_foreach(json_object_get(p, "clocks"), i, row)
                printf("  /%-6s %+" JSON_INTEGER_FORMAT
                       " ms from this machine's, known to %" JSON_INTEGER_FORMAT
                       " ms, measured %s UTC\n",
                       text(row, "product"), number(row, "offset_ms"), number(row, "error_ms"),
                       time_text(number(row, "measured_ms"), when));
        if (json_array_size(json_object_get(p, "egresses")) > 1) {
                puts("\naddresses, and the clients at home there");
                json_array_foreach(json_object_get(p, "egresses"), i, row)
                        printf("  %-30s %" JSON_INTEGER_FORMAT "\n", address(row, "name"),
                               number(row, "homes"));
        }
}

static void draw_gate(const json_t *row)
{
        char when[32];

        printf("%s%s", text(row, "egress")[0] ? "  by " : "", text(row, "egress"));
        if (json_is_true(json_object_get(row, "shut")))
                printf("  %-10s %s for %" JSON_INTEGER_FORMAT " ms more%s\n", text(row, "product"),
                       text(row, "kind"), number(row, "for_ms"),
                       json_is_true(json_object_get(row, "probing")) ? ", being probed"
                       : number(row, "for_ms") == 0                  ? ", until a probe is answered"
                                                                     : "");
        else if (number(row, "opened_ms") > 0)
                printf("  %-10s open, since a probe at %s UTC\n", text(row, "product"),
                       time_text(number(row, "opened_ms"), when));
        else
                printf("  %-10s open: a stop until %s UTC is over\n", text(row, "product"),
                       time_text(number(row, "until_ms"), when));
}

/* What is in the way of all, whatever their budgets. */
static void draw_stops(const json_t *p)
{
        json_t *row;
        char when[32];
        size_t i;

        title("gates", json_object_get(p, "gates"));
        json_array_foreach(json_object_get(p, "gates"), i, row) draw_gate(row);
        title("breakers", json_object_get(p, "breakers"));
        json_array_foreach(json_object_get(p, "breakers"), i, row)
                printf("  /%-6s %s, %" JSON_INTEGER_FORMAT " failures in a row%s%s\n",
                       text(row, "product"), text(row, "state"), number(row, "failures"),
                       text(row, "egress")[0] ? ", by " : "", text(row, "egress"));
        title("fronts", json_object_get(p, "fronts"));
        json_array_foreach(json_object_get(p, "fronts"), i, row)
                printf("  %-7" JSON_INTEGER_FORMAT " full again at %s UTC%s%s\n",
                       number(row, "front"),
                       time_text(number(row, "full_us") / (json_int_t)US_PER_MS, when),
                       text(row, "egress")[0] ? ", by " : "", text(row, "egress"));
}

static void draw_rules(const json_t *p)
{
        json_t *value;
        const char *key;

        puts("\nrules");
        json_object_foreach(json_object_get(p, "rules"), key, value)
                printf("  %-20s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
        printf("\nshares, percent:");
        json_object_foreach(json_object_get(p, "ceilings"), key, value)
                printf(" %s %" JSON_INTEGER_FORMAT, key, json_integer_value(value));
        putchar('\n');
}

static void draw_hosts(const json_t *p)
{
        const json_t *hosts = json_object_get(p, "hosts");
        char when[32];

        if (!json_is_object(hosts))
                return;
        printf("\nshared with other hosts\n  this is %s, of %" JSON_INTEGER_FORMAT
               " seen; the store answered last at %s UTC, op %" JSON_INTEGER_FORMAT "\n",
               text(hosts, "host"), number(hosts, "seen"),
               time_text(number(hosts, "answered_ms"), when), number(hosts, "sequence"));
        if (number(hosts, "away_ms") > 0)
                printf("  the store is away since %s UTC\n",
                       time_text(number(hosts, "away_ms"), when));
        if (number(hosts, "refused_ms") > 0)
                printf("  the store refuses this host since %s UTC\n",
                       time_text(number(hosts, "refused_ms"), when));
        if (number(hosts, "waits_ms") > 0)
                printf("  the store waits for other hosts, and grants nothing, since %s UTC\n",
                       time_text(number(hosts, "waits_ms"), when));
}

static void draw_pools(const json_t *p)
{
        json_t *row, *window;
        size_t i, k;

        puts("\npools, as the exchange allows them");
        json_array_foreach(json_object_get(p, "pools"), i, row)
        {
                printf("  %-28s", text(row, "name"));
                json_array_foreach(json_object_get(row, "windows"), k, window)
                {
                        char span[32];

                        printf("%s%" JSON_INTEGER_FORMAT " in %s", k > 0 ? ", " : "",
                               number(window, "limit"), span_text(number(window, "span_ms"), span));
                }
                putchar('\n');
        }
}

/* Ours, what is held of it for later, what may be counted besides, and what is free. */
static void draw_bar(const json_t *window, json_int_t limit, bool is_terminal)
{
        static const char *const plain = "#=+.";
        static const char *const blocks[] = { "\xe2\x96\x88", "\xe2\x96\x92", "\xe2\x96\x93",
                                              "\xe2\x96\x91" };
        json_int_t sent = number(window, "sent"), spent = sent + number(window, "held");
        json_int_t all = spent + number(window, "extra"), of = limit > 0 ? limit : 1;

        for (json_int_t i = 0; i < BAR_CELLS; ++i) {
                unsigned part = i < sent * BAR_CELLS / of    ? 0
                                : i < spent * BAR_CELLS / of ? 1
                                : i < all * BAR_CELLS / of   ? 2
                                                             : 3;

                if (is_terminal)
                        fputs(blocks[part], stdout);
                else
                        putchar(plain[part]);
        }
}

static void draw_window(const json_t *window, json_int_t limit, bool is_terminal)
{
        static const char *const parts[] = { "flying", "held", "extra", "foreign", "relief" };
        json_int_t used = number(window, "sent") + number(window, "held") + number(window, "extra");
        char when[32];

        printf("    %+3" JSON_INTEGER_FORMAT "  %s  ", number(window, "from_now"),
               time_text(number(window, "opens_ms"), when) + 5);
        draw_bar(window, limit, is_terminal);
        printf("  %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT ", sent %" JSON_INTEGER_FORMAT,
               used, limit, number(window, "sent"));
        for (size_t i = 0; i < ARRAY_SIZE(parts); ++i)
                if (number(window, parts[i]) > 0)
                        printf(", %s %" JSON_INTEGER_FORMAT, parts[i], number(window, parts[i]));
        if (json_object_get(window, "cap"))
                printf(", of which this host may %" JSON_INTEGER_FORMAT, number(window, "cap"));
        if (number(window, "shown") > 0)
                printf(", shown %" JSON_INTEGER_FORMAT, number(window, "shown"));
        putchar('\n');
}

static void draw_budgets(const json_t *p, bool is_terminal)
{
        json_t *row, *window;
        size_t i, k;

        title("budgets, and their windows around now", json_object_get(p, "budgets"));
        json_array_foreach(json_object_get(p, "budgets"), i, row)
        {
                const char *of = text(row, "of");
                char span[32];

                printf("  %s %s, %s%s (slot %" JSON_INTEGER_FORMAT ")", text(row, "name"),
                       span_text(number(row, "span_ms"), span), of[0] ? of : "owner ",
                       of[0] ? "" : text(row, "owner"), number(row, "slot"));
                if (number(row, "limit") == 0)
                        printf(", a span that the exchange no longer has");
                if (number(row, "trip_ms") > 0)
                        printf(", on the way %" JSON_INTEGER_FORMAT " ms", number(row, "trip_ms"));
                if (number(row, "expected") > 0)
                        printf(", of strangers expected %" JSON_INTEGER_FORMAT,
                               number(row, "expected"));
                if (number(row, "shut_for_ms") > 0)
                        printf(", shut for %" JSON_INTEGER_FORMAT " ms more",
                               number(row, "shut_for_ms"));
                putchar('\n');
                json_array_foreach(json_object_get(row, "windows"), k, window)
                        draw_window(window, number(row, "limit"), is_terminal);
        }
}

static void draw_others(const json_t *p)
{
        json_t *row, *kind, *value;
        const char *key;
        size_t i, k;

        title("pacing", json_object_get(p, "pacing"));
        json_array_foreach(json_object_get(p, "pacing"), i, row)
                printf("  %" JSON_INTEGER_FORMAT " a minute, burst %" JSON_INTEGER_FORMAT
                       ": %.1f tokens\n",
                       number(row, "requests_per_minute"), number(row, "burst"),
                       json_real_value(json_object_get(row, "tokens")));
        title("keys", json_object_get(p, "keys"));
        json_array_foreach(json_object_get(p, "keys"), i, row)
                printf("  %-12s %s%s%s%s\n", text(row, "key"),
                       text(row, "name")[0] ? "of account " : "of no account with a name",
                       text(row, "name"),
                       json_is_true(json_object_get(row, "both_are_charged"))
                               ? "; its own budgets are charged as well"
                               : "",
                       text(row, "twin_key")[0] ? "; another key seems to be the same account's"
                                                : "");
        title("costs seen", json_object_get(p, "evidence"));
        json_array_foreach(json_object_get(p, "evidence"), i, row)
                json_array_foreach(json_object_get(row, "kinds"), k, kind)
                        printf("  %-50s %" JSON_INTEGER_FORMAT " in most of %" JSON_INTEGER_FORMAT
                               " samples\n",
                               text(kind, "what"), number(kind, "cost"), number(kind, "samples"));
        title("slots of no kind", json_object_get(p, "other_slots"));
        json_array_foreach(json_object_get(p, "other_slots"), i, row)
                printf("  slot %" JSON_INTEGER_FORMAT ", key %s: %s\n", number(row, "slot"),
                       text(row, "key"),
                       number(row, "pool") == 0 && number(row, "span_ms") == 0
                               ? "claimed and not named yet: whoever needs it will"
                               : "of a pool that this weir does not know");
        puts("\ncounters");
        json_object_foreach(json_object_get(p, "counters"), key,
                            value) if (json_integer_value(value) > 0)
                printf("  %-24s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
}

void region_draw(const json_t *picture, bool is_terminal)
{
        draw_file(picture);
        if (!json_object_get(picture, "slots"))
                return;
        draw_exchanges(picture);
        draw_stops(picture);
        draw_rules(picture);
        draw_hosts(picture);
        draw_pools(picture);
        draw_budgets(picture, is_terminal);
        draw_others(picture);
}
