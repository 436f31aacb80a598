/*
 * What the log says of the store and of the other hosts.
 */
#include "base/log.h"
#include "core/sharing.h"
#include "gateway/hosts.h"
#include "gateway/state.h"
#include "lease/store.h"

#include <stdio.h>
#include <string.h>

/* Why nothing comes of it is said again when it is another reason, at most so often. */
#define AGAIN_US (10000 * US_PER_MS)

/* Return: whether @why is to be said now; then it counts as said. */
static bool is_to_say(struct hosts_said *said, const char *why, uint64_t now_us)
{
        if (strcmp(said->why, why) == 0 || (said->why[0] && now_us < said->at_us + AGAIN_US))
                return false;
        (void)snprintf(said->why, sizeof(said->why), "%s", why);
        said->at_us = now_us;
        return true;
}

/* With what it goes on. */
static void say_away(struct gateway *g)
{
        struct hosts *h = &g->hosts;
        struct sharing sharing;
        char then[160] = "nothing is sent that is shared until the store has been reached: this "
                         "host has no share";

        hosts_look(g, &sharing);
        if (sharing.has_share)
                (void)snprintf(then, sizeof(then),
                               "each budget goes on with this host's share of it, for %llu s",
                               (unsigned long long)((sharing.share_until_ms - sharing.now_ms) /
                                                    MS_PER_SECOND));
        else if (sharing.state == SHARING_UNREACHED)
                (void)snprintf(then, sizeof(then),
                               "nothing is sent until the store has been reached once: it has "
                               "granted this host nothing yet");
        log_event(LOG_WARN, "store_away", "store=%s why=\"%s\" then=\"%s\"", store_place(h->store),
                  h->why, then);
}

void hosts_say_away(struct gateway *g, const char *why)
{
        struct hosts *h = &g->hosts;
        uint64_t now_us = loop_now_us(g->loop);

        (void)snprintf(h->why, sizeof(h->why), "%s", why);
        if (!h->is_away) {
                h->is_away = true;
                h->away_said.why[0] = '\0';
                (void)is_to_say(&h->away_said, h->why, now_us);
                counter_add(g->region.header, COUNTER_store_away);
                say_away(g);
        } else if (is_to_say(&h->away_said, h->why, now_us)) {
                log_event(LOG_WARN, "store_still_away", "store=%s why=\"%s\"",
                          store_place(h->store), h->why);
        }
}

void hosts_say_refused(struct gateway *g, const char *why)
{
        struct hosts *h = &g->hosts;

        (void)snprintf(h->why, sizeof(h->why), "%s", why);
        if (is_to_say(&h->refused_said, h->why, loop_now_us(g->loop)))
                log_event(LOG_ERROR, "store_refuses", "why=\"%s\"", h->why);
}

/* Why nothing is granted, or that it is. */
static void say_waits(struct gateway *g, const char *wait)
{
        struct hosts *h = &g->hosts;
        uint64_t now_us = loop_now_us(g->loop);

        if (wait[0] == '\0' && h->waits[0] != '\0')
                log_event(LOG_INFO, "store_grants", "for_ms=%llu",
                          (unsigned long long)((now_us - h->waits_since_us) / US_PER_MS));
        if (wait[0] == '\0') {
                h->waits[0] = h->waits_said.why[0] = '\0';
                return;
        }
        if (h->waits[0] == '\0')
                h->waits_since_us = now_us;
        (void)snprintf(h->waits, sizeof(h->waits), "%s", wait);
        if (is_to_say(&h->waits_said, h->waits, now_us))
                log_event(LOG_INFO, "store_waits", "why=\"%s\"", h->waits);
}

/* People tell hosts by their names. */
static void say_namesake(struct hosts *h, uint64_t number)
{
        char hex[OP_HEX_SIZE];

        if (number == 0 || number == h->namesake)
                return;
        h->namesake = number;
        op_hex(number, hex);
        log_event(LOG_WARN, "same_name",
                  "name=%s number=%s why=\"another host has this host's name: call one of them "
                  "otherwise (store.host), or, where that one is gone for good, weir store forget "
                  "%s\"",
                  h->name, hex, hex);
}

void hosts_say_there(struct gateway *g, const struct op_answer *answer)
{
        struct hosts *h = &g->hosts;

        if (h->is_away || !h->was_there)
                log_event(LOG_INFO, h->was_there ? "store_back" : "store_up",
                          "store=%s host=%s hosts=%zu", store_place(h->store), h->name,
                          answer->n_roster);
        h->is_away = false;
        h->was_there = true;
        h->why[0] = h->refused_said.why[0] = '\0';
        say_namesake(h, answer->namesake);
        if (!answer->is_again)
                say_waits(g, answer->wait);
}

void hosts_say_guests(const struct op_news *news)
{
        for (size_t i = 0; i < news->n_joined; ++i)
                log_event(LOG_INFO, "host_joined", "name=%s number=%016llx", news->joined[i].name,
                          (unsigned long long)news->joined[i].host);
        for (size_t i = 0; i < news->n_left; ++i)
                log_event(LOG_INFO, "host_gone", "name=%s number=%016llx", news->left[i].name,
                          (unsigned long long)news->left[i].host);
}
