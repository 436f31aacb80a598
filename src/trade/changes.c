#include "trade/changes.h"
#include "trade/percent.h"

#include <string.h>

const struct weir_watched *changes_find(const struct weir_watched *list, size_t n,
                                        const struct weir_watched *like)
{
        for (size_t i = 0; i < n; ++i)
                if (list[i].position.side == like->position.side &&
                    strcmp(list[i].position.symbol, like->position.symbol) == 0)
                        return &list[i];
        return NULL;
}

/* Decimals by value, so that "1.0" is "1"; what is none by its letters. */
static bool differ(const char *a, const char *b)
{
        struct amount left, right;

        if (amount_parse(str_of(a), &left) < 0 || amount_parse(str_of(b), &right) < 0)
                return strcmp(a, b) != 0;
        return amount_compare(left, right) != 0;
}

static void compare(const struct weir_watched *before, const struct weir_watched *now,
                    changes_fn fn, void *ctx)
{
        const struct weir_position *was = &before->position, *is = &now->position;

        if ((was->quantity[0] == '-') != (is->quantity[0] == '-')) {
                fn(ctx, WEIR_EVENT_FLIPPED, before, now);
                return;
        }
        if (differ(was->quantity, is->quantity) || differ(was->entry_price, is->entry_price))
                fn(ctx, WEIR_EVENT_CHANGED, before, now);
        if (before->stop_loss != now->stop_loss || before->take_profit != now->take_profit)
                fn(ctx, WEIR_EVENT_PROTECTION, before, now);
}

void changes_positions(const struct weir_watched *before, size_t n_before,
                       const struct weir_watched *now, size_t n_now, changes_fn fn, void *ctx)
{
        for (size_t i = 0; i < n_before; ++i)
                if (!changes_find(now, n_now, &before[i]))
                        fn(ctx, WEIR_EVENT_CLOSED, &before[i], NULL);
        for (size_t i = 0; i < n_now; ++i) {
                const struct weir_watched *was = changes_find(before, n_before, &now[i]);

                if (was)
                        compare(was, &now[i], fn, ctx);
                else
                        fn(ctx, WEIR_EVENT_OPENED, NULL, &now[i]);
        }
}

bool changes_equity(const struct weir_watched_balance *before, struct weir_watched_balance *now,
                    struct amount fall_percent)
{
        struct amount was, is, change, percent;

        now->change[0] = now->change_percent[0] = '\0';
        if (!before || amount_parse(str_of(before->balance.equity), &was) < 0 ||
            amount_parse(str_of(now->balance.equity), &is) < 0)
                return false;
        /* Through rounding, which refuses what is too large. */
        change.units = is.units - was.units;
        if (amount_round(change, (struct amount){ 1 }, AMOUNT_DOWN, &change) < 0)
                return false;
        amount_print(change, now->change);
        if (percent_of(change, was, &percent) < 0)
                return false;
        amount_print(percent, now->change_percent);
        return fall_percent.units > 0 && percent.units <= -fall_percent.units;
}
