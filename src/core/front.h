/*
 * Fronts
 *
 * How fast requests leave for the exchange, whatever they weigh: a firewall counts requests. Two
 * things hold them back when very many could go at once, at a window's turn, at a start, behind a
 * ban:
 *
 *      ceiling   at most so many requests in any second
 *      ramp      behind a ban, of one product or of all: the gate remembers when it was opened
 *                again, and for some seconds the rate rises from little to full
 *
 *      rate  full |            /-----------      Both are one bucket, a word that holds when it is
 *                 |        /                     full again (as core/bucket.h has it), at the rate
 *          little |----/                         of the moment.
 *                 +---------------------
 *                 opened      opened + ramp
 *
 * A front is what stands before one of the exchange's hosts: products that share a host share it.
 * Others do not, for each tells a time of its own.
 *
 * Classes: each may empty the bucket down to what the shares of core/ceiling.h leave for those
 * above, so an order passes while data uses the whole rate. Nobody takes from the bucket before he
 * leaves. Who must wait is told when to come, one after the other within a class; who comes then
 * and finds that a higher class was quicker comes again soon.
 */
#ifndef CORE_FRONT_H
#define CORE_FRONT_H

#include "base/class.h"
#include "core/ceiling.h"
#include "core/layout.h"

#define FRONT_RAMP_DEFAULT_MS 10000u
/* The full rate of a ramp where there is no ceiling: that of spot's raw requests, 300,000 in 5 min.
 */
#define FRONT_FULL_PER_S 1000u
/* A twentieth of it to begin with. */
#define FRONT_RAMP_PARTS 20u

/*
 * Rules of the region (enum region_rule). @per_s: most in any second; 0: no ceiling, as is a word
 * that was never written. It is made of a steady rate and, a tenth of it, what may leave at once.
 */
uint64_t front_rate_pack(uint32_t per_s);
/* @ramp_ms: 0 for none; a word that was never written is the default. */
uint64_t front_ramp_pack(uint32_t ramp_ms);
/*
 * Return: what @rule was made of, for people: the ceiling, not the rate of its steady part. It is
 * kept as an interval of whole microseconds: above 1000 the last digit may be another one.
 */
uint32_t front_rate_of(uint64_t rule);
uint32_t front_ramp_of(uint64_t rule);

struct front_asker {
        unsigned egress; /* each address has fronts of its own */
        unsigned gate, front;
        enum weir_class class;
        bool must_pass;   /* counts, but is not held back: a ban's probe */
        bool has_turn;    /* was told when to come, and comes */
        uint32_t took_us; /* out: for front_give_back() */
};

/**
 * front_take() - one request leaves now, if it may
 *
 * Return: 0: counted, it leaves; else when to come, exchange microseconds after @now_ms, and
 * asker->has_turn is set.
 */
CHECKED uint64_t front_take(struct region_header *header, struct front_asker *asker,
                            uint64_t now_ms);

/* Who has passed this moment does not leave: @took_us, which it took, is for others. */
void front_give_back(struct region_header *header, unsigned egress, unsigned front,
                     uint32_t took_us);

/*
 * One more has arrived than was thought: an answer came so late that its request was held up on its
 * way, and came at the same time as others that were. It counts as leaving now.
 */
void front_charge(struct region_header *header, unsigned egress, unsigned front, uint64_t now_ms);

/* The short way's: false where there is a ramp, or no room at once for this share of the bucket. */
CHECKED bool front_take_at_once(const struct region_header *header, struct egress *egress,
                                unsigned gate, unsigned front, uint8_t pct, uint64_t now_ms,
                                uint32_t *ret_took_us);

#endif
