#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sign/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ONE "0123456789abcdef0123456789abcdef"
#define TWO "fedcba9876543210fedcba9876543210-_~!"

static char path[] = "/tmp/weir-tokens-XXXXXX";

static int begin(void **state)
{
        int fd = mkstemp(path);

        (void)state;
        return fd < 0 ? -1 : close(fd);
}

static int end(void **state)
{
        (void)state;
        return unlink(path);
}

static int open_text(const char *text, struct tokens **ret, char why[VAULT_WHY_MAX])
{
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        fputs(text, file);
        fclose(file);
        return tokens_open(path, ret, why);
}

static void each_line_is_a_token_and_nothing_else_is(void **state)
{
        static const struct {
                const char *token;
                bool is_known;
        } rows[] = {
                { ONE, true },           { TWO, true },
                { "", false },           { "0123456789abcdef0123456789abcde", false },
                { ONE "0", false },      { "0123456789ABCDEF0123456789abcdef", false },
                { ONE "\n" TWO, false }, { "# a comment that is long enough for one", false },
        };
        char why[VAULT_WHY_MAX];
        struct tokens *t;

        (void)state;
        assert_int_equal(open_text("# a comment that is long enough for one\n\n" ONE "\r\n  " TWO
                                   " \n",
                                   &t, why),
                         0);
        assert_int_equal(tokens_count(t), 2);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if (tokens_have(t, str_of(rows[i].token)) != rows[i].is_known)
                        fail_msg("row %zu", i);
        assert_null(tokens_close(t));
        assert_false(tokens_have(NULL, STR_LITERAL(ONE)));
        assert_int_equal(tokens_count(NULL), 0);
}

static void bad_files_are_refused_by_line_and_never_repeated(void **state)
{
        static const struct {
                const char *text, *says;
        } rows[] = {
                { "", "holds no token" },
                { "# only\n\n", "holds no token" },
                { ONE "\nshort-token-1\n", "line 2 of the token file" },
                { "short-token-1", "openssl rand -hex 32" },
                { ONE " " TWO, "holds a blank" },
                { ONE "\x01", "holds a blank" },
        };
        char why[VAULT_WHY_MAX];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct tokens *t = NULL;
                int r = open_text(rows[i].text, &t, why);

                if (r != -EINVAL || !strstr(why, rows[i].says) || strstr(why, "0123") ||
                    strstr(why, "short-token"))
                        fail_msg("row %zu: %d %s", i, r, why);
                assert_null(t);
        }
}

static void a_file_for_others_to_read_is_refused(void **state)
{
        char why[VAULT_WHY_MAX], link[80];
        struct tokens *t = NULL;

        (void)state;
        assert_int_equal(chmod(path, 0640), 0);
        assert_int_equal(open_text(ONE, &t, why), -EACCES);
        assert_non_null(strstr(why, "chmod 600 /tmp/weir-tokens-"));
        assert_int_equal(chmod(path, 0700), 0);
        assert_int_equal(tokens_open(path, &t, why), -EACCES);
        assert_non_null(strstr(why, "mode 0700; chmod 600 /tmp/weir-tokens-"));
        assert_int_equal(chmod(path, 0400), 0);
        assert_int_equal(tokens_open(path, &t, why), 0);
        t = tokens_close(t);
        assert_int_equal(chmod(path, 0600), 0);
        snprintf(link, sizeof(link), "%s.link", path);
        assert_int_equal(symlink(path, link), 0);
        assert_int_equal(tokens_open(link, &t, why), -ELOOP);
        assert_non_null(strstr(why, "symbolic link"));
        assert_int_equal(unlink(link), 0);
        assert_int_equal(tokens_open(link, &t, why), -ENOENT);
        assert_non_null(strstr(why, "cannot be opened"));
        assert_int_equal(mkfifo(link, 0600), 0);
        assert_int_equal(tokens_open(link, &t, why), -EINVAL);
        assert_int_equal(unlink(link), 0);
        assert_null(t);
}

static void a_token_keeps_its_place_or_is_gone(void **state)
{
        struct tokens *before = NULL, *after = NULL;
        char why[VAULT_WHY_MAX];

        (void)state;
        assert_int_equal(open_text("# two\n" ONE "\n" TWO "\n" ONE "\n", &before, why), 0);
        assert_int_equal(open_text(TWO "\n", &after, why), 0);
        assert_int_equal(tokens_find(before, str_of(ONE)), 1);
        assert_int_equal(tokens_find(before, str_of(TWO)), 2);
        assert_int_equal(tokens_find(after, str_of(ONE)), 0);
        assert_int_equal(tokens_find(NULL, str_of(ONE)), 0);
        assert_int_equal(tokens_moved(before, 2, after), 1);
        assert_int_equal(tokens_moved(before, 1, after), 0);
        assert_int_equal(tokens_moved(before, 0, after), 0);
        assert_int_equal(tokens_moved(before, 4, after), 0);
        assert_int_equal(tokens_moved(before, 2, NULL), 0);
        assert_true(tokens_are_equal(before, before) && tokens_are_equal(NULL, NULL));
        assert_false(tokens_are_equal(before, after) || tokens_are_equal(before, NULL));
        tokens_close(before);
        tokens_close(after);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_line_is_a_token_and_nothing_else_is),
                cmocka_unit_test(bad_files_are_refused_by_line_and_never_repeated),
                cmocka_unit_test(a_token_keeps_its_place_or_is_gone),
                cmocka_unit_test(a_file_for_others_to_read_is_refused),
        };

        return cmocka_run_group_tests(tests, begin, end);
}
