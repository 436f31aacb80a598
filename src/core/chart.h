/*
 * Chart
 *
 * The region's bytes as data: every field of core/layout.h with its place, its length and how its
 * words are to be read. Who draws, checks or documents the bytes goes by this list, so that a field
 * is said once: docs/region.md is compared with it, weir region shows and checks what it names.
 */
#ifndef CORE_CHART_H
#define CORE_CHART_H

#include "core/layout.h"

/* What the words of a field can be. */
enum chart_kind {
        CHART_ANY,         /* any number: hashes, seeds, how often */
        CHART_CERTIFICATE, /* what the creator wrote, for good */
        CHART_SPARE,       /* zero */
        CHART_CEILINGS,    /* core/ceiling.h */
        CHART_GATE,        /* core/gate.h */
        CHART_CLOCK,       /* of the exchange, and behind it when that was measured */
        CHART_POOL,        /* span << 32 | limit */
        CHART_COUNTER,
        CHART_EXCHANGE,
        CHART_RULE,
        CHART_BREAKER,
        CHART_WEIGHT,  /* of the evidence: enum region_weight */
        CHART_TIME_MS, /* 0 or a time of the exchange */
        CHART_TIME_US,
        CHART_PAIR,   /* tag, high, low: core/word.h */
        CHART_HOME,   /* core/home.h */
        CHART_INSIDE, /* structs with a chart of their own, or another meaning in each slot */
};

struct chart_field {
        const char *name;
        uint32_t offset, bytes; /* in its struct */
        enum chart_kind kind;
};

/* A struct. Its fields follow each other without a gap. */
struct chart {
        const char *title; /* of its section in docs/region.md */
        const struct chart_field *fields;
        size_t n_fields;
        size_t bytes;
};

extern const struct chart chart_header, chart_egress, chart_home, chart_slot, chart_cell,
        chart_anchor, chart_evidence, chart_figures, chart_lease_header, chart_lease;

/* A part of the file: so many structs, one behind the other. */
struct chart_section {
        const char *name;
        const struct chart *chart;
        size_t offset, count;
};

size_t chart_section_count(void);
const struct chart_section *chart_section(size_t index);

#endif
