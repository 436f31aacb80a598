/*
 * How it stands with what is shared, for who is told: and the gateway without a store on a region
 * that shares, which says once that nobody speaks for it.
 */
#include "base/log.h"
#include "core/lease.h"
#include "core/sharing.h"
#include "gateway/hosts.h"
#include "gateway/state.h"
#include "lease/keeper.h"

/* A keeper is never silent for so long. */
_Static_assert(SHARING_SILENT_MS > KEEPER_ROUTINE_MS, "who has nothing to say is not away");

void hosts_look(struct gateway *g, struct sharing *ret)
{
        struct keeper_time time;

        hosts_time(g, &time);
        sharing_look(&g->region, time.best.now_ms, ret);
}

void hosts_watch(struct gateway *g)
{
        struct hosts *h = &g->hosts;
        struct sharing sharing;
        bool was_unspoken = h->is_unspoken;
        char words[SHARING_WORDS_SIZE];

        if (h->is_sharing || !g->settings.limits || g->shadow)
                return;
        h->is_unspoken = false;
        if (!lease_region(&g->region))
                return;
        hosts_look(g, &sharing);
        h->is_unspoken = sharing.state == SHARING_UNSPOKEN;
        if (h->is_unspoken && !was_unspoken)
                log_event(LOG_WARN, "shares_without_store", "why=\"%s\"",
                          sharing_words(&sharing, words));
}
