#include "trade/words.h"
#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void words_lead_there_and_back(void **state)
{
        (void)state;
        for (int i = WEIR_TYPE_LIMIT; i < WEIR_TYPE_OTHER; ++i) {
                enum weir_order_type type = WEIR_TYPE_OTHER;

                assert_int_equal(words_type_from(words_type((enum weir_order_type)i), &type), 0);
                assert_int_equal(type, i);
        }
        for (int i = WEIR_GTC; i <= WEIR_GTD; ++i) {
                enum weir_time_in_force tif = WEIR_GTC;

                assert_int_equal(words_time_in_force_from(
                                         words_time_in_force((enum weir_time_in_force)i), &tif),
                                 0);
                assert_int_equal(tif, i);
        }
        for (int i = WEIR_POSITION_BOTH; i <= WEIR_POSITION_SHORT; ++i) {
                enum weir_position_side side = WEIR_POSITION_BOTH;

                assert_int_equal(words_position_side_from(
                                         words_position_side((enum weir_position_side)i), &side),
                                 0);
                assert_int_equal(side, i);
        }
}

static void people_may_write_small_letters(void **state)
{
        enum weir_order_type type;
        enum weir_side side;

        (void)state;
        assert_int_equal(words_type_from("take_profit_market", &type), 0);
        assert_int_equal(type, WEIR_TYPE_TAKE_PROFIT_MARKET);
        assert_int_equal(words_side_from("sell", &side), 0);
        assert_int_equal(side, WEIR_SELL);
}

static void what_is_no_word_is_refused(void **state)
{
        enum weir_order_type type = WEIR_TYPE_STOP;
        enum weir_side side = WEIR_SELL;

        (void)state;
        assert_int_equal(words_type_from("LIQUIDATION", &type), -EINVAL);
        assert_int_equal(words_type_from("", &type), -EINVAL);
        assert_int_equal(words_type_from(NULL, &type), -EINVAL);
        assert_int_equal(words_side_from("BUYS", &side), -EINVAL);
        assert_int_equal(type, WEIR_TYPE_STOP);
        assert_int_equal(side, WEIR_SELL);
        assert_null(words_type(WEIR_TYPE_OTHER));
        assert_null(words_side((enum weir_side)7));
        assert_null(words_trigger_by((enum weir_trigger_price) - 1));
}

static void statuses_have_names_of_ours(void **state)
{
        static const struct {
                const char *theirs;
                enum weir_order_status status;
                const char *ours;
        } rows[] = {
                { "NEW", WEIR_STATUS_NEW, "new" },
                { "PARTIALLY_FILLED", WEIR_STATUS_PARTIALLY_FILLED, "partially_filled" },
                { "EXPIRED_IN_MATCH", WEIR_STATUS_EXPIRED, "expired" },
                { "TRIGGERING", WEIR_STATUS_TRIGGERED, "triggered" },
                { "FINISHED", WEIR_STATUS_FINISHED, "finished" },
                { "NEW_INSURANCE", WEIR_STATUS_OTHER, "other" },
                { NULL, WEIR_STATUS_NONE, "none" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                assert_int_equal(words_status_from(rows[i].theirs), rows[i].status);
                assert_string_equal(words_status(rows[i].status), rows[i].ours);
        }
        assert_string_equal(words_status((enum weir_order_status)99), "other");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(words_lead_there_and_back),
                cmocka_unit_test(people_may_write_small_letters),
                cmocka_unit_test(what_is_no_word_is_refused),
                cmocka_unit_test(statuses_have_names_of_ours),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
