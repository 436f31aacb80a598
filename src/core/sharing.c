#include "core/sharing.h"

#include "core/lease.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_MS (24 * 3600 * MS_PER_SECOND)

static uint64_t load(const word_t *word)
{
        /* Relaxed: a picture, of which no other word depends on another. */
        return atomic_load_explicit(word, memory_order_relaxed);
}

/*
 * Asked as a process that locks nothing, so that this very process's lock is seen as well: locks of
 * an open file are others' to it. What nobody else maps has no lock, and its process is the keeper.
 */
static bool has_keeper(const struct region *region)
{
        struct flock lock = sharing_lock(F_WRLCK, SHARING_KEEPER_BYTE);

        return region->fd < 0 || fcntl(region->fd, F_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

static bool has_share(const struct region *region)
{
        for (size_t i = 0; i < REGION_SLOTS; ++i)
                if ((uint32_t)load(&region->leases[i].share) != 0)
                        return true;
        return false;
}

/* No answer for longer than a keeper is silent: it stands still, or its end of the way does. */
static bool is_silent(const struct sharing *s, uint64_t answered_ms)
{
        return s->now_ms >= s->share_until_ms || s->now_ms >= answered_ms + SHARING_SILENT_MS;
}

void sharing_look(const struct region *region, uint64_t now_ms, struct sharing *ret)
{
        const struct lease_header *lease = region->lease;
        uint64_t answered_ms, away_ms, waits_ms, refused_ms;

        *ret = (struct sharing){ .state = SHARING_NONE, .now_ms = now_ms };
        if (!lease_region(region))
                return;
        answered_ms = load(&lease->answered_ms);
        away_ms = load(&lease->away_ms);
        waits_ms = load(&lease->waits_ms);
        refused_ms = load(&lease->refused_ms);
        ret->share_until_ms = load(&lease->share_until_ms);
        ret->has_share = now_ms < ret->share_until_ms && has_share(region);
        ret->since_ms = away_ms != 0 ? away_ms : answered_ms;
        if (!has_keeper(region)) {
                ret->state = SHARING_UNSPOKEN;
        } else if (refused_ms != 0) {
                ret->state = SHARING_REFUSED;
                ret->since_ms = refused_ms;
        } else if (answered_ms == 0) {
                ret->state = SHARING_UNREACHED;
        } else if (away_ms != 0 || is_silent(ret, answered_ms)) {
                ret->state = SHARING_AWAY;
        } else {
                ret->state = waits_ms != 0 ? SHARING_WAITS : SHARING_GOOD;
                ret->since_ms = waits_ms;
        }
}

const char *sharing_name(enum sharing_state state)
{
        static const char *const names[] = {
                [SHARING_NONE] = "none",         [SHARING_GOOD] = "ok",
                [SHARING_WAITS] = "waiting",     [SHARING_REFUSED] = "refused",
                [SHARING_AWAY] = "away",         [SHARING_UNREACHED] = "starting",
                [SHARING_UNSPOKEN] = "unspoken",
        };

        must((unsigned)state < ARRAY_SIZE(names));
        return names[state];
}

/* Cut where there is no more room. */
PRINTF(2, 3) static void add(char to[SHARING_WORDS_SIZE], const char *format, ...)
{
        size_t n = strlen(to);
        va_list args;

        va_start(args, format);
        (void)vsnprintf(to + n, SHARING_WORDS_SIZE - n, format, args);
        va_end(args);
}

/* " since 09:12:44 UTC": a time stays the same while a state does, so who is told of changes only
 * is not told each second. The day where it is another one. */
static void add_time(char to[SHARING_WORDS_SIZE], const char *which, uint64_t at_ms,
                     uint64_t now_ms)
{
        bool is_today = at_ms / DAY_MS == now_ms / DAY_MS;
        time_t at = (time_t)(at_ms / MS_PER_SECOND);
        char text[32];
        struct tm parts;

        if (at_ms != 0 && gmtime_r(&at, &parts) &&
            strftime(text, sizeof(text), is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &parts) > 0)
                add(to, " %s %s UTC", which, text);
}

static void add_cause(const struct sharing *s, char to[SHARING_WORDS_SIZE])
{
        switch (s->state) {
        case SHARING_WAITS:
                add(to, "the store grants nothing");
                add_time(to, "since", s->since_ms, s->now_ms);
                add(to, ", until other hosts have told it what they were granted "
                        "(event=store_waits in the log says for whom it waits)");
                break;
        case SHARING_REFUSED:
                add(to, "the store refuses this host");
                add_time(to, "since", s->since_ms, s->now_ms);
                add(to, " (event=store_refuses in the log says why)");
                break;
        case SHARING_AWAY:
                add(to, "the store is away");
                add_time(to, "since", s->since_ms, s->now_ms);
                break;
        case SHARING_UNREACHED:
                add(to, "the store has granted this host nothing yet: nothing is sent until it has "
                        "been reached once (event=store_away in the log says what is in the way)");
                break;
        case SHARING_UNSPOKEN:
                add(to, "no gateway with a store speaks for this host: start weir gateway --store, "
                        "or, to share no more, weir region unshare");
                break;
        default:
                break;
        }
}

static void add_share(const struct sharing *s, char to[SHARING_WORDS_SIZE])
{
        if (s->has_share) {
                add(to, "; this host goes on with its share");
                add_time(to, "until", s->share_until_ms, s->now_ms);
        } else if (s->share_until_ms != 0 && s->now_ms >= s->share_until_ms) {
                add(to, "; this host's share is over");
                add_time(to, "since", s->share_until_ms, s->now_ms);
                add(to, ", and nothing is sent that needs it");
        } else if (s->state != SHARING_UNREACHED) {
                add(to, "; this host has no share, and nothing is sent that needs one");
        }
}

const char *sharing_words(const struct sharing *s, char to[SHARING_WORDS_SIZE])
{
        to[0] = '\0';
        if (s->state == SHARING_NONE || s->state == SHARING_GOOD)
                return to;
        add_cause(s, to);
        add_share(s, to);
        return to;
}

const char *sharing_refusal(const struct region *region, const char *budget, uint64_t now_ms,
                            uint64_t *at_ms, char to[SHARING_WORDS_SIZE])
{
        struct sharing s;

        to[0] = '\0';
        sharing_look(region, now_ms, &s);
        if (sharing_is_stuck(&s) && *at_ms < now_ms + SHARING_AGAIN_MS)
                *at_ms = now_ms + SHARING_AGAIN_MS;
        if (s.state == SHARING_NONE || s.state == SHARING_GOOD) {
                add(to,
                    "this host has used its part of the budget %s, which it shares with other "
                    "hosts, and was granted no more of it in time",
                    budget);
                return to;
        }
        if (s.has_share)
                add(to, "this host has used its share of the budget %s, and ", budget);
        else
                add(to, "the budget %s is shared with other hosts, and ", budget);
        add_cause(&s, to);
        if (s.state == SHARING_AWAY && !s.has_share)
                add_share(&s, to);
        return to;
}
