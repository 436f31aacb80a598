/* Through a proxy: what it is asked, and that nothing of a request leaves unless it agrees. */
#include "http/test_door.h"

#define ASKED "CONNECT exchange.test:"

static void through_to(const char *server, const struct step *script, unsigned n, struct str login,
                       uint64_t timeout_us)
{
        struct http_pool_config config = {
                .host = str_of(server),
                .max_connections = 1,
                .connect_timeout_us = timeout_us,
                .way = STR_LITERAL("far"),
        };

        config.proxy.host = STR_LITERAL("127.0.0.1");
        config.proxy.port = address_port(listen_address(listener));
        config.proxy.login = login;
        open_pool(config, script, n);
}

static void through(const struct step *script, unsigned n, struct str login, uint64_t timeout_us)
{
        through_to("exchange.test", script, n, login, timeout_us);
}

static void requests_go_through_once_it_has_agreed(void **state)
{
        static const struct step script[] = {
                { .answer = "HTTP/1.0 200 Connection established\r\nProxy-agent: p\r\n\r\n" },
                { .answer = OK_2 },
                { .answer = OK_2 },
        };

        (void)state;
        through(script, ARRAY_SIZE(script), STR_NULL, 0);
        ask(0);
        run();
        expect_answer(0, 200, "ok");
        /* The same way again, and nothing is asked of the proxy a second time. */
        ask(1);
        run();
        expect_answer(1, 200, "ok");
        assert_int_equal(counted()->connects, 1);
        assert_true(strncmp(seen, ASKED, strlen(ASKED)) == 0);
        assert_non_null(strstr(seen, "\r\nHost: exchange.test:"));
        assert_null(strstr(seen, "Authorization"));
        assert_non_null(strstr(seen, "\r\n\r\n" GET));
}

static void tls_is_with_the_server_behind_it(void **state)
{
        static const struct step script[] = {
                { .answer = "HTTP/1.1 200 OK\r\n\r\n", .then = SECURE },
                { .answer = OK_2 },
                { .answer = "HTTP/1.1 200 OK\r\n\r\n", .then = SECURE },
        };

        (void)state;
        starts_plain = true;
        use_tls();
        /* Its certificate is for the server's name: that of the test's is localhost. */
        through_to("localhost", script, ARRAY_SIZE(script), STR_NULL, 0);
        ask(0);
        run();
        expect_answer(0, 200, "ok");
        pool = http_pool_free(pool);
        through_to("other.test", script, ARRAY_SIZE(script), STR_NULL, 0);
        ask(1);
        run();
        expect_failure(1, HTTP_NOT_SENT, "the certificate of other.test is refused");
}

static void it_is_told_name_and_password(void **state)
{
        static const struct {
                const char *login, *field;
        } rows[] = {
                { "a:b", "\r\nProxy-Authorization: Basic YTpi\r\n" },
                { "desk:pass", "\r\nProxy-Authorization: Basic ZGVzazpwYXNz\r\n" },
                { "desk:pas:s", "\r\nProxy-Authorization: Basic ZGVzazpwYXM6cw==\r\n" },
        };
        static const struct step script[] = { { .answer = "HTTP/1.1 200 OK\r\n\r\n" },
                                              { .answer = OK_2 } };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                n_requests = 0;
                memset(seen, 0, sizeof(seen));
                through(script, ARRAY_SIZE(script), str_of(rows[i].login), 0);
                ask((unsigned)i);
                run();
                expect_answer((unsigned)i, 200, "ok");
                if (!strstr(seen, rows[i].field))
                        fail_msg("%s: %s", rows[i].login, seen);
                pool = http_pool_free(pool);
        }
}

static void whatever_else_it_says_nothing_was_sent(void **state)
{
        static const struct {
                struct step step;
                const char *why;
        } rows[] = {
                { { .answer = "HTTP/1.1 407 Who are you\r\nContent-Length: 2\r\n\r\nno" },
                  "far: cannot connect: the proxy answered 407: it wants a name and password" },
                { { .answer = "HTTP/1.1 403 No\r\n\r\n" },
                  "the proxy answered 403: it does not let" },
                { { .answer = "HTTP/1.1 502 No\r\n\r\n" }, "502: it does not reach the exchange" },
                { { .answer = "HTTP/1.1 302 There\r\n\r\n" }, "302: it makes no tunnel" },
                { { .answer = "HTTP/1.1 101 Other\r\n\r\n" }, "101: it makes no tunnel" },
                { { .answer = "SSH-2.0-x\r\n\r\n" }, "the proxy's answer is not HTTP/1.1" },
                { { .answer = "HTTP/1.1 200 OK\r\n\r\nmore" },
                  "the proxy sent more than its answer" },
                { { .answer = "", .then = CLOSE }, "the proxy closed the connection" },
                { { .answer = "HTTP/1.1 20", .then = CLOSE }, "the proxy closed the connection" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                n_requests = 0;
                memset(seen, 0, sizeof(seen));
                through(&rows[i].step, 1, STR_LITERAL("desk:secret"), 0);
                ask((unsigned)i);
                run();
                expect_failure((unsigned)i, HTTP_NOT_SENT, rows[i].why);
                assert_null(strstr(callers[i].why, "secret"));
                assert_null(strstr(seen, GET));
                pool = http_pool_free(pool);
        }
}

static void one_that_says_nothing_is_given_up(void **state)
{
        static const struct step script[] = { { .answer = "" } };

        (void)state;
        through(script, 1, STR_NULL, 100 * US_PER_MS);
        ask(0);
        run();
        expect_failure(0, HTTP_NOT_SENT, "the proxy does not answer in time");
        assert_null(strstr(seen, GET));
}

static void a_proxy_that_is_not_there_is_named(void **state)
{
        static const struct step script[] = { { .answer = OK_2 } };
        struct address gone = *listen_address(listener);
        struct http_pool_config config = { .host = STR_LITERAL("exchange.test"),
                                           .port = 443,
                                           .way = STR_LITERAL("far") };

        (void)state;
        config.proxy.host = STR_LITERAL("127.0.0.1");
        config.proxy.port = address_port(&gone);
        listener = listen_close(listener);
        open_pool(config, script, 1);
        ask(0);
        run();
        expect_failure(0, HTTP_NOT_SENT, "exchange.test:443 by far: cannot connect: 127.0.0.1:");
}

static void a_pool_may_go_while_a_tunnel_is_dug(void **state)
{
        static const struct step script[] = { { .answer = "" } };

        (void)state;
        through(script, 1, STR_NULL, 0);
        ask(0);
        while (seen[0] == '\0')
                run_a_little();
        pool = http_pool_free(pool);
        assert_int_equal(callers[0].n_ends, 1);
        assert_int_equal(callers[0].failure, HTTP_NOT_SENT);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                ROW(requests_go_through_once_it_has_agreed),
                ROW(tls_is_with_the_server_behind_it),
                ROW(it_is_told_name_and_password),
                ROW(whatever_else_it_says_nothing_was_sent),
                ROW(one_that_says_nothing_is_given_up),
                ROW(a_proxy_that_is_not_there_is_named),
                ROW(a_pool_may_go_while_a_tunnel_is_dug),
        };

        return cmocka_run_group_tests_name("http/tunnel", tests, set_up_group, tear_down_group);
}
