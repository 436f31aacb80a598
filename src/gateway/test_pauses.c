#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/pauses.h"

#include <errno.h>
#include <stdio.h>

static struct pauses pauses;

static int begin(void **state)
{
        (void)state;
        pauses = (struct pauses){ 0 };
        return 0;
}

static const char *held(enum weir_class class, const char *client)
{
        const char *by = pauses_hold(&pauses, class, client);

        return by ? by : "";
}

static void a_class_is_held_and_no_other(void **state)
{
        (void)state;
        assert_true(pauses_are_none(&pauses));
        pauses_class(&pauses, CLASS_MARKET, true);
        assert_false(pauses_are_none(&pauses));
        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                assert_string_equal(held(class, "bot"), class == CLASS_MARKET ? "class" : "");
        pauses_class(&pauses, CLASS_MARKET, false);
        assert_true(pauses_are_none(&pauses));
}

static void a_clients_cancels_are_held_only_where_they_are_named(void **state)
{
        (void)state;
        assert_int_equal(pauses_client(&pauses, "bot", false), 0);
        assert_string_equal(held(CLASS_ORDER, "bot"), "client");
        assert_string_equal(held(CLASS_CANCEL, "bot"), "");
        assert_string_equal(held(CLASS_ORDER, "bot2"), "");
        assert_string_equal(held(CLASS_ORDER, ""), "");
        assert_int_equal(pauses_client(&pauses, "bot", true), 0);
        assert_int_equal(pauses.n_clients, 1);
        assert_string_equal(held(CLASS_CANCEL, "bot"), "client");
        pauses_class(&pauses, CLASS_CANCEL, true);
        assert_string_equal(held(CLASS_CANCEL, "other"), "class");
}

static void what_is_resumed_goes_on_and_the_others_stay(void **state)
{
        (void)state;
        assert_int_equal(pauses_client(&pauses, "a", false), 0);
        assert_int_equal(pauses_client(&pauses, "b", false), 0);
        assert_int_equal(pauses_client(&pauses, "c", false), 0);
        assert_int_equal(pauses_client_over(&pauses, "a"), 0);
        assert_int_equal(pauses_client_over(&pauses, "a"), -ENOENT);
        assert_string_equal(held(CLASS_ORDER, "a"), "");
        assert_string_equal(held(CLASS_ORDER, "b"), "client");
        assert_string_equal(held(CLASS_ORDER, "c"), "client");
}

static void what_is_too_much_is_refused(void **state)
{
        char name[PAUSES_NAME_SIZE + 1];

        (void)state;
        memset(name, 'x', sizeof(name));
        name[PAUSES_NAME_SIZE] = '\0';
        assert_int_equal(pauses_client(&pauses, name, false), -ENAMETOOLONG);
        assert_int_equal(pauses_client(&pauses, "", false), -ENAMETOOLONG);
        name[PAUSES_NAME_SIZE - 1] = '\0';
        assert_int_equal(pauses_client(&pauses, name, false), 0);
        for (unsigned i = 1; i < PAUSES_CLIENTS_MAX; ++i) {
                snprintf(name, sizeof(name), "c%u", i);
                assert_int_equal(pauses_client(&pauses, name, false), 0);
        }
        assert_int_equal(pauses_client(&pauses, "one more", false), -ENOSPC);
        assert_int_equal(pauses_client(&pauses, "c1", true), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(a_class_is_held_and_no_other, begin),
                cmocka_unit_test_setup(a_clients_cancels_are_held_only_where_they_are_named, begin),
                cmocka_unit_test_setup(what_is_resumed_goes_on_and_the_others_stay, begin),
                cmocka_unit_test_setup(what_is_too_much_is_refused, begin),
        };

        return cmocka_run_group_tests_name("gateway/pauses", tests, NULL, NULL);
}
