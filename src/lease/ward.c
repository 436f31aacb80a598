/*
 * What is needed of a budget. Demand is all that was used in its window, holds a place there, or
 * found none under the cap; how fast it grows, lately, says what the rest of the window will bring.
 */
#include "core/pool.h"
#include "lease/keeper_inside.h"

/* Demand is looked at over a part of the window: rates of long ago are forgotten. */
#define RATE_PART   25
#define RATE_MIN_MS 50.0
#define RATE_MAX_MS 2000.0
/* What is expected is a forecast: so much more is kept, in percent. */
#define MARGIN_PCT 25
#define KEPT_PCT   10
/* Of what comes by chance nearly all is within so many times the root of what is expected. */
#define CHANCE_TIMES 3
/* Kept whatever is expected: a part of the limit, and the largest request twice. */
#define WARM_PART 2000
/* A window tells what it is used for from so early a part of it on. */
#define EARLY_PART 8
/* ... and what comes in lately tells of the next one in so late a part of it. */
#define LATE_PART 8
/* A few requests at once are no rate yet: so many times what there was is all that is expected. */
#define MORE_TIMES 4
/* Of a long window what comes in so soon is kept: less, and ceilings, which are parts of a cap,
 * close on what is used already; more, and others wait for what is not needed yet. */
#define NEAR_MS 28000.0
/* What orders leave of a cap to cancels, and some more. */
#define CEILING_PART 16
/* What the store keeps for what is urgent is an eighth of the limit: of that half a fair part. */
#define URGENT_PART 16
/* The end of a window: the last part of it. */
#define END_PART 16
/* What waits has room now if it leaves such a part of the cap. */
#define FIT_PART 4
/* So little is not asked for in so late a part of it. */
#define CRUMB_PART 400u
#define LAST_PART  32
/* Asked for beyond what waits, as a part of the limit: those that come meanwhile. */
#define ASK_PART 50

struct limiter_time ward_time(const struct ward *ward, const struct keeper_time *time)
{
        return time->of_pool[ward->pool];
}

static uint32_t cut(uint64_t amount, uint32_t limit)
{
        return amount < limit ? (uint32_t)amount : limit;
}

/* What holds places in windows to come. */
static uint32_t ahead(const struct ward *ward, uint64_t number)
{
        uint64_t last = number + window_ahead(ward->window.span_ms);
        struct window_view view;
        uint64_t sum = 0;

        for (uint64_t n = number + 1; n <= last; ++n) {
                window_look(&ward->window, n, &view);
                sum += view.held;
        }
        return cut(sum, ward->window.limit);
}

static void turn(struct ward *ward, uint64_t number)
{
        ward->demand_before = number == ward->number + 1 ? ward->demand : 0;
        ward->number = number;
        ward->demand = ward->unmet = ward->wishes_told = 0;
        ward->largest /= 2;
        ward->urgent = ward->urgent_told = 0;
        ward->pause_us = ward->ask_again_us = 0;
        ward->urgent_pause_us = ward->urgent_again_us = 0;
        ward->others = ward->top_told = 0;
}

static void follow_rate(struct ward *ward, uint32_t demand, uint64_t mono_us)
{
        double ms = (double)(mono_us - ward->looked_us) / US_PER_MS;
        double tau = (double)ward->window.span_ms / RATE_PART;
        double more = demand > ward->demand ? demand - ward->demand : 0;

        if (ms <= 0)
                return;
        tau = tau < RATE_MIN_MS ? RATE_MIN_MS : tau > RATE_MAX_MS ? RATE_MAX_MS : tau;
        ward->rate += (more / ms - ward->rate) * (ms / (tau + ms));
        ward->looked_us = mono_us;
}

static void follow_limit(struct ward *ward, const struct region *region)
{
        uint32_t limit = pool_limit(region, ward->pool, ward->window.span_ms);

        if (limit > 0)
                ward->window.limit = cut(limit, WINDOW_AMOUNT_MAX);
}

/* Whether what waits could have had its place now: then it waits for another budget. Ceilings leave
 * some of a cap to orders. */
static bool fits(const struct ward *ward, uint64_t demand, struct limiter_time now)
{
        uint32_t cap = lease_cap(&ward->window, ward->number, now.now_ms + now.guard_ms);

        return demand + cap / FIT_PART <= cap;
}

void ward_look(struct ward *ward, const struct region *region, const struct keeper_time *time)
{
        struct limiter_time now = ward_time(ward, time);
        uint64_t number = window_number(ward->window.span_ms, now.now_ms, now.guard_ms);
        struct lease_wish wish;
        struct window_view view;
        uint32_t waiting, fresh;
        uint64_t demand;

        follow_limit(ward, region);
        if (number != ward->number)
                turn(ward, number);
        wish = lease_wish(&ward->window, number);
        window_look(&ward->window, number, &view);
        waiting = ahead(ward, number);
        if (fits(ward, (uint64_t)lease_used(&ward->window, number) + view.held + waiting, now))
                waiting = 0;
        fresh = wish.total > ward->wishes_told ? wish.total - ward->wishes_told : 0;
        ward->unmet = waiting > fresh ? waiting : fresh;
        ward->urgent = wish.urgent > ward->urgent_told ? wish.urgent - ward->urgent_told : 0;
        if (wish.largest > ward->largest)
                ward->largest = wish.largest;
        demand = (uint64_t)lease_used(&ward->window, number) + view.held + ward->unmet;
        follow_rate(ward, cut(demand, WINDOW_AMOUNT_MAX), time->mono_us);
        ward->demand = cut(demand, WINDOW_AMOUNT_MAX);
}

static uint64_t warm(const struct ward *ward)
{
        uint64_t least = ward->window.limit / WARM_PART + 1;

        return 2 * (uint64_t)ward->largest > least ? 2 * (uint64_t)ward->largest : least;
}

/* So much more than @expected is kept: a part of it, or, where it is little, as chance has it. */
static uint64_t margin(const struct ward *ward, uint64_t expected)
{
        uint64_t root = 0, part = expected * KEPT_PCT / 100, more = warm(ward);

        while ((root + 1) * (root + 1) <= expected)
                ++root;
        if (more < CHANCE_TIMES * root)
                more = CHANCE_TIMES * root;
        return more > part + warm(ward) ? more : part + warm(ward);
}

static uint64_t comes_in(const struct ward *ward, double ms)
{
        double more = ward->rate * ms * (100 + MARGIN_PCT) / 100;

        return more < WINDOW_AMOUNT_MAX ? (uint64_t)more : WINDOW_AMOUNT_MAX;
}

/* The same, as far as the little that has come says anything. */
static uint64_t more_of(const struct ward *ward, double ms)
{
        uint64_t more = comes_in(ward, ms), most = (uint64_t)MORE_TIMES * ward->demand;

        most = most > ward->demand_before ? most : ward->demand_before;
        return more < most ? more : most;
}

static double rest_ms(const struct ward *ward, struct limiter_time now)
{
        uint64_t end_ms = (ward->number + 1) * ward->window.span_ms + now.guard_ms;

        return end_ms > now.now_ms ? (double)(end_ms - now.now_ms) : 0;
}

/* So much of it is looked ahead at. */
static double near_ms(const struct ward *ward, struct limiter_time now)
{
        double rest = rest_ms(ward, now);

        return ward_is_long(ward) && rest > NEAR_MS ? NEAR_MS : rest;
}

/* What a window is used for, as this one shows; before it does, as the one before did: around a
 * turn rates say nothing, for who waits for it does not ask. */
static uint64_t usual(const struct ward *ward, struct limiter_time now)
{
        double span = ward->window.span_ms, gone = span - rest_ms(ward, now);

        if (gone * EARLY_PART < span)
                return ward->demand_before;
        return (uint64_t)(ward->demand * span / gone);
}

/* What is kept: by how the window went so far, for what came lately is too little to go by. */
uint32_t ward_need(const struct ward *ward, struct limiter_time now)
{
        double rest = rest_ms(ward, now), near = near_ms(ward, now);
        double gone = ward->window.span_ms - rest;
        uint64_t need = ward->demand, before, more, lately;

        if (gone * EARLY_PART < ward->window.span_ms) {
                before = (uint64_t)(ward->demand_before * near / rest);
                need += more_of(ward, near);
                need = need < before ? before : need;
        } else {
                more = (uint64_t)(ward->demand * near / gone);
                lately = comes_in(ward, near);
                /* A minute ago is long ago: who has become busy since is so for a while. */
                need += ward_is_long(ward) && lately > more ? lately : more;
        }
        /* At the end what is kept in vain is lost, and who needs more after all waits for the turn.
         */
        return cut(need + margin(ward, need - ward->demand) / (ward_is_ending(ward, now) ? 2 : 1),
                   ward->window.limit);
}

/* Who has just begun has no usual yet: half of what comes in lately, which may be chance. */
uint32_t ward_expected_next(const struct ward *ward, struct limiter_time now)
{
        uint64_t need = usual(ward, now), lately = comes_in(ward, ward->window.span_ms) / 2;

        if (rest_ms(ward, now) * LATE_PART <= (double)ward->window.span_ms && need < lately)
                need = lately;
        return cut(need, ward->window.limit);
}

uint32_t ward_need_next(const struct ward *ward, struct limiter_time now)
{
        uint32_t need = ward_expected_next(ward, now);

        return cut(need + margin(ward, need), ward->window.limit);
}

uint32_t ward_want(const struct ward *ward, struct limiter_time now)
{
        return cut(ward->demand + more_of(ward, near_ms(ward, now)) + warm(ward) + ward->unmet +
                           ward->window.limit / ASK_PART,
                   ward->window.limit);
}

uint32_t ward_urgent(const struct ward *ward, uint64_t missing, uint64_t n_hosts)
{
        /* Orders may not use all of a cap: with no more than is used they would wait still. */
        uint64_t part = ward->window.limit / (URGENT_PART * (n_hosts > 0 ? n_hosts : 1));
        uint64_t more = ward->demand / CEILING_PART, urgent;

        urgent = ward->urgent + (more > part ? more : part);
        if (ward->urgent == 0)
                return 0;
        return cut(urgent, missing < WINDOW_AMOUNT_MAX ? (uint32_t)missing : WINDOW_AMOUNT_MAX);
}

bool ward_is_wanted(const struct ward *ward, uint64_t number)
{
        return ward->hungry[number % ARRAY_SIZE(ward->hungry)] == number;
}

void ward_note_wanted(struct ward *ward, uint64_t number, bool is_wanted)
{
        if (is_wanted)
                ward->hungry[number % ARRAY_SIZE(ward->hungry)] = number;
        else if (ward_is_wanted(ward, number))
                ward->hungry[number % ARRAY_SIZE(ward->hungry)] = 0;
}

bool ward_is_hungry(const struct ward *ward, const struct keeper_time *time, uint64_t round_trip_us)
{
        struct limiter_time now = ward_time(ward, time);
        uint32_t cap = lease_cap(&ward->window, ward->number, now.now_ms + now.guard_ms);
        uint32_t used = ward->demand - ward->unmet;

        /* Who waits may wait for another budget. */
        if (cap >= ward->window.limit || ward_want(ward, now) <= cap)
                return false;
        /* For crumbs at the end others would be asked in vain: the turn is near. */
        if (ward->urgent == 0 && ward->unmet * CRUMB_PART < ward->window.limit &&
            !ward_is_long(ward) && rest_ms(ward, now) * LAST_PART <= (double)ward->window.span_ms)
                return false;
        if (ward->unmet > 0)
                return true;
        /* Soon. */
        return ward->rate > 0 &&
               used + ward->rate * 2 * (double)round_trip_us / US_PER_MS >= (double)cap &&
               rest_ms(ward, now) * US_PER_MS > (double)(2 * round_trip_us);
}

bool ward_is_beginning(const struct ward *ward, struct limiter_time now)
{
        double span = ward->window.span_ms;

        return (span - rest_ms(ward, now)) * EARLY_PART < span;
}

bool ward_is_ending(const struct ward *ward, struct limiter_time now)
{
        return rest_ms(ward, now) * END_PART <= (double)ward->window.span_ms;
}

uint32_t ward_spare_now(const struct ward *ward, struct limiter_time now)
{
        uint32_t cap = lease_cap(&ward->window, ward->number, now.now_ms + now.guard_ms);
        uint32_t need = ward_need(ward, now);

        return ward->unmet == 0 && cap > need ? cap - need : 0;
}

uint32_t ward_spare(const struct ward *ward, uint64_t first, uint64_t last, struct limiter_time now)
{
        uint64_t at_ms = now.now_ms + now.guard_ms;
        uint32_t need = ward_need(ward, now), next = ward_need_next(ward, now), most = 0;

        if (ward->unmet > 0)
                return 0;
        for (uint64_t n = first; n <= last; ++n) {
                uint32_t cap = lease_cap(&ward->window, n, at_ms);
                uint32_t keep = n == ward->number ? need : next;

                if (cap > keep && cap - keep > most)
                        most = cap - keep;
        }
        return most;
}
