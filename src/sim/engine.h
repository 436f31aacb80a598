/*
 * Engine
 *
 * Orders, balances and positions, just enough for real client libraries. There is always a
 * counterparty: a MARKET order fills at once and whole, a LIMIT order that crosses does, another
 * rests and fills whole when the price reaches it; unless its wish says that only a part of it
 * finds a counterparty at first. No fees, no liquidations, no funding.
 *
 * Pure: the time is an argument. Resting orders are looked at when engine_tick() is called.
 */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include "base/base.h"
#include "base/list.h"
#include "sim/market.h"
#include "sim/sign.h"

#define CLIENT_ID_MAX 36

enum order_status {
        ORDER_NEW,
        ORDER_PARTIALLY_FILLED,
        ORDER_FILLED,
        ORDER_CANCELED,
        ORDER_EXPIRED,
};

enum order_type {
        TYPE_LIMIT,
        TYPE_MARKET,
        TYPE_LIMIT_MAKER,
        TYPE_STOP_LOSS,
        TYPE_STOP_LOSS_LIMIT,
        TYPE_TAKE_PROFIT,
        TYPE_TAKE_PROFIT_LIMIT,
        TYPE_STOP, /* futures: with a limit price; from here on futures' own */
        TYPE_STOP_MARKET,
        TYPE_TAKE_PROFIT_FUTURES,
        TYPE_TAKE_PROFIT_MARKET,
        TYPE_TRAILING_STOP_MARKET,
        TYPE_COUNT,
};

enum order_tif {
        TIF_GTC,
        TIF_IOC,
        TIF_FOK,
        TIF_GTX,
        TIF_GTD,
        TIF_COUNT,
};

enum position_side {
        SIDE_BOTH,
        SIDE_LONG,
        SIDE_SHORT,
        SIDE_COUNT,
};

/* What somebody asks for; also the part of an order that never changes. */
struct order_wish {
        size_t account;
        const struct symbol *symbol;
        enum order_type type;
        enum order_tif tif;
        enum position_side position_side;
        bool is_sell, reduce_only, close_position;
        bool is_algo; /* a conditional order that lives at its own endpoints */
        decimal qty, quote_qty, price, stop_price;
        char client_id[CLIENT_ID_MAX + 1]; /* empty: one is made up */
        uint64_t list_id;                  /* 0: not part of a list */
        char list_client_id[CLIENT_ID_MAX + 1];
        uint64_t hidden_until_ms; /* looking it up says "does not exist" until then */
        uint64_t first_ppm;       /* the first fill is so much of it; 0: all */
        uint64_t rest_after_ms;   /* and what is left may fill so much later */
};

/* A change of an open order. */
struct amendment {
        uint64_t id, time_ms;
        decimal old_price, price, old_qty, qty;
        char old_client_id[CLIENT_ID_MAX + 1], client_id[CLIENT_ID_MAX + 1];
};

struct order {
        struct list all;    /* oldest first */
        struct list open;   /* of the engine's open orders, while it is */
        struct order *next; /* in the chain of its id */
        struct order *next_client;
        struct order_wish wish;
        uint64_t id;
        enum order_status status;
        bool triggered;
        decimal filled, filled_quote;
        decimal locked;          /* of the asset that it spends, or of its margin */
        uint64_t rests_until_ms; /* partly filled: no further fill before */
        uint64_t created_ms, updated_ms, trade_id;
        struct amendment *amendments; /* owned, oldest first */
        size_t n_amendments;
};

struct trade {
        uint64_t id, order_id, time_ms;
        size_t account;
        const struct symbol *symbol;
        enum position_side position_side;
        bool is_sell, is_maker;
        decimal price, qty, quote_qty, pnl;
};

struct position {
        decimal qty;   /* negative: short */
        decimal entry; /* average price */
        uint64_t updated_ms;
};

struct wallet {
        decimal free[PRODUCT_COUNT][ASSETS_MAX], locked[PRODUCT_COUNT][ASSETS_MAX];
        struct position positions[SYMBOLS_MAX][SIDE_COUNT];
        unsigned leverage[SYMBOLS_MAX];
        bool isolated[SYMBOLS_MAX];
        bool dual_side[PRODUCT_COUNT], has_listen_key[PRODUCT_COUNT], multi_assets;
        uint64_t countdown_ms[SYMBOLS_MAX]; /* all orders of the symbol go then; 0: off */
};

/* Old closed orders and old trades are forgotten beyond these. */
#define ORDERS_MAX    200000
#define TRADES_MAX    20000
#define ORDER_BUCKETS 65536
/* As MAX_NUM_ORDERS of the spot filters and the limit of the futures symbols. */
#define OPEN_ORDERS_MAX 200
/* As MAX_NUM_ORDER_AMENDS of the spot filters and maxMoveOrderLimit of the futures symbols. */
#define AMENDS_MAX_SPOT    10
#define AMENDS_MAX_FUTURES 10000

/* The first fill of an order, as taker or as maker. */
typedef void (*engine_fill_fn)(void *ctx, const struct order *order, bool is_maker,
                               uint64_t now_ms);

struct engine {
        struct market market;
        struct wallet *wallets; /* one per account */
        size_t n_accounts;
        struct list all, open;
        size_t n_orders;
        struct order *by_id[ORDER_BUCKETS], *by_client[ORDER_BUCKETS];
        struct trade *trades; /* ring */
        uint64_t n_trades;
        uint64_t next_order_id, next_list_id, next_trade_id, next_amendment_id;
        uint64_t last_tick_ms;
        engine_fill_fn on_fill;
        void *fill_ctx;
};

void engine_init(struct engine *engine, uint64_t seed, size_t n_accounts, engine_fill_fn on_fill,
                 void *fill_ctx);
void engine_deinit(struct engine *engine);

enum engine_answer {
        ENGINE_OK = 0,
        ENGINE_NO_FUNDS,
        ENGINE_DUPLICATE,
        ENGINE_WOULD_MATCH,
        ENGINE_WOULD_NOT_FILL, /* FOK on futures */
        ENGINE_NOTHING_TO_REDUCE,
        ENGINE_TOO_MANY,
};

/* *ret_order is the engine's; written for ENGINE_OK. */
enum engine_answer engine_place(struct engine *engine, const struct order_wish *wish,
                                uint64_t now_ms, struct order **ret_order);
/* The second leg of a list: what the first one has set aside is for both. */
enum engine_answer engine_place_beside(struct engine *engine, const struct order_wish *wish,
                                       uint64_t now_ms, struct order **ret_order);
/* Whether engine_place() would refuse; changes nothing. */
enum engine_answer engine_try(struct engine *engine, const struct order_wish *wish,
                              uint64_t now_ms);
/* Only for an open order. */
void engine_cancel(struct engine *engine, struct order *order, uint64_t now_ms);
/* Changes price and quantity of an open order and remembers it. Return: as engine_place(). */
enum engine_answer engine_modify(struct engine *engine, struct order *order, decimal price,
                                 decimal qty, uint64_t now_ms);
/* Makes an open order smaller and gives it another client id; it keeps its place. */
void engine_shrink(struct engine *engine, struct order *order, decimal qty,
                   const char client_id[static CLIENT_ID_MAX + 1], uint64_t now_ms);

/* @id: 0 to look by @client_id. Hidden orders are not found. The newest of a client id. */
struct order *engine_find(struct engine *engine, size_t account, enum product product, uint64_t id,
                          struct str client_id, uint64_t now_ms);

/* Fills what the price has reached, runs countdowns; cheap when called often. */
void engine_tick(struct engine *engine, uint64_t now_ms);

static inline bool order_is_open(const struct order *order)
{
        return order->status == ORDER_NEW || order->status == ORDER_PARTIALLY_FILLED;
}

/* What can be spent on futures: wallet less what positions and open orders hold. */
decimal engine_available(const struct engine *engine, size_t account, const struct symbol *symbol,
                         uint64_t now_ms);
static inline decimal order_left(const struct order *order)
{
        return order->wish.qty - order->filled;
}

/* Profit of a position at @price, in the margin asset. */
decimal position_pnl(const struct symbol *symbol, decimal qty, decimal entry, decimal price);

#endif
