/*
 * Looks
 *
 * What a check of the position monitor costs, by the tables of policy, and whose orders it looks
 * at: of the symbols that have a position, one by one, or of all symbols at once.
 */
#ifndef TRADE_LOOK_H
#define TRADE_LOOK_H

#include "base/base.h"
#include "base/str.h"

#include <weir.h>

struct look_costs {
        uint32_t positions, account;
        uint32_t orders_one, orders_all; /* conditional ones included */
        uint32_t trades;
};

/* Request weight of one attempt, the dearest outcome; 0 for what has none. @params may be empty. */
uint32_t look_weight(const char *method, const char *path, struct str params);

void look_costs(enum weir_market market, struct look_costs *ret);

/**
 * look_is_full() - whether to ask for the orders of all symbols at once
 * @n_symbols: that would have to be asked for otherwise
 * @every_ms:  how often all are wanted; 0: never for their own sake
 * @last_ms:   when all were seen last; 0: never
 */
bool look_is_full(const struct look_costs *costs, size_t n_symbols, uint64_t every_ms,
                  uint64_t last_ms, uint64_t now_ms);

#endif
