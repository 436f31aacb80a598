#include "cli/status_hosts.h"

#include <stdio.h>

void status_print_hosts(const struct look_hosts *h)
{
        char words[SHARING_WORDS_SIZE];

        if (!h->are_sharing)
                return;
        if (h->sharing.state == SHARING_GOOD)
                printf("%-18s %llu share these budgets, the store is there\n", "hosts",
                       (unsigned long long)h->n_seen);
        else
                printf("%-18s %s\n", "hosts", sharing_words(&h->sharing, words));
}
