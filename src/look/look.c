#include "look/look.h"
#include "look/budgets.h"
#include "look/owners.h"
#include "look/ways.h"

#include "budget/exclock.h"
#include "budget/weights_list.h"
#include "core/lease.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Costs are compared anew after so long in any case: an endpoint that no table knows may be charged
 * otherwise without having been learnt about. */
#define WEIGHTS_AGAIN_MS 10000u

int look_new(const struct region *region, struct look **ret_look)
{
        struct look *look = calloc(1, sizeof(*look));

        if (!look)
                return -ENOMEM;
        look->region = region;
        *ret_look = look;
        return 0;
}

struct look *look_free(struct look *look)
{
        if (look)
                owners_free(look->owners);
        free(look);
        return NULL;
}

struct limiter_time look_group_time(const struct region *region, unsigned group, uint64_t wall_ms)
{
        int64_t offset_ms;
        uint32_t error_ms;

        if (!exclock_read(&region->header->clocks[group], &offset_ms, &error_ms))
                return (struct limiter_time){ wall_ms, 0 };
        return (struct limiter_time){ wall_ms + (uint64_t)offset_ms, error_ms };
}

struct limiter_time look_pool_time(const struct region *region, const struct policy_pool *pool,
                                   uint64_t wall_ms)
{
        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g) {
                int64_t offset_ms;
                uint32_t error_ms;

                if ((pool->groups & 1u << g) &&
                    exclock_read(&region->header->clocks[g], &offset_ms, &error_ms))
                        return look_group_time(region, g, wall_ms);
        }
        return (struct limiter_time){ wall_ms, 0 };
}

const char *look_owner_text(uint64_t owner, char to[LOOK_OWNER_SIZE])
{
        snprintf(to, LOOK_OWNER_SIZE, "%016" PRIx64, owner);
        return to;
}

static uint64_t load(const word_t *word)
{
        /* Relaxed: a picture, of which no other word depends on another. */
        return atomic_load_explicit(word, memory_order_relaxed);
}

/* What kinds of slots there are, so that nobody goes through all of them for what is not there. */
struct kinds {
        bool has_buckets, has_keys, has_evidence;
};

static struct kinds count_slots(struct look *look)
{
        struct kinds kinds = { 0 };

        look->slots_taken = 0;
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                const struct slot *slot = &look->region->slots[i];
                uint32_t pool;

                if (load(&slot->key) == 0)
                        continue;
                ++look->slots_taken;
                pool = slot_pool(load(&slot->pool_span));
                kinds.has_buckets |= pool == REGION_POOL_PACING;
                kinds.has_keys |= pool == REGION_POOL_KEYS;
                kinds.has_evidence |= pool == REGION_POOL_EVIDENCE;
        }
        return kinds;
}

static void add_bucket(void *ctx, const struct bucket *bucket)
{
        struct look *look = ctx;

        if (look->n_buckets < REGION_SLOTS)
                look->buckets[look->n_buckets++] =
                        (struct look_bucket){ bucket->rate_per_min, bucket->burst,
                                              bucket_level_milli(bucket,
                                                                 look->wall_ms * US_PER_MS) };
}

/* Of a damaged region a name may be no text; what is no printable ASCII is shown as '?'. */
static void write_readable(const char *name, char *to, size_t size)
{
        size_t n = 0;

        for (; name[n] != '\0' && n + 1 < size; ++n)
                to[n] = name[n] >= ' ' && name[n] <= '~' ? name[n] : '?';
        to[n] = '\0';
}

static unsigned account_of(struct look *look, const struct holder_view *view)
{
        struct limiter l = { .region = (struct region *)(uintptr_t)look->region };
        struct look_account *account = look->accounts;

        for (unsigned i = 0; i < look->n_accounts; ++i)
                if (look->accounts[i].number == view->number)
                        return i;
        account += look->n_accounts;
        account->number = view->number;
        account->owner = holder_owner(&l, view->number, 0);
        write_readable(view->name, account->name, sizeof(account->name));
        return (unsigned)look->n_accounts++;
}

static void add_holder(void *ctx, const struct holder_view *view)
{
        struct look *look = ctx;
        struct look_key *key;

        if (look->n_keys == REGION_SLOTS)
                return;
        key = &look->keys[look->n_keys++];
        key->account = account_of(look, view);
        write_readable(view->key, key->text, sizeof(key->text));
}

static void add_suspects(void *ctx, const struct holder_twins *twins)
{
        struct look *look = ctx;

        if (look->n_suspects < REGION_SLOTS)
                look->suspects[look->n_suspects++] = *twins;
}

/* Return: whether the accounts are others than before. */
static bool look_at_holders(struct look *look, bool has_keys)
{
        const struct limiter l = { .region = (struct region *)(uintptr_t)look->region };
        uint64_t turn = holders_version(&l);
        bool are_others = !look->has_looked || turn != look->holders_turn;

        look->n_suspects = 0;
        if (has_keys)
                holders_each_suspect(&l, add_suspects, look);
        if (!are_others)
                return false;
        look->holders_turn = turn;
        look->n_accounts = look->n_keys = 0;
        holders_each(look->region, add_holder, look);
        return true;
}

static void look_at_weights(struct look *look, bool has_evidence)
{
        uint64_t turn = evidence_turn(look->region);

        if (look->has_looked && turn == look->weights_turn &&
            look->wall_ms - look->weights_ms < WEIGHTS_AGAIN_MS)
                return;
        look->weights_turn = turn;
        look->weights_ms = look->wall_ms;
        look->weight_disagreements = has_evidence ? weights_disagreements(look->region) : 0;
}

static uint64_t since_s(uint64_t then_ms, uint64_t now_ms)
{
        return then_ms != 0 && now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;
}

static void look_at_hosts(struct look *look)
{
        const struct lease_header *lease = look->region->lease;
        struct look_hosts *h = &look->hosts;
        const struct sharing *s = &h->sharing;
        uint64_t for_s;

        *h = (struct look_hosts){ .are_sharing = lease_region(look->region) != NULL };
        if (!h->are_sharing)
                return;
        sharing_look(look->region, look->exchange_ms, &h->sharing);
        for_s = since_s(s->since_ms, look->exchange_ms);
        h->host = lease->host;
        h->n_seen = load(&lease->n_hosts);
        h->was_answered = load(&lease->answered_ms) != 0;
        h->is_waiting = s->state == SHARING_WAITS;
        h->is_refused = s->state == SHARING_REFUSED;
        h->is_away = !sharing_is_up(s) && !h->is_refused;
        h->waits_s = h->is_waiting ? for_s : 0;
        h->refused_s = h->is_refused ? for_s : 0;
        h->away_s = h->is_away ? for_s : 0;
        h->share_s = s->has_share ? (s->share_until_ms - look->exchange_ms) / 1000 : 0;
}

static void look_at_egresses(struct look *look)
{
        const struct region_header *header = look->region->header;

        for (unsigned i = 0; i < REGION_EGRESSES; ++i) {
                struct look_egress *egress = &look->egresses[i];

                egress->is_there = egress_is_there(header, i);
                if (i == 0)
                        str_copy(str_of(LOOK_EGRESS_DEFAULT), egress->name, sizeof(egress->name));
                else if (egress->is_there)
                        egress_text(&header->egresses[i], egress->name);
        }
}

void look_take(struct look *look, uint64_t wall_ms)
{
        struct kinds kinds = count_slots(look);

        look->wall_ms = wall_ms;
        look->exchange_ms = look_pool_time(look->region, policy_pool(0), wall_ms).now_ms;
        look_at_egresses(look);
        owners_renew(look, look_at_holders(look, kinds.has_keys));
        budgets_take(look);
        look->n_buckets = 0;
        if (kinds.has_buckets)
                limiter_each_bucket(look->region, add_bucket, look);
        ways_take(look);
        look_at_hosts(look);
        look_at_weights(look, kinds.has_evidence);
        for (unsigned i = 0; i < COUNTERS; ++i)
                look->counters[i] = counter_read(look->region->header, (enum counter)i);
        look->has_looked = true;
}
