#include "core/egress.h"

#include <errno.h>
#include <string.h>

/* Written by whoever finds it empty: who claimed the place may have been killed before. */
static void write_text(struct egress *egress, struct str name)
{
        uint64_t words[EGRESS_TEXT / 8] = { 0 };

        if (atomic_load_explicit(&egress->text[0], memory_order_relaxed) != 0)
                return;
        memcpy(words, name.p, name.n);
        /* The first word last: as long as it is not there the text counts as missing. */
        for (size_t i = ARRAY_SIZE(words); i-- > 0;)
                atomic_store_explicit(&egress->text[i], words[i], memory_order_relaxed);
}

/* Return: whether the place is of @number, by then at the latest. */
static bool claim(struct egress *egress, uint64_t number)
{
        uint64_t seen = 0;

        return atomic_compare_exchange_strong_explicit(&egress->name, &seen, number,
                                                       memory_order_acq_rel,
                                                       memory_order_acquire) ||
               seen == number;
}

int limiter_set_egress(struct limiter *l, struct str name)
{
        struct egress *all = l->region->header->egresses;
        uint64_t number;

        if (name.n == 0) {
                l->egress = 0;
                l->address = 0;
                return 0;
        }
        if (name.n >= EGRESS_TEXT)
                return -ENAMETOOLONG;
        number = limiter_owner(l, name.p, name.n);
        for (unsigned i = 1; i < REGION_EGRESSES; ++i) {
                if (!claim(&all[i], number))
                        continue;
                write_text(&all[i], name);
                l->egress = i;
                l->address = number;
                return 0;
        }
        return -ENOSPC;
}

const char *egress_text(const struct egress *egress, char to[EGRESS_TEXT])
{
        uint64_t words[EGRESS_TEXT / 8];

        for (size_t i = 0; i < ARRAY_SIZE(words); ++i)
                words[i] = atomic_load_explicit(&egress->text[i], memory_order_relaxed);
        memcpy(to, words, sizeof(words));
        to[EGRESS_TEXT - 1] = '\0';
        return to;
}

bool egress_is_there(const struct region_header *header, unsigned index)
{
        must(index < REGION_EGRESSES);
        return index == 0 ||
               atomic_load_explicit(&header->egresses[index].name, memory_order_acquire) != 0;
}
