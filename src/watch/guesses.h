/*
 * Guesses
 *
 * How often a wrong token was offered in the last minute: five by one peer, and thirty by all, and
 * then no more is looked at for a while. Exact, with room for no more than that. Time is an
 * argument.
 */
#ifndef WATCH_GUESSES_H
#define WATCH_GUESSES_H

#include "base/base.h"

#define GUESSES_OF_PEER 5
#define GUESSES_OF_ALL  30
#define GUESSES_SPAN_US (60 * US_PER_SECOND)
/* The digits of an address, and a NUL. */
#define GUESSES_PEER_SIZE 48

struct guesses {
        size_t next; /* the oldest, too */
        struct guess {
                uint64_t at_us; /* 0: none yet */
                char peer[GUESSES_PEER_SIZE];
        } all[GUESSES_OF_ALL];
};

/* Whole seconds until @peer may try again; 0: now. @now_us: of a steady clock. */
uint64_t guesses_wait_s(const struct guesses *guesses, const char *peer, uint64_t now_us);

/* @peer offered a wrong one, when it might. */
void guesses_wrong(struct guesses *guesses, const char *peer, uint64_t now_us);

#endif
