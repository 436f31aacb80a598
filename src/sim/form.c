#include "sim/form.h"

#include <errno.h>

static int hex(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

static int decode(struct form *form, struct str raw, struct str *ret)
{
        char *to = form->bytes + form->used;
        size_t n = 0;

        if (raw.n > FORM_BYTES - form->used)
                return -E2BIG;
        for (size_t i = 0; i < raw.n; ++i) {
                if (raw.p[i] == '%' && i + 2 < raw.n && hex(raw.p[i + 1]) >= 0 &&
                    hex(raw.p[i + 2]) >= 0) {
                        to[n++] = (char)(hex(raw.p[i + 1]) << 4 | hex(raw.p[i + 2]));
                        i += 2;
                } else {
                        to[n++] = raw.p[i] == '+' ? ' ' : raw.p[i];
                }
        }
        form->used += n;
        *ret = str_from(to, n);
        return 0;
}

static int add(struct form *form, struct str text)
{
        struct str part;

        while (str_split(&text, '&', &part)) {
                const char *eq = part.n ? memchr(part.p, '=', part.n) : NULL;
                size_t n = eq ? (size_t)(eq - part.p) : part.n;
                struct form_field *p = &form->list[form->n];

                if (part.n == 0)
                        continue;
                if (form->n == FORM_MAX || decode(form, str_from(part.p, n), &p->name) < 0)
                        return -E2BIG;
                part = eq ? str_from(eq + 1, part.n - n - 1) : STR_NULL;
                if (decode(form, part, &p->value) < 0)
                        return -E2BIG;
                form->n += 1;
        }
        return 0;
}

int form_parse(struct form *form, struct str query, struct str body)
{
        form->n = form->used = 0;
        if (add(form, query) < 0)
                return -E2BIG;
        if (body.n > 0 && body.p[0] != '{' && body.p[0] != '[')
                return add(form, body);
        return 0;
}

const struct form_field *form_find(const struct form *form, const char *name)
{
        for (size_t i = 0; i < form->n; ++i)
                if (str_eq(form->list[i].name, str_of(name)))
                        return &form->list[i];
        return NULL;
}

struct str form_get(const struct form *form, const char *name)
{
        const struct form_field *p = form_find(form, name);

        return p && p->value.n > 0 ? p->value : STR_NULL;
}

bool form_has(const struct form *form, const char *name)
{
        return form_get(form, name).n > 0;
}

bool form_is(const struct form *form, const char *name, const char *value)
{
        return str_eq_nocase(form_get(form, name), str_of(value)) && form_has(form, name);
}

uint64_t form_u64(const struct form *form, const char *name, uint64_t fallback)
{
        uint64_t value;

        return str_to_u64(form_get(form, name), &value) == 0 ? value : fallback;
}

size_t form_elements(const struct form *form, const char *name)
{
        struct str list = form_get(form, name);
        size_t n = list.n > 0;

        for (size_t i = 0; i < list.n; ++i)
                n += list.p[i] == ',';
        return n;
}
