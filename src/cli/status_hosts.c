#include "cli/status_hosts.h"

#include <stdio.h>

void status_print_hosts(const struct look_hosts *h)
{
        if (!h->are_sharing)
                return;
        if (!h->was_answered)
                printf("%-18s the store has not answered yet: nothing may be sent\n", "hosts");
        else if (h->is_waiting)
                printf("%-18s the store answers, and has granted nothing for %llu s, until other "
                       "hosts "
                       "have told it what they were granted: this host goes on with its share "
                       "(event=store_waits in the log says for whom it waits)\n",
                       "hosts", (unsigned long long)h->waits_s);
        else if (!h->is_away)
                printf("%-18s %llu share these budgets, the store is there\n", "hosts",
                       (unsigned long long)h->n_seen);
        else if (h->share_s > 0)
                printf("%-18s the store is away for %llu s: this host goes on with its share, for "
                       "%llu s more\n",
                       "hosts", (unsigned long long)h->away_s, (unsigned long long)h->share_s);
        else
                printf("%-18s the store is away for %llu s: this host's share is over, and nothing "
                       "is sent that needs it\n",
                       "hosts", (unsigned long long)h->away_s);
}
