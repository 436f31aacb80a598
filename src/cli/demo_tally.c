#include "cli/demo_tally.h"

#include <stdatomic.h>
#include <sys/mman.h>

struct tally *tally_map(size_t n)
{
        void *p = mmap(NULL, n * sizeof(struct tally), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                return NULL;
        return p;
}

static uint64_t look(const _Atomic(uint64_t) *word)
{
        return atomic_load_explicit(word, memory_order_relaxed);
}

static void put(_Atomic(uint64_t) *word, uint64_t value)
{
        atomic_store_explicit(word, value, memory_order_relaxed);
}

void tally_add(struct tally *t, enum tally_count count)
{
        put(&t->counts[count], look(&t->counts[count]) + 1);
}

void tally_set(struct tally *t, enum tally_count count, uint64_t value)
{
        put(&t->counts[count], value);
}

/* Below TALLY_STEPS a bucket is one microsecond; above, a sixteenth of its octave. */
static size_t bucket_of(uint64_t us)
{
        unsigned octave;
        size_t bucket;

        if (us < TALLY_STEPS)
                return (size_t)us;
        octave = 63u - (unsigned)__builtin_clzll(us);
        bucket = (octave - 3u) * TALLY_STEPS + (size_t)(us >> (octave - 4u)) - TALLY_STEPS;
        return bucket < TALLY_BUCKETS ? bucket : TALLY_BUCKETS - 1;
}

/* The largest value of a bucket. */
static uint64_t bucket_us(size_t bucket)
{
        size_t octave = bucket / TALLY_STEPS, step = bucket % TALLY_STEPS;

        if (octave == 0)
                return step;
        return ((TALLY_STEPS + step + 1) << (octave - 1)) - 1;
}

void tally_wait(struct tally *t, enum tally_wait wait, uint64_t us)
{
        _Atomic(uint64_t) *bucket = &t->waits[wait][bucket_of(us)];

        put(bucket, look(bucket) + 1);
        if (us > look(&t->longest_us[wait]))
                put(&t->longest_us[wait], us);
}

uint64_t tally_sum(const struct tally *slots, size_t n, enum tally_count count)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < n; ++i)
                sum += look(&slots[i].counts[count]);
        return sum;
}

uint64_t tally_longest_us(const struct tally *slots, size_t n, enum tally_wait wait)
{
        uint64_t longest = 0;

        for (size_t i = 0; i < n; ++i)
                if (look(&slots[i].longest_us[wait]) > longest)
                        longest = look(&slots[i].longest_us[wait]);
        return longest;
}

uint64_t tally_percentile_us(const struct tally *slots, size_t n, enum tally_wait wait,
                             unsigned pct)
{
        uint64_t sums[TALLY_BUCKETS] = { 0 }, total = 0, seen = 0;
        uint64_t longest = tally_longest_us(slots, n, wait);

        for (size_t b = 0; b < TALLY_BUCKETS; ++b) {
                for (size_t i = 0; i < n; ++i)
                        sums[b] += look(&slots[i].waits[wait][b]);
                total += sums[b];
        }
        for (size_t b = 0; b < TALLY_BUCKETS && total > 0; ++b) {
                seen += sums[b];
                if (seen * 100 >= total * pct)
                        return bucket_us(b) < longest ? bucket_us(b) : longest;
        }
        return 0;
}
