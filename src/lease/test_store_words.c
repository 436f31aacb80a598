#include "lease/store_words.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *words(const char *reply, const char *command)
{
        static char text[512];

        return store_words(str_of(reply), command, text, sizeof(text));
}

static void test_refusals_say_what_to_do(void **state)
{
        (void)state;
        assert_string_equal(words("LOADING Redis is loading the dataset in memory", "HGET"),
                            "it is still loading its data (HGET: LOADING Redis is loading the "
                            "dataset in memory)");
        assert_non_null(strstr(words("READONLY You can't write", "EVALSHA"), "name the master"));
        assert_non_null(strstr(words("OOM command not allowed", "EVALSHA"), "its memory is full"));
        assert_string_equal(words("ERR something new", "WAIT"),
                            "it refused WAIT: ERR something new");
}

static void test_what_a_server_says_is_harmless(void **state)
{
        (void)state;
        assert_string_equal(words("ERR \x1b[2Jx\n", "WAIT"), "it refused WAIT: ERR ?[2Jx?");
}

static void test_no_secret_is_repeated(void **state)
{
        (void)state;
        assert_null(strstr(words("ERR unknown command 'AUTH', with args beginning with: 'hunter2'",
                                 "AUTH"),
                           "hunter2"));
        assert_null(strstr(words("ERR hunter2 is wrong", "AUTH"), "hunter2"));
        assert_non_null(strstr(words("WRONGPASS invalid username-password pair", "AUTH"),
                               "user or password is wrong"));
}

static void test_moved(void **state)
{
        static const char *const none[] = { "",
                                            "MOVED",
                                            "MOVED 866",
                                            "MOVED 866 10.0.0.1",
                                            "MOVED 866 :6379",
                                            "MOVED 866 h:0",
                                            "MOVED 866 h:65536",
                                            "MOVED 866 h:1x",
                                            "ASK 866 h:1" };
        char host[16];
        uint16_t port = 0;

        (void)state;
        assert_int_equal(store_moved(str_of("MOVED 866 10.0.0.3:6380"), host, sizeof(host), &port),
                         0);
        assert_string_equal(host, "10.0.0.3");
        assert_int_equal(port, 6380);
        assert_int_equal(store_moved(str_of("MOVED 866 ::1:6380"), host, sizeof(host), &port), 0);
        assert_string_equal(host, "::1");
        for (size_t i = 0; i < ARRAY_SIZE(none); ++i)
                assert_int_equal(store_moved(str_of(none[i]), host, sizeof(host), &port), -EINVAL);
        assert_int_equal(store_moved(str_of("MOVED 866 a-host-far-too-long:1"), host, sizeof(host),
                                     &port),
                         -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refusals_say_what_to_do),
                cmocka_unit_test(test_what_a_server_says_is_harmless),
                cmocka_unit_test(test_no_secret_is_repeated),
                cmocka_unit_test(test_moved),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
