#include "settings/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "settings/table.h"

int report_add(struct settings_report *report, const char *where, uint32_t line, uint32_t column,
               const char *format, ...)
{
        struct settings_mistake mistake = { .line = line, .column = column };
        va_list args;
        int r;

        if (report->n_mistakes == SETTINGS_MISTAKES_MAX) {
                ++report->n_more;
                return SETTINGS_MISTAKEN;
        }

        va_start(args, format);
        r = vasprintf(&mistake.what, format, args);
        va_end(args);
        if (r < 0)
                return -ENOMEM;
        mistake.where = strdup(where);
        if (!mistake.where) {
                free(mistake.what);
                return -ENOMEM;
        }
        report->mistakes[report->n_mistakes++] = mistake;
        return SETTINGS_MISTAKEN;
}

void settings_report_deinit(struct settings_report *report)
{
        for (size_t i = 0; i < report->n_mistakes; ++i) {
                free(report->mistakes[i].where);
                free(report->mistakes[i].what);
        }
        free(report->file);
        *report = (struct settings_report){ 0 };
}

/* Those of the file first, from top to bottom; the others as they came. */
static bool is_before(const struct settings_mistake *a, const struct settings_mistake *b)
{
        if (a->line == 0 || b->line == 0)
                return a->line > b->line;
        return a->line < b->line || (a->line == b->line && a->column < b->column);
}

static void print_one(const struct settings_mistake *m, FILE *to)
{
        if (m->line > 0)
                fprintf(to, "weir: %s:%u:%u: %s\n", m->where, m->line, m->column, m->what);
        else
                fprintf(to, "weir: %s: %s\n", m->where, m->what);
}

void settings_report_print(const struct settings_report *report, FILE *to)
{
        const struct settings_mistake *order[SETTINGS_MISTAKES_MAX];

        for (size_t i = 0; i < report->n_mistakes; ++i) {
                size_t at = i;

                for (; at > 0 && is_before(&report->mistakes[i], order[at - 1]); --at)
                        order[at] = order[at - 1];
                order[at] = &report->mistakes[i];
        }
        for (size_t i = 0; i < report->n_mistakes; ++i)
                print_one(order[i], to);
        if (report->n_more > 0)
                fprintf(to, "weir: and %zu more mistakes\n", report->n_more);
}
