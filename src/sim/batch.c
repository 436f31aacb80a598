/*
 * Batches on futures: a JSON list in a parameter, an answer per element.
 */
#include "sim/orders.h"

#include <stdlib.h>

#define BATCH_MAX        5
#define BATCH_CANCEL_MAX 10

/* The list of @name. NULL after a refusal. */
static json_t *get_list(struct call *call, const char *name, size_t max)
{
        struct str text = form_get(call->params, name);
        json_t *list;

        if (!call_has(call, name))
                return NULL;
        list = json_loadb(text.p, text.n, 0, NULL);
        if (!json_is_array(list)) {
                json_decref(list);
                return call_refuse(call, REFUSED_MISSING, name);
        }
        if (json_array_size(list) == 0 || json_array_size(list) > max) {
                json_decref(list);
                return call_refuse(call, REFUSED_BATCH_SIZE);
        }
        return list;
}

static int add_param(struct form *params, const char *name, const char *text, size_t n)
{
        struct form_field *p = &params->list[params->n];
        size_t name_n = strlen(name);

        if (params->n == FORM_MAX || name_n + n > FORM_BYTES - params->used)
                return -1;
        memcpy(params->bytes + params->used, name, name_n);
        p->name = str_from(params->bytes + params->used, name_n);
        params->used += name_n;
        memcpy(params->bytes + params->used, text, n);
        p->value = str_from(params->bytes + params->used, n);
        params->used += n;
        params->n += 1;
        return 0;
}

/* An element's members as the parameters of a call of its own. */
static int element_params(json_t *element, struct form *params)
{
        const char *name;
        json_t *value;
        int r = json_is_object(element) ? 0 : -1;

        params->n = params->used = 0;
        json_object_foreach(element, name, value)
        {
                char *text;

                if (json_is_string(value)) {
                        r |= add_param(params, name, json_string_value(value),
                                       json_string_length(value));
                        continue;
                }
                text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
                must(text);
                r |= add_param(params, name, text, strlen(text));
                free(text);
        }
        return r;
}

typedef json_t *(*element_fn)(struct call *call);

static json_t *place_element(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order_wish wish = { .is_algo = false };
        struct order *order;

        if (!s || !orders_wish(call, s, &wish) || !orders_execute(call, &wish, &order))
                return NULL;
        return orders_placed_json(call, order);
}

static json_t *modify_element(struct call *call)
{
        static const struct endpoint uncounted[PRODUCT_COUNT] = {
                [PRODUCT_USDM] = { .pool = POOL_FUTURES, .product = PRODUCT_USDM },
                [PRODUCT_COINM] = { .pool = POOL_FUTURES, .product = PRODUCT_COINM },
        };

        call->endpoint = &uncounted[call->endpoint->product];
        return order_modify(call);
}

/* Each element of @list by @fn; what is refused becomes code and msg in its place. */
static json_t *each(struct call *call, json_t *list, element_fn fn)
{
        struct form *params = malloc(sizeof(*params));
        json_t *answers = json_array(), *element;
        size_t i;

        must(params);
        json_array_foreach(list, i, element)
        {
                struct call part = *call;
                json_t *answer = NULL;

                part.params = params;
                part.data = NULL;
                if (call->mixed && i % 2 == 1)
                        call_refuse(&part, REFUSED_MIXED);
                else if (element_params(element, params) < 0)
                        call_refuse(&part, REFUSED_MISSING, "symbol");
                else
                        answer = fn(&part);
                call->is_executed |= part.is_executed;
                json_add(answers, answer ? answer : call_refusal_json(&part));
                json_decref(part.data);
        }
        free(params);
        json_decref(list);
        return answers;
}

static json_t *batch(struct call *call, element_fn fn)
{
        json_t *list = get_list(call, "batchOrders", BATCH_MAX);

        if (!list)
                return NULL;
        if (!call_admit_orders(call)) {
                json_decref(list);
                return NULL;
        }
        return each(call, list, fn);
}

json_t *batch_place(struct call *call)
{
        return batch(call, place_element);
}

json_t *batch_modify(struct call *call)
{
        return batch(call, modify_element);
}

/* ccxt writes these two names in lower case, and the exchange takes them. */
static const char *list_name(const struct call *call, const char *name, const char *lower)
{
        return form_has(call->params, lower) ? lower : name;
}

json_t *batch_cancel(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        const char *ids = list_name(call, "orderIdList", "orderidlist");
        const char *names = list_name(call, "origClientOrderIdList", "origclientorderidlist");
        bool by_id = form_has(call->params, ids);
        json_t *list, *answers, *element;
        size_t i;

        if (!s)
                return NULL;
        list = get_list(call, by_id ? ids : names, BATCH_CANCEL_MAX);
        if (!list)
                return NULL;
        answers = json_array();
        json_array_foreach(list, i, element)
        {
                const char *text = json_string_value(element);
                uint64_t id = by_id ? (uint64_t)json_integer_value(element) : 0;
                struct order *order;

                if (by_id && text && str_to_u64(str_of(text), &id) < 0)
                        id = 0;
                order = engine_find(call->engine, call->account->index, s->product, id,
                                    str_of(by_id ? NULL : text), call->now_ms);
                if (order && order->wish.symbol == s && order_is_open(order)) {
                        engine_cancel(call->engine, order, call->now_ms);
                        call->is_executed = true;
                        json_add(answers, orders_canceled_json(order, NULL));
                        continue;
                }
                call_refuse(call, REFUSED_UNKNOWN_ORDER);
                json_add(answers, call_refusal_json(call));
        }
        json_decref(list);
        return answers;
}
