/*
 * Gates
 *
 * One word per product that the exchange stops as a whole, and one for all of them:
 *
 *      63                     8 7      4 3      0
 *     +------------------------+--------+--------+
 *     |   until, exchange ms   |  kind  | phase  |
 *     +------------------------+--------+--------+
 *
 * open -> shut (a 429, 418 or 403 was seen) -> for a stop: open again when its time has come;
 * for a ban: probing (exactly one process sent one cheap request) -> open, or shut again.
 * Shutting moves forward only: a later end replaces an earlier one, never the reverse.
 * A gate that a probe has opened keeps when that was, in place of the end: core/front.h.
 */
#ifndef CORE_GATE_H
#define CORE_GATE_H

#include "core/layout.h"

enum gate_kind {
        GATE_STOP,     /* 429: until the window turns or Retry-After */
        GATE_BAN,      /* 418 */
        GATE_FIREWALL, /* 403 */
        GATE_KINDS,
};

enum gate_answer {
        GATE_OPEN = 0,
        GATE_SHUT, /* until *ret_until_ms; of a ban whose time has come, and that somebody probes or
                    * is about to, that is not after now: nobody knows when the answer comes */
};

struct gate_view {
        bool is_shut; /* stopped, banned, or waiting for a probe's answer */
        bool is_probing;
        enum gate_kind kind;
        uint64_t until_ms;
};

/* How long a prober may take before another may try. */
#define GATE_PROBE_LEASE_MS 10000u

const char *gate_kind_name(enum gate_kind kind);

/* What a request finds at @now_ms. @ret_until_ms and @ret_kind are written for GATE_SHUT. */
CHECKED int gate_check(const word_t *gate, uint64_t now_ms, uint64_t *ret_until_ms,
                       enum gate_kind *ret_kind);

/* Return: true when this made the gate shut for longer than it was. */
bool gate_shut(word_t *gate, enum gate_kind kind, uint64_t until_ms);

/* Return: true when the ban's time (and @guard_ms) is over and nobody probes. Changes nothing. */
bool gate_is_due(const word_t *gate, uint64_t now_ms, uint64_t guard_ms);

/* Return: true when it is so and the caller, alone, has to probe now. */
CHECKED bool gate_probe(word_t *gate, uint64_t now_ms, uint64_t guard_ms);

/* The probe was answered as if nothing were wrong. Keeps a newer ban. */
void gate_open(word_t *gate, uint64_t now_ms);

/* When a probe opened it, if it is open and one ever did; else 0. */
static inline uint64_t gate_opened_ms(const word_t *gate)
{
        uint64_t word = atomic_load_explicit(gate, memory_order_acquire);

        /* Phase 0 is open. */
        return UNLIKELY(word != 0) && (word & 15) == 0 ? word >> 8 : 0;
}

/* The probe was not answered at all: shut, to be probed again after @again_ms. */
void gate_probe_failed(word_t *gate, uint64_t again_ms);

void gate_look(const word_t *gate, uint64_t now_ms, struct gate_view *ret_view);

#endif
