#include "sim/engine.h"

#include "sim/wallet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Open orders are matched so often at most: with thousands of them each pass costs. */
#define TICK_MS 20

#define FIRST_ORDER_ID 4000000001ULL

void engine_init(struct engine *engine, uint64_t seed, size_t n_accounts, engine_fill_fn on_fill,
                 void *fill_ctx)
{
        *engine = (struct engine){ .n_accounts = n_accounts,
                                   .next_order_id = FIRST_ORDER_ID,
                                   .next_list_id = 1,
                                   .next_trade_id = 1,
                                   .next_amendment_id = 1,
                                   .on_fill = on_fill,
                                   .fill_ctx = fill_ctx };
        market_init(&engine->market, seed);
        list_init(&engine->all);
        list_init(&engine->open);
        engine->wallets = calloc(n_accounts ? n_accounts : 1, sizeof(*engine->wallets));
        engine->trades = calloc(TRADES_MAX, sizeof(*engine->trades));
        must(engine->wallets && engine->trades);
        for (size_t i = 0; i < n_accounts; ++i)
                wallet_init(&engine->wallets[i], &engine->market);
}

static void order_free(struct order *order)
{
        free(order->amendments);
        free(order);
}

void engine_deinit(struct engine *engine)
{
        struct list *it, *after;

        list_for_each_safe(it, after, &engine->all) order_free(container_of(it, struct order, all));
        list_init(&engine->all);
        free(engine->wallets);
        free(engine->trades);
        engine->wallets = NULL;
        engine->trades = NULL;
}

static struct order **id_chain(struct engine *engine, uint64_t id)
{
        return &engine->by_id[id % ORDER_BUCKETS];
}

static struct order **client_chain(struct engine *engine, size_t account, struct str client_id)
{
        uint32_t hash = 2166136261U + (uint32_t)account;

        for (size_t i = 0; i < client_id.n; ++i)
                hash = (hash ^ (unsigned char)client_id.p[i]) * 16777619U;
        return &engine->by_client[hash % ORDER_BUCKETS];
}

static void client_link(struct engine *engine, struct order *order)
{
        struct order **chain =
                client_chain(engine, order->wish.account, str_of(order->wish.client_id));

        order->next_client = *chain;
        *chain = order;
}

static void client_unlink(struct engine *engine, struct order *order)
{
        struct order **at =
                client_chain(engine, order->wish.account, str_of(order->wish.client_id));

        while (*at != order)
                at = &(*at)->next_client;
        *at = order->next_client;
}

static void order_link(struct engine *engine, struct order *order)
{
        struct order **chain = id_chain(engine, order->id);

        order->next = *chain;
        *chain = order;
        client_link(engine, order);
        list_append(&engine->all, &order->all);
        engine->n_orders += 1;
}

static void order_forget(struct engine *engine, struct order *order)
{
        struct order **at = id_chain(engine, order->id);

        while (*at != order)
                at = &(*at)->next;
        *at = order->next;
        client_unlink(engine, order);
        list_unlink(&order->all);
        engine->n_orders -= 1;
        order_free(order);
}

static void forget_the_oldest(struct engine *engine)
{
        while (engine->n_orders > ORDERS_MAX) {
                struct order *order = container_of(engine->all.next, struct order, all);

                if (!order_is_open(order)) {
                        order_forget(engine, order);
                        continue;
                }
                list_unlink(&order->all);
                list_append(&engine->all, &order->all);
                return;
        }
}

struct order *engine_find(struct engine *engine, size_t account, enum product product, uint64_t id,
                          struct str client_id, uint64_t now_ms)
{
        struct order *o = id ? *id_chain(engine, id) : *client_chain(engine, account, client_id);

        for (; o; o = id ? o->next : o->next_client)
                if (o->wish.account == account && o->wish.symbol->product == product &&
                    (id ? o->id == id : str_eq(client_id, str_of(o->wish.client_id))) &&
                    now_ms >= o->wish.hidden_until_ms)
                        return o;
        return NULL;
}

/* The price it trades at now if it trades at once, or 0. */
static decimal crossing(const struct engine *engine, const struct order_wish *wish, uint64_t now_ms)
{
        decimal price = wish->is_sell ? market_bid(&engine->market, wish->symbol, now_ms)
                                      : market_ask(&engine->market, wish->symbol, now_ms);

        if (wish->price == 0)
                return price;
        return (wish->is_sell ? price >= wish->price : price <= wish->price) ? price : 0;
}

static bool is_conditional(const struct order_wish *wish)
{
        return wish->type >= TYPE_STOP_LOSS;
}

/* Stops trigger against the trader, take-profits for him. */
static bool is_triggered(const struct engine *engine, const struct order_wish *wish,
                         uint64_t now_ms)
{
        decimal price = market_price(&engine->market, wish->symbol, now_ms);
        bool profit = wish->type == TYPE_TAKE_PROFIT || wish->type == TYPE_TAKE_PROFIT_LIMIT ||
                      wish->type == TYPE_TAKE_PROFIT_FUTURES ||
                      wish->type == TYPE_TAKE_PROFIT_MARKET;

        return wish->is_sell == profit ? price >= wish->stop_price : price <= wish->stop_price;
}

static void close_order(struct order *order, enum order_status status, uint64_t now_ms)
{
        list_unlink(&order->open);
        order->status = status;
        order->updated_ms = now_ms;
}

/* How much finds a counterparty now: all that is left, or the part that the wish says. */
static decimal fill_size(const struct order *order)
{
        const struct order_wish *wish = &order->wish;
        decimal part;

        if (order->filled > 0 || wish->first_ppm == 0 || wish->tif == TIF_FOK)
                return order_left(order);
        part = (decimal)((__uint128_t)wish->qty * wish->first_ppm / 1000000);
        part -= part % wish->symbol->step;
        if (part < wish->symbol->step)
                part = wish->symbol->step;
        return part < wish->qty ? part : wish->qty;
}

/* What is left after a fill of a part: it rests, or what may not rest is over. */
static void keep_rest(struct engine *engine, struct order *order, uint64_t now_ms)
{
        const struct order_wish *wish = &order->wish;

        order->status = ORDER_PARTIALLY_FILLED;
        order->updated_ms = now_ms;
        order->rests_until_ms = now_ms + wish->rest_after_ms;
        if (wish->price == 0 || wish->tif == TIF_IOC)
                close_order(order, ORDER_EXPIRED, now_ms);
        else
                wallet_lock(&engine->wallets[wish->account], order, wish->price);
}

static void fill(struct engine *engine, struct order *order, decimal price, bool is_maker,
                 uint64_t now_ms)
{
        const struct order_wish *wish = &order->wish;
        struct trade *trade = &engine->trades[engine->n_trades++ % TRADES_MAX];
        decimal qty = fill_size(order), quote = market_notional(wish->symbol, qty, price);
        bool is_first = order->filled == 0;

        order->trade_id = engine->next_trade_id++;
        *trade = (struct trade){ .id = order->trade_id,
                                 .order_id = order->id,
                                 .time_ms = now_ms,
                                 .account = wish->account,
                                 .symbol = wish->symbol,
                                 .position_side = wish->position_side,
                                 .is_sell = wish->is_sell,
                                 .is_maker = is_maker,
                                 .price = price,
                                 .qty = qty,
                                 .quote_qty = quote };
        wallet_unlock(&engine->wallets[wish->account], order);
        trade->pnl = wallet_trade(&engine->wallets[wish->account], wish, qty, quote, price, now_ms);
        order->filled += qty;
        order->filled_quote += quote;
        if (order_left(order) == 0)
                close_order(order, ORDER_FILLED, now_ms);
        else
                keep_rest(engine, order, now_ms);
        if (engine->on_fill && is_first)
                engine->on_fill(engine->fill_ctx, order, is_maker, now_ms);
}

/* The other legs of a list go when one has filled. */
static void cancel_siblings(struct engine *engine, const struct order *order, uint64_t now_ms)
{
        struct list *it, *after;

        if (!order->wish.list_id)
                return;
        list_for_each_safe(it, after, &engine->open)
        {
                struct order *o = container_of(it, struct order, open);

                if (o->wish.list_id == order->wish.list_id) {
                        wallet_unlock(&engine->wallets[o->wish.account], o);
                        close_order(o, ORDER_EXPIRED, now_ms);
                }
        }
}

static bool id_is_taken(struct engine *engine, const struct order_wish *wish)
{
        struct order *o = *client_chain(engine, wish->account, str_of(wish->client_id));

        for (; wish->client_id[0] && o; o = o->next_client)
                if (order_is_open(o) && o->wish.account == wish->account &&
                    o->wish.symbol->product == wish->symbol->product &&
                    strcmp(o->wish.client_id, wish->client_id) == 0)
                        return true;
        return false;
}

static size_t open_orders(const struct engine *engine, const struct order_wish *wish)
{
        size_t n = 0;

        for (const struct list *it = engine->open.next; it != &engine->open; it = it->next) {
                const struct order *o = container_of(it, struct order, open);

                n += o->wish.account == wish->account && o->wish.symbol == wish->symbol;
        }
        return n;
}

static bool has_funds(const struct engine *engine, const struct order_wish *wish, decimal price,
                      uint64_t now_ms)
{
        const struct wallet *wallet = &engine->wallets[wish->account];
        const struct symbol *s = wish->symbol;

        if (s->product == PRODUCT_SPOT)
                return wish->is_sell ? wallet->free[PRODUCT_SPOT][s->asset] >= wish->qty
                                     : wallet->free[PRODUCT_SPOT][s->quote_asset] >=
                                               market_notional(s, wish->qty, price);
        if (wish->reduce_only || wish->close_position || wallet_reduces(wallet, wish))
                return true;
        return engine_available(engine, wish->account, s, now_ms) >=
               market_notional(s, wish->qty, price) / (decimal)wallet->leverage[s->index];
}

enum engine_answer engine_try(struct engine *engine, const struct order_wish *wish, uint64_t now_ms)
{
        bool rests = is_conditional(wish);
        decimal now = rests ? 0 : crossing(engine, wish, now_ms);
        decimal price = wish->price ? wish->price : now ? now : wish->stop_price;
        bool spot = wish->symbol->product == PRODUCT_SPOT;

        if (id_is_taken(engine, wish))
                return ENGINE_DUPLICATE;
        if (wish->reduce_only && !wallet_reduces(&engine->wallets[wish->account], wish))
                return ENGINE_NOTHING_TO_REDUCE;
        if (now && (wish->type == TYPE_LIMIT_MAKER || wish->tif == TIF_GTX))
                return ENGINE_WOULD_MATCH;
        if (!now && !rests && wish->tif == TIF_FOK && !spot)
                return ENGINE_WOULD_NOT_FILL;
        if (!now && open_orders(engine, wish) >= OPEN_ORDERS_MAX)
                return ENGINE_TOO_MANY;
        return has_funds(engine, wish, price, now_ms) ? ENGINE_OK : ENGINE_NO_FUNDS;
}

static struct order *order_new(struct engine *engine, const struct order_wish *wish,
                               uint64_t now_ms)
{
        struct order *order = calloc(1, sizeof(*order));

        must(order);
        order->wish = *wish;
        order->id = engine->next_order_id++;
        order->created_ms = order->updated_ms = now_ms;
        if (!order->wish.client_id[0])
                snprintf(order->wish.client_id, sizeof(order->wish.client_id), "sim%llu",
                         (unsigned long long)order->id);
        if (wish->reduce_only)
                order->wish.qty = wallet_reducible(&engine->wallets[wish->account], wish);
        list_init(&order->open);
        order_link(engine, order);
        list_append(&engine->open, &order->open);
        return order;
}

enum engine_answer engine_place(struct engine *engine, const struct order_wish *wish,
                                uint64_t now_ms, struct order **ret_order)
{
        enum engine_answer answer = engine_try(engine, wish, now_ms);
        struct order *order;
        decimal now;

        if (answer != ENGINE_OK)
                return answer;
        now = is_conditional(wish) ? 0 : crossing(engine, wish, now_ms);
        order = order_new(engine, wish, now_ms);
        wallet_lock(&engine->wallets[wish->account], order,
                    wish->price        ? wish->price
                    : wish->stop_price ? wish->stop_price
                                       : now);
        if (now) {
                fill(engine, order, now, false, now_ms);
        } else if (wish->tif == TIF_IOC || wish->tif == TIF_FOK) {
                wallet_unlock(&engine->wallets[wish->account], order);
                close_order(order, ORDER_EXPIRED, now_ms);
        }
        forget_the_oldest(engine);
        *ret_order = order;
        return ENGINE_OK;
}

enum engine_answer engine_place_beside(struct engine *engine, const struct order_wish *wish,
                                       uint64_t now_ms, struct order **ret_order)
{
        if (id_is_taken(engine, wish))
                return ENGINE_DUPLICATE;
        *ret_order = order_new(engine, wish, now_ms);
        forget_the_oldest(engine);
        return ENGINE_OK;
}

void engine_cancel(struct engine *engine, struct order *order, uint64_t now_ms)
{
        must(order_is_open(order));
        wallet_unlock(&engine->wallets[order->wish.account], order);
        close_order(order, ORDER_CANCELED, now_ms);
}

/* The change that is about to be made. Return: where its new values go. */
static struct amendment *remember(struct engine *engine, struct order *order, uint64_t now_ms)
{
        size_t n = order->n_amendments + 1;
        struct amendment *list = realloc(order->amendments, n * sizeof(*list)), *a;

        must(list);
        order->amendments = list;
        order->n_amendments = n;
        a = &list[n - 1];
        *a = (struct amendment){ .id = engine->next_amendment_id++,
                                 .time_ms = now_ms,
                                 .old_price = order->wish.price,
                                 .price = order->wish.price,
                                 .old_qty = order->wish.qty,
                                 .qty = order->wish.qty };
        memcpy(a->old_client_id, order->wish.client_id, sizeof(a->old_client_id));
        memcpy(a->client_id, order->wish.client_id, sizeof(a->client_id));
        return a;
}

enum engine_answer engine_modify(struct engine *engine, struct order *order, decimal price,
                                 decimal qty, uint64_t now_ms)
{
        struct order_wish wish = order->wish;
        enum engine_answer answer;
        decimal now;

        must(order_is_open(order));
        if (qty <= order->filled) {
                engine_cancel(engine, order, now_ms);
                return ENGINE_OK;
        }
        wish.price = price;
        wish.qty = qty;
        wish.client_id[0] = 0;
        wallet_unlock(&engine->wallets[wish.account], order);
        answer = engine_try(engine, &wish, now_ms);
        if (answer == ENGINE_OK) {
                struct amendment *a = remember(engine, order, now_ms);

                a->price = order->wish.price = price;
                a->qty = order->wish.qty = qty;
                order->updated_ms = now_ms;
        }
        wallet_lock(&engine->wallets[wish.account], order, order->wish.price);
        now = answer == ENGINE_OK ? crossing(engine, &order->wish, now_ms) : 0;
        if (now)
                fill(engine, order, now, false, now_ms);
        return answer;
}

void engine_shrink(struct engine *engine, struct order *order, decimal qty,
                   const char client_id[static CLIENT_ID_MAX + 1], uint64_t now_ms)
{
        struct wallet *wallet = &engine->wallets[order->wish.account];
        struct amendment *a;

        must(order_is_open(order) && qty > 0 && qty < order->wish.qty);
        a = remember(engine, order, now_ms);
        wallet_unlock(wallet, order);
        client_unlink(engine, order);
        a->qty = order->wish.qty = qty;
        memcpy(a->client_id, client_id, sizeof(a->client_id));
        memcpy(order->wish.client_id, client_id, sizeof(order->wish.client_id));
        order->updated_ms = now_ms;
        client_link(engine, order);
        wallet_lock(wallet, order, order->wish.price);
}

static void tick_order(struct engine *engine, struct order *order, uint64_t now_ms)
{
        decimal price;
        bool was_conditional = is_conditional(&order->wish) && !order->triggered;

        if (now_ms < order->rests_until_ms)
                return;
        if (was_conditional) {
                if (!is_triggered(engine, &order->wish, now_ms))
                        return;
                order->triggered = true;
        }
        price = crossing(engine, &order->wish, now_ms);
        if (!price)
                return;
        if (order->wish.reduce_only || order->wish.close_position) {
                struct order_wish rest = order->wish;
                decimal left;

                rest.qty = order_left(order);
                left = wallet_reducible(&engine->wallets[order->wish.account], &rest);
                if (left == 0) {
                        wallet_unlock(&engine->wallets[order->wish.account], order);
                        close_order(order, ORDER_EXPIRED, now_ms);
                        return;
                }
                order->wish.qty = order->filled + left;
        }
        fill(engine, order, was_conditional || !order->wish.price ? price : order->wish.price,
             !was_conditional, now_ms);
        cancel_siblings(engine, order, now_ms);
}

static void run_countdowns(struct engine *engine, struct order *order, uint64_t now_ms)
{
        uint64_t at = engine->wallets[order->wish.account].countdown_ms[order->wish.symbol->index];

        if (at && now_ms >= at && order_is_open(order))
                engine_cancel(engine, order, now_ms);
}

void engine_tick(struct engine *engine, uint64_t now_ms)
{
        struct list *it, *after;

        if (now_ms >= engine->last_tick_ms && now_ms - engine->last_tick_ms < TICK_MS)
                return;
        engine->last_tick_ms = now_ms;
        list_for_each_safe(it, after, &engine->open)
        {
                struct order *order = container_of(it, struct order, open);

                run_countdowns(engine, order, now_ms);
        }
        /* One at a time from the start: a fill may close its siblings, the next link among them. */
        for (it = engine->open.next; it != &engine->open;) {
                struct order *order = container_of(it, struct order, open);
                struct list *before = it->prev;

                tick_order(engine, order, now_ms);
                it = order_is_open(order) ? it->next : before->next;
        }
}

decimal engine_available(const struct engine *engine, size_t account, const struct symbol *symbol,
                         uint64_t now_ms)
{
        const struct wallet *wallet = &engine->wallets[account];
        decimal left = wallet->free[symbol->product][symbol->margin_asset];

        for (size_t i = 0; i < engine->market.n_symbols; ++i) {
                const struct symbol *s = &engine->market.symbols[i];

                if (s->product != symbol->product || s->margin_asset != symbol->margin_asset)
                        continue;
                for (size_t side = 0; side < SIDE_COUNT; ++side) {
                        const struct position *p = &wallet->positions[i][side];
                        decimal mark, size = p->qty < 0 ? -p->qty : p->qty;

                        if (size == 0)
                                continue;
                        mark = market_price(&engine->market, s, now_ms);
                        left -= market_notional(s, size, mark) / (decimal)wallet->leverage[i];
                        left += position_pnl(s, p->qty, p->entry, mark);
                }
        }
        return left - wallet->locked[symbol->product][symbol->margin_asset];
}
