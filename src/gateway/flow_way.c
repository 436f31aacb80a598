/*
 * By which address a request leaves. One that the exchange has refused, or that may have been sent,
 * stays where it was; so does one that waits while something is stopped.
 */
#include "gateway/flow_way.h"
#include "budget/budget.h"
#include "core/home.h"
#include "gateway/breakers.h"
#include "gateway/flow_inside.h"
#include "gateway/outlet.h"
#include "gateway/upstream.h"

/* What one address has for a request. */
struct offer {
        struct outlet *outlet;
        uint32_t room;
        bool is_shut; /* stopped or banned, of what the request needs */
        bool is_cut;  /* its way does not answer */
};

struct offers {
        struct offer all[SETTINGS_EGRESS_MAX];
        size_t n;
        bool is_any_shut;
};

static bool has_one(const struct gateway *g)
{
        return LIKELY(g->n_outlets == 1);
}

static void take_way(struct flow *f, struct outlet *o)
{
        must(o);
        f->upstream = &o->upstreams[f->plan.group];
        budget_aim(&o->limiter, &f->plan, &f->request);
}

/* Changes what @f is aimed at. */
static struct offer look_at(struct flow *f, struct outlet *o)
{
        struct upstream *u = &o->upstreams[f->plan.group];
        struct limiter_time time = upstream_now(f->gateway, u);
        struct offer offer = { .outlet = o };

        budget_aim(&o->limiter, &f->plan, &f->request);
        offer.is_shut = limiter_shut_ms(&o->limiter, &f->request, time) > 0;
        offer.is_cut = breakers_are_shut(f->gateway, u, NULL);
        if (!offer.is_shut && !offer.is_cut)
                offer.room = budget_room(&o->limiter, &f->plan, &f->request, time);
        return offer;
}

static bool is_better(const struct offer *a, const struct offer *b)
{
        if (a->room != b->room)
                return a->room > b->room;
        return a->outlet->used < b->outlet->used;
}

/* All, the best first. */
static void look_at_all(struct flow *f, struct offers *ret)
{
        struct gateway *g = f->gateway;

        *ret = (struct offers){ .n = g->n_outlets };
        for (size_t i = 0; i < g->n_outlets; ++i) {
                struct offer offer = look_at(f, &g->outlets[i]);
                size_t k = i;

                ret->is_any_shut |= offer.is_shut;
                for (; k > 0 && is_better(&offer, &ret->all[k - 1]); --k)
                        ret->all[k] = ret->all[k - 1];
                ret->all[k] = offer;
        }
        take_way(f, f->upstream->outlet);
}

static const struct offer *offer_of(const struct offers *offers, const struct outlet *o)
{
        for (size_t i = 0; i < offers->n; ++i)
                if (offers->all[i].outlet == o)
                        return &offers->all[i];
        return NULL;
}

/* Homes. */

/* Who says so, else whose key it is, else the connection: then it is this gateway's own matter. */
static uint64_t client_of(struct flow *f, struct homes *ret_homes)
{
        struct str name =
                http_field_value(http_exchange_head(f->exchange), STR_LITERAL("x-weir-client"));
        struct gateway *g = f->gateway;

        *ret_homes = (struct homes){ g->region.header->homes, REGION_HOMES };
        if (name.p)
                return limiter_owner(&g->limiter, name.p, name.n);
        if (f->plan.account != 0)
                return limiter_owner(&g->limiter, &f->plan.account, sizeof(f->plan.account));
        *ret_homes = (struct homes){ g->connection_homes, ARRAY_SIZE(g->connection_homes) };
        return http_exchange_connection(f->exchange);
}

/* Where its client is at home; NULL: it is new, or its home is no address of this gateway. */
static struct outlet *home_of(struct flow *f)
{
        struct homes homes;
        uint64_t client = client_of(f, &homes);
        unsigned egress = home_find(homes, client);

        return egress == HOME_NONE ? NULL : outlets_at(f->gateway, egress);
}

static void give_home(struct flow *f, struct outlet *o)
{
        struct homes homes;
        uint64_t client = client_of(f, &homes);

        if (outlets_at(f->gateway, home_give(homes, client, o->limiter.egress)) == NULL)
                home_move(homes, client, o->limiter.egress);
}

/* Who is new while something is stopped: in turn, those that are stopped too. */
static struct outlet *home_for_newcomer(struct flow *f)
{
        struct gateway *g = f->gateway;
        struct outlet *o = &g->outlets[g->n_newcomers++ % g->n_outlets];

        give_home(f, o);
        return o;
}

/* The rule. */

/* Refused by the exchange, or perhaps sent, or waiting since something was stopped: by no other
 * address than its own. */
static bool is_settled(const struct flow *f)
{
        return f->call.retries > 0 || f->n_stale > 0 || f->is_bound;
}

static bool may_leave_ban(const struct flow *f)
{
        return f->gateway->settings.egress_ban_cancels && f->request.class == CLASS_CANCEL &&
               f->n_stale == 0;
}

/* The one it is bound to while something is stopped. */
static struct outlet *bound_to(struct flow *f, const struct offers *offers)
{
        struct outlet *home = home_of(f), *o;

        if (!home)
                home = home_for_newcomer(f);
        o = f->has_way ? f->upstream->outlet : home;
        if (may_leave_ban(f) && offer_of(offers, o)->is_shut)
                for (size_t i = 0; i < offers->n; ++i)
                        if (!offers->all[i].is_shut && !offers->all[i].is_cut)
                                return offers->all[i].outlet;
        return o;
}

static void use(struct flow *f)
{
        f->has_way = true;
        f->upstream->outlet->used = ++f->gateway->n_ways;
}

static int reserve(struct flow *f)
{
        if (breakers_are_shut(f->gateway, f->upstream, NULL))
                return FLOW_WAY_CUT;
        return limiter_reserve(upstream_limiter(f->upstream), &f->request,
                               upstream_now(f->gateway, f->upstream), &f->ticket);
}

static int reserve_at(struct flow *f, struct outlet *o)
{
        take_way(f, o);
        return reserve(f);
}

/* Whether @answer is the better one, at @at_ms. */
static bool is_sooner(int answer, const struct limiter_ticket *ticket, int than,
                      const struct limiter_ticket *other)
{
        bool has_place = answer == LIMITER_GO || answer == LIMITER_WAIT;
        bool had_place = than == LIMITER_GO || than == LIMITER_WAIT;

        if (has_place != had_place)
                return has_place;
        return ticket->at_ms < other->at_ms;
}

/* The first that it can leave by now, else the one where its turn comes first. */
static int reserve_anywhere(struct flow *f, const struct offers *offers)
{
        int best_answer = LIMITER_NEVER, answer;
        struct outlet *best = NULL;
        struct limiter_ticket ticket;

        for (size_t i = 0; i < offers->n; ++i) {
                const struct offer *offer = &offers->all[i];

                if (offer->is_cut)
                        continue;
                answer = reserve_at(f, offer->outlet);
                if (best && !is_sooner(answer, &f->ticket, best_answer, &ticket)) {
                        limiter_refund(&offer->outlet->limiter, &f->ticket);
                        continue;
                }
                if (best)
                        limiter_refund(&best->limiter, &ticket);
                best = offer->outlet;
                best_answer = answer;
                if (answer == LIMITER_GO)
                        return answer;
                ticket = f->ticket;
        }
        /* None answers: it stays where it is, and hears it. */
        if (!best)
                return reserve(f);
        take_way(f, best);
        f->ticket = ticket;
        return best_answer;
}

void flow_way_begin(struct flow *f)
{
        f->has_way = f->is_bound = false;
        f->upstream = has_one(f->gateway) ? &f->gateway->outlets[0].upstreams[f->plan.group]
                                          : outlets_first_open(f->gateway, f->plan.group);
}

int flow_way_reserve(struct flow *f)
{
        struct gateway *g = f->gateway;
        struct offers offers;
        int r;

        if (has_one(g))
                return reserve(f);
        look_at_all(f, &offers);
        if (is_settled(f) && !may_leave_ban(f))
                r = reserve_at(f, f->upstream->outlet);
        else if (offers.is_any_shut || is_settled(f))
                r = reserve_at(f, bound_to(f, &offers));
        else {
                r = reserve_anywhere(f, &offers);
                if (!home_of(f))
                        give_home(f, f->upstream->outlet);
        }
        f->is_bound |= offers.is_any_shut;
        use(f);
        return r;
}

void flow_way_choose(struct flow *f)
{
        struct gateway *g = f->gateway;
        struct offers offers;

        if (has_one(g))
                return;
        look_at_all(f, &offers);
        if (!f->has_way && offers.is_any_shut)
                take_way(f, bound_to(f, &offers));
        else if (!f->has_way) {
                take_way(f, offers.all[0].outlet);
                if (!home_of(f))
                        give_home(f, f->upstream->outlet);
        }
        use(f);
}

void flow_way_turn(struct flow *f)
{
        struct gateway *g = f->gateway;

        if (!has_one(g))
                take_way(f, &g->outlets[g->n_ways++ % g->n_outlets]);
}

/* One that is open, and whose way answers. */
static bool is_usable(struct gateway *g, const struct upstream *u)
{
        return outlet_is_open(g, u) && !breakers_are_shut(g, u, NULL);
}

bool flow_way_may_change(struct flow *f)
{
        struct gateway *g = f->gateway;
        bool is_any_usable = false, is_any_shut = false;

        if (has_one(g) || is_usable(g, f->upstream))
                return false;
        for (size_t i = 0; i < g->n_outlets; ++i) {
                const struct upstream *u = &g->outlets[i].upstreams[f->plan.group];

                is_any_usable |= is_usable(g, u);
                is_any_shut |= !outlet_is_open(g, u);
        }
        /* Where something is stopped, who waits stays; but for cancels, if they may go. */
        return is_any_usable && (is_any_shut ? may_leave_ban(f) : !is_settled(f));
}
