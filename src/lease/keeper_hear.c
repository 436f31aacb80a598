/*
 * What the host hears. What was granted is in the store's books by now, so it may be used; what is
 * known to others is written as our own.
 */
#include "budget/limits.h"
#include "core/gate.h"
#include "core/pool.h"
#include "lease/keeper_inside.h"

#include <stdio.h>
#include <string.h>

/* After a refusal, which a person has to mend. */
#define REFUSED_US (1000 * US_PER_MS)
/* A probe that was granted is one's own for so long, less than in the store. */
#define PROBE_MS 8000
/* A pause between questions: at least, and a part of the window at most. */
#define PAUSE_LEAST_US (10 * US_PER_MS)
#define PAUSE_PART     8
#define RETURN_PARTS   48 /* the shortest is this part of the longest at least */
/* Where nothing was granted the pause grows so much faster, and further. */
#define NOTHING_TIMES 4
#define CRUMB_PART    400
/* When something is free, it is asked for so long after the last question: a part of the window. */
#define FREE_PART    50
#define FREE_MOST_US (100 * US_PER_MS)
/* Questions in a window of all who are hungry, about: one for so many units, within. */
#define ASK_UNITS  120
#define ASKS_LEAST 20
#define ASKS_MOST  200
/* Towards its end they may come so much sooner. */
#define LAST_PART    5
#define LATE_PART    4 /* the same, unasked */
#define REST_PART    8 /* and of what is left of it, at most */
#define RESERVE_PART 8 /* of the limit */
/* Another's share is less than its part: once in so long. */
#define POOR_AGAIN_US (1000 * US_PER_MS)
/* With so much unclaimed nobody waits for others: a part of the limit. */
#define PLENTY_PART 4
/* A grant of less than this part of the limit is none to come again for at once. */
#define GRANT_PART 50

static uint64_t load(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_relaxed);
}

static void store(word_t *word, uint64_t value)
{
        atomic_store_explicit(word, value, memory_order_relaxed);
}

static struct ward *ward_by_id(struct keeper *k, const char *id)
{
        for (size_t i = 0; i < k->n_wards; ++i)
                if (strcmp(k->wards[i].id, id) == 0)
                        return &k->wards[i];
        return NULL;
}

/* The egress and gate of an id; NULL: of an address that is none of ours. */
static word_t *gate_by_id(struct keeper *k, const char *id, unsigned *ret_egress,
                          unsigned *ret_gate)
{
        char own[OP_ID_SIZE];

        for (unsigned e = 0; e < REGION_EGRESSES; ++e) {
                for (unsigned g = 0; g < REGION_GATES; ++g) {
                        if (!keeper_gate_id(k, e, g, own) || strcmp(own, id) != 0)
                                continue;
                        *ret_egress = e;
                        *ret_gate = g;
                        return &k->region->header->egresses[e].gates[g];
                }
        }
        return NULL;
}

static void open_gate(word_t *word, uint64_t at_ms)
{
        struct gate_view view;

        gate_look(word, at_ms, &view);
        /* One that is shut for longer was shut again since. */
        if (!view.is_shut || view.until_ms > at_ms)
                return;
        if (gate_probe(word, at_ms, 0))
                gate_open(word, at_ms);
}

static void hear_gate(struct keeper *k, const struct op_gate *gate, const struct keeper_time *time,
                      struct keeper_change *ret)
{
        unsigned e, g;
        word_t *word = gate_by_id(k, gate->id, &e, &g);

        if (!word)
                return;
        if (gate->until_ms == 0) {
                open_gate(word, gate->at_ms);
        } else if (gate->kind < GATE_KINDS &&
                   (gate->until_ms > time->best.now_ms || gate->kind != GATE_STOP) &&
                   gate_opened_ms(word) < gate->until_ms &&
                   gate_shut(word, (enum gate_kind)gate->kind, gate->until_ms)) {
                ret->has_stop = true;
                if (gate->kind != GATE_STOP)
                        region_sync(k->region);
        }
        k->told_gates[e][g] = load(word);
}

/* The windows of @pool as @answer has them. Return: whether they are others than here. */
static bool hear_pool(const struct keeper *k, uint16_t pool, const struct op_answer *answer,
                      uint64_t ret_windows[REGION_POOL_WINDOWS])
{
        bool is_new = false;
        size_t n = 0;

        for (size_t i = 0; i < answer->n_limits && n < REGION_POOL_WINDOWS; ++i) {
                const struct op_limit *limit = &answer->limits[i];
                bool is_here = false;

                if (limit->pool != pool || limit->span_ms == 0 || limit->span_ms > UINT32_MAX ||
                    limit->limit == 0 || limit->limit > UINT32_MAX)
                        continue;
                ret_windows[n] = region_window((uint32_t)limit->span_ms, (uint32_t)limit->limit);
                for (size_t w = 0; w < REGION_POOL_WINDOWS; ++w)
                        is_here |= pool_window(k->region, pool, w) == ret_windows[n];
                is_new |= !is_here;
                ++n;
        }
        return is_new;
}

/* What another host has learnt holds here too, before the exchange has told this one: a host that
 * joins would go by its tables until then, and by spans of which the others know nothing. */
static void hear_limits(struct keeper *k, const struct op_answer *answer,
                        const struct keeper_time *time)
{
        if (answer->limits_at_ms <= k->limits_ms)
                return;
        k->limits_ms = answer->limits_at_ms;
        for (uint16_t pool = 0; pool < REGION_POOLS; ++pool) {
                uint64_t windows[REGION_POOL_WINDOWS] = { 0 };

                if (!hear_pool(k, pool, answer, windows))
                        continue;
                budget_set_pool(k->limiter, pool, windows, time->of_pool[pool]);
                for (size_t w = 0; w < REGION_POOL_WINDOWS; ++w)
                        k->told_pools[pool][w] = pool_window(k->region, pool, w);
        }
}

static void hear_roster(struct keeper *k, const struct op_answer *answer, struct keeper_change *ret)
{
        struct lease_header *lease = k->region->lease;
        const uint64_t *roster = answer->roster;
        size_t n = answer->n_roster;

        if (n > OP_ROSTER_MAX)
                n = OP_ROSTER_MAX;
        memmove(k->roster, roster, n * sizeof(*roster));
        k->n_roster = n;
        for (size_t i = 0; i < REGION_ROSTER; ++i)
                store(&lease->roster[i], i < n ? roster[i] : 0);
        ret->is_crowd = load(&lease->n_hosts) != answer->n_hosts;
        ret->n_hosts = answer->n_hosts;
        store(&lease->n_hosts, answer->n_hosts);
        if (ret->is_crowd)
                k->poor_pause_us = 0;
}

static void hear_share(struct ward *ward, uint64_t told, struct limiter_time now)
{
        uint32_t share = told < WINDOW_AMOUNT_MAX ? (uint32_t)told : WINDOW_AMOUNT_MAX;
        uint64_t n = window_number(ward->window.span_ms, now.now_ms, now.guard_ms);

        /* Others wait until the store knows that it is lower. */
        ward->is_lowered = share < lease_share(&ward->window, now.now_ms);
        lease_set_share(&ward->window, share, n > 0 ? n - 1 : 0, n + 2);
        ward->is_member = true;
}

static uint64_t rest_us(const struct ward *ward, const struct keeper_time *time)
{
        uint64_t now_ms = ward_time(ward, time).now_ms;
        uint64_t end_ms = (ward->number + 1) * ward->window.span_ms;

        return end_ms > now_ms ? (end_ms - now_ms) * US_PER_MS : 0;
}

/* Where several are hungry they ask in turn, more or less: as often as what a window holds is
 * worth, and each for its part of it. */
static uint64_t turn_us(const struct ward *ward, uint64_t n_hosts)
{
        uint64_t asks = ward->window.limit / ASK_UNITS;
        uint64_t parts = ward->window.limit / (ward->demand + 1);

        asks = asks < ASKS_LEAST ? ASKS_LEAST : asks > ASKS_MOST ? ASKS_MOST : asks;
        parts = parts < 1 ? 1 : parts > 2 * n_hosts ? 2 * n_hosts : parts;
        return ward_pace_us(ward) * parts / asks;
}

/* What nobody had when the answer was made: kept for what is urgent, or for the next who asks. */
static uint64_t unclaimed(const struct ward *ward, const struct op_granted *granted)
{
        uint64_t taken = granted->others + granted->foreign + granted->claim_current;

        return ward->window.limit > taken ? ward->window.limit - taken : 0;
}

/* The store keeps an eighth of the limit for what is urgent, less and less from the middle of the
 * window on, and nothing in its last fifth (function_host.lua). Return: how long until half of what
 * is @left is free of that; before, those who ask get crumbs. */
static uint64_t reserved_us(const struct ward *ward, uint64_t left, const struct keeper_time *time)
{
        uint64_t span_us = (uint64_t)ward->window.span_ms * US_PER_MS, rest = rest_us(ward, time);
        uint64_t kept = ward->window.limit / RESERVE_PART, opens_us;

        if (kept == 0 || left >= kept + ward->window.limit / CRUMB_PART + 1)
                return 0;
        left = left < kept ? left : kept;
        opens_us = span_us / 5 + span_us * 3 / 10 * left / 2 / kept;
        return rest > opens_us ? rest - opens_us : 0;
}

/* What is urgent waits for nothing else, but it is not asked for in vain again and again. */
static void pace_urgent(struct ward *ward, const struct op_granted *granted, uint64_t more,
                        const struct keeper_time *time, uint64_t trip_us)
{
        uint64_t least_us = 2 * trip_us > PAUSE_LEAST_US ? 2 * trip_us : PAUSE_LEAST_US;
        uint64_t most_us = ward_pace_us(ward) / PAUSE_PART;

        ward->urgent_pause_us =
                more > 0 || ward->urgent_pause_us == 0 ? least_us : 2 * ward->urgent_pause_us;
        /* All of it is somebody's: news tell when that changes. */
        if (ward->urgent_pause_us > most_us || (more == 0 && unclaimed(ward, granted) == 0))
                ward->urgent_pause_us = most_us;
        ward->urgent_again_us = time->mono_us + ward->urgent_pause_us;
}

/* How soon to ask again: at once only where it was worth it, and where nothing is left not before
 * news tell of some. Towards the window's end there is less and less time to ask in. */
static void pace(struct ward *ward, const struct op_granted *granted, uint64_t more,
                 const struct keeper_time *time, uint64_t trip_us, uint64_t n_hosts)
{
        uint64_t most_us = ward_pace_us(ward) / PAUSE_PART;
        uint64_t least_us = 2 * trip_us > PAUSE_LEAST_US ? 2 * trip_us : PAUSE_LEAST_US, last_us;
        uint64_t half_us = rest_us(ward, time) / 2, crumb = ward->window.limit / CRUMB_PART + 1;
        /* Who got all that it asked for knew of no more: it had waited, and little had come in. Of
         * a long window there may be enough for all who are hungry just now. */
        bool is_scarce = ward->is_contended && granted->claim_current < ward->asking &&
                         !(ward_is_long(ward) &&
                           unclaimed(ward, granted) > ward->window.limit / PLENTY_PART);

        if (least_us < most_us / RETURN_PARTS)
                least_us = most_us / RETURN_PARTS;
        last_us = least_us;
        if (is_scarce && least_us < turn_us(ward, n_hosts))
                least_us = turn_us(ward, n_hosts);
        if (is_scarce && last_us < least_us / LATE_PART)
                last_us = least_us / LATE_PART;
        if (most_us < least_us)
                most_us = least_us;
        if (ward->pause_us == 0 || more >= ward->window.limit / GRANT_PART + 1)
                ward->pause_us = least_us;
        else
                ward->pause_us *= more < crumb ? NOTHING_TIMES : 2;
        if (ward->pause_us > most_us)
                ward->pause_us = most_us;
        half_us = half_us > last_us ? half_us : last_us;
        ward->ask_again_us = time->mono_us + (ward->pause_us < half_us ? ward->pause_us : half_us);
        if (ward->ask_again_us < time->mono_us + reserved_us(ward, unclaimed(ward, granted), time))
                ward->ask_again_us =
                        time->mono_us + reserved_us(ward, unclaimed(ward, granted), time);
        if (ward->is_urgent)
                pace_urgent(ward, granted, more, time, trip_us);
        if (unclaimed(ward, granted) < crumb)
                ward->ask_again_us = time->mono_us + NOTHING_TIMES * most_us;
}

/* The exchange has counted so much in window @number by now, whoever used it: as if our own header
 * had said so. It is in the way of all that is above the limit with it (core/window.h), though the
 * store granted it before that was known. */
static void hear_seen(struct ward *ward, uint64_t number, uint64_t seen)
{
        uint32_t foreign, top = seen < WINDOW_AMOUNT_MAX ? (uint32_t)seen : WINDOW_AMOUNT_MAX;

        if (top == 0 || number + 1 < ward->number || number > ward->number + 1)
                return;
        (void)window_observe(&ward->window, number, top, &foreign);
        /* Who told the store need not be told. */
        if (number == ward->number && top > ward->top_told)
                ward->top_told = top;
}

static void hear_budget(struct keeper *k, const struct op_granted *granted,
                        const struct keeper_time *time, struct keeper_change *ret)
{
        struct ward *ward = ward_by_id(k, granted->id);
        uint64_t claims[2] = { granted->claim_current, granted->claim_next }, more = 0;
        struct limiter_time now;

        if (!ward)
                return;
        now = ward_time(ward, time);
        hear_share(ward, granted->share, now);
        hear_seen(ward, granted->now, granted->seen);
        for (size_t i = 0; i < ARRAY_SIZE(claims); ++i) {
                uint32_t had = lease_cap(&ward->window, granted->now + i, 0);
                uint64_t claim = claims[i] < WINDOW_AMOUNT_MAX ? claims[i] : WINDOW_AMOUNT_MAX;

                if (claim <= had)
                        continue;
                lease_raise(&ward->window, granted->now + i, (uint32_t)claim);
                ret->has_room = true;
                more += i == 0 ? claim - had : 0;
        }
        ret->granted += more;
        ward->others_number = granted->now;
        ward->others =
                granted->others < WINDOW_AMOUNT_MAX ? (uint32_t)granted->others : WINDOW_AMOUNT_MAX;
        ward->unclaimed = (uint32_t)unclaimed(ward, granted);
        ward_note_wanted(ward, granted->now, granted->is_hungry);
        ward->is_contended = granted->is_hungry;
        /* An answer about the window before says nothing of this one. */
        if (ward->asking > 0 && granted->now == ward->number)
                pace(ward, granted, more, time, k->round_trip_us, load(&k->region->lease->n_hosts));
        ward->asking = 0;
}

void keeper_answer(struct keeper *k, const struct op_answer *answer, const struct keeper_time *time,
                   struct keeper_change *ret)
{
        struct lease_header *lease = k->region->lease;
        uint64_t birth, trip_us = time->mono_us - k->spoke_us;

        *ret = (struct keeper_change){ .n_hosts = load(&lease->n_hosts) };
        if (answer->seq != k->op.seq)
                return;
        k->round_trip_us = (7 * k->round_trip_us + trip_us) / 8;
        memcpy(k->told_gates, k->saying_gates, sizeof(k->told_gates));
        memcpy(k->told_pools, k->saying_pools, sizeof(k->told_pools));
        for (size_t i = 0; i < answer->n_gates; ++i)
                hear_gate(k, &answer->gates[i], time, ret);
        hear_limits(k, answer, time);
        if (k->op.probe && answer->may_probe)
                k->may_probe_until_ms = time->best.now_ms + PROBE_MS;
        if (!answer->is_again || time->is_known)
                k->probe[0] = '\0';
        if (answer->is_again && k->op.n_budgets == 0 && !time->is_known)
                return;
        if (op_hex_parse(str_of(answer->birth), &birth) < 0)
                return;
        hear_roster(k, answer, ret);
        store(&lease->birth, birth);
        store(&lease->epoch, answer->epoch);
        if (answer->is_again) {
                k->is_greeted = false;
                ret->is_sooner = true;
                return;
        }
        for (size_t i = 0; i < answer->n_budgets; ++i)
                hear_budget(k, &answer->budgets[i], time, ret);
        /* All shares are as told: those that are kept may be used from now on. */
        atomic_store_explicit(&lease->share_until_ms, k->sent_ms + k->config.grace_ms,
                              memory_order_seq_cst);
        store(&lease->answered_ms, time->best.now_ms);
        store(&lease->away_ms, 0);
        store(&lease->refused_ms, 0);
        k->is_greeted = true;
        k->is_waiting = answer->wait[0] != '\0';
        if (!k->is_waiting || load(&lease->waits_ms) == 0)
                store(&lease->waits_ms, k->is_waiting ? time->best.now_ms : 0);
        ret->has_room |= ret->granted > 0;
}

void keeper_refused(struct keeper *k, const struct keeper_time *time)
{
        struct lease_header *lease = k->region->lease;

        k->quiet_until_us = time->mono_us + REFUSED_US;
        if (load(&lease->refused_ms) == 0)
                store(&lease->refused_ms, time->best.now_ms);
}

static void add_guest(struct keeper *k, uint64_t host)
{
        for (size_t i = 0; i < k->n_roster; ++i)
                if (k->roster[i] == host)
                        return;
        if (k->n_roster < OP_ROSTER_MAX)
                k->roster[k->n_roster++] = host;
}

/* Others come for it too, so that it may be crumbs. */
static void hear_free(struct ward *ward, uint64_t n_hosts, const struct keeper_time *time)
{
        uint64_t part_us = ward_pace_us(ward) / FREE_PART;

        if (part_us > FREE_MOST_US)
                part_us = FREE_MOST_US;
        if (ward->is_contended && part_us < turn_us(ward, n_hosts))
                part_us = turn_us(ward, n_hosts);
        if (part_us > rest_us(ward, time) / REST_PART)
                part_us = rest_us(ward, time) / REST_PART;
        if (ward->is_contended && part_us < turn_us(ward, n_hosts) / LAST_PART)
                part_us = turn_us(ward, n_hosts) / LAST_PART;
        if (part_us < PAUSE_LEAST_US)
                part_us = PAUSE_LEAST_US;
        if (ward->ask_again_us > ward->asked_us + part_us)
                ward->ask_again_us = ward->asked_us + part_us;
        ward->pause_us /= 2;
        ward->urgent_again_us = ward->urgent_pause_us = 0;
}

/* Whether its share is above its part of the limit: to be told so it has to speak. */
static bool is_rich(const struct ward *ward, uint64_t n_hosts)
{
        uint32_t share = (uint32_t)load(&lease_of(&ward->window)->share);

        return share * n_hosts * 10 > (uint64_t)ward->window.limit * 11;
}

/* Not again at once: the other is told so in each of its ops, and may have what this one lacks of
 * another budget, so that both would answer each other without end. */
static void hear_poor(struct ward *ward, uint64_t n_hosts, const struct keeper_time *time)
{
        bool was_asked =
                ward->asked_share_us != 0 && time->mono_us < ward->asked_share_us + POOR_AGAIN_US;

        if (was_asked || !is_rich(ward, n_hosts))
                return;
        ward->is_lowered = true;
        ward->asked_share_us = time->mono_us;
}

void keeper_news(struct keeper *k, const struct op_news *news, const struct keeper_time *time,
                 struct keeper_change *ret)
{
        struct lease_header *lease = k->region->lease;

        *ret = (struct keeper_change){ .n_hosts = load(&lease->n_hosts) };
        for (size_t i = 0; i < news->n_gates; ++i)
                hear_gate(k, &news->gates[i], time, ret);
        for (size_t i = 0; i < news->n_speaks; ++i)
                ret->is_twice |= news->speaks[i].host == lease->host &&
                                 strcmp(news->speaks[i].name, k->run) != 0;
        if (news->from == lease->host)
                return;
        for (size_t i = 0; i < news->n_hungry; ++i) {
                struct ward *ward = ward_by_id(k, news->hungry[i].id);

                if (ward)
                        ward_note_wanted(ward, news->hungry[i].window, true);
        }
        for (size_t i = 0; i < news->n_free; ++i) {
                struct ward *ward = ward_by_id(k, news->free[i].id);

                if (ward)
                        hear_free(ward, load(&lease->n_hosts), time);
        }
        for (size_t i = 0; i < news->n_poor; ++i) {
                struct ward *ward = ward_by_id(k, news->poor[i].id);

                if (ward)
                        hear_poor(ward, load(&lease->n_hosts), time);
        }
        for (size_t i = 0; i < news->n_seen; ++i) {
                struct ward *ward = ward_by_id(k, news->seen[i].id);

                if (ward)
                        hear_seen(ward, news->seen[i].window, news->seen[i].amount);
        }
        for (size_t i = 0; i < news->n_joined; ++i)
                add_guest(k, news->joined[i].host);
        if (news->n_joined + news->n_left > 0 || news->is_birth || news->has_limits) {
                k->is_greeted = false;
                ret->is_sooner = true;
        }
}

bool keeper_may_probe(struct keeper *k, unsigned egress, unsigned gate,
                      const struct keeper_time *time)
{
        if (!k->is_up || !k->is_greeted || time->best.now_ms < k->may_probe_until_ms)
                return true;
        if (k->probe[0] == '\0')
                (void)!keeper_gate_id(k, egress, gate, k->probe);
        return k->probe[0] == '\0';
}
