#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/door.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK "look456789abcdef0123456789abcdef"
#define ACT  "act3456789abcdef0123456789abcdef"
#define NONE "none456789abcdef0123456789abcdef"

#define HOME    "Host: 127.0.0.1:8900\r\n"
#define BEARER  "Authorization: Bearer "
#define LAN     "10.0.0.5", "10.0.0.9"
#define LOCAL   "127.0.0.1", "127.0.0.1"
#define UNIX    "", "unix"
#define LAN_IS  "Host: 10.0.0.5:8900\r\n"
#define SITE(s) "Sec-Fetch-Site: " s "\r\n"

static struct tokens *look, *act;
static struct sessions sessions;
static char look_session[SESSION_SIZE], act_session[SESSION_SIZE];

static struct tokens *read_tokens(const char *text)
{
        char path[] = "/tmp/weir-door-XXXXXX", why[VAULT_WHY_MAX];
        struct tokens *tokens = NULL;
        int fd = mkstemp(path);

        assert_true(fd >= 0 && dprintf(fd, "%s\n", text) > 0);
        close(fd);
        assert_int_equal(tokens_open(path, &tokens, why), 0);
        unlink(path);
        return tokens;
}

static int begin(void **state)
{
        (void)state;
        look = read_tokens(LOOK);
        act = read_tokens("# operators\n" NONE "x\n" ACT);
        return sessions_begin(&sessions, false, 1, 1, look_session) < 0 ||
               sessions_begin(&sessions, true, 2, 1, act_session) < 0;
}

static int end(void **state)
{
        (void)state;
        tokens_close(look);
        tokens_close(act);
        return 0;
}

/* Which tokens are set. */
enum set {
        FREE, /* none */
        ACTS, /* action tokens alone */
        BOTH,
};

struct row {
        enum set set;
        const char *local, *peer;
        const char *fields;
        int answer;
        enum door_may may;
        const char *by;
};

static int ask(const struct row *row, bool is_vouched, bool is_static, struct door_pass *ret_pass)
{
        static struct http_head head;
        struct door_rules rules = { .hosts = { "weir.lan", "desk" }, .n_hosts = 2 };
        struct door_request request = {
                .head = &head,
                .is_unix = strcmp(row->peer, "unix") == 0,
                .is_vouched = is_vouched,
                .is_static = is_static,
                .local = row->local,
                .peer = row->peer,
                .now_us = 5,
        };
        struct http_error error;
        char text[2048];
        size_t from = 0;
        int n;

        rules.act = row->set == FREE ? NULL : act;
        rules.look = row->set == BOTH ? look : NULL;
        n = snprintf(text, sizeof(text), "GET /weir/api/now HTTP/1.1\r\n%s\r\n", row->fields);
        assert_int_equal(http_parse_request(str_from(text, (size_t)n), &from, &head, &error),
                         HTTP_DONE);
        return door_check(&request, &rules, &sessions, ret_pass);
}

static void check(const struct row *rows, size_t n, bool is_vouched, bool is_static)
{
        for (size_t i = 0; i < n; ++i) {
                struct door_pass pass;
                int answer = ask(&rows[i], is_vouched, is_static, &pass);

                if (answer != rows[i].answer ||
                    (answer == DOOR_OPEN &&
                     (pass.may != rows[i].may || strcmp(pass.by, rows[i].by) != 0)))
                        fail_msg("%zu: %s>%s %s: %d %d %s", i, rows[i].peer, rows[i].local,
                                 rows[i].fields, answer, (int)pass.may, pass.by);
        }
}

static void a_place_lets_look_unless_a_token_is_asked_for(void **state)
{
        static const struct row rows[] = {
                { FREE, LOCAL, HOME, DOOR_OPEN, DOOR_LOOK, "place" },
                { ACTS, LOCAL, HOME, DOOR_OPEN, DOOR_LOOK, "place" },
                { BOTH, LOCAL, HOME, DOOR_OPEN, DOOR_NOTHING, "nothing" },
                { FREE, "127.0.0.1", "127.9.9.9", HOME, DOOR_OPEN, DOOR_LOOK, "place" },
                { FREE, "::1", "::1", "Host: [::1]:8900\r\n", DOOR_OPEN, DOOR_LOOK, "place" },
                { FREE, "127.0.0.1", "::ffff:127.0.0.1", HOME, DOOR_OPEN, DOOR_LOOK, "place" },
                { FREE, UNIX, "Host: anything\r\n", DOOR_OPEN, DOOR_LOOK, "place" },
                { BOTH, UNIX, "Host: anything\r\n", DOOR_OPEN, DOOR_NOTHING, "nothing" },
                { FREE, LAN, LAN_IS, DOOR_OPEN, DOOR_NOTHING, "nothing" },
                /* From this machine, but to an address that others reach; and the reverse. */
                { FREE, "10.0.0.5", "10.0.0.5", LAN_IS, DOOR_OPEN, DOOR_NOTHING, "nothing" },
                { FREE, "127.0.0.1", "10.0.0.9", HOME, DOOR_OPEN, DOOR_NOTHING, "nothing" },
                { FREE, "10.0.0.5", "127.0.0.1", LAN_IS, DOOR_OPEN, DOOR_NOTHING, "nothing" },
                { FREE, "", "", HOME, DOOR_OPEN, DOOR_NOTHING, "nothing" },
                { FREE, "1270.0.0.1", "::1:2", HOME, DOOR_OPEN, DOOR_NOTHING, "nothing" },
        };

        (void)state;
        check(rows, ARRAY_SIZE(rows), false, false);
}

static void what_a_proxy_passed_on_is_from_elsewhere(void **state)
{
        static const struct row rows[] = {
                { FREE, LOCAL, HOME "X-Forwarded-For: 127.0.0.1\r\n", DOOR_OPEN, DOOR_NOTHING,
                  "nothing" },
                { FREE, LOCAL, HOME "x-forwarded-proto: https\r\n", DOOR_OPEN, DOOR_NOTHING,
                  "nothing" },
                { FREE, LOCAL, HOME "Forwarded: for=127.0.0.1\r\n", DOOR_OPEN, DOOR_NOTHING,
                  "nothing" },
                { FREE, LOCAL, HOME "VIA: 1.1 squid\r\n", DOOR_OPEN, DOOR_NOTHING, "nothing" },
                { FREE, LOCAL, HOME "X-Real-IP: 10.0.0.9\r\n", DOOR_OPEN, DOOR_NOTHING, "nothing" },
                { FREE, UNIX, HOME "Forwarded: \r\n", DOOR_OPEN, DOOR_NOTHING, "nothing" },
                { ACTS, LOCAL, HOME "Via: 1.1 x\r\n" BEARER ACT "\r\n", DOOR_OPEN, DOOR_ACT,
                  "token" },
        };

        (void)state;
        check(rows, ARRAY_SIZE(rows), false, false);
}

static void a_host_must_be_a_name_of_ours(void **state)
{
        static const struct row rows[] = {
                { FREE, LOCAL, "Host: localhost\r\n", DOOR_OPEN, DOOR_LOOK, "place" },
                { FREE, LOCAL, "Host: LOCALHOST:1\r\n", DOOR_OPEN, DOOR_LOOK, "place" },
                { FREE, LOCAL, "Host: weir.lan:8900\r\n", DOOR_OPEN, DOOR_LOOK, "place" },
                { FREE, LOCAL, "Host: Desk\r\n", DOOR_OPEN, DOOR_LOOK, "place" },
                { FREE, LOCAL, "Host: evil.example:8900\r\n", DOOR_HOST, 0, "" },
                { FREE, LOCAL, "Host: localhost.evil.example\r\n", DOOR_HOST, 0, "" },
                { FREE, LOCAL, "Host: 127.0.0.1.evil.example\r\n", DOOR_HOST, 0, "" },
                { FREE, LOCAL, "Host: xdesk\r\n", DOOR_HOST, 0, "" },
                { FREE, LOCAL, "Host: 10.0.0.5\r\n", DOOR_HOST, 0, "" },
                { BOTH, LAN, LAN_IS BEARER LOOK "\r\n", DOOR_OPEN, DOOR_LOOK, "token" },
                /* Not even with a token: the program has to be told the right name. */
                { BOTH, LAN, "Host: evil.example\r\n" BEARER ACT "\r\n", DOOR_HOST, 0, "" },
        };

        (void)state;
        check(rows, ARRAY_SIZE(rows), false, false);
}

static void a_page_of_another_site_gets_nothing(void **state)
{
        static const struct row rows[] = {
                { FREE, LOCAL, HOME SITE("same-origin"), DOOR_OPEN, DOOR_LOOK, "place" },
                { FREE, LOCAL, HOME SITE("none"), DOOR_OPEN, DOOR_LOOK, "place" },
                { FREE, LOCAL, HOME SITE("same-site"), DOOR_SITE, 0, "" },
                { FREE, LOCAL, HOME SITE("cross-site"), DOOR_SITE, 0, "" },
                { FREE, LOCAL, HOME SITE("what"), DOOR_SITE, 0, "" },
                { FREE, LOCAL, HOME "Origin: http://127.0.0.1:8900\r\n", DOOR_OPEN, DOOR_LOOK,
                  "place" },
                { FREE, LOCAL, HOME "Origin: https://127.0.0.1:8900\r\n", DOOR_OPEN, DOOR_LOOK,
                  "place" },
                { FREE, LOCAL, HOME "Origin: http://127.0.0.1:3000\r\n", DOOR_SITE, 0, "" },
                { FREE, LOCAL, HOME "Origin: http://127.0.0.1\r\n", DOOR_SITE, 0, "" },
                { FREE, LOCAL, HOME "Origin: http://localhost:8900\r\n", DOOR_SITE, 0, "" },
                { FREE, LOCAL, HOME "Origin: null\r\n", DOOR_SITE, 0, "" },
                { FREE, LOCAL, HOME "Origin: \r\n", DOOR_SITE, 0, "" },
                { FREE, LOCAL, HOME "Origin: http://127.0.0.1:8900.evil.example\r\n", DOOR_SITE, 0,
                  "" },
                { BOTH, LAN, LAN_IS SITE("cross-site") BEARER ACT "\r\n", DOOR_SITE, 0, "" },
        };
        static const struct row links[] = {
                { FREE, LOCAL, HOME SITE("cross-site"), DOOR_OPEN, DOOR_LOOK, "place" },
                { FREE, LOCAL, HOME "Origin: http://evil.example\r\n", DOOR_SITE, 0, "" },
                { FREE, LOCAL, "Host: evil.example\r\n" SITE("same-origin"), DOOR_HOST, 0, "" },
        };

        (void)state;
        check(rows, ARRAY_SIZE(rows), false, false);
        check(links, ARRAY_SIZE(links), false, true);
}

static void a_token_says_what_one_may(void **state)
{
        static const struct row rows[] = {
                { BOTH, LAN, LAN_IS BEARER LOOK "\r\n", DOOR_OPEN, DOOR_LOOK, "token" },
                { BOTH, LAN, LAN_IS BEARER ACT "\r\n", DOOR_OPEN, DOOR_ACT, "token" },
                { BOTH, LAN, LAN_IS "authorization: bearer  " ACT " \r\n", DOOR_OPEN, DOOR_ACT,
                  "token" },
                { ACTS, LOCAL, HOME BEARER ACT "\r\n", DOOR_OPEN, DOOR_ACT, "token" },
                { BOTH, LAN, LAN_IS BEARER NONE "\r\n", DOOR_WRONG, 0, "" },
                { BOTH, LAN, LAN_IS BEARER "\r\n", DOOR_OPEN, DOOR_NOTHING, "nothing" },
                { BOTH, LAN, LAN_IS BEARER "x\r\n", DOOR_WRONG, 0, "" },
                { FREE, LOCAL, HOME BEARER NONE "\r\n", DOOR_WRONG, 0, "" },
                { ACTS, LAN, LAN_IS BEARER LOOK "\r\n", DOOR_WRONG, 0, "" },
                { BOTH, LAN, LAN_IS BEARER LOOK "\r\n" BEARER ACT "\r\n", DOOR_TWICE, 0, "" },
                /* Somebody else's: of a proxy that asks for a password. */
                { FREE, LOCAL, HOME "Authorization: Basic YTpi\r\n", DOOR_OPEN, DOOR_LOOK,
                  "place" },
                { BOTH, LAN, LAN_IS "X-Weir-Token: " ACT "\r\n", DOOR_OPEN, DOOR_NOTHING,
                  "nothing" },
        };

        (void)state;
        check(rows, ARRAY_SIZE(rows), false, false);
}

static void a_cookie_says_what_its_token_may(void **state)
{
        char fields[512];
        struct row row = { BOTH, LAN, fields, DOOR_OPEN, DOOR_NOTHING, "nothing" };
        const struct {
                const char *format, *value;
                enum door_may may;
        } rows[] = {
                { "Cookie: weir-8900=%s\r\n", look_session, DOOR_LOOK },
                { "Cookie: weir-8900=%s\r\n", act_session, DOOR_ACT },
                { "Cookie: a=b; weir-8900=%s; c=d\r\n", act_session, DOOR_ACT },
                { "Cookie: weir-8900=1\r\ncookie: weir-8900=%s\r\n", act_session, DOOR_ACT },
                /* Of the gateway at another port, and of one at none. */
                { "Cookie: weir-8901=%s\r\n", act_session, DOOR_NOTHING },
                { "Cookie: weir=%s\r\n", act_session, DOOR_NOTHING },
                { "Cookie: xweir-8900=%s\r\n", act_session, DOOR_NOTHING },
                { "Cookie: weir-8900=%s0\r\n", act_session, DOOR_NOTHING },
                { "Cookie: weir-8900=%.63s\r\n", act_session, DOOR_NOTHING },
                { "Cookie: weir-8900=%.0s\r\n", act_session, DOOR_NOTHING },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct door_pass pass;
                int n = snprintf(fields, sizeof(fields), LAN_IS);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                snprintf(fields + n, sizeof(fields) - (size_t)n, rows[i].format, rows[i].value);
#pragma GCC diagnostic pop
                assert_int_equal(ask(&row, false, false, &pass), DOOR_OPEN);
                if (pass.may != rows[i].may)
                        fail_msg("%s: %d", fields, (int)pass.may);
                assert_int_equal(pass.session != NULL, pass.may != DOOR_NOTHING);
        }
}

static void a_certificate_lets_look_and_no_more(void **state)
{
        static const struct row rows[] = {
                { BOTH, LAN, LAN_IS, DOOR_OPEN, DOOR_LOOK, "certificate" },
                { BOTH, LAN, LAN_IS BEARER ACT "\r\n", DOOR_OPEN, DOOR_ACT, "token" },
                { BOTH, LAN, LAN_IS BEARER NONE "\r\n", DOOR_WRONG, 0, "" },
                { BOTH, LAN, "Host: evil.example\r\n", DOOR_HOST, 0, "" },
                { BOTH, LAN, LAN_IS SITE("cross-site"), DOOR_SITE, 0, "" },
        };

        (void)state;
        check(rows, ARRAY_SIZE(rows), true, false);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_place_lets_look_unless_a_token_is_asked_for),
                cmocka_unit_test(what_a_proxy_passed_on_is_from_elsewhere),
                cmocka_unit_test(a_host_must_be_a_name_of_ours),
                cmocka_unit_test(a_page_of_another_site_gets_nothing),
                cmocka_unit_test(a_token_says_what_one_may),
                cmocka_unit_test(a_cookie_says_what_its_token_may),
                cmocka_unit_test(a_certificate_lets_look_and_no_more),
        };

        return cmocka_run_group_tests_name("watch/door", tests, begin, end);
}
