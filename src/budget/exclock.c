#include "budget/exclock.h"

_Static_assert(2 * EXCLOCK_WHEN <= REGION_CLOCKS, "each clock has a word for when it was measured");

#define OFFSET_BIAS (1LL << 39)
#define ERROR_MASK  ((1ULL << 24) - 1)

bool exclock_read(const word_t *word, int64_t *ret_offset_ms, uint32_t *ret_error_ms)
{
        uint64_t w = atomic_load_explicit(word, memory_order_relaxed);

        if (w == 0)
                return false;
        *ret_offset_ms = (int64_t)(w >> 24) - OFFSET_BIAS;
        *ret_error_ms = (uint32_t)(w & ERROR_MASK);
        return true;
}

void exclock_init(struct exclock *c, const word_t *word, uint64_t mono_us, uint64_t wall_us)
{
        int64_t offset_ms = 0;
        uint32_t error_ms = EXCLOCK_UNKNOWN_ERROR_MS;
        /* The wall clock may have been set since: what another process measured is a hint only. */
        bool is_there = exclock_read(word, &offset_ms, &error_ms);

        *c = (struct exclock){
                .is_taken_over = is_there,
                .offset_us = (int64_t)(wall_us - mono_us) + offset_ms * (int64_t)US_PER_MS,
                .error_us = EXCLOCK_UNKNOWN_ERROR_MS * US_PER_MS,
                .measured_us = mono_us,
        };
}

static uint64_t error_at(const struct exclock *c, uint64_t mono_us)
{
        uint64_t age_us = mono_us > c->measured_us ? mono_us - c->measured_us : 0;

        return c->error_us + age_us * EXCLOCK_DRIFT_PPM / 1000000;
}

/* Follows a slower way little by little, and a quicker one at once. */
static void note_way(struct exclock *c, uint64_t one_way_us)
{
        if (c->one_way_us == 0 || one_way_us < c->one_way_us)
                c->one_way_us = one_way_us;
        else
                c->one_way_us += (one_way_us - c->one_way_us) / 16;
}

/*
 * The exchange's clock was between the two ends that this sample leaves, and between those that all
 * before it left, apart by as much more as two clocks drift: so it was between the inner ones. A
 * sample whose answer was quick brings one of them, one whose request was quick the other.
 */
bool exclock_sample(struct exclock *c, uint64_t server_ms, uint64_t sent_us, uint64_t received_us)
{
        uint64_t round_us = received_us > sent_us ? received_us - sent_us : 0;
        uint64_t old_us = error_at(c, received_us);
        /* The server cut its time to a millisecond. */
        int64_t low_us = (int64_t)(server_ms * US_PER_MS) - (int64_t)received_us;
        int64_t high_us = low_us + (int64_t)(round_us + US_PER_MS);
        int64_t old_low_us = c->offset_us - (int64_t)old_us;
        int64_t old_high_us = c->offset_us + (int64_t)old_us;

        note_way(c, round_us / 2);
        /* Without a common part the old ones no longer hold: one of the clocks was set. */
        if (c->is_measured && low_us <= old_high_us && high_us >= old_low_us) {
                if (low_us <= old_low_us && high_us >= old_high_us)
                        return false;
                low_us = low_us > old_low_us ? low_us : old_low_us;
                high_us = high_us < old_high_us ? high_us : old_high_us;
        }
        c->is_measured = true;
        c->offset_us = low_us + (high_us - low_us) / 2;
        c->error_us = (uint64_t)(high_us - low_us + 1) / 2;
        c->measured_us = received_us;
        return true;
}

void exclock_publish(const struct exclock *c, word_t *word, uint64_t mono_us, uint64_t wall_us)
{
        int64_t offset_ms =
                (c->offset_us + (int64_t)mono_us - (int64_t)wall_us) / (int64_t)US_PER_MS;
        uint64_t error_ms = error_at(c, mono_us) / US_PER_MS + 1;

        if (!c->is_measured || offset_ms <= -OFFSET_BIAS || offset_ms >= OFFSET_BIAS)
                return;
        if (error_ms > ERROR_MASK)
                error_ms = ERROR_MASK;
        atomic_store_explicit(word, (uint64_t)(offset_ms + OFFSET_BIAS) << 24 | error_ms,
                              memory_order_relaxed);
        /* Release: who sees the new time sees the new clock; the other way round it looks older
         * than it is. */
        atomic_store_explicit(word + EXCLOCK_WHEN, wall_us / US_PER_MS, memory_order_release);
}

struct limiter_time exclock_shared(const word_t *word, uint64_t wall_us)
{
        uint64_t when_ms = atomic_load_explicit(word + EXCLOCK_WHEN, memory_order_acquire);
        uint64_t wall_ms = wall_us / US_PER_MS;
        int64_t offset_ms = 0;
        uint32_t error_ms = 0;

        if (!exclock_read(word, &offset_ms, &error_ms))
                return (struct limiter_time){ wall_ms, EXCLOCK_UNKNOWN_ERROR_MS };
        if (when_ms <= wall_ms && wall_ms - when_ms < EXCLOCK_STALE_MS)
                /* Rounded up, and one for the milliseconds that both sides cut off. */
                error_ms += (uint32_t)((wall_ms - when_ms) * EXCLOCK_DRIFT_PPM / 1000000) + 2;
        else if (error_ms < EXCLOCK_UNKNOWN_ERROR_MS)
                error_ms = EXCLOCK_UNKNOWN_ERROR_MS;
        return (struct limiter_time){ wall_ms + (uint64_t)offset_ms, error_ms };
}

void exclock_resume(struct exclock *c, const word_t *word, uint64_t mono_us, uint64_t wall_us)
{
        exclock_init(c, word, mono_us, wall_us);
        c->error_us = exclock_shared(word, wall_us).guard_ms * US_PER_MS;
        /* A first sample is always better than none. */
        c->is_measured = atomic_load_explicit(word, memory_order_relaxed) != 0;
}

uint64_t exclock_now_us(const struct exclock *c, uint64_t mono_us)
{
        return (uint64_t)((int64_t)mono_us + c->offset_us);
}

struct limiter_time exclock_now(const struct exclock *c, uint64_t mono_us)
{
        return (struct limiter_time){
                .now_ms = exclock_now_us(c, mono_us) / US_PER_MS,
                /* Rounded up, and one for the milliseconds that both sides cut off. */
                .guard_ms = (uint32_t)(error_at(c, mono_us) / US_PER_MS + 2),
        };
}

uint64_t exclock_to_mono_us(const struct exclock *c, uint64_t exchange_ms)
{
        int64_t us = (int64_t)(exchange_ms * US_PER_MS) - c->offset_us;

        return us > 0 ? (uint64_t)us : 0;
}

uint64_t exclock_told_ms(const struct region_header *header)
{
        uint64_t latest_ms = 0;

        for (size_t i = 0; i < EXCLOCK_WHEN; ++i) {
                uint64_t when_ms = atomic_load_explicit(&header->clocks[i + EXCLOCK_WHEN],
                                                        memory_order_acquire);
                int64_t offset_ms;
                uint32_t error_ms;

                if (when_ms == 0 || !exclock_read(&header->clocks[i], &offset_ms, &error_ms))
                        continue;
                if ((int64_t)when_ms + offset_ms > (int64_t)latest_ms)
                        latest_ms = (uint64_t)((int64_t)when_ms + offset_ms);
        }
        return latest_ms;
}
