/*
 * Street
 *
 * An address that our clients and others share, and an exchange that counts: the exact model that
 * evidence is tested against. Time is simulated; chance comes from a seed. Clients take from one
 * region as processes do, with what is learnt charged and controls sent as the gateway does.
 */
#ifndef CORE_TEST_STREET_H
#define CORE_TEST_STREET_H

#include "core/evidence.h"

#define STREET_CLIENTS  6
#define STREET_VARIANTS 5

/* The first of all is the control's: it always costs what is said. */
#define STREET_CONTROL 0u

enum stranger {
        STRANGER_NONE,
        STRANGER_CHANCE,   /* at any time */
        STRANGER_CLOCK,    /* by the clock, as client 0 does */
        STRANGER_BURSTS,   /* many at once, now and then */
        STRANGER_FOLLOWER, /* by the same events as client 0, shortly before, after or with it */
        STRANGERS,
};

struct street_plan {
        uint64_t seed;
        uint32_t said[STREET_VARIANTS], real[STREET_VARIANTS];
        unsigned n_clients;
        bool has_mixed_clients; /* each sends all variants; else each has its own */
        uint64_t pause_us;      /* between an answer and the next request, or the period */
        bool is_periodic;       /* else by chance around it */
        uint64_t one_way_us, jitter_us;
        enum stranger stranger;
        uint32_t stranger_weight;
        uint64_t stranger_pause_us;
        unsigned stale_permille;   /* headers of an earlier reply */
        unsigned missing_permille; /* replies without a header */
        unsigned failed_permille;  /* refused at the same cost */
        bool has_controls;
        uint64_t control_pause_us;
        uint64_t for_ms;
};

struct street_report {
        unsigned n_findings;
        struct evidence_finding findings[64];
        unsigned n_answers, n_controls;
};

uint64_t street_variant(unsigned i);
/* Lives through @plan in @region; what was learnt on the way is in the report. */
void street_live(struct region *region, const struct street_plan *plan,
                 struct street_report *ret_report);

#endif
