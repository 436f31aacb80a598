#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/listen.h"

#define CALLERS_MAX 200

static struct loop *loop;
static struct listener *listener;
static int accepted[CALLERS_MAX];
static unsigned n_accepted, n_wanted;
static bool closes_at_first;
static char dir[32], path[64], where[80];

static int set_up(void **state)
{
        (void)state;
        snprintf(dir, sizeof(dir), "/tmp/weir-listen-XXXXXX");
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/s", dir);
        snprintf(where, sizeof(where), "unix:%s", path);
        n_accepted = 0;
        closes_at_first = false;
        return loop_new(&loop);
}

static int tear_down(void **state)
{
        (void)state;
        listener = listen_close(listener);
        for (unsigned i = 0; i < n_accepted; ++i)
                close(accepted[i]);
        loop = loop_free(loop);
        unlink(path);
        rmdir(dir);
        return 0;
}

static void on_accept(void *ctx, int fd)
{
        assert_ptr_equal(ctx, &n_accepted);
        assert_true(n_accepted < CALLERS_MAX);
        accepted[n_accepted++] = fd;
        if (closes_at_first)
                listener = listen_close(listener);
        if (n_accepted == n_wanted)
                loop_stop(loop);
}

static int open_at(const char *place)
{
        return listen_open(loop, str_of(place), LISTEN_UNIX_MODE, on_accept, &n_accepted,
                           &listener);
}

static int call(void)
{
        const struct address *a = listen_address(listener);
        int fd = socket(a->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (const struct sockaddr *)&a->socket, a->length), 0);
        return fd;
}

static void callers_are_handed_over_beyond_one_turn(void **state)
{
        int callers[CALLERS_MAX];

        (void)state;
        assert_int_equal(open_at("127.0.0.1:0"), 0);
        assert_true(address_port(listen_address(listener)) > 0);
        for (unsigned i = 0; i < CALLERS_MAX; ++i)
                callers[i] = call();
        n_wanted = CALLERS_MAX;
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(n_accepted, CALLERS_MAX);
        for (unsigned i = 0; i < CALLERS_MAX; ++i)
                close(callers[i]);
}

static void a_port_in_use_is_refused(void **state)
{
        char text[ADDRESS_TEXT_MAX];
        struct listener *second = NULL;

        (void)state;
        assert_int_equal(open_at("127.0.0.1:0"), 0);
        address_print(listen_address(listener), text);
        assert_int_equal(listen_open(loop, str_of(text), 0, on_accept, NULL, &second), -EADDRINUSE);
        assert_int_equal(listen_open(loop, STR_LITERAL("nowhere"), 0, on_accept, NULL, &second),
                         -EINVAL);
        assert_null(second);
}

static void a_listener_may_be_closed_by_its_callback(void **state)
{
        int one, two;

        (void)state;
        assert_int_equal(open_at("127.0.0.1:0"), 0);
        closes_at_first = true;
        n_wanted = 1;
        one = call();
        two = call();
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(n_accepted, 1);
        close(one);
        close(two);
}

static void a_unix_socket_has_its_mode_and_goes_at_close(void **state)
{
        struct stat st;
        int caller;

        (void)state;
        assert_int_equal(open_at(where), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, LISTEN_UNIX_MODE);
        caller = call();
        n_wanted = 1;
        assert_int_equal(loop_run(loop), 0);
        close(caller);
        listener = listen_close(listener);
        assert_int_equal(stat(path, &st), -1);
}

/* A socket as a service manager opens it. Return: the descriptor. */
static int open_kept(int type, bool listens)
{
        struct address a;
        int fd;

        assert_int_equal(address_parse(str_of(where), &a), 0);
        fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (const struct sockaddr *)&a.socket, a.length), 0);
        if (listens)
                assert_int_equal(listen(fd, CALLERS_MAX), 0);
        return fd;
}

static int adopt(int fd)
{
        return listen_adopt(loop, fd, on_accept, &n_accepted, &listener);
}

static void who_calls_while_a_kept_socket_has_no_listener_waits_for_the_next(void **state)
{
        int kept = open_kept(SOCK_STREAM, true), callers[3];
        char text[ADDRESS_TEXT_MAX];

        (void)state;
        assert_int_equal(adopt(dup(kept)), 0);
        assert_string_equal(address_print(listen_address(listener), text), where);
        callers[0] = call();
        n_wanted = 1;
        assert_int_equal(loop_run(loop), 0);
        callers[1] = call();
        callers[2] = call();
        listener = listen_close(listener);
        assert_int_equal(adopt(dup(kept)), 0);
        n_wanted = 3;
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(n_accepted, 3);
        for (unsigned i = 0; i < ARRAY_SIZE(callers); ++i)
                close(callers[i]);
        close(kept);
}

static void what_is_no_listening_stream_socket_is_not_adopted(void **state)
{
        int pipes[2];

        (void)state;
        assert_int_equal(adopt(open_kept(SOCK_STREAM, false)), -EINVAL);
        unlink(path);
        assert_int_equal(adopt(open_kept(SOCK_SEQPACKET, true)), -EINVAL);
        assert_int_equal(pipe(pipes), 0);
        assert_int_equal(adopt(pipes[0]), -ENOTSOCK);
        close(pipes[1]);
        assert_null(listener);
}

static void a_stale_unix_socket_is_replaced_but_not_one_in_use(void **state)
{
        struct listener *second = NULL;
        struct address address;
        int fd;

        (void)state;
        assert_int_equal(address_parse(str_of(where), &address), 0);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address.socket, address.length), 0);
        close(fd); /* as a killed process leaves it */
        assert_int_equal(open_at(where), 0);
        assert_int_equal(listen_open(loop, str_of(where), 0600, on_accept, NULL, &second),
                         -EADDRINUSE);
        assert_null(second);
        assert_int_equal(access(path, F_OK), 0);
}

static void a_file_in_the_way_stays(void **state)
{
        FILE *file;

        (void)state;
        file = fopen(path, "w");
        assert_non_null(file);
        fclose(file);
        assert_int_equal(open_at(where), -ENOTSOCK);
        assert_int_equal(access(path, F_OK), 0);
}

static void another_ones_socket_is_not_removed_at_close(void **state)
{
        struct listener *second = NULL;

        (void)state;
        assert_int_equal(open_at(where), 0);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(listen_open(loop, str_of(where), 0600, on_accept, NULL, &second), 0);
        listener = listen_close(listener);
        assert_int_equal(access(path, F_OK), 0);
        listen_close(second);
        assert_int_equal(access(path, F_OK), -1);
}

static struct rlimit limit_before;
static unsigned n_turns;

static void give_descriptors_back(void *ctx)
{
        (void)ctx;
        n_turns = n_accepted;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit_before), 0);
}

static void callers_wait_while_descriptors_are_out(void **state)
{
        struct loop_timer *timer;
        struct rlimit none;
        int caller;

        (void)state;
        assert_int_equal(open_at("127.0.0.1:0"), 0);
        assert_int_equal(loop_timer_new(loop, give_descriptors_back, NULL, &timer), 0);
        caller = call();
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit_before), 0);
        none = limit_before;
        none.rlim_cur = 3;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        n_wanted = 1;
        n_turns = 99;
        loop_timer_set(timer, loop_now_us(loop) + 20000);
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(n_turns, 0);
        assert_int_equal(n_accepted, 1);
        loop_timer_free(timer);
        close(caller);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                ROW(callers_are_handed_over_beyond_one_turn),
                ROW(a_port_in_use_is_refused),
                ROW(a_listener_may_be_closed_by_its_callback),
                ROW(a_unix_socket_has_its_mode_and_goes_at_close),
                ROW(a_stale_unix_socket_is_replaced_but_not_one_in_use),
                ROW(who_calls_while_a_kept_socket_has_no_listener_waits_for_the_next),
                ROW(what_is_no_listening_stream_socket_is_not_adopted),
                ROW(a_file_in_the_way_stays),
                ROW(another_ones_socket_is_not_removed_at_close),
                ROW(callers_wait_while_descriptors_are_out),
        };

        return cmocka_run_group_tests_name("net/listen", tests, NULL, NULL);
}
