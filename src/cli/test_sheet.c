#include "cli/sheet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const struct sheet *s, const char *line)
{
        char text[4 * SHEET_COLS_MAX + 1];

        sheet_line(s, 0, text);
        assert_string_equal(text, line);
}

static void what_is_drawn_stays_within_its_edges(void **state)
{
        struct sheet s;

        (void)state;
        assert_int_equal(sheet_init(&s, 1, 10, true), 0);
        assert_int_equal(sheet_put(&s, 0, 2, 5, SHEET_PLAIN, "abcdef"), 5);
        expect(&s, "  abc");
        assert_int_equal(sheet_put(&s, 0, 8, 99, SHEET_PLAIN, "xyz"), 10);
        expect(&s, "  abc   xy");
        sheet_put(&s, 1, 0, 10, SHEET_PLAIN, "below");
        sheet_put(&s, 0, 40, 90, SHEET_PLAIN, "beside");
        sheet_fill(&s, 7, 0, 99, SHEET_BAD);
        sheet_mark(&s, 0, 12, SHEET_BAD, "x", 'x');
        expect(&s, "  abc   xy");
        sheet_deinit(&s);
}

static void a_character_takes_one_cell(void **state)
{
        static const struct {
                const char *text, *line, *ascii;
        } rows[] = {
                { "plain", "plain", "plain" },
                { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr??" },
                { "\xe6\x97\xa5", "?", "?" },         /* two cells wide */
                { "a\xcc\x81", "a?", "a?" },          /* an accent that moves onto the a */
                { "\xe2\x80\x8bq", "?q", "?q" },      /* nothing to see */
                { "\033[31m\a", "?[31m?", "?[31m?" }, /* commands to a terminal */
                { "\xff\xfe\xc3", "???", "???" },     /* no UTF-8 */
                { "\xc0\xaf", "??", "??" },           /* a slash in disguise */
                { "\xf0\x9f\x98\x80", "?", "?" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                for (unsigned unicode = 0; unicode < 2; ++unicode) {
                        struct sheet s;

                        assert_int_equal(sheet_init(&s, 1, 20, unicode), 0);
                        sheet_put(&s, 0, 0, 20, SHEET_PLAIN, "%s", rows[i].text);
                        expect(&s, unicode ? rows[i].line : rows[i].ascii);
                        sheet_deinit(&s);
                }
        }
}

static void what_is_to_the_right_ends_there(void **state)
{
        struct sheet s;

        (void)state;
        assert_int_equal(sheet_init(&s, 1, 12, true), 0);
        sheet_put_right(&s, 0, 2, 8, SHEET_PLAIN, "%d", 42);
        expect(&s, "      42");
        sheet_clear(&s);
        sheet_put_right(&s, 0, 2, 8, SHEET_PLAIN, "123456789");
        expect(&s, "  123456");
        sheet_clear(&s);
        assert_int_equal(sheet_put_end(&s, 0, 0, 6, SHEET_PLAIN, "/a/long/path"), 6);
        expect(&s, "\xe2\x80\xa6/path");
        sheet_clear(&s);
        assert_int_equal(sheet_put_end(&s, 0, 0, 6, SHEET_PLAIN, "short"), 5);
        expect(&s, "short");
        sheet_deinit(&s);
}

static void lines_end_with_what_is_there(void **state)
{
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);
        struct sheet s;

        (void)state;
        assert_int_equal(sheet_init(&s, 6, 20, false), 0);
        sheet_put(&s, 0, 1, 20, SHEET_PLAIN, "one  ");
        sheet_put(&s, 2, 0, 20, SHEET_BAD, "three");
        assert_int_equal(sheet_height(&s), 3);
        sheet_print(&s, to, false);
        sheet_print(&s, to, true);
        fclose(to);
        assert_string_equal(text, " one\n\nthree\n"
                                  " one\n\n\033[0;1;31mthree\033[0m\n");
        free(text);
        sheet_deinit(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_drawn_stays_within_its_edges),
                cmocka_unit_test(a_character_takes_one_cell),
                cmocka_unit_test(what_is_to_the_right_ends_there),
                cmocka_unit_test(lines_end_with_what_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
