/*
 * Layout
 *
 * The bytes of the region: what every process of a machine maps and shares. docs/region.md draws
 * them. All of it is numbers in 64-bit words that change by one compare-and-swap, so a process
 * killed at any instruction leaves the old word or the new one and there is nothing to repair.
 *
 * The region knows pools by index, owners by hash and groups by index; their names live above.
 */
#ifndef CORE_LAYOUT_H
#define CORE_LAYOUT_H

#include "base/base.h"

#include <stdatomic.h>

#define REGION_MAGIC   0x314e4f4947455257ULL /* "WREGION1" as little-endian bytes */
#define REGION_VERSION 5u

#define REGION_POOLS        64   /* kinds of budgets: spot weight, futures orders, ... */
#define REGION_POOL_WINDOWS 4    /* windows of one pool: 10 s and 1 min of orders, ... */
#define REGION_GATES        16   /* one per product that is stopped and banned as a whole; 0: all */
#define REGION_CLOCKS       16   /* one per product's host */
#define REGION_EXCHANGES    16   /* one per product group */
#define REGION_COUNTERS     64   /* what happened, for people to look at */
#define REGION_RULES        8    /* what the gateways are set to, for all: enum region_rule */
#define REGION_BREAKERS     8    /* one per product group */
#define REGION_FRONTS       8    /* one per host: how fast requests leave */
#define REGION_TURNS        40   /* of each front one per class: who waits for it */
#define REGION_EGRESSES     16   /* addresses that requests leave from; 0: the one without a name */
#define REGION_HOMES        512  /* which of them a client belongs to */
#define EGRESS_TEXT         128  /* room for the name of an address, its NUL included */
#define REGION_WEIGHTS      16   /* of the evidence of weights: enum region_weight */
#define REGION_SLOTS        2048 /* budgets alive: pools x owners x windows; 576 bytes each */
#define REGION_ROSTER       64 /* hosts that share budgets with this one, as far as they are kept */

/* Of the owners' hashes, the same in every region: hosts tell each other of owners by hash. */
#define REGION_SEED 0x7765697220686f73ULL

/*
 * A budget keeps the windows around now: past ones, whose unanswered requests may still be counted
 * in the current one, the current one, and those ahead, in which places can be held. How many of
 * each depends on the span (window_past(), window_ahead()); one cell is always spare, for a
 * process whose clock is already in the next window.
 */
#define RING_CELLS 16
#define RING_PAST  10 /* at most */
#define RING_AHEAD 3  /* at least */

typedef _Atomic(uint64_t) word_t;

/*
 * One window of one budget. Each word names its window by a tag, (number / RING_CELLS) mod 2^20;
 * the place in the ring gives the rest of the number. A tag that is not ours is an older window:
 * then the word reads as zero and the next writer replaces it.
 *
 *       63        44 43              22 21               0
 *      +------------+------------------+------------------+
 *      |    tag     |       high       |       low        |
 *      +------------+------------------+------------------+
 */
struct cell {
        /*
         * high: sent, everything that was released for sending in this window; low: flying, the
         * part of it that has no answer yet.
         * Writers: any process: reserve, confirm, refund, land.
         * Readers: every admission of this window, of the one before while both may be now, and
         *          of the window_past() windows after it (flying).
         * Order:   sequentially consistent: who sends writes sent and flying first and reads those
         *          of all windows that may be now after it; of two who do so at once at least one
         *          sees the other.
         * Killed:  sent stays until the window turns, flying counts in the windows after it too:
         *          too much is used, never too little.
         */
        word_t sent;
        /*
         * high: held, places that wait for their time in this window; low: extra, what the exchange
         * may have counted here beyond our sent: foreign use, and requests of earlier windows whose
         * answer came too late to know. Held and sent together are what is spent.
         * Writers: as above, and who observes.
         * Readers: every admission of this window.
         * Order:   as above. A place that is released is added to sent first and taken from held
         *          after it. Landing adds to the extra of later windows first and lowers flying
         *          after it; readers look the other way round, so they see it once at least.
         * Killed:  amounts stay until the window turns.
         */
        word_t held;
        /*
         * high: top, the highest use that a header has shown; low: relief, the part of extra that
         * a header proved not to be counted here (window_relieve()). Both only grow.
         * Writers: observe, and whose header proves it. Readers: every admission that extra is in
         *          the way of.
         * Order:   sequentially consistent. Readers look at relief first and at extra after it:
         * what was carried meanwhile is not relieved. One word with top, so that who relieves never
         * goes below what somebody else has just seen, and who sees more knows what has been
         * relieved until then. Killed:  top is known and not yet in extra: as if that header had
         * not come.
         */
        word_t seen;
        /*
         * high: the foreign part of extra. Low, of a count that falls by itself: lowered, what
         * headers have taken off sent: sent and lowered together only grow by what is sent. Of
         * others: how far strangers had come: 1 << 21 when a header of this window was looked at
         * since they are known, << 17 the sixteenth of the window in which that was the last time,
         * 1 << 16 when the limit was passed, and how much was foreign when that sixteenth began
         * (core/strangers.c). Writers: observe; who believes, before sent is lowered. Readers:
         * relieve, forecasts, people; every admission, before sent is written. Order: sequentially
         * consistent, for lowered. Killed: lowered is too high: headers of what is in flight are
         * not believed.
         */
        word_t foreign;
};

/*
 * A slot of this pool is no budget but a pacing bucket, one for each pair of rate and burst: its
 * owner is units per minute << 32 | burst, its span 0, and the first word of its first cell the
 * time at which the bucket is full again (core/bucket.h).
 */
#define REGION_POOL_PACING 0xffffu

/*
 * A slot of this pool is no budget but an API key that is known to belong to an account with a
 * name: its owner is the key's number, its span 0, and the words of its cells are
 * budget/holder.h's.
 */
#define REGION_POOL_KEYS 0xfffcu

/* Bits of slot.trip that are the trip. */
#define TRIP_BITS 20
#define TRIP_MASK ((1ULL << TRIP_BITS) - 1)

/* One budget: one window length of one pool for one owner. */
struct slot {
        /*
         * Hash of pool, owner and span; 0: free. Claimed once by compare-and-swap; freed only
         * by who has the region alone (core/sweep.h).
         * Order: acquire and release.
         */
        word_t key;
        /* Nothing may be taken before this time; raised by -1015. Moves forward only. Relaxed. */
        word_t shut_until_ms;
        /*
         * For people: slot_name(), and the owner's hash. Written after the key, by whoever finds
         * it missing: a claimer may have been killed before. Relaxed.
         */
        word_t pool_span;
        word_t owner;
        /*
         * How long requests of this budget are on their way, from release to answer: what nine of
         * ten do not exceed, in 1/16 ms (core/trip.h); 0: not known yet. In the bits from
         * TRIP_BITS on what orders used of late (core/orders.c).
         * Writers: who lands, one of eight; who lands an order. Readers: admissions that ceilings
         * are in the way of. Relaxed: no other word depends on it. Killed: nothing.
         */
        word_t trip;
        /*
         * What others use in each sixteenth of a window, 1/255 of the limit in a byte each, the
         * first one lowest (core/strangers.h). Writers: who observes. Readers: every admission,
         * whether it is 0. Relaxed: a forecast only.
         */
        word_t strangers[2];
        /*
         * When a header was last compared with the books, or a request left alone (core/alone.h),
         * in ms << 22, and below what others used lately between two such looks. As above; one of
         * two stores may be lost.
         */
        word_t look;
        struct cell cells[RING_CELLS];
};

/* What slot.pool_span says: the index of a pool, or one of REGION_POOL_PACING and those beside it,
 * and the length of a window, if it is about one. */
static inline uint64_t slot_name(uint16_t pool, uint32_t span_ms)
{
        return (uint64_t)pool << 32 | span_ms;
}

/* Of a file that is damaged it may be no pool at all, and more than 16 bits. */
static inline uint32_t slot_pool(uint64_t pool_span)
{
        return (uint32_t)(pool_span >> 32);
}

static inline uint32_t slot_span(uint64_t pool_span)
{
        return (uint32_t)pool_span;
}

/* Places in region_header.rules. */
enum region_rule {
        RULE_BREAKER, /* call/breaker.h packs it */
        RULE_RATE,    /* core/front.h, both */
        RULE_RAMP,
};

/* Places in region_header.weights. */
enum region_weight {
        /* Raised with every cost that is learnt or decided, by who does so. Readers: who keeps
         * costs. Relaxed: a cost that is read late is charged late. Killed: likewise. */
        WEIGHTS_TURN,
        /* Slots of evidence claimed, and those of them that carry a name. Relaxed: off by a few. */
        WEIGHTS_SLOTS,
        WEIGHTS_NAMED,
};

/*
 * One of the addresses that requests leave from (core/egress.h): what the exchange counts, stops
 * and bans by address is a thing of its own here. The first has no name: it is that of every
 * program which names none. The others are claimed by name, once, for good.
 */
struct egress {
        /*
         * Hash of its name, and the owner of its budgets; 0: nobody's yet, and of the first.
         * Writers: who names it, by one swap from 0. Readers: who starts, and who looks. Order:
         * release and acquire. Killed: claimed, and without a text until the next one names it.
         */
        word_t name;
        /*
         * Questions for the time that left before the windows could be told and are not charged
         * yet (core/unclocked.h): a byte of each product group, the first one lowest.
         * Writers: who asks, before it leaves; who has charged them. Readers: who charges.
         * Relaxed: one swap. Killed: charged by whoever measures the clock next.
         */
        word_t unclocked;
        uint64_t spare_name[6];
        /*
         * Gates: time at which the gate opens << 8 | kind << 4 | phase (core/gate.h).
         * Writers: who saw a 429, 418 or 403, and who probes. Readers: every admission.
         * Order: release and acquire. Killed: a prober's lease ends by itself.
         */
        word_t gates[REGION_GATES];
        /*
         * Circuit breakers (call/breaker.h), by product group. Writers: who got an answer, or none;
         * who probes. Readers: every admission. Order: relaxed, the word is the whole message.
         * Killed: a probe that is not told about is given up after a pause.
         */
        word_t breakers[REGION_BREAKERS];
        /*
         * Fronts, by host (core/front.h): the time in microseconds at which the front's bucket is
         * full again; and of each class when the last of those who wait for it was told to come.
         * Writers: every admission; who has to wait. Relaxed. Killed: a place that nobody uses.
         */
        word_t fronts[REGION_FRONTS];
        word_t turns[REGION_TURNS];
        /* Its name, for people, with NULs behind. Written after the claim, by whoever finds it
         * empty. Relaxed. */
        word_t text[EGRESS_TEXT / 8];
};

struct region_header {
        /* The birth certificate: written once, under the file lock, magic last. */
        word_t magic;
        uint32_t version;
        uint32_t header_bytes;
        uint32_t slot_bytes;
        uint32_t n_slots;
        uint64_t total_bytes;
        uint64_t table_hash; /* of the pools: indices mean the same to all who share the region */
        uint64_t born_ms;
        uint64_t seed; /* of the owners' hashes: REGION_SEED */
        uint64_t spare_certificate[9];

        /* Class ceilings in percent, a byte each, lowest class index in the lowest byte; opens_from
         * in the top byte. */
        word_t ceilings;
        /*
         * Whether budgets are shared with other hosts (core/lease.h): 0: with none, and no
         * admission looks further; else 1. Beside the ceilings, whose line every admission has
         * read. Writers: a gateway that starts, and a person who ends it (core/unshare.h). Readers:
         * every admission. Relaxed: it is set before any of the gateway's own.
         */
        word_t sharing;
        word_t spare_ceilings[6];

        uint64_t spare_gates[16];
        /* Exchange clock minus ours: (offset_ms + 2^39) << 24 | error_ms; 0: never measured. In the
         * upper half when that was. See budget/exclock.h. */
        word_t clocks[REGION_CLOCKS];
        /* Windows of each pool: span_ms << 32 | limit; 0: none. Replaced by what the exchange says.
         */
        word_t pools[REGION_POOLS][REGION_POOL_WINDOWS];
        word_t counters[REGION_COUNTERS];
        /*
         * Hash of the exchange that a group's books are about; 0: not bound yet
         * (budget/exchange.h). Written once, by compare-and-swap. Relaxed: no other word depends on
         * it.
         */
        word_t exchanges[REGION_EXCHANGES];
        /* What the last gateway that started was set to, for all who use the region; enum
         * region_rule. 0: never set. Relaxed. */
        word_t rules[REGION_RULES];
        uint64_t spare_middle[72];
        /* Of the evidence of weights (core/evidence.h): enum region_weight. */
        word_t weights[REGION_WEIGHTS];
        uint64_t spare_end[23];
        /*
         * How often it was said which key belongs to which account; 0: never, so nobody looks for
         * keys. Writers: who says so, after it is written. Readers: every admission. Order: release
         * and acquire. Killed before: what was written is not looked at yet.
         */
        word_t accounts;

        struct egress egresses[REGION_EGRESSES];
        /*
         * Which address a client belongs to (core/home.h): a hash of who it is, and in the lowest
         * byte 1 + the address' place; 0: free. Writers: a gateway, when a client is new. Readers:
         * likewise, at every request while it has several addresses. Relaxed: the word is the whole
         * message. Killed: old or new.
         */
        word_t homes[REGION_HOMES];
};

/*
 * The cells of a slot of this pool are evidence of what requests cost (core/evidence.h). With a
 * span it is the anchors of a budget, whose key is the slot's owner: a struct anchor for each
 * window, as cells are. With span 0 it is the figures of a variant, which is the slot's owner.
 */
#define REGION_POOL_EVIDENCE 0xfffeu

/*
 * What the exchange showed last in a window, when nothing else was in flight.
 * Writers: who lands a request that was alone; who lands another one wipes it. Readers: who lands.
 * Order:   relaxed: of those who are alone only one is, and no harm is done by a mixed reading but
 * one wrong sample. Killed: a sample is counted and the anchor is the old one; that request never
 *          lands, so nobody is alone until the window is over.
 */
struct anchor {
        word_t shown;   /* as cell.sent. high: the use shown; low: our sent then. 0: none */
        word_t step;    /* high: what the last one alone cost; low: what was believed of it */
        word_t variant; /* of the last one alone; in its low bits the kind of its answer, and 4 if
                           it was controlled */
        word_t spare;
};

/* Kinds of answers that may cost differently. */
enum evidence_kind {
        EVIDENCE_OK,
        EVIDENCE_SPECIAL, /* the one outcome but success that its rule has a price for */
        EVIDENCE_FAILED,  /* refused for what was asked, 4xx; not for limits */
        EVIDENCE_KINDS,
};

#define EVIDENCE_VALUES 4
#define EVIDENCE_NAME   248

/*
 * Of one kind of answer of one variant. All relaxed: each word is its own message. Writers: who has
 * a sample. A killed writer leaves a sample uncounted.
 */
struct evidence_figures {
        /* Costs seen: cost << 42 | samples << 28 | windows << 20 | number of the last window. */
        word_t values[EVIDENCE_VALUES];
        word_t total; /* the last cost << 32, how often in a row << 16, samples, forgotten ones too
                       */
        word_t charged; /* 1 + what was charged when it was compared last; 0: never */
        word_t learnt;  /* 1 + the cost that the samples show; 0: none yet. Readers: every admission
                         */
        word_t decided; /* 1 + the cost that somebody decided on; learnt as it was then << 32 */
        word_t control; /* cost << 32, times refuted << 20, samples behind a control << 10, before
                         */
        word_t first_ms, last_ms;
};

struct evidence {
        struct evidence_figures of[EVIDENCE_KINDS];
        /* Of an endpoint that no table knows: method and path, zeros behind. Written by who claims
         * the slot, again by who finds it empty. */
        word_t name[EVIDENCE_NAME / 8];
};

/*
 * What this host may use of the budget in the slot of the same place, when budgets are shared with
 * other hosts (core/lease.h). Writers: the keeper, of which there is one. Readers: every admission.
 */
struct lease {
        /*
         * High: what it was before it was lowered, until who lowers it has looked at the books;
         * low: the cap of every window that has none below, 0: this host is no member yet. Order:
         * sequentially consistent, as the words of a cell: who takes writes himself down and then
         * looks at the cap, who lowers a cap writes it and then looks at the books. Killed: both
         * halves are there, and the next keeper goes on from the larger one.
         */
        word_t share;
        /*
         * Cut as a cell's word, the tag of it the window's number mod 2^20. High: the largest
         * amount that found no room under the cap of this window, and would have under the limit;
         * low: how much in all. Writers: who finds none. Relaxed: a wish only.
         */
        word_t hunger;
        /* Likewise, of what is urgent: cancels, what closes, new orders. */
        word_t urgent;
        uint64_t spare[5];
        /*
         * As a cell's word, of the window in that cell. High: the cap; low: what it was before it
         * was lowered, until who lowers it has looked at the books, else the same. Another tag: the
         * share is it. Order, killed: as share.
         */
        word_t caps[RING_CELLS];
};

/* Of this host among those that share budgets. Writer: the keeper. Relaxed but where said. */
struct lease_header {
        word_t host;           /* its number, made with the region */
        word_t sequence;       /* of the last op that it sent */
        word_t birth, epoch;   /* of the store's books as told last; 0: none */
        word_t share_until_ms; /* the exchange's clock: a learnt share is none after it.
                                  Sequentially consistent, as the shares */
        word_t n_hosts;        /* seen last, this one included */
        word_t answered_ms;    /* the exchange's clock, when the store answered last; 0: never */
        word_t away_ms;        /* since when it has not; 0: it is there */
        word_t waits_ms; /* since when it answers and grants nothing, since it waits for hosts that
                            know what was granted; 0: it does not */
        word_t refused_ms; /* since when the store refuses this host; 0: it does not */
        uint64_t spare[6];
        word_t roster[REGION_ROSTER]; /* numbers of all hosts, 0 behind them */
};

_Static_assert(sizeof(struct anchor) == sizeof(struct cell), "an anchor for each cell");
_Static_assert(sizeof(struct evidence) == sizeof(struct cell) * RING_CELLS, "fits a slot's cells");
_Static_assert(sizeof(struct cell) == 32, "a cell is half a cache line");
_Static_assert(sizeof(struct slot) == 576, "a slot is nine cache lines");
_Static_assert(offsetof(struct slot, cells) == 64, "cells start a cache line");
_Static_assert(offsetof(struct region_header, ceilings) == 128, "certificate: 128 bytes");
_Static_assert(offsetof(struct region_header, spare_gates) == 192, "ceilings: 64 bytes");
_Static_assert(offsetof(struct region_header, clocks) == 320, "spare: 128 bytes");
_Static_assert(offsetof(struct region_header, pools) == 448, "clocks: 128 bytes");
_Static_assert(offsetof(struct region_header, counters) == 2496, "pools: 2048 bytes");
_Static_assert(offsetof(struct region_header, exchanges) == 3008, "counters: 512 bytes");
_Static_assert(offsetof(struct region_header, rules) == 3136, "exchanges: 128 bytes");
_Static_assert(offsetof(struct region_header, spare_middle) == 3200, "rules: 64 bytes");
_Static_assert(offsetof(struct region_header, weights) == 3776, "spare: 576 bytes");
_Static_assert(offsetof(struct region_header, spare_end) == 3904, "weights: 128 bytes");
_Static_assert(offsetof(struct region_header, egresses) == 4096, "accounts: the last word");
_Static_assert(offsetof(struct egress, gates) == 64, "name: a cache line");
_Static_assert(sizeof(struct egress) == 768, "an egress is twelve cache lines");
_Static_assert(offsetof(struct region_header, homes) == 16384, "egresses: 12288 bytes");
_Static_assert(sizeof(struct region_header) == 20480, "the slots begin at 20480, a page");

#define REGION_HEADER_BYTES 20480u
#define REGION_SLOTS_BYTES  ((size_t)REGION_SLOTS * sizeof(struct slot))
#define REGION_BYTES                                                                               \
        (REGION_HEADER_BYTES + REGION_SLOTS_BYTES + sizeof(struct lease_header) +                  \
         (size_t)REGION_SLOTS * sizeof(struct lease))

_Static_assert(offsetof(struct region_header, sharing) == 136, "beside the ceilings");
_Static_assert(sizeof(struct lease) == 192, "a lease is three cache lines");
_Static_assert(sizeof(struct lease_header) == 640, "ten lines");

#endif
