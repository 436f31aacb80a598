#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"

/* What happened, a letter each. */
static char story[64];
static struct loop *loop;

static void tell(char letter)
{
        size_t n = strlen(story);

        assert_true(n + 1 < sizeof(story));
        story[n] = letter;
        story[n + 1] = '\0';
}

static int set_up(void **state)
{
        (void)state;
        story[0] = '\0';
        return loop_new(&loop);
}

static int tear_down(void **state)
{
        (void)state;
        loop = loop_free(loop);
        return 0;
}

static void tell_ctx(void *ctx)
{
        tell(*(const char *)ctx);
}

static void tell_ctx_and_stop(void *ctx)
{
        tell_ctx(ctx);
        loop_stop(loop);
}

static void bury(void *dead)
{
        tell(*(const char *)dead);
        free(dead);
}

static void stop(void *ctx)
{
        (void)ctx;
        loop_stop(loop);
}

static struct pair {
        int fds[2];
        struct loop_watch *watches[2];
        unsigned seen[2];
} pair;

static void on_pair(void *ctx, unsigned what)
{
        *(unsigned *)ctx |= what;
        if (pair.seen[0] & LOOP_HANGUP)
                loop_stop(loop);
}

static void edges_are_told_once_and_a_hangup_even_unread(void **state)
{
        (void)state;
        pair = (struct pair){ .seen = { 0 } };
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.fds), 0);
        for (int i = 0; i < 2; ++i)
                assert_int_equal(loop_watch(loop, pair.fds[i], on_pair, &pair.seen[i],
                                            &pair.watches[i]),
                                 0);
        assert_int_equal(loop_defer(loop, stop, NULL), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(pair.seen[0], LOOP_WRITE);
        assert_int_equal(pair.seen[1], LOOP_WRITE);

        /* No new edge, although still writable. */
        pair.seen[0] = pair.seen[1] = 0;
        assert_int_equal(loop_defer(loop, stop, NULL), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(pair.seen[0] | pair.seen[1], 0);

        assert_int_equal(write(pair.fds[1], "x", 1), 1);
        assert_int_equal(shutdown(pair.fds[1], SHUT_WR), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_true(pair.seen[0] & LOOP_READ);
        assert_true(pair.seen[0] & LOOP_HANGUP);
        for (int i = 0; i < 2; ++i) {
                pair.watches[i] = loop_unwatch(pair.watches[i]);
                close(pair.fds[i]);
        }
}

static void on_rival(void *ctx, unsigned what)
{
        int other = ctx == &pair.seen[0] ? 1 : 0;

        (void)what;
        tell('r');
        pair.watches[other] = loop_unwatch(pair.watches[other]);
        loop_stop(loop);
}

static void nothing_comes_after_unwatch_even_if_due(void **state)
{
        (void)state;
        pair = (struct pair){ .seen = { 0 } };
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.fds), 0);
        /* Both are writable in the first turn; the first called takes the other's watch away. */
        for (int i = 0; i < 2; ++i)
                assert_int_equal(loop_watch(loop, pair.fds[i], on_rival, &pair.seen[i],
                                            &pair.watches[i]),
                                 0);
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(story, "r");
        for (int i = 0; i < 2; ++i) {
                loop_unwatch(pair.watches[i]);
                close(pair.fds[i]);
        }
}

static void a_turn_ends_with_the_deferred_and_then_the_buried(void **state)
{
        char *dead = malloc(1);

        (void)state;
        *dead = 'x';
        loop_bury(loop, dead, bury);
        assert_int_equal(loop_defer(loop, tell_ctx, (void *)(uintptr_t) "a"), 0);
        assert_int_equal(loop_defer(loop, tell_ctx_and_stop, (void *)(uintptr_t) "b"), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(story, "abx");
}

static void defer_more(void *ctx)
{
        tell(*(const char *)ctx);
        assert_int_equal(loop_defer(loop, tell_ctx_and_stop, (void *)(uintptr_t) "2"), 0);
        loop_bury(loop, memset(malloc(1), 'x', 1), bury);
}

static void what_is_deferred_meanwhile_has_the_next_turn(void **state)
{
        static char one[] = "1";

        (void)state;
        assert_int_equal(loop_defer(loop, defer_more, one), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(story, "1x2");
}

static char gone[] = "g";

static void take_back(void *ctx)
{
        tell(*(const char *)ctx);
        loop_undefer(loop, tell_ctx, gone);
}

static void what_is_taken_back_is_not_run(void **state)
{
        static char one[] = "1", two[] = "2";

        (void)state;
        assert_int_equal(loop_defer(loop, tell_ctx, gone), 0);
        loop_undefer(loop, tell_ctx, gone);
        assert_int_equal(loop_defer(loop, take_back, one), 0);
        assert_int_equal(loop_defer(loop, tell_ctx, gone), 0);
        assert_int_equal(loop_defer(loop, tell_ctx_and_stop, two), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(story, "12");
}

static void timers_fire_in_order_and_not_before_their_time(void **state)
{
        static char names[] = "abc";
        struct loop_timer *timers[3];
        uint64_t now_us = clock_mono_us();

        (void)state;
        /* Reading the time before the loop runs must not make a timer look early. */
        (void)loop_now_us(loop);
        for (size_t i = 0; i < 3; ++i)
                assert_int_equal(loop_timer_new(loop, i == 2 ? tell_ctx_and_stop : tell_ctx,
                                                &names[i], &timers[i]),
                                 0);
        loop_timer_set(timers[2], now_us + 20000);
        loop_timer_set(timers[1], now_us + 10000);
        loop_timer_set(timers[0], 0); /* long ago */
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(story, "abc");
        assert_true(clock_mono_us() >= now_us + 20000);
        for (size_t i = 0; i < 3; ++i)
                loop_timer_free(timers[i]);
}

static struct loop_timer *rivals[2];

static void clear_other(void *ctx)
{
        int me = *(const char *)ctx - '0';

        tell('t');
        loop_timer_clear(rivals[1 - me]);
        loop_stop(loop);
}

static void a_cleared_timer_is_silent_even_if_due(void **state)
{
        static char names[] = "01";

        (void)state;
        for (size_t i = 0; i < 2; ++i) {
                assert_int_equal(loop_timer_new(loop, clear_other, &names[i], &rivals[i]), 0);
                loop_timer_set(rivals[i], 1);
        }
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(loop_defer(loop, stop, NULL), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(story, "t");
        for (size_t i = 0; i < 2; ++i)
                loop_timer_free(rivals[i]);
}

static void push_back(void *ctx)
{
        tell('p');
        loop_timer_set(ctx, loop_now_us(loop) + 3000000);
}

static void a_timer_set_anew_forgets_its_old_time(void **state)
{
        static char e[] = "e";
        struct loop_timer *later, *end;

        (void)state;
        assert_int_equal(loop_timer_new(loop, tell_ctx_and_stop, e, &end), 0);
        assert_int_equal(loop_timer_new(loop, tell_ctx, gone, &later), 0);
        loop_timer_set(later, 1);
        loop_timer_set(end, clock_mono_us() + 5000);
        assert_int_equal(loop_defer(loop, push_back, later), 0);
        loop_timer_set(later, clock_mono_us() + 3000000);
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(story, "pe");
        loop_timer_free(later);
        loop_timer_free(end);
}

static void tell_thrice(void *ctx)
{
        tell_ctx(ctx);
        if (strlen(story) == 3)
                loop_stop(loop);
}

static void a_periodic_timer_comes_again(void **state)
{
        static char p[] = "p";
        struct loop_timer *timer;
        uint64_t from_us = clock_mono_us();

        (void)state;
        assert_int_equal(loop_timer_new(loop, tell_thrice, p, &timer), 0);
        loop_timer_every(timer, 2000);
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(story, "ppp");
        assert_true(clock_mono_us() >= from_us + 6000);
        loop_timer_free(timer);
}

static void a_signal_is_an_event(void **state)
{
        static char s[] = "s";

        (void)state;
        assert_int_equal(loop_on_signal(loop, SIGUSR1, tell_ctx_and_stop, s), 0);
        assert_int_equal(raise(SIGUSR1), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(story, "s");
}

static void an_empty_loop_returns(void **state)
{
        (void)state;
        assert_int_equal(loop_run(loop), 0);
        loop_stop(loop);
        assert_int_equal(loop_run(loop), 0);
}

/* Work for so long that the loop looks around before it sleeps. */
static void work(void)
{
        uint64_t until_us = clock_mono_us() + 200;

        while (clock_mono_us() < until_us)
                ;
}

static struct work {
        struct loop_timer *timer;
        uint64_t due_us, seen_us;
} after_work;

static void on_time(void *ctx)
{
        struct work *w = ctx;

        w->seen_us = clock_mono_us();
        tell('t');
        loop_stop(loop);
}

static void work_and_set(void *ctx)
{
        struct work *w = ctx;

        work();
        tell('w');
        w->due_us = clock_mono_us() + 10;
        loop_timer_set(w->timer, w->due_us);
}

static void what_comes_while_a_busy_loop_looks_around_is_told_once(void **state)
{
        (void)state;
        assert_int_equal(loop_timer_new(loop, on_time, &after_work, &after_work.timer), 0);
        assert_int_equal(loop_defer(loop, work_and_set, &after_work), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(story, "wt");
        assert_true(after_work.seen_us >= after_work.due_us);
        after_work.timer = loop_timer_free(after_work.timer);
}

static void work_and_forget(void *ctx)
{
        struct work *w = ctx;

        work();
        tell('w');
        w->timer = loop_timer_free(w->timer);
}

static void a_busy_loop_ends_when_nothing_is_left_to_wait_for(void **state)
{
        (void)state;
        assert_int_equal(loop_timer_new(loop, on_time, &after_work, &after_work.timer), 0);
        assert_int_equal(loop_defer(loop, work_and_forget, &after_work), 0);
        assert_int_equal(loop_run(loop), 0);
        assert_string_equal(story, "w");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(edges_are_told_once_and_a_hangup_even_unread,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(nothing_comes_after_unwatch_even_if_due, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(a_turn_ends_with_the_deferred_and_then_the_buried,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_deferred_meanwhile_has_the_next_turn,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_taken_back_is_not_run, set_up, tear_down),
                cmocka_unit_test_setup_teardown(timers_fire_in_order_and_not_before_their_time,
                                                set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_cleared_timer_is_silent_even_if_due, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(a_timer_set_anew_forgets_its_old_time, set_up,
                                                tear_down),
                cmocka_unit_test_setup_teardown(a_periodic_timer_comes_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_signal_is_an_event, set_up, tear_down),
                cmocka_unit_test_setup_teardown(an_empty_loop_returns, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                        what_comes_while_a_busy_loop_looks_around_is_told_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_busy_loop_ends_when_nothing_is_left_to_wait_for,
                                                set_up, tear_down),
        };

        return cmocka_run_group_tests_name("net/loop", tests, NULL, NULL);
}
