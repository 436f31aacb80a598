/*
 * Wallets
 *
 * What one account has: balances that orders lock, and positions that trades change.
 */
#ifndef SIM_WALLET_H
#define SIM_WALLET_H

#include "sim/engine.h"

void wallet_init(struct wallet *wallet, const struct market *market);

/* Sets aside what the rest of @order may need at @price, and frees exactly that again. */
void wallet_lock(struct wallet *wallet, struct order *order, decimal price);
void wallet_unlock(struct wallet *wallet, struct order *order);

/* Books a fill of @qty, worth @quote. Return: realised profit. */
decimal wallet_trade(struct wallet *wallet, const struct order_wish *wish, decimal qty,
                     decimal quote, decimal price, uint64_t now_ms);

/* Whether @wish can only make a position smaller, and by how much at most. */
bool wallet_reduces(const struct wallet *wallet, const struct order_wish *wish);
decimal wallet_reducible(const struct wallet *wallet, const struct order_wish *wish);

#endif
