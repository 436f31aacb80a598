#include "core/front.h"
#include "core/gate.h"

_Static_assert(REGION_TURNS >= 6 * CLASS_COUNT, "a turn for each class of the gates in use");

#define US_PER_S 1000000u

/* What may leave at once in a ramp: so much that the shares of it differ by a whole request. */
#define RAMP_BURST 8u

/* Further ahead than any wait here: written by a clock that was wrong. */
#define HORIZON_US (60 * (uint64_t)US_PER_S)

/*
 * Nobody is told to come later than so much after the earliest time there is: those before him may
 * be gone, with their process, and what they leave unused is no more than this.
 */
#define TURN_AHEAD_US (2 * (uint64_t)US_PER_S)

/*
 * Who came in his turn and found nothing, since he or others were late, comes again when so many
 * more may have left, within so much: not all of those at each of them.
 */
#define AGAIN_TURNS   8
#define AGAIN_MOST_US 20000u

#define RULE_IS_SET (1ULL << 63)

/* A bucket's rate and depth at some moment. */
struct pace {
        uint32_t cost_us; /* time in which one more may leave */
        uint32_t burst;
};

uint64_t front_rate_pack(uint32_t per_s)
{
        uint32_t burst = per_s / 10, rate;

        if (per_s == 0)
                return 0;
        if (burst < RAMP_BURST)
                burst = RAMP_BURST;
        if (burst > per_s / 4)
                burst = per_s / 4 > 0 ? per_s / 4 : 1;
        rate = per_s > burst ? per_s - burst : 1;
        return (uint64_t)((US_PER_S + rate - 1) / rate) << 32 | burst;
}

static struct pace pace_of_rule(uint64_t rule)
{
        return (struct pace){ (uint32_t)(rule >> 32), (uint32_t)rule };
}

uint32_t front_rate_of(uint64_t rule)
{
        struct pace pace = pace_of_rule(rule);
        uint32_t per_s;

        if (pace.cost_us == 0)
                return 0;
        /* The interval was rounded up: of the rates that it stands for this is the least. */
        per_s = (US_PER_S + pace.cost_us - 1) / pace.cost_us + pace.burst;
        /* A burst that is a tenth of the ceiling tells all of it but the last digit. */
        if (pace.burst > RAMP_BURST && per_s < 10 * pace.burst)
                per_s = 10 * pace.burst;
        if (pace.burst > RAMP_BURST && per_s > 10 * pace.burst + 9)
                per_s = 10 * pace.burst + 9;
        return per_s;
}

uint64_t front_ramp_pack(uint32_t ramp_ms)
{
        return RULE_IS_SET | ramp_ms;
}

uint32_t front_ramp_of(uint64_t rule)
{
        return rule & RULE_IS_SET ? (uint32_t)rule : FRONT_RAMP_DEFAULT_MS;
}

/* What concerns one front, read once. */
struct front {
        uint64_t opened_ms, ramp_ms; /* the last of the two gates that stand in its way */
        struct pace full;            /* cost 0: no ceiling */
};

static uint64_t opened_ms(const struct egress *egress, unsigned gate)
{
        uint64_t all = gate_opened_ms(&egress->gates[0]),
                 own = gate_opened_ms(&egress->gates[gate]);

        return all > own ? all : own;
}

static struct front front_of(const struct region_header *header, const struct egress *egress,
                             unsigned gate)
{
        uint64_t rate = atomic_load_explicit(&header->rules[RULE_RATE], memory_order_relaxed);
        uint64_t ramp = atomic_load_explicit(&header->rules[RULE_RAMP], memory_order_relaxed);

        return (struct front){ opened_ms(egress, gate), front_ramp_of(ramp), pace_of_rule(rate) };
}

static bool is_ramping(const struct front *f, uint64_t at_ms)
{
        return f->opened_ms > 0 && at_ms < f->opened_ms + f->ramp_ms;
}

/* What holds at @at_ms. Return: false: nothing holds anybody back. */
static bool pace_at(const struct front *f, uint64_t at_ms, struct pace *ret)
{
        uint64_t full_per_s, per_s;

        if (!is_ramping(f, at_ms)) {
                *ret = f->full;
                return f->full.cost_us > 0;
        }
        full_per_s = f->full.cost_us > 0 ? US_PER_S / f->full.cost_us : FRONT_FULL_PER_S;
        per_s = at_ms > f->opened_ms ? full_per_s * (at_ms - f->opened_ms) / f->ramp_ms : 0;
        if (per_s < full_per_s / FRONT_RAMP_PARTS)
                per_s = full_per_s / FRONT_RAMP_PARTS;
        if (per_s == 0)
                per_s = 1;
        *ret = (struct pace){ (uint32_t)((US_PER_S + per_s - 1) / per_s), RAMP_BURST };
        if (f->full.cost_us > 0 && f->full.burst < RAMP_BURST)
                ret->burst = f->full.burst;
        return true;
}

/* How deep a class may go: one request in any case, and its share of the others. */
static uint64_t depth_us(struct pace pace, uint8_t pct)
{
        return pace.cost_us + (uint64_t)pace.cost_us * (pace.burst - 1) * pct / 100;
}

/* Return: 0 when taken, else the earliest time at which it could be. */
static uint64_t take(word_t *word, struct pace pace, uint64_t depth, uint64_t now_us)
{
        uint64_t seen = atomic_load_explicit(word, memory_order_relaxed), full;

        /* Relaxed order: the word is the whole message. */
        do {
                full = seen > now_us && seen < now_us + HORIZON_US ? seen : now_us;
                full += pace.cost_us;
                if (full > now_us + depth)
                        return full - depth;
        } while (!atomic_compare_exchange_weak_explicit(word, &seen, full, memory_order_relaxed,
                                                        memory_order_relaxed));
        return 0;
}

/* When one more of a class is to come, behind those who were told so before. */
static uint64_t next_turn(word_t *word, const struct front *f, uint64_t earliest_us,
                          uint64_t now_us)
{
        uint64_t seen = atomic_load_explicit(word, memory_order_relaxed), at_us;
        struct pace pace;

        do {
                at_us = earliest_us;
                if (seen >= now_us && seen < now_us + HORIZON_US &&
                    pace_at(f, seen / US_PER_MS, &pace) && seen + pace.cost_us > at_us)
                        at_us = seen + pace.cost_us;
                if (at_us > earliest_us + TURN_AHEAD_US)
                        return earliest_us + TURN_AHEAD_US;
        } while (!atomic_compare_exchange_weak_explicit(word, &seen, at_us, memory_order_relaxed,
                                                        memory_order_relaxed));
        return at_us;
}

/* Orders and what closes come at once. */
static uint64_t again_us(enum weir_class class, struct pace pace)
{
        uint64_t us = (uint64_t)pace.cost_us * (AGAIN_TURNS - 1);

        if (class <= CLASS_ORDER)
                return 0;
        return us < AGAIN_MOST_US ? us : AGAIN_MOST_US;
}

uint64_t front_take(struct region_header *header, struct front_asker *asker, uint64_t now_ms)
{
        uint64_t now_us = now_ms * US_PER_MS, depth, at_us;
        struct egress *egress;
        struct ceilings shares;
        struct pace pace;
        struct front f;

        must(asker->gate < REGION_GATES && asker->front < REGION_FRONTS &&
             asker->class < CLASS_COUNT && asker->egress < REGION_EGRESSES);
        egress = &header->egresses[asker->egress];
        f = front_of(header, egress, asker->gate);
        asker->took_us = 0;
        if (!pace_at(&f, now_ms, &pace))
                return 0;
        shares = ceilings_unpack(atomic_load_explicit(&header->ceilings, memory_order_relaxed));
        depth = asker->must_pass ? UINT64_MAX - now_us : depth_us(pace, shares.pct[asker->class]);
        at_us = take(&egress->fronts[asker->front], pace, depth, now_us);
        if (at_us > 0 && asker->has_turn)
                at_us += again_us(asker->class, pace);
        else if (at_us > 0 && (asker->front + 1) * CLASS_COUNT <= REGION_TURNS)
                at_us = next_turn(&egress->turns[asker->front * CLASS_COUNT + asker->class], &f,
                                  at_us, now_us);
        asker->has_turn |= at_us > 0;
        asker->took_us = at_us > 0 ? 0 : pace.cost_us;
        return at_us;
}

void front_give_back(struct region_header *header, unsigned egress, unsigned front,
                     uint32_t took_us)
{
        word_t *word;
        uint64_t seen;

        must(egress < REGION_EGRESSES && front < REGION_FRONTS);
        if (took_us == 0)
                return;
        word = &header->egresses[egress].fronts[front];
        seen = atomic_load_explicit(word, memory_order_relaxed);
        /* A word that another wrote meanwhile is later by all that they took. */
        while (seen > took_us &&
               !atomic_compare_exchange_weak_explicit(word, &seen, seen - took_us,
                                                      memory_order_relaxed, memory_order_relaxed))
                ;
}

void front_charge(struct region_header *header, unsigned egress, unsigned front, uint64_t now_ms)
{
        uint64_t now_us = now_ms * US_PER_MS;
        struct pace full =
                pace_of_rule(atomic_load_explicit(&header->rules[RULE_RATE], memory_order_relaxed));

        must(egress < REGION_EGRESSES && front < REGION_FRONTS);
        /* At the full rate: a ramp is about what leaves. */
        if (full.cost_us > 0)
                (void)!take(&header->egresses[egress].fronts[front], full, UINT64_MAX - now_us,
                            now_us);
}

bool front_take_at_once(const struct region_header *header, struct egress *egress, unsigned gate,
                        unsigned front, uint8_t pct, uint64_t now_ms, uint32_t *ret_took_us)
{
        uint64_t rate = atomic_load_explicit(&header->rules[RULE_RATE], memory_order_relaxed);
        uint64_t opened = opened_ms(egress, gate);
        struct pace pace = pace_of_rule(rate);

        if (UNLIKELY(opened > 0) &&
            now_ms < opened + front_ramp_of(atomic_load_explicit(&header->rules[RULE_RAMP],
                                                                 memory_order_relaxed)))
                return false;
        *ret_took_us = pace.cost_us;
        return pace.cost_us == 0 ||
               take(&egress->fronts[front], pace, depth_us(pace, pct), now_ms * US_PER_MS) == 0;
}
