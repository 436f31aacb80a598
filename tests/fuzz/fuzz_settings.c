/*
 * Bytes as a configuration file: read, checked, printed, and when good, read again from what was
 * printed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "settings/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int load(struct settings *s, struct str bytes)
{
        static struct settings_report report;
        int r;

        settings_init(s);
        r = settings_load_bytes(s, "f", bytes, &report);
        must((r == SETTINGS_MISTAKEN) == (report.n_mistakes > 0));
        must(r >= 0 && settings_check(s, &report) >= 0);
        r = report.n_mistakes > 0 ? SETTINGS_MISTAKEN : SETTINGS_GOOD;
        settings_report_deinit(&report);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct settings s, again;
        char *text = NULL;
        size_t n = 0;
        FILE *to;

        /* Longer files teach nothing about settings, only about libyaml. */
        if (size > 8192 || load(&s, str_from((const char *)data, size)) != SETTINGS_GOOD)
                return 0;

        to = open_memstream(&text, &n);
        must(to);
        settings_print(&s, to);
        fclose(to);
        if (s.accounts.n_keys > 0) {
                /* Keys are printed shortened, which is refused. */
                must(load(&again, str_from(text, n)) == SETTINGS_MISTAKEN);
        } else {
                must(load(&again, str_from(text, n)) == SETTINGS_GOOD);
                must(settings_reload(&s, &again, NULL) == 0);
        }
        free(text);
        return 0;
}
