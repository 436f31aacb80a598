#include "sim/weight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct endpoint endpoints[] = {
#define ENDPOINT(method, path, pool, weight, rule, orders, orders_long, security, product,         \
                 handler)                                                                          \
        { #method,                                                                                 \
          path,                                                                                    \
          POOL_##pool,                                                                             \
          weight,                                                                                  \
          rule,                                                                                    \
          orders,                                                                                  \
          orders_long,                                                                             \
          SECURITY_##security,                                                                     \
          PRODUCT_##product,                                                                       \
          handler },
#include "sim/endpoints.def"
};

static const struct {
        const char *path;
        unsigned weight;
        const char *rule;
} measured_rules[] = {
#define MEASURED(path, weight, rule) { path, weight, rule },
#include "sim/endpoints.def"
};

static int compare(const void *a, const void *b)
{
        const struct endpoint *x = a, *y = b;
        int order = strcmp(x->path, y->path);

        return order ? order : strcmp(x->method, y->method);
}

void endpoints_init(void)
{
        qsort(endpoints, ARRAY_SIZE(endpoints), sizeof(endpoints[0]), compare);
}

/* Longest path of the table with its method, and more. */
#define NAME_MAX_BYTES 128

const struct endpoint *endpoint_find(struct str method, struct str path)
{
        char path_text[NAME_MAX_BYTES], method_text[16];
        struct endpoint key = { .method = method_text, .path = path_text };

        if (!str_copy(path, path_text, sizeof(path_text)) ||
            !str_copy(method, method_text, sizeof(method_text)))
                return NULL;
        return bsearch(&key, endpoints, ARRAY_SIZE(endpoints), sizeof(endpoints[0]), compare);
}

enum pool pool_of_path(struct str path)
{
        static const struct {
                const char *prefix;
                enum pool pool;
        } prefixes[] = {
                { "/api/", POOL_SPOT },     { "/fapi/", POOL_FUTURES }, { "/dapi/", POOL_FUTURES },
                { "/eapi/", POOL_OPTIONS }, { "/papi/", POOL_PAPI },    { "/sapi/", POOL_SAPI_IP },
        };

        for (size_t i = 0; i < ARRAY_SIZE(prefixes); ++i)
                if (str_has_prefix(path, str_of(prefixes[i].prefix)))
                        return prefixes[i].pool;
        return POOL_NONE;
}

/* Whether TEST of one clause holds. */
static bool holds(struct str test, const struct form *params)
{
        bool is_list = test.n > 0 && test.p[0] == '#', is_not = test.n > 0 && test.p[0] == '!';
        const char *sign = str_find(test, STR_LITERAL("<=")), *eq = sign ? sign + 1 : NULL;
        char name[NAME_MAX_BYTES];
        uint64_t most, value;
        struct str word;

        if (!eq && test.n)
                eq = memchr(test.p, '=', test.n);
        word = str_from(test.p + (is_list || is_not), test.n - (is_list || is_not));
        if (eq)
                word.n = (size_t)((sign ? sign : eq) - word.p);
        str_copy(word, name, sizeof(name));
        if (is_not)
                return !form_has(params, name);
        if (!eq)
                return form_has(params, name);
        word = str_from(eq + 1, (size_t)(test.p + test.n - eq - 1));
        if (!sign)
                return str_eq(form_get(params, name), word) && word.n > 0;
        if (str_to_u64(word, &most) < 0)
                return false;
        value = is_list ? form_elements(params, name) : form_u64(params, name, UINT64_MAX);
        return form_has(params, name) && value <= most;
}

/* "40", or "4*#symbols<=200". */
static uint64_t cost_of(struct str cost, const struct form *params)
{
        const char *star = cost.n ? memchr(cost.p, '*', cost.n) : NULL;
        struct str number = star ? str_from(cost.p, (size_t)(star - cost.p)) : cost, name, most;
        char text[NAME_MAX_BYTES];
        uint64_t each, total, limit = UINT64_MAX;

        if (str_to_u64(number, &each) < 0 || !star)
                return star ? 0 : each;
        most = str_from(star + 2, (size_t)(cost.p + cost.n - star - 2));
        str_split(&most, '<', &name);
        str_copy(name, text, sizeof(text));
        if (most.n > 1 && str_to_u64(str_from(most.p + 1, most.n - 1), &limit) < 0)
                limit = UINT64_MAX;
        total = each * form_elements(params, text);
        return total < limit ? total : limit;
}

static uint64_t apply(uint64_t base, const char *rule, const struct form *params)
{
        struct str rest = str_of(rule), clause, test;

        while (str_split(&rest, ';', &clause)) {
                if (clause.n > 0 && clause.p[0] == '@')
                        continue;
                if (str_split(&clause, ':', &test) && holds(test, params))
                        return cost_of(clause, params);
        }
        return base;
}

static bool is_name(struct str text, struct str method, struct str path)
{
        return text.n == method.n + 1 + path.n && memcmp(text.p, method.p, method.n) == 0 &&
               text.p[method.n] == ' ' && memcmp(text.p + method.n + 1, path.p, path.n) == 0;
}

int weight_rules_set(struct weight_rules *rules, struct str text, const char **ret_why)
{
        const char *eq = text.n ? memrchr(text.p, '=', text.n) : NULL;
        struct str name = str_from(text.p, eq ? (size_t)(eq - text.p) : 0), rest = name, method;
        uint64_t weight;
        size_t at = 0;

        *ret_why = "want METHOD PATH=WEIGHT, like GET /api/v3/ping=3";
        if (!eq || !str_split(&rest, ' ', &method) || rest.n == 0 || rest.p[0] != '/' ||
            name.n >= WEIGHT_NAME_BYTES ||
            str_to_u64(str_from(eq + 1, text.n - name.n - 1), &weight) < 0 || weight > UINT32_MAX)
                return -EINVAL;
        while (at < rules->n_prices && !str_eq(str_of(rules->prices[at].name), name))
                ++at;
        if (at == WEIGHT_PRICES_MAX) {
                *ret_why = "more prices than there is room for";
                return -EINVAL;
        }
        str_copy(name, rules->prices[at].name, WEIGHT_NAME_BYTES);
        rules->prices[at].weight = weight;
        rules->n_prices += at == rules->n_prices;
        return 0;
}

uint64_t weight_of(const struct weight_rules *rules, struct str method, struct str path,
                   const struct endpoint *endpoint, const struct form *params)
{
        for (size_t i = 0; i < rules->n_prices; ++i)
                if (is_name(str_of(rules->prices[i].name), method, path))
                        return rules->prices[i].weight;
        if (!endpoint)
                return 1;
        for (size_t i = 0; rules->measured && i < ARRAY_SIZE(measured_rules); ++i)
                if (strcmp(measured_rules[i].path, endpoint->path) == 0)
                        return apply(measured_rules[i].weight, measured_rules[i].rule, params);
        return apply(endpoint->weight, endpoint->rule, params);
}

bool weight_is_free_on_success(const struct endpoint *endpoint)
{
        return strstr(endpoint->rule, "@ok:0") != NULL;
}
