#include "core/alone.h"

#include "core/strangers.h"
#include "core/trip.h"
#include "core/word.h"

/* Of a limit: where nobody was seen, this part of it at the end is what it is about. */
#define LAST_PART 5
/* Of the time that is left so much in a hundred is enough for it. */
#define ENOUGH_PCT 75
/* From an answer to the next one that leaves: timers and a wake-up. */
#define BETWEEN_MS 2
/* So many of the usual trips, and a little, and it is not waited for any more. */
#define TRIPS    2
#define TRIPS_MS 4
/* Into so many parts of a trip the wait for an answer is cut. */
#define LOOKS 16
/* Fewer trips than this are not enough for anything. */
#define LEAST_TRIPS 4

static uint64_t trip_ms(const struct window *w)
{
        uint32_t most = trip_most_ms(w->slot);

        return most > 0 ? most : 1;
}

/* What can still be used in window @number one by one, until what leaves is charged to two. */
static uint64_t pace(const struct limiter_take *take, uint64_t number, struct limiter_time time)
{
        const struct window *w = &take->window;
        uint64_t end_ms = (number + 1) * w->span_ms, each = w->limit / ALONE_TYPICAL_PART + 1;
        uint64_t lead_ms = trip_ms(w) + time.guard_ms;
        uint64_t one_ms = trip_ms(w) + BETWEEN_MS, rest_ms;

        if (time.now_ms + lead_ms + LEAST_TRIPS * one_ms >= end_ms)
                return 0;
        rest_ms = end_ms - lead_ms - time.now_ms;
        return rest_ms * ENOUGH_PCT / 100 * each / one_ms;
}

bool alone_must(const struct limiter_take *take, const struct ceilings *c, enum weir_class class,
                uint64_t number, uint64_t used, struct limiter_time time)
{
        const struct window *w = &take->window;
        uint64_t left = used < w->limit ? w->limit - used : 0;

        if (w->shared || class == CLASS_CANCEL)
                return false;
        if (strangers_are_known(w->slot)) {
                bool is_likely;

                /* One goes and sees, and tells the others. */
                if (strangers_are_unseen(w, number, time.now_ms))
                        return true;
                if (!strangers_may_use(w, number, (uint32_t)left, &is_likely))
                        return false;
                if (is_likely)
                        return true;
        } else if (!take->has_ceilings || class <= CLASS_ORDER || left >= w->limit / LAST_PART ||
                   used * 100 <= (uint64_t)w->limit * c->pct[class]) {
                return false;
        }
        return left <= pace(take, number, time);
}

static bool is_over(uint64_t look, const struct window *w, struct limiter_time time)
{
        return time.now_ms >= (look >> FIELD_BITS) + TRIPS * trip_ms(w) + TRIPS_MS;
}

static bool is_any_flying(const struct window *w, uint64_t number)
{
        return flying_before(w, number) > 0 || read_pair(&cell_of(w, number)->sent, number).low > 0;
}

bool alone_waits(const struct limiter_take *take, uint64_t number, struct limiter_time time)
{
        const struct window *w = &take->window;

        return is_any_flying(w, number) &&
               !is_over(atomic_load_explicit(&w->slot->look, memory_order_relaxed), w, time);
}

bool alone_claim(const struct limiter_take *take, uint64_t number, struct limiter_time time,
                 bool *ret_is_over)
{
        const struct window *w = &take->window;
        uint64_t seen = atomic_load_explicit(&w->slot->look, memory_order_relaxed);
        uint64_t now_ms = time.now_ms > seen >> FIELD_BITS ? time.now_ms : seen >> FIELD_BITS;

        *ret_is_over = is_any_flying(w, number);
        if (*ret_is_over && !is_over(seen, w, time))
                return false;
        return atomic_compare_exchange_strong_explicit(&w->slot->look, &seen,
                                                       now_ms << FIELD_BITS | (seen & FIELD_MASK),
                                                       memory_order_relaxed, memory_order_relaxed);
}

uint64_t alone_again_ms(const struct limiter_take *take, struct limiter_time time)
{
        return time.now_ms + 1 + trip_ms(&take->window) / LOOKS;
}
