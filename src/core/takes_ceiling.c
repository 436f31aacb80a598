/*
 * What of a window is for the class of a take: what is not kept for strangers and for orders, as
 * far as its ceiling is open.
 */
#include "core/lease.h"
#include "core/orders.h"
#include "core/strangers.h"
#include "core/takes.h"
#include "core/trip.h"

/* From a ceiling that has opened to a request that leaves: a timer and a wake-up. */
#define LEAD_MORE_MS 4
/* Cancels leave so small a part of what strangers are expected to use. */
#define CANCEL_PART 4
/* Orders are left so small a part of a limit at most: it may turn out that nobody wanted it. */
#define KEPT_MOST_PART 200
/* For such a part of the time that all ceilings are open what is larger than what is kept comes
 * after what is not. */
#define LARGE_PART 8

/* Of a budget that is shared with other hosts nobody but the store can tell others from strangers:
 * it keeps free what those will use. */
static bool has_strangers(const struct limiter_take *take)
{
        return strangers_are_known(take->window.slot) && !take->window.shared;
}

/*
 * What of a window is for us. Cancels and what closes use a part of what is kept for strangers:
 * they are few, and cannot wait.
 */
static uint32_t ours_of(const struct limiter_take *take, enum weir_class class, uint64_t number,
                        uint64_t at_ms)
{
        uint32_t expected;

        if (UNLIKELY(take->window.shared != NULL))
                return lease_cap(&take->window, number, at_ms);
        expected = strangers_expected(&take->window, number, at_ms);
        if (UNLIKELY(expected > 0) && class == CLASS_CANCEL && expected < take->window.limit)
                expected /= CANCEL_PART;
        return take->window.limit - expected;
}

/* What leaves later than the lead before the turn is charged to both windows. Where one at a time
 * leaves (core/alone.h) the last of all waits for an answer before. */
static struct ceiling_window window_of(const struct limiter_take *take, uint32_t limit,
                                       uint32_t guard_ms)
{
        uint32_t trips = UNLIKELY(has_strangers(take)) ? 2 : 1;

        return (struct ceiling_window){
                .limit = limit,
                .span_ms = take->window.span_ms,
                .lead_ms = trips * trip_most_ms(take->window.slot) + guard_ms + LEAD_MORE_MS,
        };
}

/* How long window @number of @take still lasts at @at_ms. */
static uint64_t rest_of(const struct limiter_take *take, uint64_t number, uint64_t at_ms)
{
        uint64_t turn_ms = (number + 1) * take->window.span_ms;

        return at_ms < turn_ms ? turn_ms - at_ms : 0;
}

void take_note_order(const struct limiter_take *take, uint64_t left_ms, uint32_t guard_ms)
{
        struct ceiling_window w = window_of(take, take->window.limit, guard_ms);

        if (take->has_ceilings)
                orders_note(take->window.slot, take->number, take->amount,
                            rest_of(take, take->number, left_ms), w.lead_ms);
}

/* Whether @used is so near to the limit that it may not be for all. */
static bool may_be_kept(uint32_t limit, uint64_t used)
{
        return used + limit / 16 + 1 >= limit;
}

static uint32_t most_kept(uint32_t limit)
{
        return limit < KEPT_MOST_PART ? 1 : limit / KEPT_MOST_PART;
}

/*
 * What is kept for strangers is more than for orders, and cancels may use a part of it. Once all
 * are open a request that is larger than what is kept may have it too, after those that are not;
 * where orders are there, only if much would lie idle else: or each would leave them less and less.
 * *ret_is_wanted: orders were seen of late, and are to find it.
 */
static uint32_t kept_of(const struct limiter_take *take, const struct ceilings *c,
                        enum weir_class class, uint64_t number, uint64_t at_ms,
                        const struct ceiling_window *w, bool *ret_is_wanted)
{
        uint64_t rest_ms = rest_of(take, number, at_ms);
        uint32_t most = most_kept(w->limit), kept, want;

        if (has_strangers(take) || c->pct[class] == 100)
                return 0;
        kept = ceiling_kept(c, class, w->limit);
        want = class <= CLASS_ORDER
                       ? 0
                       : orders_want(take->window.slot, number, most, rest_ms, w->lead_ms);
        *ret_is_wanted = want > 0;
        if (want > kept)
                kept = want;
        if (take->amount <= kept || (want > 0 && rest_ms + w->lead_ms / LARGE_PART > w->lead_ms))
                return kept;
        if (want == 0)
                return 0;
        /* So much and no more may lie idle because it is refused what is there. */
        if (take->amount >= most)
                return 0;
        return take->amount + kept <= most ? kept : most - take->amount;
}

/* Orders' own ceiling may still be below the limit: kept is below that. */
static uint32_t less_kept(const struct limiter_take *take, const struct ceilings *c,
                          enum weir_class class, uint64_t number, uint64_t at_ms,
                          const struct ceiling_window *w, uint32_t ceiling)
{
        uint64_t turn_ms = number * take->window.span_ms;
        bool is_wanted = false;
        uint32_t kept = kept_of(take, c, class, number, at_ms, w, &is_wanted);
        uint32_t most =
                is_wanted ? ceiling_at(c, CLASS_ORDER, *w, at_ms > turn_ms ? at_ms - turn_ms : 0)
                          : w->limit;

        return most > kept + ceiling ? ceiling : most > kept ? most - kept : 0;
}

/*
 * What was carried into a window is in the way until a header of one that left in it proves that it
 * is not counted there. While none has left nothing can be proved, and where what was carried is
 * more than all shares nobody would leave before the ceilings open: so the first one may have what
 * the limit leaves.
 */
static bool wants_news(const struct limiter_take *take, uint64_t number)
{
        struct window_view view;

        /* Where others are the shares are what one of their bursts finds still free. */
        if (has_strangers(take))
                return false;
        window_look(&take->window, number, &view);
        return view.spent == view.held && view.extra > view.foreign;
}

uint32_t take_ceiling(const struct limiter_take *take, const struct ceilings *c,
                      enum weir_class class, uint64_t number, uint64_t at_ms, uint32_t guard_ms)
{
        uint64_t turn_ms = number * take->window.span_ms;
        uint32_t limit = ours_of(take, class, number, at_ms), ceiling;
        struct ceiling_window w;

        if (!take->has_ceilings)
                return limit;
        w = window_of(take, limit, guard_ms);
        ceiling = wants_news(take, number)
                          ? limit
                          : ceiling_at(c, class, w, at_ms > turn_ms ? at_ms - turn_ms : 0);
        if (may_be_kept(limit, ceiling))
                ceiling = less_kept(take, c, class, number, at_ms, &w, ceiling);
        /* What alone is above its class' share may still have a window that is otherwise empty. */
        if (ceiling < take->amount)
                ceiling = take->window.shared && limit < take->amount ? limit : take->amount;
        return ceiling;
}

/* What is kept for strangers and orders, and the ceiling, are only ever in the way less as time
 * goes by. */
static uint64_t melts_ms(const struct limiter_take *take, const struct ceilings *c,
                         enum weir_class class, uint64_t number, uint64_t used,
                         struct limiter_time time)
{
        uint64_t early_ms = time.now_ms, late_ms = (number + 1) * take->window.span_ms - 1;

        if (early_ms >= late_ms ||
            take_ceiling(take, c, class, number, late_ms, time.guard_ms) < used)
                return UINT64_MAX;
        while (late_ms - early_ms > 1) {
                uint64_t middle_ms = early_ms + (late_ms - early_ms) / 2;

                if (take_ceiling(take, c, class, number, middle_ms, time.guard_ms) < used)
                        early_ms = middle_ms;
                else
                        late_ms = middle_ms;
        }
        return late_ms;
}

uint64_t take_reaches_ms(const struct limiter_take *take, const struct ceilings *c,
                         enum weir_class class, uint64_t number, uint64_t used,
                         struct limiter_time time)
{
        uint32_t limit = lease_cap(&take->window, number, time.now_ms);
        uint64_t into_ms = 0;

        if (UNLIKELY(has_strangers(take)) ||
            (take->has_ceilings && used > take->amount &&
             (may_be_kept(limit, used) || wants_news(take, number))))
                return melts_ms(take, c, class, number, used, time);
        if (used > take->amount && take->has_ceilings)
                into_ms = ceiling_reaches(c, class, window_of(take, limit, time.guard_ms), used);
        else if (used > limit)
                into_ms = UINT64_MAX;
        return into_ms == UINT64_MAX ? UINT64_MAX : number * take->window.span_ms + into_ms;
}
