#include "core/home.h"

/* Places that one client may be at. */
#define PROBES     8
#define PLACE_MASK UINT64_C(0xff)

static uint64_t word_of(uint64_t client, unsigned egress)
{
        return (client & ~PLACE_MASK) | (egress + 1);
}

/* A client whose number begins with zeros is none: its word could be taken for a free place. */
static uint64_t number_of(uint64_t client)
{
        /* Numbers of connections are small; the upper bits tell clients apart. */
        client *= UINT64_C(0x9e3779b97f4a7c15);
        return client & ~PLACE_MASK ? client : client | PLACE_MASK << 8;
}

static word_t *place_of(struct homes homes, uint64_t number, unsigned i)
{
        return homes.words + ((number >> 32) + i) % homes.n;
}

/* Return: its place, with what is there; NULL: it has none. */
static word_t *find(struct homes homes, uint64_t number, uint64_t *ret_word)
{
        for (unsigned i = 0; i < PROBES; ++i) {
                word_t *place = place_of(homes, number, i);
                uint64_t word = atomic_load_explicit(place, memory_order_relaxed);
                uint64_t egress = word & PLACE_MASK;

                if (((word ^ number) & ~PLACE_MASK) == 0 && egress > 0 && egress <= HOME_NONE) {
                        *ret_word = word;
                        return place;
                }
        }
        return NULL;
}

unsigned home_find(struct homes homes, uint64_t client)
{
        uint64_t word;

        return find(homes, number_of(client), &word) ? (unsigned)(word & PLACE_MASK) - 1
                                                     : HOME_NONE;
}

unsigned home_give(struct homes homes, uint64_t client, unsigned egress)
{
        uint64_t number = number_of(client), seen = 0, word = word_of(number, egress);
        word_t *place;

        must(egress < HOME_NONE);
        if (find(homes, number, &seen))
                return (unsigned)(seen & PLACE_MASK) - 1;
        for (unsigned i = 0; i < PROBES; ++i) {
                place = place_of(homes, number, i);
                seen = 0;
                if (atomic_compare_exchange_strong_explicit(place, &seen, word,
                                                            memory_order_relaxed,
                                                            memory_order_relaxed))
                        return egress;
                /* Another process has just given it one. */
                if (((seen ^ number) & ~PLACE_MASK) == 0)
                        return (unsigned)(seen & PLACE_MASK) - 1;
        }
        atomic_store_explicit(place_of(homes, number, 0), word, memory_order_relaxed);
        return egress;
}

void home_move(struct homes homes, uint64_t client, unsigned egress)
{
        uint64_t seen, number = number_of(client);
        word_t *place = find(homes, number, &seen);

        must(egress < HOME_NONE);
        if (place)
                atomic_store_explicit(place, word_of(number, egress), memory_order_relaxed);
        else
                (void)home_give(homes, client, egress);
}
