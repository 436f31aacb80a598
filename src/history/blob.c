#include "history/blob.h"

#include <errno.h>

/* Bytes of a number of 64 bits, seven a byte. */
#define NUMBER_MAX 10

static size_t put(uint64_t value, char *to)
{
        size_t n = 0;

        for (; value >= 0x80; value >>= 7)
                to[n++] = (char)(unsigned char)(value | 0x80);
        to[n++] = (char)(unsigned char)value;
        return n;
}

/* Cuts a number from the front of @rest. Return: 0 or -EINVAL. */
static int take(struct str *rest, uint64_t *ret)
{
        uint64_t value = 0;

        for (unsigned i = 0; i < NUMBER_MAX && i < rest->n; ++i) {
                unsigned char byte = (unsigned char)rest->p[i];

                value |= (uint64_t)(byte & 0x7f) << (7 * i);
                if (byte & 0x80)
                        continue;
                *rest = str_from(rest->p + i + 1, rest->n - i - 1);
                *ret = value;
                return 0;
        }
        return -EINVAL;
}

size_t blob_pack(const struct waits *waits, char *to)
{
        size_t before = 0, bytes;

        if (waits->n == 0)
                return 0;
        bytes = put(waits->max_us, to);
        for (size_t i = 0; i < WAITS_FINE; ++i) {
                if (waits->fine[i] == 0)
                        continue;
                bytes += put(i - before, to + bytes);
                bytes += put(waits->fine[i], to + bytes);
                before = i;
        }
        return bytes;
}

static int walk(struct str blob, struct waits *to)
{
        uint64_t bucket = 0, max_us, step, count;

        if (blob.n == 0)
                return 0;
        if (take(&blob, &max_us) < 0)
                return -EINVAL;
        while (blob.n > 0) {
                if (take(&blob, &step) < 0 || take(&blob, &count) < 0 || step >= WAITS_FINE)
                        return -EINVAL;
                bucket += step;
                if (bucket >= WAITS_FINE)
                        return -EINVAL;
                if (to) {
                        to->fine[bucket] += count;
                        to->n += count;
                }
        }
        if (to && max_us > to->max_us)
                to->max_us = max_us;
        return 0;
}

int blob_add(struct str blob, struct waits *waits)
{
        int r = walk(blob, NULL);

        return r < 0 ? r : walk(blob, waits);
}
