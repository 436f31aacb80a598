/* For the tests of settings: a file is read, and what is said about it comes back. */
#ifndef SETTINGS_TEST_SETTINGS_H
#define SETTINGS_TEST_SETTINGS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings/settings.h"

/* A file's text into @s. Return: the complaints, to be freed. */
static inline char *said_of(struct settings *s, const char *yaml)
{
        struct settings_report report = { 0 };
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);
        int r;

        assert_non_null(to);
        settings_init(s);
        r = settings_load_bytes(s, "f", str_of(yaml), &report);
        assert_true(r >= 0);
        assert_int_equal(r == SETTINGS_MISTAKEN, report.n_mistakes > 0);
        settings_report_print(&report, to);
        fclose(to);
        settings_report_deinit(&report);
        return text;
}

static inline char *said(const char *yaml)
{
        static struct settings s;

        return said_of(&s, yaml);
}

/* What a file says, to the letter. */
struct said_row {
        const char *yaml, *says;
};

/* Each of @rows, read into @s. */
static inline void says_just(struct settings *s, const struct said_row *rows, size_t n)
{
        for (size_t i = 0; i < n; ++i) {
                char *text = said_of(s, rows[i].yaml);

                if (strcmp(text, rows[i].says) != 0)
                        fail_msg("%s\nsays %s\nnot  %s", rows[i].yaml, text, rows[i].says);
                free(text);
        }
}

/* A file's text into @s, without a mistake in it. */
static inline void load_well(struct settings *s, const char *yaml)
{
        struct settings_report report = { 0 };

        settings_init(s);
        assert_int_equal(settings_load_bytes(s, "f", str_of(yaml), &report), SETTINGS_GOOD);
        assert_int_equal(report.n_mistakes, 0);
        settings_report_deinit(&report);
}

/* What settings_print() or settings_print_json() writes of @s, to be freed. */
static inline char *printed_by(void (*print)(const struct settings *, FILE *),
                               const struct settings *s)
{
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);

        assert_non_null(to);
        print(s, to);
        fclose(to);
        return text;
}

#endif
