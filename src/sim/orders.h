/*
 * Orders as they are asked for and answered: from parameters to wishes, from orders to JSON.
 * The endpoints that place them share this: single orders, batches, conditional orders, lists.
 */
#ifndef SIM_ORDERS_H
#define SIM_ORDERS_H

#include "sim/call.h"

/* Reads and checks @call->params. Return: false after a refusal. */
bool orders_wish(struct call *call, const struct symbol *symbol, struct order_wish *ret_wish);

/* The engine's answer in the words of the product. Return: NULL. */
json_t *orders_refuse(struct call *call, enum engine_answer answer);

/* Places without counting, records the execution. Return: false after a refusal. */
bool orders_execute(struct call *call, const struct order_wish *wish, struct order **ret_order);

/* By orderId or @client_name. Return: NULL, with or without a refusal being the caller's choice. */
struct order *orders_find(struct call *call, const char *id_name, const char *client_name);

/* The order of @symbol that orderId or origClientOrderId names; NULL after a refusal, which is
 * @missing if there is none. */
struct order *orders_named(struct call *call, const struct symbol *symbol, enum refusal missing);

/* Copies a parameter that is a client id. Return: false after a refusal. */
bool orders_client_id(struct call *call, const char *name, char to[static CLIENT_ID_MAX + 1]);

/* What became of an order: for queries, and as the answer to placing it. */
json_t *orders_json(const struct order *order);
json_t *orders_placed_json(const struct call *call, const struct order *order);
json_t *orders_canceled_json(const struct order *order, const char *cancel_id);

const char *order_type_name(enum order_type type);
const char *order_status_name(enum order_status status);
const char *order_tif_name(enum order_tif tif);
const char *position_side_name(enum position_side side);

/* Which orders a list shows. */
struct order_filter {
        const struct symbol *symbol; /* NULL: all of the product */
        bool only_open, is_algo;
        uint64_t from_id, limit;
};

typedef json_t *(*order_json_fn)(const struct order *order);
json_t *orders_list(const struct call *call, const struct order_filter *filter, order_json_fn fn);
/* Cancels what the filter shows. Return: a list of the canceled. */
json_t *orders_cancel_all(struct call *call, const struct order_filter *filter);

#endif
