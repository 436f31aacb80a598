/*
 * Guesses: of the words that would have been right, the one nearest to what the user wrote.
 */
#ifndef SETTINGS_GUESS_H
#define SETTINGS_GUESS_H

#include "base/base.h"
#include "base/str.h"

struct guess {
        struct str word; /* the user's */
        struct str best; /* the nearest so far; empty: none is near enough to be meant */
        size_t distance; /* of @best */
};

void guess_init(struct guess *g, struct str word);
/* Offers a right word; @candidate is borrowed. */
void guess_offer(struct guess *g, struct str candidate);

#endif
