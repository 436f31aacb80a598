#include "core/ceiling.h"

_Static_assert(CLASS_COUNT <= 7, "the ceilings and opens_from share one word");

uint64_t ceilings_pack(const struct ceilings *c)
{
        uint64_t word = (uint64_t)c->opens_from_pct << 56;

        for (unsigned i = 0; i < CLASS_COUNT; ++i)
                word |= (uint64_t)c->pct[i] << (8 * i);
        return word;
}

/* Whether each of the low seven bytes is 1 to 100; every admission asks, so all at once. */
static bool are_pct(uint64_t bytes)
{
        const uint64_t high = 0x80808080808080ULL, ones = 0x01010101010101ULL;

        return ((((bytes & ~high) + ones * 27) | bytes | (bytes - ones)) & high) == 0;
}

struct ceilings ceilings_unpack(uint64_t word)
{
        const uint64_t of_classes = (1ULL << (8 * CLASS_COUNT)) - 1;
        struct ceilings c = { .opens_from_pct = (uint8_t)(word >> 56) };

        /* What no class uses counts as 1. */
        if (c.opens_from_pct > 99 ||
            !are_pct((word & of_classes) | (~of_classes & 0x01010101010101ULL)))
                return CEILINGS_DEFAULT;
        for (unsigned i = 0; i < CLASS_COUNT; ++i)
                c.pct[i] = (uint8_t)(word >> (8 * i));
        return c;
}

/* Kept to the end, in thousandths of the limit; and the part of it that orders leave to cancels. */
#define KEPT_PERMILLE 2
#define KEPT_PART     4

uint32_t ceiling_kept(const struct ceilings *c, enum weir_class class, uint32_t limit)
{
        uint32_t kept = (uint32_t)((uint64_t)limit * KEPT_PERMILLE / 1000);

        if (c->pct[class] == 100)
                return 0;
        return class <= CLASS_ORDER ? kept / KEPT_PART : kept;
}

static uint32_t share_of(const struct ceilings *c, enum weir_class class, uint32_t limit)
{
        uint32_t share = (uint32_t)((uint64_t)limit * c->pct[class] / 100);

        return share > 0 || limit == 0 ? share : 1;
}

static uint64_t opens_from_ms(const struct ceilings *c, uint32_t span_ms)
{
        return (uint64_t)span_ms * c->opens_from_pct / 100;
}

/* At least a quarter of the time that it may open in. */
static uint64_t opens_by_ms(const struct ceilings *c, const struct ceiling_window *w)
{
        uint64_t from = opens_from_ms(c, w->span_ms);
        uint64_t least = from + (w->span_ms - from + 3) / 4;

        return w->span_ms - least > w->lead_ms ? w->span_ms - w->lead_ms : least;
}

uint32_t ceiling_at(const struct ceilings *c, enum weir_class class, struct ceiling_window w,
                    uint64_t into_ms)
{
        uint32_t share = share_of(c, class, w.limit);
        uint64_t from = opens_from_ms(c, w.span_ms), by;

        if (into_ms <= from)
                return share;
        by = opens_by_ms(c, &w);
        if (into_ms >= by)
                return w.limit;
        return share + (uint32_t)((w.limit - share) * (into_ms - from) / (by - from));
}

uint64_t ceiling_reaches(const struct ceilings *c, enum weir_class class, struct ceiling_window w,
                         uint64_t used)
{
        uint32_t share = share_of(c, class, w.limit);
        uint64_t from = opens_from_ms(c, w.span_ms);

        if (used <= share)
                return 0;
        if (used > w.limit)
                return UINT64_MAX;
        /* Rounded up: at that time it is really there. */
        return from + ((used - share) * (opens_by_ms(c, &w) - from) + (w.limit - share) - 1) /
                              (w.limit - share);
}
