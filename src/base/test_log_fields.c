#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "base/log_fields.h"

static void check(const struct log_fields *f, size_t i, const char *key, const char *value,
                  enum log_kind kind)
{
        assert_true(i < f->n);
        if (!str_eq(f->pairs[i].key, str_of(key)) || !str_eq(f->pairs[i].value, str_of(value)) ||
            f->pairs[i].kind != kind)
                fail_msg("pair %zu: %.*s=%.*s of kind %d", i, STR_ARGS(f->pairs[i].key),
                         STR_ARGS(f->pairs[i].value), (int)f->pairs[i].kind);
}

static void a_value_stays_with_its_key_whatever_it_holds(void **state)
{
        struct log_fields f;

        (void)state;
        log_fields_init(&f);
        log_fields_add(&f, "a=%s b=\"%s\" c=%.*s d=\"x %s y\"", "1 b=2 \"", "\" c=3\n", 4,
                       "= \"%zu", "d=4\" e=5");
        assert_int_equal(f.n, 4);
        check(&f, 0, "a", "1 b=2 \"", LOG_TEXT);
        check(&f, 1, "b", "\" c=3\n", LOG_QUOTED);
        check(&f, 2, "c", "= \"%", LOG_TEXT);
        check(&f, 3, "d", "x d=4\" e=5 y", LOG_QUOTED);
        assert_true(str_eq(log_fields_find(&f, STR_LITERAL("b")), STR_LITERAL("\" c=3\n")));
        assert_null(log_fields_find(&f, STR_LITERAL("e")).p);
}

static void one_conversion_of_a_number_is_a_number(void **state)
{
        struct log_fields f;

        (void)state;
        log_fields_init(&f);
        log_fields_add(&f, "a=%d b=%u c=%llu d=%zu e=%lu f=%.1f g=%lld", -1003, 4294967295u,
                       18446744073709551615ULL, (size_t)7, 8ul, 99.95, -9223372036854775807LL - 1);
        check(&f, 0, "a", "-1003", LOG_NUMBER);
        check(&f, 1, "b", "4294967295", LOG_NUMBER);
        check(&f, 2, "c", "18446744073709551615", LOG_NUMBER);
        check(&f, 3, "d", "7", LOG_NUMBER);
        check(&f, 4, "e", "8", LOG_NUMBER);
        check(&f, 5, "f", "100.0", LOG_NUMBER);
        check(&f, 6, "g", "-9223372036854775808", LOG_NUMBER);
        /* What looks like one is none: JSON has neither of these. */
        log_fields_init(&f);
        log_fields_add(&f, "a=%03u b=%u/%u c=\"%d\" d=%x e=%.1f f=%s g=7 h=%c", 7u, 1u, 2u, 3, 255u,
                       (double)NAN, "12", '5');
        check(&f, 0, "a", "007", LOG_TEXT);
        check(&f, 1, "b", "1/2", LOG_TEXT);
        check(&f, 2, "c", "3", LOG_QUOTED);
        check(&f, 3, "d", "ff", LOG_TEXT);
        assert_int_equal(f.pairs[4].kind, LOG_TEXT);
        check(&f, 5, "f", "12", LOG_TEXT);
        check(&f, 6, "g", "7", LOG_TEXT);
        check(&f, 7, "h", "5", LOG_TEXT);
}

static void an_empty_value_leaves_its_key_out(void **state)
{
        struct log_fields f;

        (void)state;
        log_fields_init(&f);
        log_fields_add(&f, "a=%s b=\"%s\" d=%.*s e=%u", "", "", 0, "x", 0u);
        assert_int_equal(f.n, 2);
        check(&f, 0, "b", "", LOG_QUOTED);
        check(&f, 1, "e", "0", LOG_NUMBER);
}

static void what_has_no_room_is_cut_and_said(void **state)
{
        static char huge[2 * LOG_VALUES_MAX];
        struct log_fields f;

        (void)state;
        memset(huge, 'x', sizeof(huge) - 1);
        log_fields_init(&f);
        log_fields_add(&f, "a=%s b=%u c=\"%s\" d=%s", huge, 12345u, "more", "more");
        log_fields_close(&f);
        log_fields_add(&f, "dropped=%u", 17u);
        /* Half a number would be another one: it is left out. */
        assert_int_equal(f.n, 4);
        assert_int_equal(f.pairs[0].value.n, LOG_VALUES_MAX - LOG_VALUES_KEPT);
        check(&f, 1, "c", "", LOG_QUOTED);
        check(&f, 2, "cut", "yes", LOG_TEXT);
        check(&f, 3, "dropped", "17", LOG_NUMBER);
}

static void a_number_is_never_cut(void **state)
{
        static char most[LOG_VALUES_MAX - LOG_VALUES_KEPT - 2];
        struct log_fields f;

        (void)state;
        memset(most, 'x', sizeof(most) - 1);
        log_fields_init(&f);
        log_fields_add(&f, "a=%s b=%u", most, 123u);
        assert_int_equal(f.n, 2);
        log_fields_init(&f);
        log_fields_add(&f, "a=%s b=%u", most, 1234u);
        assert_int_equal(f.n, 1);
        assert_true(f.is_cut);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_value_stays_with_its_key_whatever_it_holds),
                cmocka_unit_test(one_conversion_of_a_number_is_a_number),
                cmocka_unit_test(an_empty_value_leaves_its_key_out),
                cmocka_unit_test(what_has_no_room_is_cut_and_said),
                cmocka_unit_test(a_number_is_never_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
