/*
 * Sharing
 *
 * How it stands with the budgets that this host shares with others (docs/hosts.md), as of now: does
 * anybody speak for it, does the store answer, may anything be sent. Derived from the region and
 * its file's locks, in one place, for all who refuse or show something. An admission never asks: it
 * goes by its lease (core/lease.h), and only who was refused wants to know why.
 */
#ifndef CORE_SHARING_H
#define CORE_SHARING_H

#include "core/region.h"

#include <fcntl.h>

/* A keeper that is well has an answer at least so often, a minute and a few seconds. */
#define SHARING_SILENT_MS 65000u
/* Who may send nothing at all is told to come again after so long. */
#define SHARING_AGAIN_MS 1000u

/* Bytes of the region's file that are locked: by the keeper alone; by each gateway with a store. */
#define SHARING_KEEPER_BYTE 0
#define SHARING_MEMBER_BYTE 1

/* For fcntl(2). @type: F_RDLCK, F_WRLCK, F_UNLCK. @byte: one of these. */
static inline struct flock sharing_lock(short type, off_t byte)
{
        return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
}

enum sharing_state {
        SHARING_NONE,      /* with no other host */
        SHARING_GOOD,      /* the store answers, and grants what it has */
        SHARING_WAITS,     /* it answers and grants nothing, until other hosts have spoken */
        SHARING_REFUSED,   /* it refuses this host */
        SHARING_AWAY,      /* it does not answer, or the keeper stands still */
        SHARING_UNREACHED, /* likewise, and it has granted this host nothing yet */
        SHARING_UNSPOKEN,  /* no gateway with a store is there */
        SHARING_STATES,
};

struct sharing {
        enum sharing_state state;
        bool has_share;          /* of a budget at least, and its time is not over */
        uint64_t now_ms;         /* the exchange's clock, as all below */
        uint64_t since_ms;       /* of a state that is not good: since when; 0: not known */
        uint64_t share_until_ms; /* 0: there was never one */
};

/* @now_ms: the exchange's clock. A system call, and a look at each lease where no share is. */
void sharing_look(const struct region *region, uint64_t now_ms, struct sharing *ret);

/* Whether the store serves this host. */
static inline bool sharing_is_up(const struct sharing *s)
{
        return s->state == SHARING_GOOD || s->state == SHARING_WAITS;
}

/* Nothing that is shared can be sent, but in windows that were granted before. */
static inline bool sharing_is_stuck(const struct sharing *s)
{
        return s->state > SHARING_GOOD && !s->has_share;
}

/* For programs: "none", "ok", "waiting", "refused", "away", "starting", "unspoken". */
const char *sharing_name(enum sharing_state state);

#define SHARING_WORDS_SIZE 320

/* What is the matter, what to do, and what this host goes on with; "" where nothing is. Return:
 * @to. */
const char *sharing_words(const struct sharing *s, char to[SHARING_WORDS_SIZE]);

/**
 * sharing_refusal() - why something found no room under what this host was granted
 * @budget: the one that was in the way
 * @at_ms: when it was to come again, @now_ms at least; later where nothing can be sent at all
 *
 * Return: @to.
 */
const char *sharing_refusal(const struct region *region, const char *budget, uint64_t now_ms,
                            uint64_t *at_ms, char to[SHARING_WORDS_SIZE]);

#endif
