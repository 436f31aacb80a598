#include "core/gate.h"

enum phase {
        PHASE_OPEN,
        PHASE_SHUT,
        PHASE_PROBING,
};

_Static_assert(PHASE_OPEN == 0, "as gate_opened_ms() has it");

#define UNTIL_SHIFT 8
#define UNTIL_MAX   (UINT64_MAX >> UNTIL_SHIFT)

const char *gate_kind_name(enum gate_kind kind)
{
        static const char *const names[GATE_KINDS] = { "stop", "ban", "firewall" };

        must(kind < GATE_KINDS);
        return names[kind];
}

static uint64_t pack(uint64_t until_ms, enum gate_kind kind, enum phase phase)
{
        if (until_ms > UNTIL_MAX)
                until_ms = UNTIL_MAX;
        return until_ms << UNTIL_SHIFT | (uint64_t)kind << 4 | (uint64_t)phase;
}

static uint64_t until_of(uint64_t word)
{
        return word >> UNTIL_SHIFT;
}

/* A kind that a newer version wrote and we do not know is treated as the strictest. */
static enum gate_kind kind_of(uint64_t word)
{
        unsigned kind = word >> 4 & 15;

        return kind < GATE_KINDS ? (enum gate_kind)kind : GATE_FIREWALL;
}

static enum phase phase_of(uint64_t word)
{
        return (enum phase)(word & 15);
}

static bool swap(word_t *gate, uint64_t *seen, uint64_t next)
{
        return atomic_compare_exchange_weak_explicit(gate, seen, next, memory_order_acq_rel,
                                                     memory_order_acquire);
}

int gate_check(const word_t *gate, uint64_t now_ms, uint64_t *ret_until_ms,
               enum gate_kind *ret_kind)
{
        uint64_t word = atomic_load_explicit(gate, memory_order_acquire);

        if (LIKELY(phase_of(word) == PHASE_OPEN))
                return GATE_OPEN;
        if (kind_of(word) == GATE_STOP && now_ms >= until_of(word))
                return GATE_OPEN;
        /* A prober's lease is for probers. Those who wait, wait for the answer, and it comes soon.
         */
        *ret_until_ms = phase_of(word) == PHASE_PROBING && until_of(word) > now_ms ? now_ms
                                                                                   : until_of(word);
        *ret_kind = kind_of(word);
        return GATE_SHUT;
}

bool gate_shut(word_t *gate, enum gate_kind kind, uint64_t until_ms)
{
        uint64_t seen = atomic_load_explicit(gate, memory_order_acquire), next;

        do {
                bool is_shut = phase_of(seen) == PHASE_SHUT;

                /* A probe's lease is not a ban's end: what the exchange says now replaces it. */
                if (is_shut && until_of(seen) >= until_ms && kind_of(seen) >= kind)
                        return false;
                next = pack(is_shut && until_of(seen) > until_ms ? until_of(seen) : until_ms,
                            phase_of(seen) != PHASE_OPEN && kind_of(seen) > kind ? kind_of(seen)
                                                                                 : kind,
                            PHASE_SHUT);
        } while (!swap(gate, &seen, next));
        return true;
}

static bool is_due(uint64_t word, uint64_t now_ms, uint64_t guard_ms)
{
        if (phase_of(word) == PHASE_OPEN || kind_of(word) == GATE_STOP)
                return false;
        /* The guard stands behind a ban's end; a lease that ran out needs none. */
        return now_ms >= until_of(word) + (phase_of(word) == PHASE_SHUT ? guard_ms : 0);
}

bool gate_is_due(const word_t *gate, uint64_t now_ms, uint64_t guard_ms)
{
        return is_due(atomic_load_explicit(gate, memory_order_acquire), now_ms, guard_ms);
}

bool gate_probe(word_t *gate, uint64_t now_ms, uint64_t guard_ms)
{
        uint64_t seen = atomic_load_explicit(gate, memory_order_acquire);

        do {
                if (!is_due(seen, now_ms, guard_ms))
                        return false;
        } while (!swap(gate, &seen,
                       pack(now_ms + GATE_PROBE_LEASE_MS, kind_of(seen), PHASE_PROBING)));
        return true;
}

void gate_open(word_t *gate, uint64_t now_ms)
{
        uint64_t seen = atomic_load_explicit(gate, memory_order_acquire);

        do {
                if (phase_of(seen) != PHASE_PROBING)
                        return;
        } while (!swap(gate, &seen, pack(now_ms, GATE_STOP, PHASE_OPEN)));
}

void gate_probe_failed(word_t *gate, uint64_t again_ms)
{
        uint64_t seen = atomic_load_explicit(gate, memory_order_acquire);

        do {
                if (phase_of(seen) != PHASE_PROBING)
                        return;
        } while (!swap(gate, &seen, pack(again_ms, kind_of(seen), PHASE_SHUT)));
}

void gate_look(const word_t *gate, uint64_t now_ms, struct gate_view *ret_view)
{
        uint64_t word = atomic_load_explicit(gate, memory_order_acquire);
        uint64_t until_ms;
        enum gate_kind kind;

        *ret_view = (struct gate_view){
                .is_shut = gate_check(gate, now_ms, &until_ms, &kind) == GATE_SHUT,
                .is_probing = phase_of(word) == PHASE_PROBING,
                .kind = kind_of(word),
                .until_ms = phase_of(word) == PHASE_OPEN ? 0 : until_of(word),
        };
}
