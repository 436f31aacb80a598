#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"
#define AUTH  "Authorization: Bearer " TOKEN "\r\n"
#define HOST  "Host: 127.0.0.1:8900\r\n"

static struct proof_clients clients = {
        .users = { 1000, 1001 },
        .n_users = 2,
        .hosts = { "weir.lan" },
        .n_hosts = 1,
};

static int begin(void **state)
{
        char path[] = "/tmp/weir-proof-XXXXXX", why[VAULT_WHY_MAX];
        int fd = mkstemp(path), r;

        (void)state;
        if (fd < 0 || dprintf(fd, TOKEN "\n") < 0)
                return -1;
        close(fd);
        r = tokens_open(path, &clients.tokens, why);
        unlink(path);
        return r;
}

static int end(void **state)
{
        (void)state;
        clients.tokens = tokens_close(clients.tokens);
        return 0;
}

static int check(const char *fields, bool is_unix, uid_t user)
{
        static struct http_head head;
        struct proof_request request = {
                .head = &head, .is_unix = is_unix, .user = user, .local = "10.0.0.5"
        };
        struct http_error error;
        struct str what;
        char text[2048];
        size_t from = 0;
        int r;

        snprintf(text, sizeof(text), "POST /api/v3/order HTTP/1.1\r\n%s\r\n", fields);
        assert_int_equal(http_parse_request(str_of(text), &from, &head, &error), HTTP_DONE);
        r = proof_check(&request, &clients, &what);
        assert_int_equal(r == PROOF_BROWSER, what.p != NULL);
        return r;
}

static void a_token_or_the_user_proves_who_it_is(void **state)
{
        static const struct {
                const char *fields;
                bool is_unix;
                uid_t user;
                enum proof proof;
        } rows[] = {
                { HOST AUTH, false, 0, PROOF_GOOD },
                { HOST "authorization: bearer   " TOKEN "\r\n", false, 0, PROOF_GOOD },
                { HOST "X-Weir-Token: " TOKEN "\r\n", false, 0, PROOF_GOOD },
                { HOST AUTH "sec-fetch-mode: cors\r\n", false, 0, PROOF_GOOD },
                { HOST, false, 0, PROOF_MISSING },
                { HOST, false, 1000, PROOF_MISSING }, /* a user is none over the network */
                { HOST AUTH AUTH, false, 0, PROOF_TWICE },
                { HOST AUTH "X-Weir-Token: " TOKEN "\r\n", false, 0, PROOF_TWICE },
                { HOST "X-Weir-Token: " OTHER "\r\n", false, 0, PROOF_WRONG },
                { HOST "X-Weir-Token:\r\n", false, 0, PROOF_WRONG },
                { HOST "Authorization: Basic " TOKEN "\r\n", false, 0, PROOF_WRONG },
                { HOST "Authorization: Bearer " TOKEN "," TOKEN "\r\n", false, 0, PROOF_WRONG },
                { HOST, true, 1001, PROOF_GOOD },
                { HOST, true, 0, PROOF_USER },
                { HOST, true, 1002, PROOF_USER },
                { HOST AUTH, true, 1002, PROOF_GOOD },
                { HOST "X-Weir-Token: " OTHER "\r\n", true, 1000, PROOF_WRONG },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                int proof = check(rows[i].fields, rows[i].is_unix, rows[i].user);

                if (proof != (int)rows[i].proof)
                        fail_msg("row %zu: %d", i, proof);
        }
}

static void what_a_browser_sends_proves_nothing(void **state)
{
        static const char *const fields[] = {
                "Origin: https://evil.example\r\n",
                "Origin: null\r\n",
                "origin: http://127.0.0.1:8900\r\n",
                "Origin:\r\n",
                "Sec-Fetch-Site: same-origin\r\n",
                "sec-fetch-mode: no-cors\r\nsec-fetch-dest: empty\r\n",
                "SEC-FETCH-USER: ?1\r\n",
                "Access-Control-Request-Method: POST\r\n",
        };
        char text[512];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(fields); ++i) {
                snprintf(text, sizeof(text), HOST AUTH "%s", fields[i]);
                assert_int_equal(check(text, false, 0), PROOF_BROWSER);
                assert_int_equal(check(text, true, 1000), PROOF_BROWSER);
        }
}

static void only_our_own_names_are_taken_for_us(void **state)
{
        static const struct {
                const char *host;
                bool is_ours;
        } rows[] = {
                { "127.0.0.1", true },
                { "127.0.0.1:8900", true },
                { "localhost:1", true },
                { "LOCALHOST", true },
                { "[::1]:8900", true },
                { "10.0.0.5:8900", true }, /* where it came to */
                { "weir.lan:8900", true },
                { "WEIR.lan", true },
                { "10.0.0.6:8900", false },
                { "evil.example:8900", false },
                { "localhost.evil.example", false },
                { "xlocalhost", false },
                { "127.0.0.1.evil.example", false },
                { "weir.lan.", false },
                { "", false },
                { "[::2]", false },
        };
        char text[512];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                int proof;

                snprintf(text, sizeof(text), "Host: %s\r\n" AUTH, rows[i].host);
                proof = check(text, false, 0);
                if (proof != (rows[i].is_ours ? PROOF_GOOD : PROOF_HOST))
                        fail_msg("%s: %d", rows[i].host, proof);
                assert_int_equal(check(text, true, 0), PROOF_GOOD);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_token_or_the_user_proves_who_it_is),
                cmocka_unit_test(what_a_browser_sends_proves_nothing),
                cmocka_unit_test(only_our_own_names_are_taken_for_us),
        };

        return cmocka_run_group_tests(tests, begin, end);
}
