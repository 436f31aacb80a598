#include "cli/status_hosts.h"

#include "core/lease.h"
#include "lease/op.h"

#include <stdio.h>

static uint64_t load(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_relaxed);
}

static uint64_t since(uint64_t then_ms, uint64_t now_ms)
{
        return then_ms != 0 && now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;
}

static uint64_t until(uint64_t then_ms, uint64_t now_ms)
{
        return then_ms > now_ms ? (then_ms - now_ms) / 1000 : 0;
}

json_t *status_hosts(const struct region *region, uint64_t now_ms)
{
        const struct lease_header *lease = region->lease;
        char hex[OP_HEX_SIZE];
        json_t *away;

        if (!lease_region(region))
                return json_null();
        op_hex(lease->host, hex);
        away = load(&lease->away_ms) == 0
                       ? json_null()
                       : json_integer((json_int_t)since(load(&lease->away_ms), now_ms));
        return json_pack("{s:s, s:I, s:b, s:o, s:I}", "host", hex, "seen",
                         (json_int_t)load(&lease->n_hosts), "was_answered",
                         load(&lease->answered_ms) != 0, "away_for_s", away, "share_for_s",
                         (json_int_t)until(load(&lease->share_until_ms), now_ms));
}

void status_print_hosts(const struct region *region, uint64_t now_ms)
{
        const struct lease_header *lease = region->lease;
        uint64_t away_ms = load(&lease->away_ms), until_ms = load(&lease->share_until_ms);

        if (!lease_region(region))
                return;
        if (load(&lease->answered_ms) == 0)
                printf("%-18s the store has not answered yet: nothing may be sent\n", "hosts");
        else if (away_ms == 0)
                printf("%-18s %llu share these budgets, the store is there\n", "hosts",
                       (unsigned long long)load(&lease->n_hosts));
        else if (until_ms > now_ms)
                printf("%-18s the store is away for %llu s: this host goes on with its share, for "
                       "%llu s more\n",
                       "hosts", (unsigned long long)since(away_ms, now_ms),
                       (unsigned long long)until(until_ms, now_ms));
        else
                printf("%-18s the store is away for %llu s: this host's share is over, and nothing "
                       "is sent that needs it\n",
                       "hosts", (unsigned long long)since(away_ms, now_ms));
}

int64_t status_cap(const struct window *w, uint64_t number, uint64_t now_ms)
{
        return w->shared ? (int64_t)lease_cap(w, number, now_ms) : -1;
}
