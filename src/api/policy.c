#include "api/request.h"

#include <errno.h>
#include <string.h>

_Static_assert((int)WEIR_CLASS_BACKFILL == (int)CLASS_BACKFILL, "classes have the same numbers");
_Static_assert((int)WEIR_GROUP_EAPI == (int)POLICY_EAPI, "groups have the same numbers");

static uint32_t amount_of(const struct policy_plan *plan, enum policy_unit unit)
{
        for (unsigned i = 0; i < plan->n_charges; ++i) {
                const struct policy_charge *charge = &plan->charges[i];
                const struct policy_pool *pool = policy_pool(charge->pool);

                if (pool->unit == unit)
                        return policy_charge_amount(charge, pool->windows[0].span_ms);
        }
        return 0;
}

const struct request request_none = {
        .plan = { .class = CLASS_ORDER, .is_mutating = true, .places_order = true },
};

static bool is_batch(const struct policy_plan *plan)
{
        return plan->endpoint && plan->is_mutating && strstr(plan->endpoint->path, "batchOrders");
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
        /* Splitmix: every bit of the value reaches every bit of the hash. */
        hash = (hash ^ value) + 0x9e3779b97f4a7c15ULL;
        hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9ULL;
        hash = (hash ^ hash >> 27) * 0x94d049bb133111ebULL;
        return hash ^ hash >> 31;
}

static uint64_t kind_of(const struct policy_plan *plan)
{
        uint64_t hash = mix(mix((uint64_t)plan->group, plan->account), plan->n_charges);

        for (unsigned i = 0; i < plan->n_charges; ++i) {
                const struct policy_charge *charge = &plan->charges[i];

                hash = mix(hash, (uint64_t)charge->pool << 32 | charge->amount);
                hash = mix(mix(hash, charge->endpoint), charge->is_per_account);
                for (unsigned k = 0; k < charge->n_specials; ++k)
                        hash = mix(mix(hash, charge->specials[k].span_ms),
                                   charge->specials[k].amount);
        }
        return hash;
}

/* "POST", "/fapi/v1/order", "symbol=BTCUSDT": what is not split so is not what the tables know, and
 * would be charged as something else. */
static bool is_split(const char *method, const char *path, const char *query)
{
        size_t n = method ? strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0;

        return n > 0 && method[n] == '\0' && path && path[0] == '/' && !strchr(path, '?') &&
               (!query || query[0] != '?');
}

int weir_request_find(const char *method, const char *path, const char *query, const char *body,
                      const char *api_key, struct weir_request *ret_request)
{
        struct policy_input input = {
                .method = str_of(method),
                .path = str_of(path),
                .query = str_of(query),
                .body = str_of(body),
                .api_key = str_of(api_key),
        };
        struct request *inside = (struct request *)(void *)ret_request->inside;
        struct policy_plan plan;

        if (!is_split(method, path, query))
                return -EINVAL;
        if (policy_match(NULL, &input, &plan) != 0)
                return -ENOENT;
        *ret_request = (struct weir_request){
                .group = (enum weir_group)plan.group,
                .request_class = (enum weir_request_class)plan.class,
                .is_known = plan.is_known,
                .is_mutating = plan.is_mutating,
                .places_order = plan.places_order,
                .weight = amount_of(&plan, POLICY_WEIGHT),
                .orders = amount_of(&plan, POLICY_ORDERS),
                .expires_ms = policy_expires_ms(&plan),
        };
        inside->plan = plan;
        inside->is_batch = is_batch(&plan);
        inside->kind = kind_of(&plan);
        inside->mark = REQUEST_MARK;
        return 0;
}

enum weir_class request_class(const struct weir_request *request)
{
        return (unsigned)request->request_class < WEIR_CLASS_COUNT
                       ? (enum weir_class)request->request_class
                       : request_of(request)->plan.class;
}
