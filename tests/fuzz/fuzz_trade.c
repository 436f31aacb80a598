/*
 * What the exchange sends about orders, positions and filters, and decimals: whatever the bytes,
 * nothing is read outside of them, and a decimal that is read is printed to the same.
 */
#include "trade/amount.h"
#include "trade/answers.h"
#include "trade/filters.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_amount(struct str text)
{
        struct amount a, again, up, down, step = { 1000000 };
        char printed[AMOUNT_TEXT_MAX];

        if (amount_parse(text, &a) != 0)
                return;
        must(amount_parse(str_of(amount_print(a, printed)), &again) == 0);
        must(amount_compare(a, again) == 0);
        if (amount_round(a, step, AMOUNT_UP, &up) == 0 &&
            amount_round(a, step, AMOUNT_DOWN, &down) == 0)
                must(amount_compare(down, a) <= 0 && amount_compare(a, up) <= 0);
}

static void check_element(const json_t *j)
{
        struct weir_order_state order;
        struct weir_position position;
        struct weir_balance balance;
        struct weir_trade trade;
        struct weir_kline kline;
        struct weir_ticker ticker = { .size = sizeof(ticker) };

        if (answers_order(j, false, &order) || answers_order(j, true, &order))
                must(order.order_id != 0 && memchr(order.client_id, 0, sizeof(order.client_id)));
        if (answers_position(j, &position))
                must(memchr(position.quantity, 0, sizeof(position.quantity)) != NULL);
        (void)answers_balance(j, &balance);
        (void)answers_totals(j, &balance);
        (void)answers_trade(j, &trade);
        (void)answers_kline(j, &kline);
        (void)answers_ticker(j, j, &ticker);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct str text = str_from((const char *)data, size);
        struct filters_table table;
        json_t *root, *element;
        size_t i;

        check_amount(text);
        root = json_loadb(text.p, size, 0, NULL);
        if (!root)
                return 0;
        check_element(root);
        json_array_foreach(root, i, element) check_element(element);
        if (filters_read(root, &table) == 0) {
                (void)filters_find(&table, "BTCUSDT");
                filters_deinit(&table);
        }
        json_decref(root);
        return 0;
}
