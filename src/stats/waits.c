#include "stats/waits.h"

/* The doubling that the first bucket after "none" begins. */
#define FIRST_DOUBLING 7
#define LAST_DOUBLING  26
#define PER_DOUBLING   8

_Static_assert(WAITS_FINE == 2 + (LAST_DOUBLING - FIRST_DOUBLING + 1) * PER_DOUBLING,
               "all of them");

static const uint64_t bounds_us[WAITS_BOUNDS] = {
        500,    1000,   2500,    5000,    10000,   25000,    50000,    100000,
        250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000,
};

/* 2 to the power of eighths, and of the sixteenths between them, in 65536ths. */
static const uint32_t eighths[PER_DOUBLING] = { 65536, 71468,  77936,  84990,
                                                92682, 101070, 110218, 120194 };
static const uint32_t between[PER_DOUBLING] = { 68438, 74632,  81386,  88752,
                                                96785, 105545, 115098, 125515 };

uint64_t waits_bound_us(unsigned i)
{
        must(i < WAITS_BOUNDS);
        return bounds_us[i];
}

unsigned waits_bucket(uint64_t us)
{
        unsigned doubling, part = 0;
        uint64_t mantissa;

        if (us < 1u << FIRST_DOUBLING)
                return 0;
        doubling = 63 - (unsigned)__builtin_clzll(us);
        if (doubling > LAST_DOUBLING)
                return WAITS_FINE - 1;
        mantissa = (us << 16) >> doubling;
        for (unsigned step = PER_DOUBLING / 2; step > 0; step /= 2)
                if (mantissa >= eighths[part + step])
                        part += step;
        return 1 + (doubling - FIRST_DOUBLING) * PER_DOUBLING + part;
}

uint64_t waits_bucket_us(unsigned i)
{
        unsigned doubling;

        must(i < WAITS_FINE);
        if (i == 0)
                return 0;
        doubling = FIRST_DOUBLING + (i - 1) / PER_DOUBLING;
        return ((uint64_t)between[(i - 1) % PER_DOUBLING] << doubling) >> 16;
}

void waits_add(struct waits *w, uint64_t us)
{
        unsigned step = 0;

        while (step < WAITS_BOUNDS && us > bounds_us[step])
                ++step;
        ++w->n;
        w->sum_us += us;
        if (us > w->max_us)
                w->max_us = us;
        ++w->steps[step];
        ++w->fine[waits_bucket(us)];
}

/* The how manieth of @n, from 1 on, the quantile is. */
static uint64_t rank_of(uint64_t n, double q)
{
        uint64_t rank = (uint64_t)(q * (double)n);

        if ((double)rank < q * (double)n)
                ++rank;
        return rank < 1 ? 1 : rank > n ? n : rank;
}

static uint64_t capped(unsigned bucket, uint64_t max_us)
{
        uint64_t us = waits_bucket_us(bucket);

        return us < max_us || bucket == 0 ? us : max_us;
}

uint64_t waits_quantile_us(const struct waits *w, double q)
{
        uint64_t rank, n = 0, seen = 0;

        for (unsigned i = 0; i < WAITS_FINE; ++i)
                n += w->fine[i];
        if (n == 0)
                return 0;
        rank = rank_of(n, q);
        for (unsigned i = 0; i < WAITS_FINE; ++i) {
                seen += w->fine[i];
                if (seen >= rank)
                        return i == WAITS_FINE - 1 ? w->max_us : capped(i, w->max_us);
        }
        return w->max_us;
}

void waits_merge(struct waits *to, const struct waits_packed *from)
{
        for (uint32_t i = 0; i < from->n; ++i) {
                uint32_t count = WAITS_PACKED_COUNT(from->at[i]);

                must(WAITS_PACKED_BUCKET(from->at[i]) < WAITS_FINE);
                to->fine[WAITS_PACKED_BUCKET(from->at[i])] += count;
                to->n += count;
        }
        if (from->max_us > to->max_us)
                to->max_us = from->max_us;
}

uint64_t waits_packed_quantile_us(const struct waits_packed *w, double q)
{
        struct waits sum = { 0 };

        waits_merge(&sum, w);
        return waits_quantile_us(&sum, q);
}
