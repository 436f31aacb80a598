/*
 * Episodes
 *
 * Which of a symbol's trades made a position that is no more. Reckoned backwards from what is held
 * now: each trade is undone, until what was held before it is nothing, or of the other side.
 *
 *      trades   +2  -2 | +3  +1  -4 |             held now: 0
 *      held      2   0    3   4   0
 *                       '---------' the episode
 */
#ifndef TRADE_EPISODE_H
#define TRADE_EPISODE_H

#include "trade/amount.h"

#include <weir.h>

struct episode {
        size_t n;      /* trades of it */
        bool is_whole; /* false: it was opened before the oldest trade */
        struct amount realized, commission;
        char commission_asset[WEIR_SYMBOL_SIZE]; /* "": several */
};

/**
 * episode_find() - the trades of the position that closed or turned last
 * @trades:   of its symbol, oldest first
 * @side:     its position side
 * @held:     what is held now: 0, or after a turn the new quantity
 * @until_ms: when that was so; later trades are left out
 * @to:       the trades of the episode, oldest first; room for @n
 *
 * Return: 0, or -EBADMSG when a trade cannot be read.
 */
CHECKED int episode_find(const struct weir_trade *trades, size_t n, enum weir_position_side side,
                         struct amount held, uint64_t until_ms, const struct weir_trade **to,
                         struct episode *ret);

#endif
