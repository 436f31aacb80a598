#include "http/test_door.h"

/*
 * Reuse
 */

static void one_connection_serves_one_after_the_other(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = OK_2 }, { .answer = OK_2 });
        for (unsigned i = 0; i < 3; ++i) {
                ask(i);
                run();
                expect_answer(i, 200, "ok");
                assert_int_equal(callers[i].call.is_reuse, i > 0);
        }
        assert_int_equal(n_doors, 1);
        assert_int_equal(counted()->connects, 1);
        assert_int_equal(counted()->reuses, 2);
        assert_int_equal(counted()->idle, 1);
        assert_string_equal(seen, GET GET GET);
}

static void head_and_body_leave_as_they_are(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2, .body = 7 });
        ask_with(0, "POST /x?a=%20+b HTTP/1.1\r\nContent-Length: 7\r\n\r\n",
                 STR_LITERAL("a=1&b=2"));
        run();
        expect_answer(0, 200, "ok");
        assert_string_equal(seen, "POST /x?a=%20+b HTTP/1.1\r\nContent-Length: 7\r\n\r\na=1&b=2");
}

#define SEALED_HEAD "POST /sealed HTTP/1.1\r\nContent-Length: 3\r\n\r\n"
#define SEALED      SEALED_HEAD "a=1"

static bool leave_with_other_bytes(struct http_call *call)
{
        must(!http_call_is_bound(call));
        call->head = STR_LITERAL(SEALED_HEAD);
        call->body = STR_LITERAL("a=1");
        return true;
}

static void what_leaves_may_be_written_at_the_last_moment(void **state)
{
        struct http_call_ops sealing = ops;

        (void)state;
        sealing.leave = leave_with_other_bytes;
        PLAY(USUAL, { .answer = OK_2, .body = 3 }, { .answer = OK_2, .body = 3 });
        for (unsigned i = 0; i < 2; ++i) {
                struct http_call *call = &callers[i].call;

                /* Once it waits for a connection, once it leaves at once. */
                http_call_init(call, &sealing);
                call->head = STR_LITERAL(GET);
                ++n_under_way;
                assert_int_equal(http_pool_call(pool, call), 0);
                run();
                expect_answer(i, 200, "ok");
        }
        assert_string_equal(seen, SEALED SEALED);
}

static void tls_is_warm_before_the_first_call(void **state)
{
        struct http_pool_config config = { .host = STR_LITERAL("localhost"), .min_warm = 3 };
        static const struct step script[] = { { .answer = OK_2 }, { .answer = OK_2 } };

        (void)state;
        use_tls();
        open_pool(config, script, 2);
        assert_int_equal(counted()->connecting, 3);
        while (counted()->idle < 3)
                run_a_little();
        ask(0);
        assert_true(callers[0].call.sent_us > 0); /* at once */
        run();
        expect_answer(0, 200, "ok");
        ask(1);
        run();
        expect_answer(1, 200, "ok");
        /* The one in use does not count as warm. */
        assert_true(counted()->connects + counted()->connecting >= 4);
        assert_int_equal(counted()->connect_failures, 0);
}

static void a_resting_pool_opens_nothing_unasked(void **state)
{
        struct http_pool_config config = { .min_warm = 1 };
        static const struct step script[] = { { .answer = OK_2, .then = CLOSE },
                                              { .answer = OK_2 } };

        (void)state;
        open_pool(config, script, 2);
        http_pool_rest(pool, true);
        ask(0);
        run();
        assert_int_equal(counted()->connecting + counted()->idle, 0);
        http_pool_rest(pool, false);
        assert_int_equal(counted()->connecting, 1);
}

static void the_most_calls_at_once_are_as_configured(void **state)
{
        (void)state;
        PLAY({ .max_connections = 2 }, { .answer = OK_2 }, { .answer = OK_2 }, { .answer = OK_2 },
             { .answer = OK_2 }, { .answer = OK_2 });
        for (unsigned i = 0; i < 5; ++i)
                ask(i);
        assert_int_equal(counted()->waiting, 5);
        run();
        for (unsigned i = 0; i < 5; ++i)
                expect_answer(i, 200, "ok");
        assert_int_equal(n_doors, 2);
        assert_int_equal(counted()->connects, 2);
        assert_int_equal(counted()->waiting, 0);
}

#define KEEPING                                                                                    \
        {                                                                                          \
                .max_connections = 3, .min_warm = 3, .kept_for_urgent = 1                          \
        }

static void ask_ranked(unsigned i, unsigned rank, bool is_urgent)
{
        struct caller *c = &callers[i];

        http_call_init(&c->call, &ops);
        c->call.head = STR_LITERAL(GET);
        c->call.rank = rank;
        c->call.is_urgent = is_urgent;
        ++n_under_way;
        assert_int_equal(http_pool_call(pool, &c->call), 0);
}

static void urgent_calls_find_a_connection_and_others_wait_by_rank(void **state)
{
        (void)state;
        PLAY(KEEPING, { .answer = "" }, { .answer = "" }, { .answer = OK_2 }, { .answer = OK_2 },
             { .answer = OK_2 });
        while (counted()->idle < 3)
                run_a_little();
        /* The third is kept: one of three waits, although a connection is idle. */
        for (unsigned i = 0; i < 3; ++i)
                ask_ranked(i, 5, false);
        assert_int_equal(counted()->busy, 2);
        assert_int_equal(counted()->waiting, 1);
        ask_ranked(3, 4, false);
        assert_int_equal(counted()->waiting, 2);
        ask_ranked(4, 0, true);
        assert_int_equal(counted()->busy, 3);
        while (callers[4].n_ends == 0)
                run_a_little();
        expect_answer(4, 200, "ok");
        /* It is idle again, and kept again; the others wait for one of the busy ones. */
        run_a_little();
        assert_int_equal(callers[3].call.sent_us, 0);
        http_call_cancel(&callers[0].call);
        while (callers[3].n_ends == 0)
                run_a_little();
        /* The lower rank went first, though it came later. */
        expect_answer(3, 200, "ok");
        while (callers[2].n_ends == 0)
                run_a_little();
        expect_answer(2, 200, "ok");
        http_call_cancel(&callers[1].call);
        assert_int_equal(counted()->waiting, 0);
}

/*
 * The rule of money
 */

static void drop_all_doors(void)
{
        for (unsigned i = 0; i < n_doors; ++i)
                doors[i].stream = stream_close(doors[i].stream);
}

static void a_connection_that_died_idle_is_not_used(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = OK_2 });
        ask(0);
        run();
        /* Nobody has told the pool yet: the write fails, nothing left, another connection takes it.
         */
        drop_all_doors();
        ask(1);
        run();
        if (callers[1].is_done)
                expect_answer(1, 200, "ok");
        else
                expect_failure(1, HTTP_MAYBE_SENT, "without an answer");
        assert_true(n_requests <= 2);
}

static void what_is_urgent_leaves_on_no_connection_that_was_closed(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = OK_2 });
        ask(0);
        run();
        drop_all_doors();
        ask_ranked(1, 0, true);
        run();
        /* A close within TLS is a record like any other until it is read. */
        if (!client_tls)
                expect_answer(1, 200, "ok");
        assert_true(n_requests <= 2);
}

static void a_close_while_idle_is_noticed(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2, .then = CLOSE }, { .answer = OK_2 });
        ask(0);
        run();
        while (counted()->idle > 0)
                run_a_little();
        ask(1);
        run();
        expect_answer(1, 200, "ok");
        assert_int_equal(n_doors, 2);
        assert_int_equal(counted()->maybe_sent, 0);
}

static void bytes_nobody_asked_for_end_an_idle_connection(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = OK_2 });
        ask(0);
        run();
        assert_int_equal(counted()->idle, 1);
        assert_int_equal(stream_write(doors[0].stream, OK_2, strlen(OK_2)), (ssize_t)strlen(OK_2));
        while (counted()->idle > 0)
                run_a_little();
        assert_int_equal(counted()->unsolicited, 1);
        ask(1);
        run();
        expect_answer(1, 200, "ok");
        assert_int_equal(n_doors, 2);
}

static void a_dead_one_that_took_nothing_is_replaced(void **state)
{
        struct http_link *link;

        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = OK_2 });
        ask(0);
        run();
        /* As if the peer's reset had been seen: from now on writing fails, before a byte is taken.
         */
        link = container_of(list_first(&pool->places[LINK_IDLE]), struct http_link, link);
        assert_int_equal(shutdown(stream_fd(link->stream), SHUT_WR), 0);
        ask(1);
        run();
        expect_answer(1, 200, "ok");
        assert_int_equal(n_doors, 2);
        assert_int_equal(n_requests, 2);
        assert_int_equal(counted()->idle_lost, 1);
        assert_int_equal(counted()->maybe_sent, 0);
}

static void whether_it_may_still_leave_is_asked_when_a_connection_is_free(void **state)
{
        (void)state;
        PLAY({ .max_connections = 1 }, { .answer = OK_2 }, { .answer = OK_2 });
        for (unsigned i = 0; i < 3; ++i)
                ask(i);
        assert_int_equal(callers[0].n_asked, 0);
        callers[1].must_stay = true;
        run();
        expect_answer(0, 200, "ok");
        expect_failure(1, HTTP_NOT_SENT, "its time to leave was over");
        expect_answer(2, 200, "ok");
        for (unsigned i = 0; i < 3; ++i)
                assert_int_equal(callers[i].n_asked, 1);
        assert_int_equal(n_requests, 2);
        assert_int_equal(n_doors, 1);
        assert_int_equal(counted()->not_sent, 1);
}

static void an_unreachable_server_is_named_at_once(void **state)
{
        uint16_t port = address_port(listen_address(listener));

        (void)state;
        listener = listen_close(listener);
        open_pool((struct http_pool_config){ .host = STR_LITERAL("localhost"), .port = port }, NULL,
                  0);
        for (unsigned i = 0; i < 3; ++i)
                ask(i);
        run();
        for (unsigned i = 0; i < 3; ++i)
                expect_failure(i, HTTP_NOT_SENT, "Connection refused");
        assert_int_equal(counted()->not_sent, 3);
}

static void an_unknown_name_is_said(void **state)
{
        (void)state;
        open_pool((struct http_pool_config){ .host = STR_LITERAL(
                                                     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                                     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") },
                  NULL, 0);
        ask(0);
        run();
        expect_failure(0, HTTP_NOT_SENT, "cannot find its address");
        ask(1); /* what is known for less than a second needs no lookup */
        run();
        expect_failure(1, HTTP_NOT_SENT, "cannot find its address");
}

static void a_refused_certificate_is_said(void **state)
{
        (void)state;
        assert_int_equal(tls_client_new(certs.other_ca, &client_tls), 0);
        assert_int_equal(tls_server_new(certs.cert, certs.key, &server_tls), 0);
        open_pool((struct http_pool_config){ .host = STR_LITERAL("127.0.0.1") }, NULL, 0);
        ask(0);
        run();
        expect_failure(0, HTTP_NOT_SENT, "the certificate of 127.0.0.1 is refused");
        assert_string_equal(seen, "");
}

/*
 * Time
 */

static void silence_ends_with_the_answers_deadline(void **state)
{
        (void)state;
        PLAY({ .answer_timeout_us = 1000 }, { .answer = "" });
        ask(0);
        run();
        expect_failure(0, HTTP_MAYBE_SENT, "no answer in time");
}

static void a_call_may_have_its_own_deadline(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = "" }, { .answer = OK_2 });
        http_call_init(&callers[0].call, &ops);
        callers[0].call.head = STR_LITERAL(GET);
        callers[0].call.answer_by_us = loop_now_us(loop) + 1000;
        ++n_under_way;
        assert_int_equal(http_pool_call(pool, &callers[0].call), 0);
        run();
        expect_failure(0, HTTP_MAYBE_SENT, "no answer in time");
        ask(1); /* on another connection: the late answer must not be taken for this one's */
        run();
        expect_answer(1, 200, "ok");
        assert_int_equal(n_doors, 2);
}

static void who_waits_too_long_was_not_sent(void **state)
{
        (void)state;
        PLAY({ .max_connections = 1 }, { .answer = "" });
        ask(0);
        http_call_init(&callers[1].call, &ops);
        callers[1].call.head = STR_LITERAL(GET);
        callers[1].call.answer_by_us = loop_now_us(loop) + 1000;
        ++n_under_way;
        assert_int_equal(http_pool_call(pool, &callers[1].call), 0);
        while (callers[1].n_ends == 0)
                run_a_little();
        expect_failure(1, HTTP_NOT_SENT, "no connection was free in time");
        http_call_cancel(&callers[0].call);
}

static void an_answer_that_stops_midway_is_cut(void **state)
{
        (void)state;
        PLAY({ .progress_timeout_us = 1000 },
             { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123" });
        ask(0);
        run();
        expect_failure(0, HTTP_CUT, "stopped midway");
        assert_string_equal(callers[0].body, "123");
}

static void a_server_that_takes_no_more_is_given_up(void **state)
{
        static char body[16 << 20];

        (void)state;
        PLAY({ .progress_timeout_us = 50000 }, { .answer = "", .is_early = true });
        ask_with(0, "POST / HTTP/1.1\r\n\r\n", str_from(body, sizeof(body)));
        run();
        expect_failure(0, HTTP_MAYBE_SENT, "takes no more of the request");
}

static void idle_connections_are_given_up_before_the_server_does(void **state)
{
        (void)state;
        PLAY({ .max_idle_us = 1000 }, { .answer = OK_2 });
        ask(0);
        run();
        assert_int_equal(counted()->idle, 1);
        while (counted()->idle > 0)
                run_a_little();
        assert_int_equal(counted()->idle_lost, 0);
}

static void an_old_connection_does_not_serve_again(void **state)
{
        (void)state;
        PLAY({ .max_age_us = 1 }, { .answer = OK_2 }, { .answer = OK_2 });
        ask(0);
        run();
        expect_answer(0, 200, "ok");
        assert_int_equal(counted()->idle, 0);
}

/*
 * Callers that come, go and pause
 */

static void a_waiting_call_is_taken_back(void **state)
{
        (void)state;
        PLAY({ .max_connections = 1 }, { .answer = OK_2 }, { .answer = OK_2 });
        ask(0);
        ask(1);
        ask(2);
        http_call_cancel(&callers[1].call);
        http_call_cancel(&callers[1].call);
        --n_under_way;
        run();
        expect_answer(0, 200, "ok");
        expect_answer(2, 200, "ok");
        assert_int_equal(callers[1].n_ends, 0);
        assert_int_equal(n_requests, 2);
        assert_int_equal(n_doors, 1);
}

static void a_sent_call_takes_its_connection_along(void **state)
{
        (void)state;
        PLAY({ .max_connections = 1 }, { .answer = OK_2 }, { .answer = "" }, { .answer = OK_2 });
        ask(0);
        run();
        ask(1);
        assert_true(callers[1].call.sent_us > 0);
        ask(2);
        http_call_cancel(&callers[1].call);
        --n_under_way;
        run();
        expect_answer(2, 200, "ok");
        assert_int_equal(callers[1].n_ends, 0);
        assert_int_equal(n_doors, 2);
}

static void cancel_itself(struct caller *c)
{
        http_call_cancel(&c->call);
        --n_under_way;
        loop_stop(loop);
}

static void a_call_may_be_cancelled_by_its_own_data(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = CHUNKED "1\r\na\r\n1\r\nb\r\n0\r\n\r\n" });
        callers[0].on_data = cancel_itself;
        ask(0);
        run();
        assert_int_equal(callers[0].n_data, 1);
        assert_int_equal(callers[0].n_ends, 0);
        assert_int_equal(counted()->busy + counted()->idle, 0);
}

static void ask_again(struct caller *c)
{
        c->at_end = NULL;
        c->n_ends = c->n_heads = 0;
        c->n_body = 0;
        ask((unsigned)(c - callers));
}

static void a_call_may_be_used_again_at_its_end(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = OK_2 });
        callers[0].at_end = ask_again;
        ask(0);
        run();
        expect_answer(0, 200, "ok");
        assert_int_equal(n_requests, 2);
        assert_int_equal(n_doors, 1);
}

static void free_pool(struct caller *c)
{
        (void)c;
        pool = http_pool_free(pool);
}

static void the_pool_may_be_freed_by_a_callback(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = "" }, { .answer = "" });
        callers[0].at_end = free_pool;
        for (unsigned i = 0; i < 6; ++i)
                ask(i);
        run();
        expect_answer(0, 200, "ok");
        for (unsigned i = 1; i < 6; ++i) {
                assert_int_equal(callers[i].n_ends, 1);
                assert_non_null(strstr(callers[i].why, "closing"));
        }
}

static void pause_it(struct caller *c)
{
        http_call_pause(&c->call);
        loop_stop(loop);
}

static void a_paused_call_gets_nothing_until_resumed(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = CHUNKED "1\r\na\r\n1\r\nb\r\n0\r\n\r\n" });
        callers[0].on_data = pause_it;
        ask(0);
        run();
        assert_string_equal(callers[0].body, "a");
        http_call_resume(&callers[0].call);
        assert_string_equal(callers[0].body, "a"); /* not from inside resume */
        run();
        assert_string_equal(callers[0].body, "ab");
        assert_int_equal(callers[0].n_ends, 0);
        callers[0].on_data = NULL;
        http_call_resume(&callers[0].call);
        run();
        expect_answer(0, 200, "ab");
        assert_int_equal(counted()->idle, 1);
}

static void a_unix_socket_serves_as_well(void **state)
{
        char dir[] = "/tmp/weir-client-XXXXXX", path[64], where[80];
        static const struct step script[] = { { .answer = OK_2 } };

        (void)state;
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/s", dir);
        snprintf(where, sizeof(where), "unix:%s", path);
        listen_close(listener);
        assert_int_equal(listen_open(loop, str_of(where), LISTEN_UNIX_MODE, on_accept, NULL,
                                     &listener),
                         0);
        open_pool((struct http_pool_config){ .host = str_of(path), .is_unix = true }, script, 1);
        assert_string_equal(http_pool_name(pool), where);
        ask(0);
        run();
        expect_answer(0, 200, "ok");
        listener = listen_close(listener);
        rmdir(dir);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                ROW(one_connection_serves_one_after_the_other),
                ROW(head_and_body_leave_as_they_are),
                ROW(what_leaves_may_be_written_at_the_last_moment),
                ROW(tls_is_warm_before_the_first_call),
                ROW(a_resting_pool_opens_nothing_unasked),
                ROW(the_most_calls_at_once_are_as_configured),
                ROW(urgent_calls_find_a_connection_and_others_wait_by_rank),
                ROW(a_connection_that_died_idle_is_not_used),
                ROW(what_is_urgent_leaves_on_no_connection_that_was_closed),
                ROW(a_close_while_idle_is_noticed),
                ROW(bytes_nobody_asked_for_end_an_idle_connection),
                ROW(a_dead_one_that_took_nothing_is_replaced),
                ROW(whether_it_may_still_leave_is_asked_when_a_connection_is_free),
                ROW(an_unreachable_server_is_named_at_once),
                ROW(an_unknown_name_is_said),
                ROW(a_refused_certificate_is_said),
                ROW(silence_ends_with_the_answers_deadline),
                ROW(a_call_may_have_its_own_deadline),
                ROW(who_waits_too_long_was_not_sent),
                ROW(an_answer_that_stops_midway_is_cut),
                ROW(a_server_that_takes_no_more_is_given_up),
                ROW(idle_connections_are_given_up_before_the_server_does),
                ROW(an_old_connection_does_not_serve_again),
                ROW(a_waiting_call_is_taken_back),
                ROW(a_sent_call_takes_its_connection_along),
                ROW(a_call_may_be_cancelled_by_its_own_data),
                ROW(a_call_may_be_used_again_at_its_end),
                ROW(the_pool_may_be_freed_by_a_callback),
                ROW(a_paused_call_gets_nothing_until_resumed),
                ROW(a_unix_socket_serves_as_well),
        };

        return cmocka_run_group_tests_name("http/client", tests, set_up_group, tear_down_group);
}
