#include "http/test_door.h"

static void answers_are_framed_as_their_heads_say(void **state)
{
        static const struct {
                const char *label, *method, *answer, *body;
                unsigned status;
                bool closes; /* the server, afterwards */
                bool kept;
        } rows[] = {
                { "length", "GET", OK_2, "ok", 200, false, true },
                { "no body", "GET", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, false, true },
                { "304 with a length", "GET", "HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n", "",
                  304, false, true },
                { "length 0", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, false,
                  true },
                { "HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "", 200, false,
                  true },
                { "chunks", "GET", CHUNKED "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n", "abcde",
                  200, false, true },
                { "until close", "GET", "HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end",
                  200, true, false },
                { "HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", 200,
                  false, false },
                { "close", "GET",
                  "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "x", 200,
                  false, false },
                { "interim", "GET",
                  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" OK_2, "ok", 200,
                  false, true },
                { "garbage behind", "GET", OK_2 "x", "ok", 200, false, false },
                { "a second answer", "GET", OK_2 OK_2, "ok", 200, false, false },
                { "garbage behind chunks", "GET", CHUNKED "0\r\n\r\nHTTP", "", 200, false, false },
        };

        (void)state;
        for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); ++i) {
                size_t row = i / 2;
                struct step step = { .answer = rows[row].answer,
                                     .then = rows[row].closes ? CLOSE : KEEP,
                                     .is_bytewise = i % 2 };
                char head[64];

                /* Byte by byte the last answer is done before what is behind it comes. */
                (void)set_up(state);
                open_pool((struct http_pool_config){ .max_connections = 1 }, &step, 1);
                snprintf(head, sizeof(head), "%s / HTTP/1.1\r\n\r\n", rows[row].method);
                ask_with(0, head, STR_LITERAL(""));
                run();
                if (!callers[0].is_done || callers[0].status != rows[row].status ||
                    strcmp(callers[0].body, rows[row].body) != 0 ||
                    (!step.is_bytewise && counted()->idle != rows[row].kept))
                        fail_msg("%s, %s: status %u, body \"%s\", kept %u: %s", rows[row].label,
                                 step.is_bytewise ? "bytewise" : "whole", callers[0].status,
                                 callers[0].body, counted()->idle, callers[0].why);
                (void)tear_down(state);
        }
}

static void broken_answers_are_failures(void **state)
{
        static const struct {
                const char *label, *answer, *words;
                enum http_failure failure;
                enum then then;
        } rows[] = {
                { "closed", "", "closed the connection without an answer", HTTP_MAYBE_SENT, CLOSE },
                { "reset", "", "broke without an answer: Connection reset", HTTP_MAYBE_SENT,
                  RESET },
                { "cut head", "HTTP/1.1 200 OK\r\nCont", "within the head", HTTP_MAYBE_SENT,
                  CLOSE },
                { "no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "is not HTTP/1.1", HTTP_MAYBE_SENT, KEEP },
                { "two lengths",
                  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                  "is not HTTP/1.1", HTTP_MAYBE_SENT, KEEP },
                { "cut length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345",
                  "within its answer", HTTP_CUT, CLOSE },
                { "cut chunks", CHUNKED "5\r\nab", "within its answer", HTTP_CUT, CLOSE },
                { "cut before the last chunk", CHUNKED "2\r\nab\r\n", "within its answer", HTTP_CUT,
                  CLOSE },
                { "bad chunks", CHUNKED "2\r\nabc\r\n", "chunks are malformed", HTTP_CUT, KEEP },
                { "upgrade",
                  "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
                  "switches to a protocol", HTTP_MAYBE_SENT, KEEP },
                { "interim only", "HTTP/1.1 100 Continue\r\n\r\n", "without an answer",
                  HTTP_MAYBE_SENT, CLOSE },
        };

        (void)state;
        for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); ++i) {
                size_t row = i / 2;
                struct step step = { .answer = rows[row].answer,
                                     .then = rows[row].then,
                                     .is_bytewise = i % 2 };

                (void)set_up(state);
                open_pool((struct http_pool_config)USUAL, &step, 1);
                ask(0);
                run();
                if (callers[0].is_done || callers[0].failure != rows[row].failure ||
                    !strstr(callers[0].why, rows[row].words))
                        fail_msg("%s: done %d, failure %d: %s", rows[row].label, callers[0].is_done,
                                 (int)callers[0].failure, callers[0].why);
                expect_failure(0, rows[row].failure, rows[row].words);
                assert_int_equal(n_requests, 1); /* never twice */
                assert_int_equal(counted()->busy + counted()->idle, 0);
                (void)tear_down(state);
        }
}

static void hold_the_next(struct caller *c)
{
        c[1].must_stay = true;
}

/* An answer may say that nothing more is to be sent, and so may one that does not come. */
static void what_an_answer_means_is_known_before_the_next_one_leaves(void **state)
{
        static const struct step rows[] = {
                { .answer = OK_2 },
                { .answer = OK_2, .then = CLOSE },
                { .answer = "HTTP/1.1 418 Teapot\r\nContent-Length: 9\r\n\r\n", .then = CLOSE },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct step script[] = { rows[i], { .answer = OK_2 } };

                (void)set_up(state);
                open_pool((struct http_pool_config){ .max_connections = 1 }, script, 2);
                callers[0].at_end = hold_the_next;
                ask(0);
                ask(1);
                run();
                assert_int_equal(callers[0].n_ends, 1);
                expect_failure(1, HTTP_NOT_SENT, "its time to leave was over");
                assert_int_equal(n_requests, 1);
                (void)tear_down(state);
        }
}

static void an_answer_cut_anywhere_is_never_taken_for_complete(void **state)
{
        static const char *const answers[] = { OK_2, CHUNKED "2\r\nab\r\n0\r\n\r\n" };

        (void)state;
        for (size_t i = 0; i < 2 * ARRAY_SIZE(answers); ++i) {
                const char *whole = answers[i / 2];
                size_t n = strlen(whole), n_head = (size_t)(strstr(whole, "\r\n\r\n") + 4 - whole);

                for (size_t cut = 0; cut <= n; ++cut) {
                        struct step step = { .then = i % 2 ? RESET : CLOSE };
                        char answer[128] = "";

                        memcpy(answer, whole, cut);
                        step.answer = answer;
                        (void)set_up(state);
                        open_pool((struct http_pool_config)USUAL, &step, 1);
                        ask(0);
                        run();
                        /* A reset may overtake what was sent before it. */
                        if (callers[0].is_done != (cut == n) && step.then == CLOSE)
                                fail_msg("\"%s\": %s", answer, callers[0].why);
                        if (!callers[0].is_done)
                                expect_failure(0, callers[0].n_heads ? HTTP_CUT : HTTP_MAYBE_SENT,
                                               "");
                        assert_true(!callers[0].is_done || cut == n);
                        assert_true(callers[0].n_heads == 0 || cut >= n_head);
                        assert_int_equal(n_requests, 1);
                        (void)tear_down(state);
                }
        }
}

static void until_close_over_tls_needs_a_goodbye(void **state)
{
        static const struct step script[] = {
                { .answer = "HTTP/1.1 200 OK\r\n\r\nall of it", .then = CLOSE },
                { .answer = "HTTP/1.1 200 OK\r\n\r\nall of", .then = CUT_TLS },
                { .answer = OK_2, .then = CUT_TLS },
        };

        (void)state;
        use_tls();
        open_pool((struct http_pool_config){ .host = STR_LITERAL("localhost") }, script, 3);
        ask(0);
        run();
        expect_answer(0, 200, "all of it");
        ask(1);
        run();
        expect_failure(1, HTTP_CUT, "cut off");
        ask(2); /* complete by its length: the missing goodbye does not matter */
        run();
        expect_answer(2, 200, "ok");
}

static void a_large_body_passes(const char *host)
{
        static char answer[600 * 1024 + 100];
        size_t n = (size_t)snprintf(answer, sizeof(answer),
                                    "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", 600U * 1024);
        struct step step = { .answer = answer };

        memset(answer + n, 'x', 600 * 1024);
        answer[n + 600 * 1024] = '\0';
        open_pool((struct http_pool_config){ .host = str_of(host) }, &step, 1);
        ask(0);
        run();
        assert_true(callers[0].is_done);
        assert_int_equal(callers[0].n_body, 600 * 1024);
        assert_int_equal(counted()->idle, 1);
}

static void a_large_body_passes_plain(void **state)
{
        (void)state;
        a_large_body_passes("127.0.0.1");
}

static void a_large_body_passes_tls(void **state)
{
        (void)state;
        use_tls();
        a_large_body_passes("localhost");
}

static void an_early_answer_is_delivered_and_ends_the_connection(void **state)
{
        static char body[16 << 20];
        static const struct step script[] = {
                { .answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno",
                  .is_early = true }
        };

        (void)state;
        open_pool((struct http_pool_config)USUAL, script, 1);
        ask_with(0, "POST / HTTP/1.1\r\n\r\n", str_from(body, sizeof(body)));
        run();
        expect_answer(0, 413, "no");
        assert_int_equal(counted()->idle, 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(answers_are_framed_as_their_heads_say),
                cmocka_unit_test(broken_answers_are_failures),
                cmocka_unit_test(an_answer_cut_anywhere_is_never_taken_for_complete),
                cmocka_unit_test(what_an_answer_means_is_known_before_the_next_one_leaves),
                ROW(until_close_over_tls_needs_a_goodbye),
                ROW(a_large_body_passes_plain),
                ROW(a_large_body_passes_tls),
                ROW(an_early_answer_is_delivered_and_ends_the_connection),
        };

        return cmocka_run_group_tests_name("http/link", tests, set_up_group, tear_down_group);
}
