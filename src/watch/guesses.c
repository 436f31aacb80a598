#include "watch/guesses.h"

#include "base/str.h"

uint64_t guesses_wait_s(const struct guesses *g, const char *peer, uint64_t now_us)
{
        uint64_t first_us = UINT64_MAX, first_of_peer_us = UINT64_MAX, from_us = 0;
        unsigned n = 0, n_of_peer = 0;

        for (size_t i = 0; i < GUESSES_OF_ALL; ++i) {
                const struct guess *one = &g->all[i];

                if (one->at_us == 0 || now_us - one->at_us >= GUESSES_SPAN_US)
                        continue;
                ++n;
                if (one->at_us < first_us)
                        first_us = one->at_us;
                if (strcmp(one->peer, peer) != 0)
                        continue;
                ++n_of_peer;
                if (one->at_us < first_of_peer_us)
                        first_of_peer_us = one->at_us;
        }
        if (n_of_peer >= GUESSES_OF_PEER)
                from_us = first_of_peer_us;
        if (n == GUESSES_OF_ALL && first_us > from_us)
                from_us = first_us;
        if (from_us == 0)
                return 0;
        return (from_us + GUESSES_SPAN_US - now_us + US_PER_SECOND - 1) / US_PER_SECOND;
}

void guesses_wrong(struct guesses *g, const char *peer, uint64_t now_us)
{
        struct guess *one = &g->all[g->next];

        one->at_us = now_us > 0 ? now_us : 1;
        str_copy(str_of(peer), one->peer, sizeof(one->peer));
        g->next = (g->next + 1) % GUESSES_OF_ALL;
}
