/*
 * Ceilings
 *
 * How much of a window a class may use: a share of the limit, which opens linearly towards the
 * end of the window, so that what the classes above have not claimed by then is not wasted.
 *
 *      limit  |- - - - - - - - - - -/
 *             |                  /
 *      share  |----------------+
 *             +----------------+------+---+
 *            turn          opens_from  by turn
 *
 * Fully open some time before the turn: what leaves later may be counted behind it, and what is not
 * answered by then is charged to both. But for two thousandths: those are left to orders to the
 * very end, and a part of them to cancels, which nobody can foresee; more where orders are seen to
 * want it (core/orders.h). A request that is larger than what is kept may have it too, where else
 * much more than that would lie idle (core/takes_ceiling.c).
 */
#ifndef CORE_CEILING_H
#define CORE_CEILING_H

#include "base/base.h"
#include "base/class.h"

struct ceilings {
        uint8_t pct[CLASS_COUNT]; /* of the limit, 1 to 100 */
        uint8_t opens_from_pct;   /* of the window's time, 0 to 99 */
};

#define CEILINGS_DEFAULT                                                                           \
        ((struct ceilings){                                                                        \
                .pct = { 100, 95, 90, 90, 80, 60 },                                                \
                .opens_from_pct = 50,                                                              \
        })

uint64_t ceilings_pack(const struct ceilings *c);
/* What is not a valid set reads as the default. */
struct ceilings ceilings_unpack(uint64_t word);

/* A window as far as ceilings care. */
struct ceiling_window {
        uint32_t limit;
        uint32_t span_ms;
        uint32_t lead_ms; /* before its end, at which all are open; cut to what is sensible */
};

/* What of a window @class leaves to those above, at any time. Nothing where its share is all of
 * it. */
uint32_t ceiling_kept(const struct ceilings *c, enum weir_class class, uint32_t limit);

/**
 * ceiling_at() - what @class may use of @w, @into_ms after its turn
 *
 * Never less than 1 while the limit is not 0.
 */
uint32_t ceiling_at(const struct ceilings *c, enum weir_class class, struct ceiling_window w,
                    uint64_t into_ms);

/**
 * ceiling_reaches() - how long after the turn the ceiling is at least @used
 *
 * Return: milliseconds into the window, or UINT64_MAX if it never is.
 */
uint64_t ceiling_reaches(const struct ceilings *c, enum weir_class class, struct ceiling_window w,
                         uint64_t used);

#endif
