#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "classify/usage.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLE "tests/data/classify_usage.txt"

static const char *const kinds[] = {
        [USAGE_NONE] = "none",         [USAGE_WEIGHT] = "weight",
        [USAGE_ORDERS] = "orders",     [USAGE_SAPI_IP] = "sapi_ip",
        [USAGE_SAPI_UID] = "sapi_uid", [USAGE_RETRY_AFTER] = "retry_after",
};

/* A copy that ends where its memory ends, so that a sanitizer sees a step beyond it. */
static struct str exact(struct str s)
{
        char *p = malloc(s.n > 0 ? s.n : 1);

        assert_non_null(p);
        if (s.n > 0)
                memcpy(p, s.p, s.n);
        return str_from(p, s.n);
}

static bool check(struct str name, struct str value, const char *want)
{
        struct usage usage = { USAGE_NONE, 0, 0 };
        struct str n = exact(name), v = exact(value);
        enum usage_kind kind = usage_from(n, v, &usage);
        char got[128];

        free((void *)(uintptr_t)n.p);
        free((void *)(uintptr_t)v.p);
        if (kind == USAGE_NONE)
                snprintf(got, sizeof(got), "none");
        else
                snprintf(got, sizeof(got), "%s %llu %llu", kinds[kind],
                         (unsigned long long)usage.span_ms, (unsigned long long)usage.value);
        if (kind == usage.kind && strcmp(got, want) == 0)
                return true;
        print_message("%.*s: %.*s: want %s, got %s\n", STR_ARGS(name), STR_ARGS(value), want, got);
        return false;
}

static void every_header_of_the_table_is_read(void **state)
{
        char line[512], want[128];
        FILE *file = fopen(TABLE, "r");
        int n_rows = 0, n_bad = 0;

        (void)state;
        assert_non_null(file);
        while (fgets(line, sizeof(line), file)) {
                struct str rest = str_from(line, strcspn(line, "\n")), name, value;
                const char *equals = strstr(line, " = ");

                if (line[0] == '#' || line[0] == '\n')
                        continue;
                assert_non_null(equals);
                assert_true(str_split(&rest, ':', &name));
                value = str_from(rest.p, equals > rest.p ? (size_t)(equals - rest.p) : 0);
                str_copy(str_from(equals + 3, (size_t)(rest.p + rest.n - equals - 3)), want,
                         sizeof(want));
                ++n_rows;
                n_bad += !check(name, value, want);
        }
        fclose(file);
        assert_true(n_rows > 40);
        assert_int_equal(n_bad, 0);
}

static void nothing_is_written_for_other_headers(void **state)
{
        struct usage usage = { USAGE_WEIGHT, 1, 2 };

        (void)state;
        assert_int_equal(usage_from(STR_LITERAL("server"), STR_LITERAL("nginx"), &usage),
                         USAGE_NONE);
        assert_int_equal(usage_from(STR_NULL, STR_NULL, &usage), USAGE_NONE);
        assert_true(usage.kind == USAGE_WEIGHT && usage.span_ms == 1 && usage.value == 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_header_of_the_table_is_read),
                cmocka_unit_test(nothing_is_written_for_other_headers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
