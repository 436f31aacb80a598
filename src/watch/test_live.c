#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/live.h"

static uint64_t sum(const char *text)
{
        json_t *root = json_loads(text, 0, NULL);
        uint64_t s;

        assert_non_null(root);
        s = live_sum(root);
        json_decref(root);
        return s;
}

static void a_snapshot_differs_when_more_than_time_has_passed(void **state)
{
        static const struct {
                const char *a, *b;
                bool differs;
        } rows[] = {
                { "{\"used\":1}", "{\"used\":1}", false },
                { "{\"used\":1}", "{\"used\":2}", true },
                { "{\"turns_in_ms\":900,\"used\":1}", "{\"turns_in_ms\":650,\"used\":1}", false },
                { "{\"shut_for_ms\":0}", "{\"shut_for_ms\":5000}", true },
                { "{\"shut_for_ms\":5000}", "{\"shut_for_ms\":4750}", false },
                { "{\"b\":[{\"x_ms\":1},2]}", "{\"b\":[{\"x_ms\":3},2]}", false },
                { "{\"b\":[{\"x_ms\":1},2]}", "{\"b\":[{\"x_ms\":1},3]}", true },
                { "{\"b\":[1,2]}", "{\"b\":[12]}", true },
                { "{\"b\":\"1\"}", "{\"b\":1}", true },
                { "{\"b\":true}", "{\"b\":false}", true },
                { "{\"b\":null}", "{}", true },
                { "{\"a\":1.5}", "{\"a\":1.25}", true },
                { "{\"at_ms\":\"x\"}", "{\"at_ms\":\"y\"}", true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if ((sum(rows[i].a) != sum(rows[i].b)) != rows[i].differs)
                        fail_msg("%s %s", rows[i].a, rows[i].b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_snapshot_differs_when_more_than_time_has_passed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
