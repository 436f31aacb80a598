#include "gateway/fair_inside.h"

#include <errno.h>
#include <stdlib.h>

/* One unit for a client of share 1, in tags: fine enough for the largest share. */
#define TAG_UNIT ((uint64_t)1 << 24)
/* A class that waits may have one of so many parts of each window in any case. */
#define GRANT_PARTS 50
/* The longest that a lane of a long window is remembered. */
#define KEEP_MAX_MS 120000

bool fair_is_before(const struct fair_wish *a, const struct fair_wish *b)
{
        return a->tag != b->tag ? a->tag < b->tag : a->sequence < b->sequence;
}

static bool is_more_hopeful(const struct heap_link *a, const struct heap_link *b)
{
        const struct fair_wish *x = container_of(a, struct fair_wish, hopeful_link);
        const struct fair_wish *y = container_of(b, struct fair_wish, hopeful_link);

        return x->is_full != y->is_full ? y->is_full : fair_is_before(x, y);
}

/* Who has had enough for now comes after all who have not. */
static bool has_right_before(const struct fair_wish *a, bool is_a_full, const struct fair_wish *b)
{
        return is_a_full != b->is_held_back ? b->is_held_back : fair_is_before(a, b);
}

static bool has_less_right(const struct heap_link *a, const struct heap_link *b)
{
        const struct fair_wish *x = container_of(a, struct fair_wish, place_link);
        const struct fair_wish *y = container_of(b, struct fair_wish, place_link);

        return has_right_before(y, y->is_held_back, x);
}

static bool is_held_before(const struct heap_link *a, const struct heap_link *b)
{
        return fair_is_before(container_of(a, struct fair_wish, held_link),
                              container_of(b, struct fair_wish, held_link));
}

static uint64_t mix(uint64_t x)
{
        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        return x ^ x >> 31;
}

void fair_init(struct fair *f)
{
        for (size_t i = 0; i < FAIR_LANE_LISTS; ++i)
                list_init(&f->lanes[i]);
        for (size_t i = 0; i < FAIR_CLIENT_LISTS; ++i)
                list_init(&f->clients[i]);
        for (size_t i = 0; i < CLASS_COUNT; ++i)
                list_init(&f->by_class[i]);
        f->n_lanes = 0;
}

void fair_client_free(struct fair_client *client)
{
        must(client->n_wishes == 0);
        list_unlink(&client->link);
        list_unlink(&client->lane_link);
        --client->lane->n_clients;
        free(client);
}

static void lane_free(struct fair *f, struct fair_lane *lane)
{
        struct list *link;

        must(lane->n_wishes == 0);
        while ((link = list_first(&lane->clients)) != NULL)
                fair_client_free(container_of(link, struct fair_client, lane_link));
        heap_deinit(&lane->hopeful);
        heap_deinit(&lane->held);
        for (size_t i = 0; i < FAIR_WINDOWS; ++i)
                heap_deinit(&lane->places[i]);
        list_unlink(&lane->link);
        list_unlink(&lane->class_link);
        --f->n_lanes;
        free(lane);
}

void fair_deinit(struct fair *f)
{
        for (size_t i = 0; i < CLASS_COUNT; ++i) {
                struct list *link;

                while ((link = list_first(&f->by_class[i])) != NULL)
                        lane_free(f, container_of(link, struct fair_lane, class_link));
        }
}

/* Lanes. */

static struct list *lanes_of(struct fair *f, enum weir_class class, uint16_t pool, uint64_t owner)
{
        return &f->lanes[mix(owner ^ (uint64_t)pool << 8 ^ class) % FAIR_LANE_LISTS];
}

struct fair_lane *fair_lane_find(struct fair *f, enum weir_class class, uint16_t pool,
                                 uint64_t owner)
{
        struct list *it, *after, *head = lanes_of(f, class, pool, owner);

        list_for_each_safe(it, after, head)
        {
                struct fair_lane *lane = container_of(it, struct fair_lane, link);

                if (lane->budget.pool == pool && lane->budget.owner == owner &&
                    lane->budget.class == class)
                        return lane;
        }
        return NULL;
}

struct fair_lane *fair_lane_open(struct fair *f, const struct fair_budget *budget, uint64_t now_ms)
{
        struct fair_lane *lane = fair_lane_find(f, budget->class, budget->pool, budget->owner);

        if (lane)
                return lane;
        lane = f->n_lanes < FAIR_LANES_MAX ? calloc(1, sizeof(*lane)) : NULL;
        if (!lane)
                return NULL;
        lane->budget = *budget;
        lane->is_wanted = true;
        if (lane->budget.span_ms == 0)
                lane->budget.span_ms = 1;
        lane->number = now_ms / lane->budget.span_ms;
        list_init(&lane->clients);
        heap_init(&lane->hopeful, is_more_hopeful);
        heap_init(&lane->held, is_held_before);
        for (size_t i = 0; i < FAIR_WINDOWS; ++i)
                heap_init(&lane->places[i], has_less_right);
        list_init(&lane->link);
        list_init(&lane->class_link);
        list_append(lanes_of(f, budget->class, budget->pool, budget->owner), &lane->link);
        list_append(&f->by_class[budget->class], &lane->class_link);
        ++f->n_lanes;
        return lane;
}

/* Clients. */

static struct list *clients_of(struct fair *f, const struct fair_lane *lane, uint64_t id)
{
        return &f->clients[mix(id ^ (uint64_t)(uintptr_t)lane) % FAIR_CLIENT_LISTS];
}

static struct fair_client *client_find(struct fair *f, const struct fair_lane *lane, uint64_t id)
{
        struct list *it, *after, *head = clients_of(f, lane, id);

        list_for_each_safe(it, after, head)
        {
                struct fair_client *client = container_of(it, struct fair_client, link);

                if (client->id == id && client->lane == lane)
                        return client;
        }
        return NULL;
}

struct fair_client *fair_client(struct fair *f, struct fair_lane *lane, uint64_t id, uint32_t share)
{
        struct fair_client *client = client_find(f, lane, id);

        if (!client && lane->n_clients >= FAIR_CLIENTS_MAX) {
                id = 0;
                share = 1;
                client = client_find(f, lane, id);
        }
        if (client) {
                client->share = share > 0 ? share : 1;
                return client;
        }
        client = calloc(1, sizeof(*client));
        if (!client)
                return NULL;
        client->lane = lane;
        client->id = id;
        client->share = share > 0 ? share : 1;
        list_init(&client->link);
        list_init(&client->lane_link);
        list_append(clients_of(f, lane, id), &client->link);
        list_append(&lane->clients, &client->lane_link);
        ++lane->n_clients;
        return client;
}

/* Order. */

static uint64_t cost(const struct fair_client *client, uint32_t amount)
{
        return TAG_UNIT * (amount > 0 ? amount : 1) / client->share;
}

/* Promises @amount to @client. Return: the tag of what is promised. */
static uint64_t promise(struct fair_client *client, uint32_t amount)
{
        uint64_t now = client->lane->now_tag;
        uint64_t tag = client->finish_tag > now ? client->finish_tag : now;

        client->finish_tag = tag + cost(client, amount);
        if (amount > client->largest)
                client->largest = amount;
        return tag;
}

void fair_pass(struct fair_client *client, uint32_t amount)
{
        client->lane->now_tag = promise(client, amount);
}

void fair_enter(struct fair_client *client, struct fair_wish *wish, uint32_t amount,
                uint64_t sequence, uint64_t now_ms)
{
        struct fair_lane *lane = client->lane;

        must(!wish->client);
        fair_turn(lane, now_ms, client);
        client->waited = true;
        wish->client = client;
        wish->amount = amount;
        wish->sequence = sequence;
        wish->window = FAIR_NOWHERE;
        wish->is_held_back = false;
        wish->tag = promise(client, amount);
        ++client->n_wishes;
        ++lane->n_wishes;
}

static void no_place(struct fair_wish *wish)
{
        struct fair_lane *lane = wish->client->lane;

        if (wish->window == FAIR_NOWHERE)
                return;
        heap_remove(&lane->places[wish->window % FAIR_WINDOWS], &wish->place_link);
        heap_remove(&lane->held, &wish->held_link);
        wish->window = FAIR_NOWHERE;
}

int fair_place(struct fair_wish *wish, uint64_t number)
{
        struct fair_lane *lane = wish->client->lane;
        int r;

        no_place(wish);
        if (number == FAIR_NOWHERE)
                return 0;
        r = heap_push(&lane->places[number % FAIR_WINDOWS], &wish->place_link);
        if (r < 0)
                return r;
        wish->window = number;
        r = wish->is_held_back ? heap_push(&lane->held, &wish->held_link) : 0;
        if (r < 0)
                no_place(wish);
        return r;
}

int fair_hope(struct fair_wish *wish, bool is_hopeful)
{
        struct fair_lane *lane = wish->client->lane;

        if (is_hopeful == (wish->hopeful_link.place != 0))
                return 0;
        wish->is_full = fair_is_full(wish->client);
        if (is_hopeful)
                return heap_push(&lane->hopeful, &wish->hopeful_link);
        heap_remove(&lane->hopeful, &wish->hopeful_link);
        return 0;
}

void fair_hold_back(struct fair_wish *wish, bool is_held_back)
{
        struct fair_lane *lane = wish->client->lane;

        if (wish->is_held_back == is_held_back)
                return;
        must(wish->place_link.place == 0);
        wish->is_held_back = is_held_back;
        if (is_held_back)
                lane->held_back += wish->amount;
        else
                lane->held_back -= wish->amount;
}

void fair_leave(struct fair_wish *wish, bool is_served)
{
        struct fair_client *client = wish->client;
        struct fair_lane *lane;

        if (!client)
                return;
        lane = client->lane;
        (void)!fair_hope(wish, false);
        (void)!fair_place(wish, FAIR_NOWHERE);
        fair_hold_back(wish, false);
        if (is_served && wish->tag > lane->now_tag)
                lane->now_tag = wish->tag;
        if (!is_served)
                client->finish_tag -= cost(client, wish->amount);
        --client->n_wishes;
        --lane->n_wishes;
        wish->client = NULL;
        wish->tag = 0;
}

struct fair_wish *fair_last(const struct fair_lane *lane, uint64_t number)
{
        struct heap_link *first = heap_peek(&lane->places[number % FAIR_WINDOWS]);
        struct fair_wish *last;

        if (!first)
                return NULL;
        last = container_of(first, struct fair_wish, place_link);
        return last->window == number ? last : NULL;
}

struct fair_wish *fair_overtaken(const struct fair_wish *wish, bool is_full, uint64_t number)
{
        struct fair_wish *last = fair_last(wish->client->lane, number);

        return last && has_right_before(wish, is_full, last) ? last : NULL;
}

bool fair_may_grant(const struct fair_lane *lane, uint32_t amount, uint64_t number)
{
        const struct fair_grant *grant = &lane->grants[number % FAIR_WINDOWS];

        return grant->number != number || grant->amount == 0 ||
               (uint64_t)grant->amount + amount <= lane->budget.limit / GRANT_PARTS;
}

void fair_grant(struct fair_lane *lane, uint32_t amount, uint64_t number)
{
        struct fair_grant *grant = &lane->grants[number % FAIR_WINDOWS];

        if (grant->number != number)
                *grant = (struct fair_grant){ .number = number };
        grant->amount += amount;
}

struct fair_wish *fair_held(const struct fair_lane *lane, uint64_t number)
{
        struct heap_link *link = heap_peek(&lane->held);
        struct fair_wish *first;

        if (!link)
                return NULL;
        first = container_of(link, struct fair_wish, held_link);
        return first->window == number ? first : NULL;
}

struct fair_wish *fair_hopeful(const struct fair_lane *lane)
{
        struct heap_link *first = heap_peek(&lane->hopeful);

        return first ? container_of(first, struct fair_wish, hopeful_link) : NULL;
}

struct fair_wish *fair_first_before(const struct fair_client *client)
{
        struct fair_wish *first = fair_hopeful(client->lane);

        return first && !first->is_full && first->client != client && fair_is_full(client) ? first
                                                                                           : NULL;
}

void fair_sweep(struct fair *f, uint64_t mono_ms)
{
        for (size_t i = 0; i < CLASS_COUNT; ++i) {
                struct list *it, *after;

                list_for_each_safe(it, after, &f->by_class[i])
                {
                        struct fair_lane *lane = container_of(it, struct fair_lane, class_link);
                        uint64_t keep_ms =
                                fair_at_most(2 * (uint64_t)lane->budget.span_ms, KEEP_MAX_MS);

                        if (lane->n_wishes > 0 || lane->is_wanted)
                                lane->wanted_ms = mono_ms;
                        lane->is_wanted = false;
                        if (mono_ms - lane->wanted_ms > keep_ms)
                                lane_free(f, lane);
                }
        }
}
