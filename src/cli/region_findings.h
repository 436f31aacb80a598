/*
 * Findings
 *
 * What is wrong with the bytes of a region: where, and what it means for who uses it. Whoever works
 * on a region may change two words while they are read one after the other, so of a region in use
 * only what is found twice is told.
 */
#ifndef CLI_REGION_FINDINGS_H
#define CLI_REGION_FINDINGS_H

#include "cli/region_file.h"

/* So many are kept; a region with more is a ruin, and is told to be one. */
#define FINDINGS_MAX 1000

struct finding {
        uint64_t offset;
        char where[64];
        char text[384];
};

struct findings {
        size_t n, n_more; /* kept; beyond them */
        struct finding all[FINDINGS_MAX];
};

/* @offset: in the file; @where: "header gates[3]", "slot 17 cell 4". */
void findings_add(struct findings *f, uint64_t offset, const char *where, const char *format, ...)
        PRINTF(4, 5);

/* Leaves what is in @other too: same place, same words. */
void findings_keep(struct findings *f, const struct findings *other);

/**
 * region_check() - every byte of the copy against what docs/region.md says it can be
 * @wall_ms: now
 */
void region_check(const struct region_file *f, uint64_t wall_ms, struct findings *ret);

/* Of region_check(): the slots, and what stands behind them. */
void region_check_slots(const struct region_file *f, uint64_t wall_ms, struct findings *findings);
void region_check_leases(const struct region_file *f, struct findings *findings);

/* Of both: whether @ms can be a time of an exchange: 0, or since there are exchanges until far
 * ahead.
 */
bool region_is_time(uint64_t ms, uint64_t wall_ms);

#endif
