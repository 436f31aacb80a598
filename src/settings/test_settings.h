/* For the tests of settings: a file is read, and what is said about it comes back. */
#ifndef SETTINGS_TEST_SETTINGS_H
#define SETTINGS_TEST_SETTINGS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "settings/settings.h"

/* A file's text into @s. Return: the complaints, to be freed. */
static inline char *said_of(struct settings *s, const char *yaml)
{
        struct settings_report report = { 0 };
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);

        assert_non_null(to);
        settings_init(s);
        assert_true(settings_load_bytes(s, "f", str_of(yaml), &report) >= 0);
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

#endif
