/*
 * The ledger of a window: what each client of a lane has used of it and may count on.
 */
#include "gateway/fair_inside.h"

/* The level is kept in this many parts of a unit. */
#define LEVEL_UNIT 1024
/* What is reserved opens to all between these parts of a window. */
#define OPENS_FROM_PCT 50
#define OPENS_TO_PCT   90
/* A client that got all it asked for is expected to ask for this much of it again. */
#define AGAIN_PCT 125

static uint64_t fair_part(const struct fair_client *client)
{
        return client->lane->level * client->share / LEVEL_UNIT;
}

bool fair_is_full(const struct fair_client *client)
{
        return client->lane->level > 0 && client->used + client->debt >= fair_part(client);
}

/* What a client is likely to ask for: all that it got, and more if it was made to wait. */
static uint64_t likely(const struct fair_client *client)
{
        return client->used_before * AGAIN_PCT / 100 + client->largest;
}

/*
 * What each may count on in the window that begins. Who did not wait in the last one is content
 * with what it had, so the others share the rest.
 */
static void share_out(struct fair_lane *lane)
{
        uint64_t expected = lane->was_whole ? lane->used_before : lane->budget.limit;
        uint64_t shares = 0, wanting = 0, content = 0;
        struct list *it, *after;

        lane->level = lane->reserved = 0;
        list_for_each_safe(it, after, &lane->clients)
        {
                struct fair_client *client = container_of(it, struct fair_client, lane_link);

                shares += client->share;
                wanting += client->waited_before ? client->share : 0;
        }
        if (!lane->was_blocked || shares == 0)
                return;
        list_for_each_safe(it, after, &lane->clients)
        {
                struct fair_client *client = container_of(it, struct fair_client, lane_link);

                if (client->waited_before)
                        continue;
                client->reserved = fair_at_most(likely(client), expected * client->share / shares);
                content += client->reserved;
        }
        lane->reserved = content;
        lane->level = wanting > 0
                              ? (expected - fair_at_most(content, expected)) * LEVEL_UNIT / wanting
                              : expected * LEVEL_UNIT / shares;
        list_for_each_safe(it, after, &lane->clients)
        {
                struct fair_client *client = container_of(it, struct fair_client, lane_link);

                if (!client->waited_before)
                        continue;
                client->reserved =
                        fair_part(client) - fair_at_most(client->debt, fair_part(client));
                lane->reserved += client->reserved;
        }
}

static void client_turn(struct fair_client *client, bool is_next, bool may_end)
{
        uint64_t over = client->debt + client->used, part = fair_part(client);

        client->debt = part > 0 && over > part ? fair_at_most(over - part, client->largest) : 0;
        client->used_before = is_next ? client->used : 0;
        client->waited_before = (is_next && client->waited) || client->n_wishes > 0;
        client->used = client->reserved = 0;
        client->waited = client->n_wishes > 0;
        if (may_end && client->used_before == 0 && !client->waited_before)
                fair_client_free(client);
}

void fair_turn(struct fair_lane *lane, uint64_t now_ms, struct fair_client *keep)
{
        uint64_t number = now_ms / lane->budget.span_ms;
        bool is_next = number == lane->number + 1;
        struct list *it, *after;

        /* A clock that is corrected by a little goes on in the window that has begun. */
        if (LIKELY(number <= lane->number && number + 2 > lane->number))
                return;
        list_for_each_safe(it, after, &lane->clients)
        {
                struct fair_client *client = container_of(it, struct fair_client, lane_link);

                client_turn(client, is_next, client != keep);
        }
        lane->number = number;
        lane->was_blocked = is_next && lane->is_blocked;
        lane->was_whole = is_next && lane->is_whole;
        lane->is_blocked = false;
        lane->is_whole = true;
        lane->used_before = is_next ? lane->used : 0;
        lane->used = 0;
        share_out(lane);
}

void fair_use(struct fair_client *client, uint32_t amount, uint64_t now_ms)
{
        struct fair_lane *lane = client->lane;
        uint64_t of_reserved;

        fair_turn(lane, now_ms, client);
        of_reserved = fair_at_most(amount, client->reserved);
        client->reserved -= of_reserved;
        lane->reserved -= of_reserved;
        client->used += amount;
        lane->used += amount;
}

void fair_block(struct fair_client *client, uint64_t now_ms)
{
        fair_turn(client->lane, now_ms, client);
        client->waited = true;
        client->lane->is_blocked = client->lane->is_wanted = true;
}

uint64_t fair_hold_ms(struct fair_client *client, uint32_t amount, uint64_t now_ms)
{
        struct fair_lane *lane = client->lane;
        uint64_t span = lane->budget.span_ms, wanted, expected, of_others, at_ms;

        fair_turn(lane, now_ms, client);
        if (!fair_is_full(client))
                return 0;
        of_others = lane->reserved - client->reserved;
        expected = lane->was_whole ? lane->used_before : lane->budget.limit;
        if (expected < lane->room)
                expected = lane->room;
        wanted = lane->used + lane->held_back + amount + of_others;
        if (of_others == 0 || wanted <= expected)
                return 0;
        at_ms = lane->number * span + span * OPENS_FROM_PCT / 100 +
                span * (OPENS_TO_PCT - OPENS_FROM_PCT) / 100 *
                        fair_at_most(wanted - expected, of_others) / of_others;
        return at_ms > now_ms ? at_ms : 0;
}
