#include "trade/query.h"

#include <stdio.h>

/* RFC 3986's unreserved characters; all others are escaped. */
static bool is_unreserved(unsigned char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_' || c == '~';
}

static int add_escaped(struct buf *to, const char *value)
{
        int r = 0;

        for (const unsigned char *c = (const unsigned char *)value; r == 0 && *c; ++c)
                r = is_unreserved(*c) ? buf_append(to, c, 1) : buf_printf(to, "%%%02X", *c);
        return r;
}

int query_add(struct buf *to, const char *name, const char *value)
{
        int r;

        if (!value || !value[0])
                return 0;
        r = buf_printf(to, "%s%s=", buf_length(to) > 0 ? "&" : "", name);
        return r < 0 ? r : add_escaped(to, value);
}

int query_add_u64(struct buf *to, const char *name, uint64_t value)
{
        char text[24];

        snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
        return query_add(to, name, text);
}
