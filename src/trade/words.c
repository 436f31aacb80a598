#include "trade/words.h"
#include "base/str.h"

#include <errno.h>

static const char *const sides[] = { [WEIR_BUY] = "BUY", [WEIR_SELL] = "SELL" };
static const char *const position_sides[] = { [WEIR_POSITION_BOTH] = "BOTH",
                                              [WEIR_POSITION_LONG] = "LONG",
                                              [WEIR_POSITION_SHORT] = "SHORT" };
static const char *const types[] = {
        [WEIR_TYPE_LIMIT] = "LIMIT",
        [WEIR_TYPE_MARKET] = "MARKET",
        [WEIR_TYPE_STOP] = "STOP",
        [WEIR_TYPE_STOP_MARKET] = "STOP_MARKET",
        [WEIR_TYPE_TAKE_PROFIT] = "TAKE_PROFIT",
        [WEIR_TYPE_TAKE_PROFIT_MARKET] = "TAKE_PROFIT_MARKET",
        [WEIR_TYPE_TRAILING_STOP_MARKET] = "TRAILING_STOP_MARKET",
};
static const char *const tifs[] = { [WEIR_GTC] = "GTC",
                                    [WEIR_IOC] = "IOC",
                                    [WEIR_FOK] = "FOK",
                                    [WEIR_GTX] = "GTX",
                                    [WEIR_GTD] = "GTD" };
static const char *const triggers[] = {
        [WEIR_TRIGGER_LAST] = "CONTRACT_PRICE", [WEIR_TRIGGER_MARK] = "MARK_PRICE"
};

static const struct {
        enum weir_order_status status;
        const char *ours, *theirs;
} statuses[] = {
        { WEIR_STATUS_NONE, "none", NULL },
        { WEIR_STATUS_NEW, "new", "NEW" },
        { WEIR_STATUS_PARTIALLY_FILLED, "partially_filled", "PARTIALLY_FILLED" },
        { WEIR_STATUS_FILLED, "filled", "FILLED" },
        { WEIR_STATUS_CANCELED, "canceled", "CANCELED" },
        { WEIR_STATUS_EXPIRED, "expired", "EXPIRED" },
        { WEIR_STATUS_EXPIRED, "expired", "EXPIRED_IN_MATCH" },
        { WEIR_STATUS_REJECTED, "rejected", "REJECTED" },
        { WEIR_STATUS_TRIGGERED, "triggered", "TRIGGERED" },
        { WEIR_STATUS_TRIGGERED, "triggered", "TRIGGERING" },
        { WEIR_STATUS_FINISHED, "finished", "FINISHED" },
        { WEIR_STATUS_OTHER, "other", NULL },
};

static const char *word(const char *const *words, size_t n, int value)
{
        return value >= 0 && (size_t)value < n ? words[value] : NULL;
}

static int from(const char *const *words, size_t n, const char *text, int *ret)
{
        for (size_t i = 0; text && i < n; ++i)
                if (str_eq_nocase(str_of(text), str_of(words[i]))) {
                        *ret = (int)i;
                        return 0;
                }
        return -EINVAL;
}

const char *words_side(enum weir_side side)
{
        return word(sides, ARRAY_SIZE(sides), (int)side);
}

const char *words_position_side(enum weir_position_side side)
{
        return word(position_sides, ARRAY_SIZE(position_sides), (int)side);
}

const char *words_type(enum weir_order_type type)
{
        return word(types, ARRAY_SIZE(types), (int)type);
}

const char *words_time_in_force(enum weir_time_in_force tif)
{
        return word(tifs, ARRAY_SIZE(tifs), (int)tif);
}

const char *words_trigger_by(enum weir_trigger_price by)
{
        return word(triggers, ARRAY_SIZE(triggers), (int)by);
}

const char *words_status(enum weir_order_status status)
{
        for (size_t i = 0; i < ARRAY_SIZE(statuses); ++i)
                if (statuses[i].status == status)
                        return statuses[i].ours;
        return "other";
}

int words_side_from(const char *text, enum weir_side *ret)
{
        int value = 0, r = from(sides, ARRAY_SIZE(sides), text, &value);

        if (r == 0)
                *ret = (enum weir_side)value;
        return r;
}

int words_position_side_from(const char *text, enum weir_position_side *ret)
{
        int value = 0, r = from(position_sides, ARRAY_SIZE(position_sides), text, &value);

        if (r == 0)
                *ret = (enum weir_position_side)value;
        return r;
}

int words_type_from(const char *text, enum weir_order_type *ret)
{
        int value = 0, r = from(types, ARRAY_SIZE(types), text, &value);

        if (r == 0)
                *ret = (enum weir_order_type)value;
        return r;
}

int words_time_in_force_from(const char *text, enum weir_time_in_force *ret)
{
        int value = 0, r = from(tifs, ARRAY_SIZE(tifs), text, &value);

        if (r == 0)
                *ret = (enum weir_time_in_force)value;
        return r;
}

enum weir_order_status words_status_from(const char *text)
{
        for (size_t i = 0; text && i < ARRAY_SIZE(statuses); ++i)
                if (statuses[i].theirs && strcmp(text, statuses[i].theirs) == 0)
                        return statuses[i].status;
        return text ? WEIR_STATUS_OTHER : WEIR_STATUS_NONE;
}
