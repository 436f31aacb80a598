/*
 * The slots: budgets with the windows around now, pacing buckets, keys, evidence.
 */
#include "budget/holder.h"
#include "budget/weights.h"
#include "cli/region_picture.h"
#include "cli/region_accounts.h"
#include "core/egress.h"
#include "core/evidence.h"
#include "core/lease.h"
#include "core/pool.h"
#include "core/slot.h"
#include "core/strangers.h"
#include "core/trip.h"
#include "core/word.h"
#include "look/look.h"

#include <stdio.h>
#include <string.h>

struct painter {
        const struct region_file *file;
        uint64_t wall_ms;
        json_t *accounts;
        json_t *budgets, *pacing, *keys, *evidence, *others;
        size_t n_used, n_anchors;
};

static uint64_t load(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_relaxed);
}

/* Only read through it. */
static struct limiter limiter_of(const struct painter *p)
{
        return (struct limiter){ .region = (struct region *)(uintptr_t)&p->file->region };
}

/* Of what an address has: itself, or an endpoint by way of it. Return: NULL if that is not it. */
static json_t *name_at(const struct painter *p, const struct policy_pool *pool,
                       const struct egress *egress, uint64_t owner)
{
        struct limiter l = limiter_of(p);
        uint64_t address = load(&egress->name);
        char name[512], text[EGRESS_TEXT];
        const char *by = egress_text(egress, text);

        if (owner == address)
                return json_sprintf("the address%s%s", by[0] ? " " : "", by);
        for (size_t i = 0; pool->is_per_endpoint && i < policy_endpoint_count(); ++i) {
                const struct policy_endpoint *e = policy_endpoint(i);

                if (holder_owner(&l, address, e->key) != owner)
                        continue;
                snprintf(name, sizeof(name), "%s %s%s%s", e->method, e->path, by[0] ? " by " : "",
                         by);
                return json_string(name);
        }
        if (pool->is_per_endpoint && holder_owner(&l, address, POLICY_ENDPOINT_UNKNOWN) == owner)
                return json_sprintf("endpoints of no table%s%s", by[0] ? " by " : "", by);
        return NULL;
}

/* Whose a budget is, in words; null when nobody knows. */
static json_t *name_of(const struct painter *p, const struct policy_pool *pool, uint64_t owner)
{
        const struct region_header *header = p->file->region.header;
        char text[LOOK_OWNER_SIZE], name[256];
        json_t *account;

        for (unsigned i = 0; i < REGION_EGRESSES; ++i)
                if (egress_is_there(header, i) &&
                    (account = name_at(p, pool, &header->egresses[i], owner)) != NULL)
                        return account;
        account = region_account_of(p->accounts, look_owner_text(owner, text));
        if (!json_is_string(account))
                return account;
        snprintf(name, sizeof(name), "account %s", json_string_value(account));
        json_decref(account);
        return json_string(name);
}

static json_t *window_json(const struct window *w, uint64_t number, uint64_t now_number,
                           uint64_t now_ms)
{
        uint32_t relief = read_pair(&cell_of(w, number)->seen, number).low;
        struct pair foreign = read_pair(&cell_of(w, number)->foreign, number);
        struct window_view v;
        json_t *json;

        window_look(w, number, &v);
        json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "number",
                         (json_int_t)number, "from_now", (json_int_t)(number - now_number),
                         "opens_ms", (json_int_t)(number * w->span_ms), "sent",
                         (json_int_t)(v.spent - v.held), "flying", (json_int_t)v.flying, "held",
                         (json_int_t)v.held, "extra", (json_int_t)v.extra, "foreign",
                         (json_int_t)v.foreign, "relief", (json_int_t)relief, "shown",
                         (json_int_t)v.top, "noted", (json_int_t)foreign.low);
        /* What this host may use of it, of budgets that it shares with others. */
        if (w->shared)
                json_object_set_new(json, "cap", json_integer(lease_cap(w, number, now_ms)));
        return json;
}

static bool is_empty(const struct window *w, uint64_t number)
{
        const struct cell *cell = cell_of(w, number);
        const word_t *const words[] = { &cell->sent, &cell->held, &cell->seen, &cell->foreign };

        for (size_t i = 0; i < ARRAY_SIZE(words); ++i) {
                struct pair p = read_pair(words[i], number);

                if (p.high || p.low)
                        return false;
        }
        return true;
}

/* The one of now, and those around it with something in them. */
static json_t *windows_json(const struct window *w, uint64_t now_number, uint64_t now_ms)
{
        uint64_t first = now_number - window_past(w->span_ms);
        uint64_t last = now_number + window_ahead(w->span_ms) + 1;
        json_t *list = json_array();

        for (uint64_t n = first; n <= last; ++n)
                if (n == now_number || !is_empty(w, n))
                        json_array_append_new(list, window_json(w, n, now_number, now_ms));
        return list;
}

static json_t *strangers_json(const struct slot *slot)
{
        json_t *list = json_array();

        for (unsigned i = 0; strangers_are_known(slot) && i < 16; ++i)
                json_array_append_new(list,
                                      json_integer((json_int_t)(load(&slot->strangers[i / 8]) >>
                                                                        (i % 8 * 8) &
                                                                255)));
        return list;
}

static void paint_budget(struct painter *p, size_t index, struct slot *slot)
{
        uint64_t pool_span = load(&slot->pool_span), owner = load(&slot->owner);
        const struct policy_pool *pool = policy_pool(slot_pool(pool_span));
        struct window w = { slot, slot_span(pool_span),
                            pool_limit(&p->file->region, (uint16_t)slot_pool(pool_span),
                                       slot_span(pool_span)),
                            lease_region(&p->file->region) };
        struct limiter_time time = look_pool_time(&p->file->region, pool, p->wall_ms);
        uint64_t number, shut_ms = load(&slot->shut_until_ms);
        char owner_is[LOOK_OWNER_SIZE];

        if (w.span_ms == 0)
                return;
        number = window_number(w.span_ms, time.now_ms, time.guard_ms);
        json_array_append_new(
                p->budgets,
                json_pack("{s:i, s:I, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
                          "slot", (int)index, "offset",
                          (json_int_t)(REGION_HEADER_BYTES + index * sizeof(*slot)), "name",
                          pool->name, "owner", look_owner_text(owner, owner_is), "of",
                          name_of(p, pool, owner), "span_ms", (json_int_t)w.span_ms, "limit",
                          (json_int_t)w.limit, "turns_in_ms",
                          (json_int_t)(window_opens_ms(w.span_ms, number + 1, time.guard_ms) -
                                       time.now_ms),
                          "shut_until_ms", (json_int_t)shut_ms, "shut_for_ms",
                          (json_int_t)(shut_ms > time.now_ms ? shut_ms - time.now_ms : 0),
                          "trip_ms", (json_int_t)trip_most_ms(slot), "expected",
                          (json_int_t)strangers_expected(&w, number, time.now_ms), "strangers",
                          strangers_json(slot), "windows", windows_json(&w, number, time.now_ms)));
}

static void paint_pacing(struct painter *p, size_t index, struct slot *slot)
{
        uint64_t owner = load(&slot->owner);
        struct bucket bucket = { &slot->cells[0].sent, (uint32_t)(owner >> 32), (uint32_t)owner };

        if (bucket.rate_per_min == 0)
                return;
        json_array_append_new(
                p->pacing,
                json_pack("{s:i, s:I, s:I, s:f}", "slot", (int)index, "requests_per_minute",
                          (json_int_t)bucket.rate_per_min, "burst", (json_int_t)bucket.burst,
                          "tokens",
                          (double)bucket_level_milli(&bucket, p->wall_ms * US_PER_MS) / 1000));
}

/* What may be printed of a damaged text. */
static json_t *text_json(const word_t *words, size_t bytes)
{
        char text[EVIDENCE_NAME + 1];
        size_t n = strnlen((const char *)(uintptr_t)words, bytes);

        memcpy(text, (const void *)(uintptr_t)words, n);
        text[n] = '\0';
        for (size_t i = 0; i < n; ++i)
                if (text[i] < ' ' || text[i] > '~')
                        text[i] = '?';
        return json_string(text);
}

/* Words as budget/holder.h has them. */
static void paint_key(struct painter *p, size_t index, struct slot *slot)
{
        const word_t *words = &slot->cells[0].sent;
        char account[REGION_HEX_SIZE], key[REGION_HEX_SIZE], twin[REGION_HEX_SIZE];

        json_array_append_new(p->keys,
                              json_pack("{s:i, s:s, s:o, s:s, s:o, s:b, s:s, s:o}", "slot",
                                        (int)index, "number", region_hex(load(&slot->owner), key),
                                        "key", text_json(&words[4], 16), "account",
                                        region_hex(load(&words[0]), account), "name",
                                        text_json(&words[8], HOLDER_NAME_SIZE), "both_are_charged",
                                        load(&words[0]) != 0 && load(&words[1]) == 0, "twin",
                                        region_hex(load(&words[2]), twin), "twin_key",
                                        text_json(&words[6], 16)));
}

static void paint_evidence(struct painter *p, size_t index, struct slot *slot)
{
        const struct evidence *e = (const struct evidence *)(const void *)slot->cells;
        uint64_t variant = load(&slot->owner);
        json_t *name = text_json(e->name, EVIDENCE_NAME), *kinds = json_array();
        char hex[REGION_HEX_SIZE], what[WEIGHTS_NAME_SIZE];

        for (unsigned kind = 0; kind < EVIDENCE_KINDS; ++kind) {
                struct evidence_view v;

                evidence_look(e, variant, (enum evidence_kind)kind, &v);
                if (v.samples == 0 && !v.has_decided && !v.has_learnt)
                        continue;
                weights_name(variant, v.kind, json_string_value(name), what, sizeof(what));
                json_array_append_new(
                        kinds,
                        json_pack("{s:s, s:I, s:I, s:o, s:o, s:I, s:I}", "what", what, "cost",
                                  (json_int_t)v.values[0].cost, "samples", (json_int_t)v.samples,
                                  "learnt", v.has_learnt ? json_integer(v.learnt) : json_null(),
                                  "decided", v.has_decided ? json_integer(v.decided) : json_null(),
                                  "first_ms", (json_int_t)v.first_ms, "last_ms",
                                  (json_int_t)v.last_ms));
        }
        json_array_append_new(p->evidence,
                              json_pack("{s:i, s:s, s:o, s:o}", "slot", (int)index, "variant",
                                        region_hex(variant, hex), "name", name, "kinds", kinds));
}

static void paint(struct painter *p, size_t index, struct slot *slot)
{
        uint64_t pool_span = load(&slot->pool_span);
        uint32_t pool = slot_pool(pool_span), span_ms = slot_span(pool_span);
        char key[REGION_HEX_SIZE], owner[REGION_HEX_SIZE];

        ++p->n_used;
        if (pool_span == 0 || (pool >= policy_pool_count() && pool < REGION_POOL_KEYS))
                json_array_append_new(p->others,
                                      json_pack("{s:i, s:s, s:s, s:I, s:I}", "slot", (int)index,
                                                "key", region_hex(load(&slot->key), key), "owner",
                                                region_hex(load(&slot->owner), owner), "pool",
                                                (json_int_t)pool, "span_ms", (json_int_t)span_ms));
        else if (pool < policy_pool_count())
                paint_budget(p, index, slot);
        else if (pool == REGION_POOL_PACING)
                paint_pacing(p, index, slot);
        else if (pool == REGION_POOL_KEYS)
                paint_key(p, index, slot);
        else if (pool == REGION_POOL_EVIDENCE && span_ms == 0)
                paint_evidence(p, index, slot);
        else
                ++p->n_anchors;
}

void region_picture_slots(const struct region_file *f, uint64_t wall_ms, json_t *root)
{
        struct painter p = { .file = f,
                             .wall_ms = wall_ms,
                             .accounts = region_accounts(&f->region),
                             .budgets = json_array(),
                             .pacing = json_array(),
                             .keys = json_array(),
                             .evidence = json_array(),
                             .others = json_array() };
        size_t n = region_file_slots(f);

        for (size_t i = 0; i < n; ++i)
                if (load(&f->region.slots[i].key) != 0)
                        paint(&p, i, &f->region.slots[i]);
        json_object_set_new(root, "slots",
                            json_pack("{s:i, s:i, s:i}", "all", REGION_SLOTS, "used", (int)p.n_used,
                                      "anchors", (int)p.n_anchors));
        json_object_set_new(root, "budgets", p.budgets);
        json_object_set_new(root, "pacing", p.pacing);
        json_object_set_new(root, "accounts", p.accounts);
        json_object_set_new(root, "keys", p.keys);
        json_object_set_new(root, "evidence", p.evidence);
        json_object_set_new(root, "other_slots", p.others);
}
