#include "api/sized.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIRST(type, bytes)                                                                         \
        _Static_assert(sizeof(void *) != 8 || sizeof(struct type) >= (bytes),                      \
                       #type " has all that its first version had")

FIRST(weir_limiter_options, SIZED_LIMITER_OPTIONS);
FIRST(weir_caller_options, SIZED_CALLER_OPTIONS);
FIRST(weir_futures_options, SIZED_FUTURES_OPTIONS);
FIRST(weir_monitor_options, SIZED_MONITOR_OPTIONS);
FIRST(weir_order, SIZED_ORDER);
FIRST(weir_order_name, SIZED_ORDER_NAME);
FIRST(weir_range, SIZED_RANGE);

static size_t size_of(const void *structure)
{
        size_t size;

        memcpy(&size, structure, sizeof(size));
        return size;
}

int sized_take(void *to, size_t to_bytes, size_t first, const void *from)
{
        size_t n = size_of(from);

        if (n < first)
                return -EINVAL;
        for (size_t i = to_bytes; i < n; ++i)
                if (((const unsigned char *)from)[i] != 0)
                        return -E2BIG;
        memcpy(to, from, n < to_bytes ? n : to_bytes);
        memcpy(to, &to_bytes, sizeof(to_bytes));
        return 0;
}

int sized_take_or_say(void *to, size_t to_bytes, size_t first, const void *from, const char *name,
                      const char *defaults, char ret_why[WEIR_ERROR_SIZE])
{
        int r = sized_take(to, to_bytes, first, from);

        if (r == -EINVAL)
                (void)snprintf(ret_why, WEIR_ERROR_SIZE, "%s.size is %zu; begin with %s", name,
                               size_of(from), defaults);
        else if (r < 0)
                (void)snprintf(
                        ret_why, WEIR_ERROR_SIZE,
                        "%s.size is %zu and what is behind byte %zu is not 0: it asks for "
                        "what libweir %s does not know; install a newer one, or leave it out",
                        name, size_of(from), to_bytes, weir_version());
        return r < 0 ? -EINVAL : 0;
}

void sized_give(void *to, const void *from, size_t from_bytes)
{
        size_t n = size_of(to);

        if (n > from_bytes)
                n = from_bytes;
        if (n > sizeof(n))
                memcpy((char *)to + sizeof(n), (const char *)from + sizeof(n), n - sizeof(n));
}
