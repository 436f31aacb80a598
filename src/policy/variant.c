#include "policy/variant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Seed of the paths that no table has, away from those of methods and clauses. */
#define UNKNOWN_SEED 128

uint64_t variant_unknown(unsigned method, struct str path)
{
        return variant_key(table_hash(UNKNOWN_SEED + method, path), 0);
}

static void describe(struct variant *v, const struct policy_endpoint *e, const char *clause,
                     uint64_t n)
{
        int length = snprintf(v->name, sizeof(v->name), "%s %s%s%s", e->method, e->path,
                              clause ? " " : "", clause ? clause : "");

        must(length > 0 && (size_t)length < sizeof(v->name));
        if (n > 0)
                (void)!snprintf(v->name + length, sizeof(v->name) - (size_t)length, "#%u",
                                (unsigned)n);
        v->endpoint = e;
}

/* The variants of one clause: one, or one for each number of elements. */
static bool each_of_clause(const struct policy_endpoint *e, const struct table_clause *c,
                           variant_fn fn, void *ctx)
{
        uint64_t most = c->each ? c->cost / c->each : 0;

        for (uint64_t n = c->each ? 1 : 0; n <= most; ++n) {
                struct variant v = {
                        .key = variant_key(e->key, variant_clause(c, n)),
                        .weight = c->each ? (uint32_t)n * c->each : c->cost,
                };

                describe(&v, e, c->text, n);
                if (!fn(ctx, &v))
                        return false;
        }
        return true;
}

/* Of the first price only: it is the one that charges[0] is of. */
static bool each_of_endpoint(const struct policy_endpoint *e, variant_fn fn, void *ctx)
{
        const struct table_price *price = &table_prices[e->price];
        struct variant base = { .key = variant_key(e->key, 0), .weight = price->base };

        if (e->n_prices == 0)
                return true;
        describe(&base, e, NULL, 0);
        for (unsigned i = 0; i < price->n_clauses; ++i) {
                const struct table_clause *c = &table_clauses[price->clause + i];

                if (c->test == CLAUSE_OUTCOME) {
                        base.outcome = (uint8_t)(1u << c->subject);
                        base.outcome_weight = c->cost;
                } else if (!each_of_clause(e, c, fn, ctx)) {
                        return false;
                }
        }
        return fn(ctx, &base);
}

void variant_each(variant_fn fn, void *ctx)
{
        for (size_t i = 0; i < policy_endpoint_count(); ++i)
                if (!each_of_endpoint(policy_endpoint(i), fn, ctx))
                        return;
}

struct search {
        uint64_t key;
        struct str name;
        struct variant *found;
        bool is_found;
};

static bool has_key(void *ctx, const struct variant *v)
{
        struct search *s = ctx;

        if (v->key != s->key)
                return true;
        *s->found = *v;
        s->is_found = true;
        return false;
}

bool variant_find(uint64_t key, struct variant *ret_variant)
{
        struct search s = { .key = key, .found = ret_variant };

        variant_each(has_key, &s);
        return s.is_found;
}

static bool has_name(void *ctx, const struct variant *v)
{
        struct search *s = ctx;

        if (!str_eq(s->name, str_of(v->name)))
                return true;
        *s->found = *v;
        s->is_found = true;
        return false;
}

int variant_named(struct str name, struct variant *ret_variant)
{
        struct search s = { .name = name, .found = ret_variant };
        struct str rest = name, method;
        struct policy_input input = { 0 };
        struct policy_plan plan;

        variant_each(has_name, &s);
        if (s.is_found)
                return 0;
        if (!str_split(&rest, ' ', &method) || method.n == 0 || rest.n == 0 ||
            name.n >= sizeof(ret_variant->name))
                return -EINVAL;
        input.method = method;
        if (!str_split(&rest, ' ', &input.path) || policy_match(NULL, &input, &plan) != 0)
                return -EINVAL;
        if (plan.is_known || rest.n > 0 || plan.variant == 0)
                return plan.is_known ? -ENOENT : -EINVAL;
        *ret_variant = (struct variant){ .key = plan.variant, .weight = plan.charges[0].amount };
        memcpy(ret_variant->name, name.p, name.n);
        return 0;
}
