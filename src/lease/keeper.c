/*
 * When the host speaks. What it says is in keeper_op.c, what it hears in keeper_hear.c.
 */
#include "base/str.h"
#include "core/egress.h"
#include "core/pool.h"
#include "lease/keeper_inside.h"
#include "policy/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* New slots are looked for this often, besides when somebody is hungry. */
#define SCAN_US (50 * US_PER_MS)
/* Between two questions whether something is granted by now: doubled, to a ceiling. */
#define POOR_LEAST_US (100 * US_PER_MS)
#define POOR_MOST_US  (3000 * US_PER_MS)
/* Round trips are never taken for shorter. */
#define TRIP_LEAST_US US_PER_MS
/* So long before a turn: a part of the window, and at least. */
#define LEAD_PART     50
#define LEAD_LEAST_MS 50
/* What a header shows is told at once when it is so much more than anybody told: parts of the
 * limit, if it must be use by strangers; else up to twice that, and so many units, the more the
 * more hosts there are, which have other words to say. */
#define STRANGE_PART 50
#define SHOWN_PART   10
#define SHOWN_LEAST  200
#define SHOWN_EACH   50
#define SHOWN_TURNS  16
/* What is given back is a part of the limit at least, but for the end of the window; and not more
 * often than so many times a window. */
#define SPARE_PART     50
#define RETURN_PART    25
#define RETURN_UNITS   400 /* all hosts together, about once for so many units, unless it is much */
#define MUCH_TIMES     4
#define CRUMB_PART     1000                /* at the end of it */
#define RETURN_MOST_US (10000 * US_PER_MS) /* who joins needs a part of a day, and now */

static uint64_t load(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_relaxed);
}

/* The name of the address whose budgets are @owner's; false: it is no address's. */
static bool address_of(const struct keeper *k, uint64_t owner, char to[EGRESS_TEXT])
{
        for (unsigned i = 1; i < REGION_EGRESSES; ++i) {
                const struct egress *egress = &k->region->header->egresses[i];

                if (owner != 0 && load(&egress->name) == owner) {
                        (void)egress_text(egress, to);
                        return to[0] != '\0';
                }
        }
        (void)snprintf(to, EGRESS_TEXT, "%s", k->config.address);
        return owner == 0;
}

/* Of budgets of an endpoint at an address without a name the hash does not tell the address. */
static void write_id(const struct keeper *k, struct ward *ward, uint64_t owner)
{
        char text[EGRESS_TEXT], hex[OP_HEX_SIZE];
        uint32_t span_ms = ward->window.span_ms;

        op_hex(owner, hex);
        if (policy_pool(ward->pool)->scope == POLICY_PER_ACCOUNT)
                (void)snprintf(ward->id, sizeof(ward->id), "%s/%u/%" PRIu32, hex,
                               (unsigned)ward->pool, span_ms);
        else if (address_of(k, owner, text))
                (void)snprintf(ward->id, sizeof(ward->id), "%.63s/%u/%" PRIu32, text,
                               (unsigned)ward->pool, span_ms);
        else
                (void)snprintf(ward->id, sizeof(ward->id), "%.32s.%s/%u/%" PRIu32,
                               load(&k->region->header->egresses[1].name) == 0 ? k->config.address
                                                                               : "",
                               hex, (unsigned)ward->pool, span_ms);
}

/* The first and last of the windows that may have been used without being spoken about. */
static void settle(struct ward *ward, const struct keeper_time *time)
{
        struct limiter_time now = ward_time(ward, time);
        uint64_t n = window_number(ward->window.span_ms, now.now_ms, now.guard_ms);

        lease_settle(&ward->window, n > 0 ? n - 1 : 0, n + 2 + window_past(ward->window.span_ms));
}

/* Windows of this length are no more, so nobody speaks of it, and its share must not be prolonged
 * with those of the others. */
static void drop_share(const struct ward *ward, const struct keeper_time *time)
{
        struct limiter_time now = ward_time(ward, time);
        uint64_t n = window_number(ward->window.span_ms, now.now_ms, now.guard_ms);

        if (load(&lease_of(&ward->window)->share) != 0)
                lease_set_share(&ward->window, 0, n > 0 ? n - 1 : 0,
                                n + 2 + window_past(ward->window.span_ms));
}

static void adopt(struct keeper *k, size_t index, struct slot *slot, const struct keeper_time *time)
{
        uint64_t pool_span = load(&slot->pool_span);
        uint32_t pool = slot_pool(pool_span), span_ms = slot_span(pool_span), limit;
        struct ward *ward, stray;

        if (pool >= policy_pool_count() || span_ms == 0 || k->n_wards == KEEPER_WARDS_MAX)
                return;
        limit = pool_limit(k->region, (uint16_t)pool, span_ms);
        if (limit == 0) {
                stray = (struct ward){ .window = { slot, span_ms, 0, k->region },
                                       .pool = (uint16_t)pool };
                drop_share(&stray, time);
                return;
        }
        ward = &k->wards[k->n_wards++];
        *ward = (struct ward){
                .window = { slot, span_ms, limit < WINDOW_AMOUNT_MAX ? limit : WINDOW_AMOUNT_MAX,
                            k->region },
                .pool = (uint16_t)pool,
        };
        write_id(k, ward, load(&slot->owner));
        k->ward_of[index] = (uint16_t)k->n_wards;
}

static void scan(struct keeper *k, const struct keeper_time *time)
{
        k->scanned_us = time->mono_us;
        for (size_t i = 0; i < REGION_SLOTS; ++i)
                if (k->ward_of[i] == 0 &&
                    atomic_load_explicit(&k->region->slots[i].key, memory_order_acquire) != 0)
                        adopt(k, i, &k->region->slots[i], time);
}

bool keeper_gate_id(const struct keeper *k, unsigned egress, unsigned gate, char to[OP_ID_SIZE])
{
        char text[EGRESS_TEXT];

        if (egress == 0)
                (void)snprintf(text, sizeof(text), "%s", k->config.address);
        else
                (void)egress_text(&k->region->header->egresses[egress], text);
        (void)snprintf(to, OP_ID_SIZE, "%.63s/%u", text, gate);
        return text[0] != '\0';
}

void keeper_init(struct keeper *k, struct limiter *l, const struct keeper_config *config,
                 const struct keeper_time *time)
{
        *k = (struct keeper){ .region = l->region, .limiter = l, .config = *config };
        op_hex(l->region->header->table_hash, k->table);
        op_hex(region_new_host(time->mono_us), k->run);
        /* As it stands is found out by asking. */
        atomic_store_explicit(&l->region->lease->refused_ms, 0, memory_order_relaxed);
        for (size_t i = 0; i < OP_ROSTER_MAX; ++i)
                if (load(&l->region->lease->roster[i]) != 0)
                        k->roster[k->n_roster++] = load(&l->region->lease->roster[i]);
        for (size_t p = 0; p < REGION_POOLS; ++p)
                for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i)
                        k->told_pools[p][i] = pool_window(l->region, (uint16_t)p, i);
        k->round_trip_us = TRIP_LEAST_US;
        scan(k, time);
        for (size_t i = 0; i < k->n_wards; ++i)
                settle(&k->wards[i], time);
}

void keeper_up(struct keeper *k)
{
        k->is_up = true;
        k->is_greeted = false;
}

bool keeper_away(struct keeper *k, const struct keeper_time *time)
{
        bool was_up = k->is_greeted;

        k->is_up = k->is_greeted = false;
        atomic_store_explicit(&k->region->lease->refused_ms, 0, memory_order_relaxed);
        if (load(&k->region->lease->away_ms) == 0)
                atomic_store_explicit(&k->region->lease->away_ms, time->best.now_ms,
                                      memory_order_relaxed);
        return was_up;
}

/* A gate's word as others should know it: whoever probes has not found out yet. */
static bool is_news(uint64_t word, uint64_t told)
{
        return word != told && (word & 15) <= 1;
}

static bool knows_news(const struct keeper *k)
{
        for (unsigned e = 0; e < REGION_EGRESSES; ++e)
                for (unsigned g = 0; g < REGION_GATES; ++g)
                        if (is_news(load(&k->region->header->egresses[e].gates[g]),
                                    k->told_gates[e][g]))
                                return true;
        for (size_t p = 0; p < REGION_POOLS; ++p)
                for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i)
                        if (pool_window(k->region, (uint16_t)p, i) != k->told_pools[p][i])
                                return true;
        return false;
}

static bool is_before_turn(const struct ward *ward, struct limiter_time now, uint64_t trip_us)
{
        uint32_t span_ms = ward->window.span_ms;
        uint64_t lead_ms = ward_pace_us(ward) / US_PER_MS / LEAD_PART, rest_ms;

        rest_ms = (ward->number + 1) * span_ms > now.now_ms
                          ? (ward->number + 1) * span_ms - now.now_ms
                          : 0;
        lead_ms = lead_ms < LEAD_LEAST_MS ? LEAD_LEAST_MS : lead_ms;
        lead_ms += 2 * trip_us / US_PER_MS;
        lead_ms = lead_ms > span_ms / 4 ? span_ms / 4 : lead_ms;
        return rest_ms <= lead_ms;
}

/* Of many hosts each may keep but a little, for together that is much. */
static uint32_t least_spare(const struct ward *ward, uint64_t n_hosts)
{
        return (uint32_t)(ward->window.limit / (SPARE_PART * (1 + n_hosts / 4)));
}

/* Behind a turn: what is expected is above the cap, or others wanted more of the last window. */
static bool is_due_behind(const struct ward *ward, struct limiter_time now, uint64_t n_hosts)
{
        uint32_t cap = lease_cap(&ward->window, ward->number, now.now_ms + now.guard_ms);

        if (ward->post_number == ward->number || !ward_is_beginning(ward, now))
                return false;
        if (ward_is_wanted(ward, ward->number - 1) &&
            ward_spare(ward, ward->number, ward->number + 1, now) > least_spare(ward, n_hosts))
                return true;
        /* Where others were hungry too to the end there is nothing to be had yet. */
        return ward->demand_before > cap && cap < ward->window.limit && !ward->is_contended;
}

/* Once, so long before the end that others can use it: what it is too late to need here. */
/* What flies may be counted so late: others are granted nothing before that is free as well. */
static uint64_t last_spoken(const struct ward *ward)
{
        return ward->number + 1 + window_past(ward->window.span_ms);
}

static bool is_due_end(const struct ward *ward, struct limiter_time now, uint64_t n_hosts)
{
        uint64_t end_ms = (ward->number + 1) * ward->window.span_ms;

        return ward->end_number != ward->number && ward_is_ending(ward, now) &&
               end_ms > now.now_ms &&
               (ward_spare_now(ward, now) > ward->window.limit / CRUMB_PART ||
                ward_spare(ward, ward->number + 1, last_spoken(ward), now) >
                        least_spare(ward, n_hosts));
}

/* So long after what was given back last: much goes sooner than little. */
static uint64_t return_us(const struct ward *ward, uint32_t spare, uint64_t n_hosts)
{
        uint64_t span_us = ward_pace_us(ward), part_us;

        part_us = span_us / RETURN_PART * (8 + n_hosts) / 8;
        if (spare < MUCH_TIMES * least_spare(ward, n_hosts) &&
            part_us < span_us * n_hosts / (ward->window.limit / RETURN_UNITS + 1))
                part_us = span_us * n_hosts / (ward->window.limit / RETURN_UNITS + 1);
        return part_us < RETURN_MOST_US ? part_us : RETURN_MOST_US;
}

static bool is_due_return(const struct ward *ward, const struct keeper_time *time, uint64_t n_hosts)
{
        struct limiter_time now = ward_time(ward, time);
        bool is_now = ward_is_wanted(ward, ward->number);
        uint32_t spare;

        if (!is_now && !ward_is_wanted(ward, ward->number + 1))
                return false;
        if (is_now && is_due_end(ward, now, n_hosts))
                return true;
        spare = ward_spare(ward, is_now ? ward->number : ward->number + 1, ward->number + 1, now);
        return spare > least_spare(ward, n_hosts) &&
               (ward->returned_us == 0 ||
                time->mono_us >= ward->returned_us + return_us(ward, spare, n_hosts));
}

/*
 * A header shows what others need not wait for: more than this host and all others can have used.
 * They may have been granted more since, and then it is none: not again before a header shows so
 * much more.
 */
static bool has_strangers(const struct ward *ward, uint32_t top)
{
        uint64_t ours = lease_used(&ward->window, ward->number), limit = ward->window.limit;
        uint64_t most = ward->others_number == ward->number
                                ? (uint64_t)ward->others + ward->unclaimed
                                : limit - lease_cap(&ward->window, ward->number, 0);

        return top > ward->top_told + limit / SHOWN_PART &&
               top > ours + most + limit / STRANGE_PART;
}

/*
 * Much more of the window is gone than anybody has told, whoever used it: hosts that send nothing
 * have no header of their own. Not all at once, for the first tells all others.
 */
static bool has_shown(const struct keeper *k, const struct ward *ward, uint64_t n_hosts,
                      uint32_t top)
{
        uint64_t part = ward->window.limit / SHOWN_PART;
        uint64_t least = SHOWN_EACH * n_hosts > SHOWN_LEAST ? SHOWN_EACH * n_hosts : SHOWN_LEAST;

        part = part > least ? part : least;
        part += part * ((k->region->lease->host ^ ward->top_told) % SHOWN_TURNS) / SHOWN_TURNS;
        return top > ward->top_told + part;
}

/* Whether others should know at once what a header has shown of the window. */
static bool is_due_top(const struct keeper *k, const struct ward *ward, uint64_t n_hosts)
{
        struct window_view view;

        if (n_hosts < 2)
                return false;
        window_look(&ward->window, ward->number, &view);
        return has_strangers(ward, view.top) || has_shown(k, ward, n_hosts, view.top);
}

static bool is_time_to_ask(const struct ward *ward, const struct keeper_time *time)
{
        return time->mono_us >= ward->ask_again_us ||
               (ward->urgent > 0 && time->mono_us >= ward->urgent_again_us);
}

static enum keeper_reason why(struct keeper *k, struct ward *ward, const struct keeper_time *time)
{
        struct limiter_time now = ward_time(ward, time);
        uint64_t trip_us = k->round_trip_us, n_hosts = load(&k->region->lease->n_hosts);
        bool is_hungry;

        if (!ward->is_member)
                return KEEPER_BUDGET;
        if (ward->is_lowered)
                return KEEPER_LOWERED;
        if (is_due_behind(ward, now, n_hosts))
                return KEEPER_BEHIND;
        is_hungry = ward_is_hungry(ward, time, trip_us);
        if (is_hungry && is_time_to_ask(ward, time))
                return KEEPER_HUNGRY;
        /* Who is hungry gives nothing back when it speaks. */
        if (!is_hungry && is_due_return(ward, time, n_hosts))
                return KEEPER_RETURN;
        if (is_due_top(k, ward, n_hosts))
                return KEEPER_KNOWS;
        if (ward->turn_number != ward->number + 1 && ward->demand > 0 &&
            is_before_turn(ward, now, trip_us) &&
            ward_expected_next(ward, now) >
                    lease_cap(&ward->window, ward->number + 1, now.now_ms + now.guard_ms))
                return KEEPER_TURN;
        return KEEPER_NOTHING;
}

/* Shares that are less than a part of the limit for each host, as one has that has just joined. */
static bool has_poor_share(const struct keeper *k)
{
        uint64_t n_hosts = load(&k->region->lease->n_hosts);

        for (size_t i = 0; i < k->n_wards && k->config.share_pct == 0; ++i) {
                const struct ward *ward = &k->wards[i];
                uint32_t share = (uint32_t)load(&lease_of(&ward->window)->share);

                if (share * n_hosts * 10 < (uint64_t)ward->window.limit * 9)
                        return true;
        }
        return false;
}

static bool is_due_poor(struct keeper *k, const struct keeper_time *time)
{
        if (time->mono_us < k->spoke_us + POOR_LEAST_US + k->poor_pause_us ||
            (!k->is_waiting && !has_poor_share(k)))
                return false;
        k->poor_pause_us = k->poor_pause_us * 2 + POOR_LEAST_US / 2;
        if (k->poor_pause_us > POOR_MOST_US)
                k->poor_pause_us = POOR_MOST_US;
        return true;
}

bool keeper_look(struct keeper *k, const struct keeper_time *time)
{
        uint64_t routine_us = k->config.grace_ms * US_PER_MS / 3;

        if (routine_us > KEEPER_ROUTINE_MS * US_PER_MS)
                routine_us = KEEPER_ROUTINE_MS * US_PER_MS;
        if (time->mono_us >= k->scanned_us + SCAN_US)
                scan(k, time);
        k->reason = KEEPER_NOTHING;
        for (size_t i = 0; i < k->n_wards; ++i)
                ward_look(&k->wards[i], k->region, time);
        if (!k->is_up || time->mono_us < k->quiet_until_us)
                return false;
        if (!k->is_greeted)
                k->reason = time->is_known || k->spoke_us == 0 ? KEEPER_FIRST : KEEPER_NOTHING;
        for (size_t i = 0; i < k->n_wards && k->reason == KEEPER_NOTHING && k->is_greeted; ++i)
                k->reason = why(k, &k->wards[i], time);
        if (k->reason == KEEPER_NOTHING && k->is_greeted && knows_news(k))
                k->reason = KEEPER_KNOWS;
        if (k->reason == KEEPER_NOTHING && k->probe[0] != '\0')
                k->reason = KEEPER_PROBE;
        if (k->reason == KEEPER_NOTHING && k->is_greeted && is_due_poor(k, time))
                k->reason = KEEPER_POOR;
        if (k->reason == KEEPER_NOTHING && time->mono_us >= k->spoke_us + routine_us)
                k->reason = KEEPER_ROUTINE;
        return k->reason != KEEPER_NOTHING;
}
