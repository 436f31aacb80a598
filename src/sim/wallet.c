#include "sim/wallet.h"

#define LEVERAGE_DEFAULT 20

void wallet_init(struct wallet *wallet, const struct market *market)
{
        *wallet = (struct wallet){ .multi_assets = false };
        for (size_t p = 0; p < PRODUCT_COUNT; ++p)
                for (size_t a = 0; a < market->n_assets; ++a)
                        wallet->free[p][a] = market->assets[a].start[p];
        for (size_t s = 0; s < SYMBOLS_MAX; ++s)
                wallet->leverage[s] = LEVERAGE_DEFAULT;
}

/* The asset that an order sets aside. */
static size_t locked_asset(const struct order_wish *wish)
{
        if (wish->symbol->product != PRODUCT_SPOT)
                return wish->symbol->margin_asset;
        return wish->is_sell ? wish->symbol->asset : wish->symbol->quote_asset;
}

void wallet_lock(struct wallet *wallet, struct order *order, decimal price)
{
        struct order_wish rest = order->wish;
        const struct order_wish *wish = &rest;
        const struct symbol *s = wish->symbol;
        size_t asset = locked_asset(wish);

        rest.qty = order_left(order);
        if (s->product == PRODUCT_SPOT) {
                order->locked = wish->is_sell ? wish->qty : market_notional(s, wish->qty, price);
                /* The second leg of a list sells the same coins. */
                if (order->locked > wallet->free[s->product][asset])
                        order->locked = wallet->free[s->product][asset];
                wallet->free[s->product][asset] -= order->locked;
        } else if (!wish->reduce_only && !wish->close_position && !wallet_reduces(wallet, wish)) {
                order->locked =
                        market_notional(s, wish->qty, price) / (decimal)wallet->leverage[s->index];
        }
        wallet->locked[s->product][asset] += order->locked;
}

void wallet_unlock(struct wallet *wallet, struct order *order)
{
        size_t asset = locked_asset(&order->wish);
        enum product product = order->wish.symbol->product;

        wallet->locked[product][asset] -= order->locked;
        if (product == PRODUCT_SPOT)
                wallet->free[product][asset] += order->locked;
        order->locked = 0;
}

decimal position_pnl(const struct symbol *symbol, decimal qty, decimal entry, decimal price)
{
        if (qty == 0 || entry == 0 || price == 0)
                return 0;
        if (symbol->product == PRODUCT_COINM)
                return decimal_from_double(
                        decimal_to_double(qty) * decimal_to_double(symbol->contract) *
                        (1 / decimal_to_double(entry) - 1 / decimal_to_double(price)));
        return decimal_mul(qty, price - entry);
}

static decimal size_of(decimal qty)
{
        return qty < 0 ? -qty : qty;
}

/* Adds the signed @qty at @price to @position. Return: the profit of what was closed. */
static decimal position_add(struct position *position, const struct symbol *symbol, decimal qty,
                            decimal price)
{
        decimal old = position->qty, closed, pnl;

        if (old == 0 || (old > 0) == (qty > 0)) {
                double cost = decimal_to_double(size_of(old)) * decimal_to_double(position->entry) +
                              decimal_to_double(size_of(qty)) * decimal_to_double(price);

                position->qty += qty;
                position->entry =
                        decimal_from_double(cost / decimal_to_double(size_of(position->qty)));
                return 0;
        }
        closed = size_of(qty) < size_of(old) ? -qty : old;
        pnl = position_pnl(symbol, closed, position->entry, price);
        position->qty += qty;
        if (position->qty == 0)
                position->entry = 0;
        else if ((position->qty > 0) != (old > 0))
                position->entry = price;
        return pnl;
}

decimal wallet_trade(struct wallet *wallet, const struct order_wish *wish, decimal qty,
                     decimal quote, decimal price, uint64_t now_ms)
{
        const struct symbol *s = wish->symbol;
        struct position *position = &wallet->positions[s->index][wish->position_side];
        decimal pnl;

        if (s->product == PRODUCT_SPOT) {
                wallet->free[PRODUCT_SPOT][s->asset] += wish->is_sell ? -qty : qty;
                wallet->free[PRODUCT_SPOT][s->quote_asset] += wish->is_sell ? quote : -quote;
                return 0;
        }
        pnl = position_add(position, s, wish->is_sell ? -qty : qty, price);
        position->updated_ms = now_ms;
        wallet->free[s->product][s->margin_asset] += pnl;
        return pnl;
}

decimal wallet_reducible(const struct wallet *wallet, const struct order_wish *wish)
{
        decimal held = wallet->positions[wish->symbol->index][wish->position_side].qty;
        decimal size = size_of(held);

        if (held == 0 || (held > 0) != wish->is_sell)
                return 0;
        return wish->close_position || wish->qty > size ? size : wish->qty;
}

bool wallet_reduces(const struct wallet *wallet, const struct order_wish *wish)
{
        if (wish->symbol->product == PRODUCT_SPOT)
                return false;
        if (wish->reduce_only)
                return wallet_reducible(wallet, wish) > 0;
        return wallet_reducible(wallet, wish) == wish->qty && wish->qty > 0;
}
