#include "cli/region_findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void findings_add(struct findings *f, uint64_t offset, const char *where, const char *format, ...)
{
        struct finding *finding = &f->all[f->n];
        va_list args;

        if (f->n == FINDINGS_MAX) {
                ++f->n_more;
                return;
        }
        ++f->n;
        finding->offset = offset;
        snprintf(finding->where, sizeof(finding->where), "%s", where);
        va_start(args, format);
        vsnprintf(finding->text, sizeof(finding->text), format, args);
        va_end(args);
}

static bool has(const struct findings *f, const struct finding *finding)
{
        for (size_t i = 0; i < f->n; ++i)
                if (f->all[i].offset == finding->offset &&
                    strcmp(f->all[i].text, finding->text) == 0)
                        return true;
        return false;
}

void findings_keep(struct findings *f, const struct findings *other)
{
        size_t n = 0;

        for (size_t i = 0; i < f->n; ++i)
                if (has(other, &f->all[i]))
                        f->all[n++] = f->all[i];
        f->n = n;
        f->n_more = f->n_more < other->n_more ? f->n_more : other->n_more;
}
