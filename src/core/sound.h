/*
 * Sound
 *
 * Whether what is in the slots can be what programs of this version left there, as far as that is
 * told without a clock: a bit that flipped, or pages of different times after a power cut, must not
 * become a budget that nobody finds or a count that is none. Looked at by everybody who opens a
 * region, also while others work; weir region check looks at everything.
 */
#ifndef CORE_SOUND_H
#define CORE_SOUND_H

#include "core/region.h"

/* Return: the first slot that cannot be; REGION_SLOTS: none. */
size_t sound_slots(const struct region *region);

#endif
