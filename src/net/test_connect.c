#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/connect.h"
#include "net/listen.h"
#include "net/test_certs.h"

static struct loop *loop;
static struct certs certs;
static struct tls *tls;
static struct listener *listener;
static int accepted[4];
static unsigned n_accepted;
static struct connect *attempt;
static struct stream *made;
static char why[256];

static int set_up(void **state)
{
        (void)state;
        n_accepted = 0;
        why[0] = '\0';
        return loop_new(&loop);
}

static int tear_down(void **state)
{
        (void)state;
        made = stream_close(made);
        listener = listen_close(listener);
        for (unsigned i = 0; i < n_accepted; ++i)
                close(accepted[i]);
        loop = loop_free(loop);
        tls = tls_free(tls);
        return 0;
}

static void on_accept(void *ctx, int fd)
{
        (void)ctx;
        accepted[n_accepted++] = fd;
}

static void on_made(void *ctx, struct stream *stream, const char *reason)
{
        assert_ptr_equal(ctx, &made);
        attempt = NULL;
        made = stream;
        if (!stream)
                snprintf(why, sizeof(why), "%s", reason);
        loop_stop(loop);
}

static struct address listening(void)
{
        assert_int_equal(listen_open(loop, STR_LITERAL("127.0.0.1:0"), 0, on_accept, NULL,
                                     &listener),
                         0);
        return *listen_address(listener);
}

/* A port that nobody listens at, because it is held without listening. */
static struct address refusing(int *ret_fd)
{
        struct address a;

        assert_int_equal(address_parse(STR_LITERAL("127.0.0.1:0"), &a), 0);
        *ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(*ret_fd, (const struct sockaddr *)&a.socket, a.length), 0);
        assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)&a.socket, &a.length), 0);
        return a;
}

static const struct address *from;

static void start(const struct address_list *list, size_t first, uint64_t timeout_us)
{
        struct connect_config config = { .addresses = list,
                                         .first = first,
                                         .from = from,
                                         .tls = tls,
                                         .name = "localhost",
                                         .timeout_us = timeout_us };

        assert_int_equal(connect_start(loop, &config, on_made, &made, &attempt), 0);
        assert_null(made); /* never at once */
}

static void the_next_address_is_tried(void **state)
{
        struct address_list list = { .n = 2 };
        int held;

        (void)state;
        list.addresses[0] = refusing(&held);
        list.addresses[1] = listening();
        start(&list, 0, US_PER_SECOND);
        assert_int_equal(loop_run(loop), 0);
        assert_non_null(made);
        close(held);
}

static void it_leaves_from_the_address_that_is_named(void **state)
{
        static const char *const ours[] = { "127.0.0.1", "127.0.0.2", "127.7.8.9" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(ours); ++i) {
                struct address_list list = { .n = 1 };
                char text[ADDRESS_TEXT_MAX];
                struct address a, peer = { .length = sizeof(peer.socket) };

                assert_int_equal(address_from_digits(str_of(ours[i]), 0, &a), 0);
                assert_int_equal(connect_check_from(&a), 0);
                from = &a;
                list.addresses[0] = listening();
                start(&list, 0, US_PER_SECOND);
                assert_int_equal(loop_run(loop), 0);
                assert_non_null(made);
                assert_int_equal(getsockname(stream_fd(made), (struct sockaddr *)&peer.socket,
                                             &peer.length),
                                 0);
                address_print(&peer, text);
                assert_memory_equal(text, ours[i], strlen(ours[i]));
                made = stream_close(made);
                listener = listen_close(listener);
        }
        from = NULL;
}

static void where_it_cannot_leave_from_is_said(void **state)
{
        static const struct {
                const char *from;
                int check; /* of connect_check_from() */
                const char *why;
        } rows[] = {
                { "198.51.100.77", -EADDRNOTAVAIL, "the address that we leave from is not there" },
                { "::1", 0, "not of the kind of address (IPv4, IPv6)" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct address_list list = { .n = 1 };
                struct address a;
                int r;

                assert_int_equal(address_from_digits(str_of(rows[i].from), 0, &a), 0);
                r = connect_check_from(&a);
                /* A machine without IPv6 has no ::1 either. */
                assert_true(r == rows[i].check || (rows[i].check == 0 && r < 0));
                from = &a;
                list.addresses[0] = listening();
                start(&list, 0, US_PER_SECOND);
                assert_int_equal(loop_run(loop), 0);
                assert_null(made);
                if (!strstr(why, rows[i].why))
                        fail_msg("%s: %s", rows[i].from, why);
                listener = listen_close(listener);
        }
        from = NULL;
}

static void the_list_is_a_ring(void **state)
{
        struct address_list list = { .n = 2 };
        int held;

        (void)state;
        list.addresses[0] = listening();
        list.addresses[1] = refusing(&held);
        start(&list, 3, US_PER_SECOND);
        assert_int_equal(loop_run(loop), 0);
        assert_non_null(made);
        close(held);
}

static void refusal_has_a_sentence(void **state)
{
        struct address_list list = { .n = 1 };
        char expected[256], text[ADDRESS_TEXT_MAX];
        int held;

        (void)state;
        list.addresses[0] = refusing(&held);
        start(&list, 0, US_PER_SECOND);
        assert_int_equal(loop_run(loop), 0);
        assert_null(made);
        snprintf(expected, sizeof(expected), "%s: Connection refused",
                 address_print(&list.addresses[0], text));
        assert_string_equal(why, expected);
        close(held);
}

static void what_fails_at_once_is_told_later(void **state)
{
        struct address_list list = { .n = 1 }, empty = { .n = 0 };
        struct connect_config config = { .addresses = &empty };

        (void)state;
        assert_int_equal(address_from_path(STR_LITERAL("/nonexistent/socket"), &list.addresses[0]),
                         0);
        start(&list, 0, US_PER_SECOND);
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(why, "unix:/nonexistent/socket: No such file or directory");

        start(&list, 0, US_PER_SECOND);
        attempt = connect_stop(attempt); /* takes that back, too */
        assert_int_equal(connect_start(loop, &config, on_made, &made, &attempt), -EINVAL);
        assert_int_equal(loop_run(loop), 0);
}

static void tick(void *ctx)
{
        (void)ctx;
        connect_tick(attempt);
}

static void silence_ends_with_the_time(void **state)
{
        struct address_list list = { .n = 2 };
        struct loop_timer *timer;

        (void)state;
        certs_init(&certs);
        assert_int_equal(tls_client_new(certs.ca, &tls), 0);
        /* Accepts, but never shakes hands. */
        list.addresses[0] = list.addresses[1] = listening();
        assert_int_equal(loop_timer_new(loop, tick, NULL, &timer), 0);
        loop_timer_every(timer, 1000);
        start(&list, 0, 20000);
        assert_int_equal(loop_run(loop), 0);
        assert_null(made);
        assert_int_equal(n_accepted, 2);
        assert_non_null(
                strstr(why, ": no answer within 10 ms to the TLS handshake: does it speak"));
        loop_timer_free(timer);
        certs_deinit(&certs);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                ROW(the_next_address_is_tried),  ROW(it_leaves_from_the_address_that_is_named),
                ROW(the_next_address_is_tried),  ROW(where_it_cannot_leave_from_is_said),
                ROW(the_next_address_is_tried),  ROW(the_list_is_a_ring),
                ROW(refusal_has_a_sentence),     ROW(what_fails_at_once_is_told_later),
                ROW(silence_ends_with_the_time),
        };

        return cmocka_run_group_tests_name("net/connect", tests, NULL, NULL);
}
