#include "core/orders.h"

/*
 * In the word of the trip, above it: the largest order, saturated; the number of the last window
 * that one was seen in, its low bits; what they used of that one's end; and what they used of the
 * ends before on average, in parts, of which a quarter is forgotten with each window.
 */
#define SIZE_SHIFT   TRIP_BITS
#define NUMBER_SHIFT 24
#define NOW_SHIFT    32
#define BEFORE_SHIFT 48
#define SIZE_MOST    15u
#define USED_MOST    4095u
/* After so many windows without an order none were seen. */
#define FORGOTTEN 64
/* Of a unit; a square, so that its root is one too. */
#define PART 16u

struct orders {
        uint32_t size, now, before;
        uint8_t number;
};

static struct orders unpack(uint64_t word)
{
        return (struct orders){
                .size = (word >> SIZE_SHIFT) & SIZE_MOST,
                .now = (word >> NOW_SHIFT) & UINT16_MAX,
                .before = (uint32_t)(word >> BEFORE_SHIFT),
                .number = (uint8_t)(word >> NUMBER_SHIFT),
        };
}

static uint64_t pack(struct orders o)
{
        return (uint64_t)o.before << BEFORE_SHIFT | (uint64_t)o.now << NOW_SHIFT |
               (uint64_t)o.number << NUMBER_SHIFT | (uint64_t)o.size << SIZE_SHIFT;
}

/* As it is in window @number. What is of the one before that, by an answer that came late, counts
 * in the one of now. */
static struct orders turn(struct orders o, uint64_t number)
{
        uint8_t gap = (uint8_t)(number - o.number);

        if (gap == UINT8_MAX)
                return o;
        if (gap >= FORGOTTEN)
                return (struct orders){ .number = (uint8_t)number };
        for (; gap > 0; --gap) {
                o.before = o.before == 0 ? o.now * PART
                                         : o.before - (o.before + 3) / 4 + o.now * PART / 4;
                o.now = 0;
        }
        o.number = (uint8_t)number;
        return o;
}

void orders_note(struct slot *slot, uint64_t number, uint32_t amount, uint64_t rest_ms,
                 uint64_t open_ms)
{
        uint64_t seen = atomic_load_explicit(&slot->trip, memory_order_relaxed), next;

        do {
                struct orders o = turn(unpack(seen), number);

                if (amount > o.size)
                        o.size = amount < SIZE_MOST ? amount : SIZE_MOST;
                if (4 * rest_ms <= 3 * open_ms)
                        o.now = amount < USED_MOST - o.now ? o.now + amount : USED_MOST;
                next = pack(o) | (seen & TRIP_MASK);
        } while (next != seen && !atomic_compare_exchange_weak_explicit(&slot->trip, &seen, next,
                                                                        memory_order_relaxed,
                                                                        memory_order_relaxed));
}

/* Of squares below 2^62, rounded down. */
static uint64_t root(uint64_t square)
{
        uint64_t r = 0;

        for (uint64_t bit = 1ULL << 30; bit > 0; bit >>= 1)
                if ((r | bit) * (r | bit) <= square)
                        r |= bit;
        return r;
}

uint32_t orders_want(const struct slot *slot, uint64_t number, uint32_t most, uint64_t rest_ms,
                     uint64_t open_ms)
{
        uint64_t word = atomic_load_explicit(&slot->trip, memory_order_relaxed);
        struct orders o;
        uint64_t want;

        if (word >> SIZE_SHIFT == 0)
                return 0;
        o = turn(unpack(word), number);
        if (o.size > most || o.size == SIZE_MOST)
                return 0;
        want = o.before > 0 ? o.before : o.now * PART;
        /* The rest of three quarters of the time. */
        want = want * 4 * (rest_ms < open_ms ? rest_ms : open_ms) /
               (3 * (open_ms > 0 ? open_ms : 1));
        /* Who come by chance are so many more now and then. */
        want = (want + root(want * o.size * PART) + PART / 2) / PART;
        want = want > o.size ? want : o.size;
        return want < most ? (uint32_t)want : most;
}
