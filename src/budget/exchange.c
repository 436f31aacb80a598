#include "budget/exchange.h"

#include <stdio.h>

_Static_assert(POLICY_GROUP_COUNT <= REGION_EXCHANGES, "each group has a word");

static uint64_t name_hash(const char *name, size_t n)
{
        uint64_t hash = region_hash(name, n);

        return hash ? hash : 1;
}

/* Names such as testnet and demo-fapi: money that is none, and counters of their own. */
static bool is_testnet(struct str host)
{
        struct str label;

        while (str_split(&host, '.', &label))
                if (str_has_prefix_nocase(label, STR_LITERAL("testnet")) ||
                    str_has_prefix_nocase(label, STR_LITERAL("demo")))
                        return true;
        return false;
}

bool exchange_is_binance(struct str host)
{
        struct str domain = STR_LITERAL(".binance.com");

        return host.n > domain.n &&
               str_eq_nocase(str_from(host.p + host.n - domain.n, domain.n), domain) &&
               !is_testnet(host);
}

uint64_t exchange_of_host(struct str host, uint16_t port)
{
        char name[320];
        int n;

        if (exchange_is_binance(host))
                return name_hash("binance", 7);
        /* A DNS name has 253 characters at most. */
        n = snprintf(name, sizeof(name), "%.*s:%u", host.n < 300 ? (int)host.n : 300, host.p,
                     (unsigned)port);
        must(n > 0 && (size_t)n < sizeof(name));
        for (char *c = name; *c; ++c)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char)(*c | 0x20);
        return name_hash(name, (size_t)n);
}

uint64_t exchange_of_socket(struct str path)
{
        char name[320];
        int n = snprintf(name, sizeof(name), "unix:%.*s", path.n < 300 ? (int)path.n : 300, path.p);

        must(n > 0 && (size_t)n < sizeof(name));
        return name_hash(name, (size_t)n);
}

uint64_t exchange_at(bool is_socket, struct str host_or_path, uint16_t port)
{
        return is_socket ? exchange_of_socket(host_or_path) : exchange_of_host(host_or_path, port);
}

void exchange_say_other(enum policy_group group, const char *url, char *to, size_t size)
{
        snprintf(to, size,
                 "the region's budgets and bans of /%s are of another exchange than %s; name "
                 "another region, or stop the programs that use this one and delete it",
                 policy_group_name(group), url);
}

int exchange_bind(struct region *region, const uint64_t exchanges[POLICY_GROUP_COUNT],
                  enum policy_group *ret_group)
{
        word_t *words = region->header->exchanges;
        bool is_new = false;

        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g) {
                uint64_t bound = atomic_load_explicit(&words[g], memory_order_relaxed);

                *ret_group = (enum policy_group)g;
                if (exchanges[g] != 0 && bound != 0 && bound != exchanges[g])
                        return EXCHANGE_OTHER;
        }
        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g) {
                uint64_t bound = 0;

                *ret_group = (enum policy_group)g;
                if (exchanges[g] == 0)
                        continue;
                /* Relaxed: a word that is written once, of which no other word depends. */
                if (atomic_compare_exchange_strong_explicit(&words[g], &bound, exchanges[g],
                                                            memory_order_relaxed,
                                                            memory_order_relaxed))
                        is_new = true;
                else if (bound != exchanges[g])
                        return EXCHANGE_OTHER;
        }
        /* As a ban is: who finds the ban after a power cut finds whose it is. */
        if (is_new)
                region_sync(region);
        return 0;
}
