#include "core/sound.h"

#include "core/slot.h"
#include "core/word.h"

static uint64_t load(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_acquire);
}

/* Who claims it writes behind the key, so a key that comes meanwhile explains what is there. */
static bool is_free(const struct slot *slot)
{
        const word_t *words = &slot->key;

        for (size_t i = 1; i < sizeof(*slot) / sizeof(*words); ++i)
                if (load(&words[i]) != 0)
                        return load(&slot->key) != 0;
        return true;
}

static bool is_found(const struct region *region, const struct slot *slot, uint64_t key)
{
        for (uint64_t i = 0; i < SLOT_PROBES; ++i) {
                const struct slot *other = &region->slots[(key + i) % REGION_SLOTS];

                if (other == slot)
                        return true;
                /* Free, or the same key: whoever looks for it ends there. */
                if (load(&other->key) == 0 || load(&other->key) == key)
                        return false;
        }
        return false;
}

static bool is_counted(const struct slot *slot)
{
        for (size_t i = 0; i < RING_CELLS; ++i) {
                uint64_t sent = load(&slot->cells[i].sent);

                if ((sent & FIELD_MASK) > (sent >> FIELD_BITS & FIELD_MASK))
                        return false;
        }
        return true;
}

static bool is_sound(const struct region *region, const struct slot *slot)
{
        uint64_t key = load(&slot->key), pool_span;
        uint32_t pool;

        if (key == 0)
                return is_free(slot);
        /* Written last; 0: claimed and not named yet, or about to be freed: nothing is in it. */
        pool_span = load(&slot->pool_span);
        if (pool_span == 0)
                return true;
        pool = slot_pool(pool_span);
        return is_found(region, slot, key) && pool <= UINT16_MAX &&
               key == slot_key((uint16_t)pool, load(&slot->owner), slot_span(pool_span)) &&
               (pool >= REGION_POOLS || is_counted(slot));
}

size_t sound_slots(const struct region *region)
{
        size_t i = 0;

        while (i < REGION_SLOTS && is_sound(region, &region->slots[i]))
                ++i;
        return i;
}
