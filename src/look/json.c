#include "look/look.h"

#include "core/gate.h"

static json_t *number(uint64_t n)
{
        return json_integer((json_int_t)n);
}

/* null for none. */
static json_t *text(const char *s)
{
        return s ? json_string(s) : json_null();
}

static json_t *ceilings_json(const struct look_budget *b)
{
        json_t *all = json_object();

        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                json_object_set_new(all, class_name((enum weir_class) class),
                                    number(b->ceilings[class]));
        return all;
}

static json_t *endpoint_json(const struct look_budget *b)
{
        return b->endpoint_path ? json_sprintf("%s %s", b->endpoint_method, b->endpoint_path)
                                : json_null();
}

static json_t *budget_json(const struct look *look, const struct look_budget *b)
{
        char owner[LOOK_OWNER_SIZE];
        json_t *row = json_object();

        json_object_set_new(row, "name", json_string(b->pool->name));
        json_object_set_new(row, "owner", json_string(look_owner_text(b->owner, owner)));
        json_object_set_new(row, "egress", text(look_egress_of(look, b)));
        json_object_set_new(row, "account", text(look_account_of(look, b)));
        json_object_set_new(row, "endpoint", endpoint_json(b));
        json_object_set_new(row, "span_ms", number(b->span_ms));
        json_object_set_new(row, "number", number(b->number));
        json_object_set_new(row, "limit", number(b->limit));
        json_object_set_new(row, "used", number(b->used));
        json_object_set_new(row, "ours", number(b->ours));
        json_object_set_new(row, "in_flight", number(b->in_flight));
        json_object_set_new(row, "held", number(b->held));
        json_object_set_new(row, "foreign", number(b->foreign));
        json_object_set_new(row, "expected", number(b->expected));
        json_object_set_new(row, "turns_in_ms", number(b->turns_in_ms));
        json_object_set_new(row, "shut_for_ms", number(b->shut_for_ms));
        if (b->cap >= 0)
                json_object_set_new(row, "cap", json_integer((json_int_t)b->cap));
        json_object_set_new(row, "ceilings", ceilings_json(b));
        return row;
}

static json_t *budgets_json(const struct look *look)
{
        json_t *list = json_array();

        for (size_t i = 0; i < look->n_budgets; ++i)
                json_array_append_new(list, budget_json(look, &look->budgets[i]));
        return list;
}

static json_t *pacing_json(const struct look *look)
{
        json_t *list = json_array();

        for (size_t i = 0; i < look->n_buckets; ++i)
                json_array_append_new(list,
                                      json_pack("{s:I, s:I, s:f}", "requests_per_minute",
                                                (json_int_t)look->buckets[i].rate_per_min, "burst",
                                                (json_int_t)look->buckets[i].burst, "tokens",
                                                (double)look->buckets[i].milli / 1000));
        return list;
}

/* { NAME: { "owner": ..., "keys": [ first characters ] } } */
static json_t *accounts_json(const struct look *look)
{
        json_t *accounts = json_object();
        char owner[LOOK_OWNER_SIZE];

        for (size_t i = 0; i < look->n_accounts; ++i)
                json_object_set_new(accounts, look->accounts[i].name,
                                    json_pack("{s:s, s:[]}", "owner",
                                              look_owner_text(look->accounts[i].owner, owner),
                                              "keys"));
        for (size_t i = 0; i < look->n_keys; ++i)
                json_array_append_new(
                        json_object_get(json_object_get(accounts,
                                                        look->accounts[look->keys[i].account].name),
                                        "keys"),
                        json_string(look->keys[i].text));
        return accounts;
}

/* [ [ key, key ] ], by their first characters. */
static json_t *suspects_json(const struct look *look)
{
        json_t *list = json_array();

        for (size_t i = 0; i < look->n_suspects; ++i)
                json_array_append_new(list, json_pack("[s, s]", look->suspects[i].one_key,
                                                      look->suspects[i].other_key));
        return list;
}

static json_t *counters_json(const struct look *look)
{
        json_t *counters = json_object();

        for (unsigned i = 0; i < COUNTERS; ++i)
                json_object_set_new(counters, counter_name((enum counter)i),
                                    number(look->counters[i]));
        return counters;
}

static json_t *egresses_json(const struct look *look)
{
        json_t *list = json_array();

        for (unsigned i = 0; i < REGION_EGRESSES; ++i)
                if (look->egresses[i].is_there)
                        json_array_append_new(list, json_string(look->egresses[i].name));
        return list;
}

static json_t *gates_json(const struct look *look)
{
        json_t *list = json_array();

        for (size_t i = 0; i < look->n_gates; ++i) {
                const struct look_gate *g = &look->gates[i];

                json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:b}", "egress",
                                                      look->egresses[g->egress].name, "product",
                                                      g->product, "kind", gate_kind_name(g->kind),
                                                      "for_ms", (json_int_t)g->for_ms, "probing",
                                                      g->is_probing));
        }
        return list;
}

static json_t *front_json(const struct look *look)
{
        json_t *ramps = json_array();

        for (size_t i = 0; i < look->n_ramps; ++i)
                json_array_append_new(ramps, json_pack("{s:s, s:s, s:I}", "egress",
                                                       look->egresses[look->ramps[i].egress].name,
                                                       "product", look->ramps[i].product, "for_ms",
                                                       (json_int_t)look->ramps[i].for_ms));
        return json_pack("{s:I, s:o}", "requests_per_second", (json_int_t)look->front_per_s,
                         "ramps", ramps);
}

static json_t *breakers_json(const struct look *look)
{
        json_t *list = json_array();

        for (size_t i = 0; i < look->n_breakers; ++i) {
                const struct look_breaker *b = &look->breakers[i];

                json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:I}", "egress",
                                                      look->egresses[b->egress].name, "product",
                                                      b->product, "state",
                                                      b->is_probing ? "probing" : "open",
                                                      "failures", (json_int_t)b->failures, "for_ms",
                                                      (json_int_t)b->for_ms));
        }
        return list;
}

static json_t *hosts_json(const struct look_hosts *h)
{
        char host[LOOK_OWNER_SIZE], words[SHARING_WORDS_SIZE];

        if (!h->are_sharing)
                return json_null();
        return json_pack("{s:s, s:I, s:s, s:s, s:b, s:o, s:o, s:o, s:I}", "host",
                         look_owner_text(h->host, host), "seen", (json_int_t)h->n_seen, "state",
                         sharing_name(h->sharing.state), "words", sharing_words(&h->sharing, words),
                         "was_answered", h->was_answered, "away_for_s",
                         h->is_away ? number(h->away_s) : json_null(), "waits_for_s",
                         h->is_waiting ? number(h->waits_s) : json_null(), "refused_for_s",
                         h->is_refused ? number(h->refused_s) : json_null(), "share_for_s",
                         (json_int_t)h->share_s);
}

json_t *look_json(const struct look *look, const char *path)
{
        json_t *root = json_object();

        if (!root)
                return NULL;
        json_object_set_new(root, "region", text(path));
        json_object_set_new(root, "budgets", budgets_json(look));
        json_object_set_new(root, "pacing", pacing_json(look));
        json_object_set_new(root, "accounts", accounts_json(look));
        json_object_set_new(root, "same_account", suspects_json(look));
        json_object_set_new(root, "counters", counters_json(look));
        json_object_set_new(root, "egresses", egresses_json(look));
        json_object_set_new(root, "gates", gates_json(look));
        json_object_set_new(root, "front", front_json(look));
        json_object_set_new(root, "breakers", breakers_json(look));
        json_object_set_new(root, "weight_disagreements", number(look->weight_disagreements));
        json_object_set_new(root, "hosts", hosts_json(&look->hosts));
        json_object_set_new(root, "slots_taken", number(look->slots_taken));
        return root;
}
