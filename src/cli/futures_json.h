/*
 * Futures as JSON
 *
 * Orders, positions, balances and trades as the commands print them with --json. Decimals are
 * strings, as the exchange wrote them; what was not told is null. Names once given stay.
 */
#ifndef CLI_FUTURES_JSON_H
#define CLI_FUTURES_JSON_H

#include "base/base.h"

#include <jansson.h>
#include <weir.h>

/* Of NULL or "": null. */
json_t *futures_json_text(const char *s);
json_t *futures_json_number(uint64_t n);
/* Takes @value. */
void futures_json_put(json_t *object, const char *name, json_t *value);

json_t *futures_json_order(const struct weir_order_state *o);
json_t *futures_json_position(const struct weir_position *p);
json_t *futures_json_balance(const struct weir_balance *b);
json_t *futures_json_trade(const struct weir_trade *t);

#endif
