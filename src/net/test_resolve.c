#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "net/resolve.h"

/* Is no digits to us, but to getaddrinfo(), which answers without asking anybody. */
#define ODD_NAME "127.1"
/* No label of a name may be this long: refused without asking anybody. */
#define BAD_NAME "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct loop *loop;
static unsigned n_told;

static int set_up(void **state)
{
        (void)state;
        n_told = 0;
        return loop_new(&loop);
}

static int tear_down(void **state)
{
        (void)state;
        loop = loop_free(loop);
        return 0;
}

static void on_told(void *ctx)
{
        assert_ptr_equal(ctx, &n_told);
        ++n_told;
        loop_stop(loop);
}

static struct resolver *start(const char *host)
{
        struct resolver *r;

        assert_int_equal(resolve_start(loop, host, 8900, 60 * US_PER_SECOND, on_told, &n_told, &r),
                         0);
        return r;
}

static void digits_and_localhost_need_no_lookup(void **state)
{
        static const struct {
                const char *host, *first;
                size_t n;
        } rows[] = {
                { "10.1.2.3", "10.1.2.3:8900", 1 },           { "::1", "[::1]:8900", 1 },
                { "[2001:db8::1]", "[2001:db8::1]:8900", 1 }, { "localhost", "127.0.0.1:8900", 2 },
                { "LOCALHOST", "127.0.0.1:8900", 2 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct resolver *r = start(rows[i].host);
                char text[ADDRESS_TEXT_MAX];

                assert_int_equal(resolve_addresses(r)->n, rows[i].n);
                address_print(&resolve_addresses(r)->addresses[0], text);
                assert_string_equal(text, rows[i].first);
                assert_string_equal(resolve_why(r), "");
                assert_false(resolve_again(r));
                resolve_stop(r);
        }
        assert_int_equal(n_told, 0);
}

static void a_name_is_told_from_the_loop(void **state)
{
        struct resolver *r = start(ODD_NAME);
        char text[ADDRESS_TEXT_MAX];

        (void)state;
        assert_int_equal(resolve_addresses(r)->n, 0);
        assert_true(resolve_again(r)); /* one is running */
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(n_told, 1);
        assert_int_equal(resolve_addresses(r)->n, 1);
        assert_string_equal(address_print(&resolve_addresses(r)->addresses[0], text),
                            "127.0.0.1:8900");
        assert_false(resolve_again(r)); /* too soon */
        resolve_stop(r);
}

static void a_failure_has_a_sentence(void **state)
{
        struct resolver *r = start(BAD_NAME);

        (void)state;
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(n_told, 1);
        assert_int_equal(resolve_addresses(r)->n, 0);
        assert_non_null(strstr(resolve_why(r), BAD_NAME ": "));
        assert_false(resolve_again(r));
        resolve_stop(r);
}

static void on_refreshed(void *ctx)
{
        unsigned *n = ctx;

        if (++*n == 3)
                loop_stop(loop);
}

static void a_name_is_looked_up_now_and_then(void **state)
{
        struct resolver *r;
        unsigned n = 0;

        (void)state;
        assert_int_equal(resolve_start(loop, ODD_NAME, 1, 1000, on_refreshed, &n, &r), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(n, 3);
        assert_int_equal(resolve_addresses(r)->n, 1);
        resolve_stop(r);
}

static void a_stopped_one_is_silent(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 50; ++i)
                resolve_stop(start(i % 2 ? ODD_NAME : BAD_NAME));
        resolve_stop(NULL);
        /* The threads of those lookups end beside this one. */
        a_name_is_told_from_the_loop(state);
        assert_int_equal(n_told, 1);
}

static void what_is_no_host_is_refused(void **state)
{
        char host[300];
        struct resolver *r;

        (void)state;
        memset(host, 'a', sizeof(host));
        host[256] = '\0';
        assert_int_equal(resolve_start(loop, host, 1, 0, on_told, NULL, &r), -EINVAL);
        assert_int_equal(resolve_start(loop, "", 1, 0, on_told, NULL, &r), -EINVAL);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                ROW(digits_and_localhost_need_no_lookup),
                ROW(a_name_is_told_from_the_loop),
                ROW(a_failure_has_a_sentence),
                ROW(a_name_is_looked_up_now_and_then),
                ROW(a_stopped_one_is_silent),
                ROW(what_is_no_host_is_refused),
        };

        return cmocka_run_group_tests_name("net/resolve", tests, NULL, NULL);
}
