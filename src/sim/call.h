/*
 * Calls
 *
 * One request on its way through the endpoints: what a handler may look at, and the words in which
 * it refuses. A handler returns the JSON of its answer, or NULL after call_refuse().
 */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include "base/base.h"
#include "base/str.h"
#include "sim/attempts.h"
#include "sim/engine.h"
#include "sim/ledger.h"
#include "sim/form.h"
#include "sim/sign.h"

#include <jansson.h>

enum refusal {
#define REFUSAL(id, status, code, text) REFUSED_##id,
#include "sim/errors.def"
#undef REFUSAL
        REFUSALS,
};

enum security {
        SECURITY_NONE,
        SECURITY_MARKET_DATA, /* wants an API key */
        SECURITY_USER_STREAM, /* wants an API key */
        SECURITY_USER_DATA,   /* signed, from here on */
        SECURITY_TRADE,
        SECURITY_MARGIN,
};

struct call;
typedef json_t *(*call_fn)(struct call *call);

struct endpoint {
        const char *method, *path;
        enum pool pool;
        unsigned weight;
        const char *rule;
        unsigned orders, orders_long;
        enum security security;
        enum product product;
        call_fn handler;
};

struct call {
        const struct endpoint *endpoint;
        const struct form *params;
        struct ledger *ledger;
        struct engine *engine;
        struct attempts *attempts;
        struct account *account;     /* NULL for public calls */
        struct owner *account_owner; /* the account's books; NULL for public calls */
        uint64_t now_ms, now_us;
        struct sign_age age;      /* of signed calls */
        uint64_t engine_delay_us; /* passes between the first look at the age and the engine */
        uint64_t late_ms;         /* a placed order cannot be looked up for so long */
        uint64_t first_ppm, rest_after_ms; /* it fills in two parts */
        bool mixed;                        /* every second element of a batch fails */
        bool is_executed;                  /* something was changed in the engine */
        bool counts_orders;                /* the answer shows the order counts */
        /* written by call_refuse() */
        unsigned status;
        int code;
        char message[320];
        json_t *data; /* goes beside code and msg; owned */
};

/* The text of @refusal is completed with the rest. Return: NULL, for the handler to return. */
json_t *call_refuse(struct call *call, enum refusal refusal, ...);
/* {"code":..,"msg":..} of the last refusal, as an element of a batch. */
json_t *call_refusal_json(const struct call *call);

/* For tables of endpoints that need a symbol: NULL after a refusal. */
const struct symbol *call_symbol(struct call *call);
/* When it may be left out. Return: false after a refusal; *ret_symbol is NULL when not sent. */
bool call_symbol_if_any(struct call *call, const struct symbol **ret_symbol);

/* Return: false after a refusal; *ret is 0 when it was not sent. */
bool call_decimal(struct call *call, const char *name, decimal *ret);
bool call_has(struct call *call, const char *name); /* or refuses with "mandatory" */

/**
 * call_admit_orders() - everything is said, the engine comes next
 *
 * Counts the orders of this endpoint and looks at the age a second time.
 * Return: false after a refusal.
 */
bool call_admit_orders(struct call *call);

static inline struct wallet *call_wallet(const struct call *call)
{
        return &call->engine->wallets[call->account->index];
}

/* Values as the exchange writes them: in quotes. */
json_t *json_decimal(decimal value, unsigned places);
json_t *json_str(struct str s);
/* With eight decimals on spot, else as many as the symbol has. */
json_t *json_price(const struct symbol *symbol, decimal price);
json_t *json_qty(const struct symbol *symbol, decimal qty);

/* Appends and must not fail: what we build is small. */
void json_add(json_t *array, json_t *element);
void json_put(json_t *object, const char *name, json_t *value);

#define HANDLER(name) json_t *name(struct call *call)

/* In the order of the files. */
HANDLER(info_ping);
HANDLER(info_time);
HANDLER(info_exchange);
HANDLER(info_order_limits);

HANDLER(data_depth);
HANDLER(data_trades);
HANDLER(data_agg_trades);
HANDLER(data_klines);
HANDLER(data_avg_price);
HANDLER(data_ticker_day);
HANDLER(data_ticker_price);
HANDLER(data_ticker_book);
HANDLER(data_premium_index);
HANDLER(data_funding_rate);
HANDLER(data_funding_info);
HANDLER(data_open_interest);
HANDLER(data_statistics);

HANDLER(order_place);
HANDLER(order_test);
HANDLER(order_modify);
HANDLER(order_query);
HANDLER(order_query_open);
HANDLER(order_cancel);
HANDLER(order_cancel_all);
HANDLER(order_replace);
HANDLER(order_list_open);
HANDLER(order_list_all);
HANDLER(order_countdown);

HANDLER(amend_order);
HANDLER(amend_list);

HANDLER(batch_place);
HANDLER(batch_modify);
HANDLER(batch_cancel);

HANDLER(algo_place);
HANDLER(algo_query);
HANDLER(algo_cancel);
HANDLER(algo_cancel_all);
HANDLER(algo_list_open);
HANDLER(algo_list_all);

HANDLER(list_place_oco);
HANDLER(list_cancel);
HANDLER(list_query);
HANDLER(list_all);

HANDLER(account_spot);
HANDLER(account_commission);
HANDLER(account_trades);
HANDLER(account_futures);
HANDLER(account_balance);
HANDLER(account_positions);
HANDLER(account_income);
HANDLER(account_commission_rate);
HANDLER(account_brackets);
HANDLER(account_config);
HANDLER(account_symbol_config);
HANDLER(account_set_leverage);
HANDLER(account_set_margin_type);
HANDLER(account_dual_side);
HANDLER(account_set_dual_side);
HANDLER(account_multi_assets);
HANDLER(account_set_multi_assets);
HANDLER(account_listen_key);

HANDLER(sapi_system_status);
HANDLER(sapi_coins);
HANDLER(sapi_margin_pairs);
HANDLER(sapi_margin_assets);
HANDLER(sapi_account_status);
HANDLER(sapi_trading_status);
HANDLER(sapi_restrictions);
HANDLER(sapi_trade_fee);
HANDLER(sapi_user_assets);
HANDLER(sapi_transfer);
HANDLER(sapi_nothing);

#endif
