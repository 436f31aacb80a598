/*
 * The section "weights"
 *
 *      weights:
 *        "GET /fapi/v1/klines limit<=1000": 2      what weir check --weights prints
 *
 * What somebody has decided that a request costs, whatever tables and headers say.
 */
#include "settings/yaml.h"

#include "budget/weights.h"
#include "settings/guess.h"
#include "settings/value.h"

#include <errno.h>

bool weights_are_equal(const struct settings_weights *a, const struct settings_weights *b)
{
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; ++i)
                if (strcmp(a->all[i].name, b->all[i].name) != 0 ||
                    a->all[i].weight != b->all[i].weight)
                        return false;
        return true;
}

struct near {
        struct guess guess;
        char best[VARIANT_NAME_SIZE];
};

static bool offer(void *ctx, const struct variant *v)
{
        struct near *near = ctx;
        struct str before = near->guess.best;

        guess_offer(&near->guess, str_of(v->name));
        /* What was offered goes: keep the words. */
        if (near->guess.best.p != before.p) {
                snprintf(near->best, sizeof(near->best), "%s", v->name);
                near->guess.best = str_of(near->best);
        }
        return true;
}

static void refuse_name(struct reader *r, const yaml_node_t *key, int why)
{
        char quoted[QUOTE_SIZE];
        struct near near;

        value_quote(scalar(key), quoted, sizeof(quoted));
        if (why == -EDOM) {
                add_at_node(r, key,
                            "weights: %s has a price for each outcome; write @ok, @failed, or what "
                            "weir check --weights shows, behind it",
                            quoted);
                return;
        }
        guess_init(&near.guess, scalar(key));
        variant_each(offer, &near);
        if (near.guess.best.n > 0)
                add_at_node(r, key, "weights: %s has no price; did you mean \"%.*s\"?", quoted,
                            STR_ARGS(near.guess.best));
        else
                add_at_node(r, key,
                            "weights: %s has no price; write \"METHOD /path\" and the clause, as "
                            "weir check --weights shows them",
                            quoted);
}

static void take_weight(struct reader *r, const yaml_node_t *key, const yaml_node_t *value)
{
        struct settings_weights *all = &r->s->weights;
        struct settings_weight one = { .line = from_one(key->start_mark.line) };
        uint64_t weight = 0;
        int why;

        if (key->type != YAML_SCALAR_NODE || scalar(key).n >= sizeof(one.name)) {
                add_at_node(r, key, "weights: a key must be \"METHOD /path clause\", in quotes");
                return;
        }
        memcpy(one.name, scalar(key).p, scalar(key).n);
        why = weights_named(str_of(one.name), &one.key, &one.kind, &one.is_known);
        if (why < 0) {
                refuse_name(r, key, why);
                return;
        }
        for (size_t i = 0; i < all->n; ++i) {
                if (all->all[i].key != one.key || all->all[i].kind != one.kind)
                        continue;
                add_at_node(r, key, "weights: %s is here a second time, after line %u; remove one",
                            one.name, all->all[i].line);
                return;
        }
        if (value->type != YAML_SCALAR_NODE || has_tag(value) ||
            str_to_u64(scalar(value), &weight) < 0 || weight > SETTINGS_WEIGHT_MAX) {
                add_at_node(r, value, "weights: %s takes a whole number from 0 to %d", one.name,
                            SETTINGS_WEIGHT_MAX);
                return;
        }
        if (all->n == SETTINGS_WEIGHTS_MAX) {
                add_at_node(r, key, "weights: more than %d; remove those that the tables have now",
                            SETTINGS_WEIGHTS_MAX);
                return;
        }
        one.weight = (uint32_t)weight;
        all->all[all->n++] = one;
}

void weights_read(struct reader *r, const yaml_node_t *key, const yaml_node_t *value)
{
        struct settings_weights *all = &r->s->weights;

        if (all->line > 0) {
                add_at_node(r, key, "weights: is here a second time, after line %u; remove one",
                            all->line);
                return;
        }
        all->line = from_one(key->start_mark.line);
        if (value->type != YAML_MAPPING_NODE || has_tag(value)) {
                add_at_node(r, value,
                            "weights: is a section; write below it, indented, the lines that weir "
                            "check --weights prints");
                return;
        }
        for (yaml_node_pair_t *pair = value->data.mapping.pairs.start;
             pair < value->data.mapping.pairs.top && r->answer >= 0; ++pair)
                take_weight(r, yaml_document_get_node(r->document, pair->key),
                            yaml_document_get_node(r->document, pair->value));
}
