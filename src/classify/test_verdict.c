#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "classify/verdict.h"

static void names_lead_back_to_what_they_name(void **state)
{
        (void)state;
        for (unsigned i = 0; i < VERDICT_KIND_COUNT; ++i) {
                enum verdict_kind kind = VERDICT_KIND_COUNT;

                assert_int_equal(verdict_kind_from(str_of(verdict_kind_name(i)), &kind), 0);
                assert_int_equal(kind, i);
                assert_true(strlen(verdict_kind_sentence(i)) > 0);
        }
        for (unsigned i = 0; i < EXECUTED_COUNT; ++i) {
                enum verdict_executed executed = EXECUTED_COUNT;

                assert_int_equal(verdict_executed_from(str_of(verdict_executed_name(i)), &executed),
                                 0);
                assert_int_equal(executed, i);
        }
}

static void other_names_are_refused(void **state)
{
        static const char *const names[] = { "", "OK", "ok ", "okay", "over-weight", "unknown?" };
        enum verdict_kind kind = VERDICT_GONE;
        enum verdict_executed executed = EXECUTED_PARTLY;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                assert_true(verdict_kind_from(str_of(names[i]), &kind) < 0);
                assert_true(verdict_executed_from(str_of(names[i]), &executed) < 0);
        }
        assert_int_equal(kind, VERDICT_GONE);
        assert_int_equal(executed, EXECUTED_PARTLY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_lead_back_to_what_they_name),
                cmocka_unit_test(other_names_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
