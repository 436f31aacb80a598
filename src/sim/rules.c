/*
 * The rules of the ledger: what a fresh one has, and how people write them.
 */
#include "sim/ledger.h"

#include <errno.h>
#include <string.h>

/* The ladder is a guess: only its ends, two minutes and three days, are published. */
static const uint64_t ladder_s[] = { 120, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600 };

static const struct {
        const char *name;
        enum pool pool;
        enum limit_type type;
        struct limit limit;
} table[] = {
#define LIMIT(id, name, pool, type, limit, span_s)                                                 \
        { name, POOL_##pool, LIMIT_##type, { limit, span_s } },
#include "sim/limits.def"
};

static const char *const pool_names[] = {
#define POOL(id, name, shut_by) [POOL_##id] = name,
#include "sim/limits.def"
};

static const struct {
        uint32_t seconds;
        char letter;
        const char *name;
} units[] = {
        { 86400, 'd', "DAY" },
        { 3600, 'h', "HOUR" },
        { 60, 'm', "MINUTE" },
        { 1, 's', "SECOND" },
};

void ledger_rules_init(struct ledger_rules *rules)
{
        *rules = (struct ledger_rules){
                .n_bans = ARRAY_SIZE(ladder_s),
                .ban_after = 10,
                .ban_factor = 2,
                .strike_memory_s = 86400,
                .firewall_s = 300,
                .maker_decrement = 5,
        };
        memcpy(rules->ban_s, ladder_s, sizeof(ladder_s));
        for (size_t i = 0; i < ARRAY_SIZE(table); ++i)
                rules->limits[table[i].pool][table[i].type] = table[i].limit;
}

static int parse_span(struct str text, uint32_t *ret_span_s)
{
        uint64_t n, seconds = 0;
        char letter = text.n ? text.p[text.n - 1] : 0;

        for (size_t i = 0; i < ARRAY_SIZE(units); ++i)
                if (units[i].letter == letter)
                        seconds = units[i].seconds;
        if (seconds)
                text.n -= 1;
        else
                seconds = 1;
        if (str_to_u64(text, &n) < 0 || n == 0 || n > 86400 * 31 / seconds)
                return -EINVAL;
        *ret_span_s = (uint32_t)(n * seconds);
        return 0;
}

int ledger_rules_set(struct ledger_rules *rules, struct str text, const char **ret_why)
{
        struct str name, limit;
        struct limit value = { 0, 0 };

        if (!str_split(&text, '=', &name) || !str_split(&text, '/', &limit)) {
                *ret_why = "want NAME=LIMIT/SPAN, like spot-weight=6000/60s";
                return -EINVAL;
        }
        if (str_to_u64(limit, &value.limit) < 0 || value.limit > UINT32_MAX) {
                *ret_why = "the limit must be a whole number";
                return -EINVAL;
        }
        if (text.n > 0 && parse_span(text, &value.span_s) < 0) {
                *ret_why = "the span must be whole seconds, like 10s, 1m, 1d";
                return -EINVAL;
        }
        for (size_t i = 0; i < ARRAY_SIZE(table); ++i) {
                struct limit *to = &rules->limits[table[i].pool][table[i].type];

                if (!str_eq(str_trim(name), str_of(table[i].name)))
                        continue;
                to->limit = value.limit;
                if (value.span_s)
                        to->span_s = value.span_s;
                return 0;
        }
        *ret_why = "there is no limit of this name; weir sim --help lists them";
        return -EINVAL;
}

int ledger_rules_set_bans(struct ledger_rules *rules, struct str text)
{
        uint64_t steps[LADDER_MAX] = { 0 };
        struct str part;
        size_t n = 0;

        while (str_split(&text, ',', &part)) {
                uint64_t seconds;

                if (n == LADDER_MAX || str_to_u64(str_trim(part), &seconds) < 0 ||
                    seconds > 365 * 86400)
                        return -EINVAL;
                if (seconds > 0)
                        steps[n++] = seconds;
        }
        memcpy(rules->ban_s, steps, n * sizeof(steps[0]));
        rules->n_bans = n;
        return 0;
}

int ledger_rules_set_any(struct ledger_rules *rules, struct str text, const char **ret_why)
{
        struct str name, rest = text;

        if (str_split(&rest, '=', &name) && str_eq(name, STR_LITERAL("ban"))) {
                *ret_why = "want seconds, like ban=120,300";
                return ledger_rules_set_bans(rules, rest);
        }
        if (str_eq(name, STR_LITERAL("ban-after"))) {
                *ret_why = "want a number, like ban-after=10";
                return str_to_u64(rest, &rules->ban_after);
        }
        return ledger_rules_set(rules, text, ret_why);
}

const char *pool_name(enum pool pool)
{
        return pool < POOL_COUNT ? pool_names[pool] : "none";
}

const char *limit_name(enum pool pool, enum limit_type type)
{
        for (size_t i = 0; i < ARRAY_SIZE(table); ++i)
                if (table[i].pool == pool && table[i].type == type)
                        return table[i].name;
        return NULL;
}

const char *limit_unit(uint32_t span_s, uint32_t *ret_n)
{
        size_t i = 0;

        while (i + 1 < ARRAY_SIZE(units) && (span_s == 0 || span_s % units[i].seconds != 0))
                ++i;
        *ret_n = span_s / units[i].seconds;
        return units[i].name;
}
