/*
 * Killed at any instruction
 *
 * A child works on a shared region while we step it, one instruction at a time. At each stop the
 * region is as a kill would leave it there, and we look at it:
 *
 * - what the child was told it may send is in the books: as sent in its window until the window
 *   turns, and as flying or carried into the next one;
 * - every word is one that can be: flying is within sent, nothing is above what the child asked
 * for;
 * - others can go on: a copy of the region admits them, and no more than what is left;
 * - and what the story itself looks at.
 *
 * What is counted twice for a moment is fine; what is missing for a moment is not.
 */
#ifndef CRASH_STAGE_H
#define CRASH_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/limiter.h"
#include "core/slot.h"

#define N         30000000ULL
#define AT(ms)    (N * 60000 + (ms))
#define NOW(ms)   ((struct limiter_time){ AT(ms), 100 })
#define LIMIT     100u
#define STEPS_MAX 2000000ul

/* What the child says, in memory that we share: what it has been promised so far. */
struct says {
        _Atomic unsigned phase;      /* 0 until it is about to act */
        _Atomic unsigned must_now;   /* may be counted in minute N: sent and not given back */
        _Atomic unsigned must_next;  /* may be counted in minute N + 1 */
        _Atomic unsigned spent_next; /* places that it holds or has used in minute N + 1 */
        _Atomic unsigned shut;       /* the stop has been told of */
        _Atomic unsigned least[2];   /* the same as must_now, of one pool */
        _Atomic unsigned told;       /* whatever a story makes of it */
};

extern struct says *says;
extern struct region region;
extern struct limiter l;

struct story {
        const char *label;
        void (*act)(void);     /* of the child */
        unsigned states;       /* at least so many different regions are seen */
        void (*prepare)(void); /* before there is a child; may be NULL */
        void (*look)(unsigned long,
                     const char *); /* at each of them: step and label; may be NULL */
        uint64_t (*digest)(void);   /* of what is looked at; NULL: the region */
        bool (*is_over)(
                void); /* what comes now changes nothing: not stepped any more; may be NULL */
        bool is_plain; /* only its own look: nothing in it is about minute N and its requests */
};

/* Plays them one after the other, each on a new region. */
void stage_play(const struct story *stories, size_t n);

/* A private copy of the region, as the next process finds it. */
struct limiter *stage_copy(void);

struct limiter_request request_of(uint32_t amount);
/* What a request in window @number of the minutes of @pool finds used of it. */
uint32_t counted(const struct region *of, uint16_t pool, uint64_t number);

static inline void promise(_Atomic unsigned *what, int n)
{
        atomic_fetch_add(what, (unsigned)n);
}

#define CHILD(condition)                                                                           \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        _exit(100 + __LINE__ % 100);                                               \
        } while (0)

#endif
