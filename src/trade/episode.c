#include "trade/episode.h"

#include <errno.h>
#include <string.h>

static int sign(struct amount a)
{
        return (a.units > 0) - (a.units < 0);
}

static int add(struct amount *sum, amount_units more)
{
        /* To a multiple of the least unit: refuses what is too large. */
        return __builtin_add_overflow(sum->units, more, &sum->units)
                       ? -ERANGE
                       : amount_round(*sum, (struct amount){ 1 }, AMOUNT_DOWN, sum);
}

/* Takes @trade back from what is @held. */
static int undo(const struct weir_trade *trade, struct amount *held)
{
        struct amount quantity;
        int r = amount_parse(str_of(trade->quantity), &quantity);

        return r < 0 ? r : add(held, trade->side == WEIR_BUY ? -quantity.units : quantity.units);
}

/* @is_turn: it closed what was there before the episode, and what it realised is of that. */
static int count(const struct weir_trade *trade, bool is_turn, struct episode *e)
{
        struct amount realized, commission = AMOUNT_ZERO;
        int r = amount_parse(str_of(trade->realized), &realized);

        if (r == 0 && !is_turn)
                r = add(&e->realized, realized.units);
        if (r == 0 && trade->commission[0])
                r = amount_parse(str_of(trade->commission), &commission);
        if (r == 0)
                r = add(&e->commission, commission.units);
        if (e->n == 0)
                str_copy(str_of(trade->commission_asset), e->commission_asset,
                         sizeof(e->commission_asset));
        else if (strcmp(e->commission_asset, trade->commission_asset) != 0)
                e->commission_asset[0] = '\0';
        return r;
}

static void reverse(const struct weir_trade **list, size_t n)
{
        for (size_t i = 0; i < n / 2; ++i) {
                const struct weir_trade *other = list[i];

                list[i] = list[n - 1 - i];
                list[n - 1 - i] = other;
        }
}

int episode_find(const struct weir_trade *trades, size_t n, enum weir_position_side side,
                 struct amount held, uint64_t until_ms, const struct weir_trade **to,
                 struct episode *ret)
{
        int now = sign(held), was = 0, r = 0;

        *ret = (struct episode){ .n = 0 };
        for (size_t i = n; i > 0 && r == 0 && !ret->is_whole; --i) {
                const struct weir_trade *trade = &trades[i - 1];

                if (trade->position_side != side || trade->time_ms > until_ms)
                        continue;
                r = undo(trade, &held);
                /* Of the position that is there now. */
                if (r < 0 || (now != 0 && sign(held) == now))
                        continue;
                if (now != 0 && sign(held) == 0) {
                        now = 0;
                        continue;
                }
                now = 0;
                r = count(trade, was != 0 && sign(held) == -was, ret);
                to[ret->n++] = trade;
                if (was == 0)
                        was = sign(held);
                ret->is_whole = sign(held) != was || was == 0;
        }
        reverse(to, ret->n);
        return r < 0 ? -EBADMSG : 0;
}
