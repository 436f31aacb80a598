/*
 * Region
 *
 * The file that all processes of a machine map. Created by the first, under an exclusive file
 * lock that the kernel frees if the creator dies; all others hold a shared lock while they have
 * it mapped, so that a file in use is never rebuilt. It outlives everybody: after a crash the
 * next process finds the counts, stops and bans as they were. Nobody waits for ever for another who
 * was stopped while he had the lock.
 */
#ifndef CORE_REGION_H
#define CORE_REGION_H

#include "core/layout.h"

struct stat;

struct region {
        struct region_header *header;
        struct slot *slots;
        struct lease_header *lease;
        struct lease *leases; /* one for each slot */
        int fd;               /* -1: private to this process */
};

/* Of REGION_BYTES bytes at @base, its parts. */
static inline void region_lay(struct region *r, char *base)
{
        r->header = (struct region_header *)(void *)base;
        r->slots = (struct slot *)(void *)(base + REGION_HEADER_BYTES);
        base += REGION_HEADER_BYTES + REGION_SLOTS_BYTES;
        r->lease = (struct lease_header *)(void *)base;
        r->leases = (struct lease *)(void *)(base + sizeof(struct lease_header));
}

#define REGION_NULL ((struct region){ .fd = -1 })

/* What a new region starts with. */
struct region_plan {
        uint64_t table_hash; /* of the pools' meaning; a region made for another table is refused */
        uint64_t now_ms;     /* exchange or wall clock, for the certificate */
        uint64_t windows[REGION_POOLS][REGION_POOL_WINDOWS]; /* span_ms << 32 | limit */
        uint64_t ceilings;
        /* The latest time that an exchange is known to have told, 0: none; NULL: likewise. Slots of
         * what is long over are freed by it (core/sweep.h). */
        uint64_t (*told_ms)(const struct region_header *header);
        uint32_t patience_ms; /* for a creator who does not finish; 0: REGION_PATIENCE_MS */
};

/* Long for a slow disk; a creator who takes longer has been stopped. */
#define REGION_PATIENCE_MS 5000u

struct region_error {
        char why[512]; /* a sentence: what is wrong with which file, and what to do */
        bool is_place; /* it ends with "name another region": a face may add how that is done there
                        */
};

/**
 * region_open() - map the region at @path, creating it if there is none
 * @path: NULL for a region that is private to this process
 *
 * Return: 0; -ESTALE: made by another version or for other pools; -EUCLEAN: damaged; -EPERM:
 *         not ours or writable by others; -EBUSY: somebody is making it, and stands still; or
 *         another errno. @ret_error says more.
 */
CHECKED int region_open(const char *path, const struct region_plan *plan, struct region *ret_region,
                        struct region_error *ret_error);

/* Answer of region_open_readonly(): it is mapped, but nobody should believe it. */
#define REGION_DOUBTED 1

/**
 * region_open_readonly() - as region_open(), for looking only: never creates, maps read-only
 * @plan: NULL: of whatever tables it is
 *
 * Return: 0; REGION_DOUBTED: mapped, but region_open() would refuse it, and @ret_error says with
 *         its words why; or a negative errno as region_open(), -EUCLEAN also while it is made.
 */
CHECKED int region_open_readonly(const char *path, const struct region_plan *plan,
                                 struct region *ret_region, struct region_error *ret_error);

/**
 * region_open_file() - a file that may be a region; refused what is none: folders, links, pipes
 * @flags: of open(2); it never waits
 *
 * Return: a descriptor, the caller's, or a negative errno with @ret_error written.
 */
CHECKED int region_open_file(const char *path, int flags, struct stat *ret_stat,
                             struct region_error *ret_error);

/* Accepts REGION_NULL; may run twice. */
void region_close(struct region *region);

/* Whether its file is no longer anywhere: who opens one of that name now shares nothing with us. */
bool region_is_deleted(const struct region *region);

/* Puts a ban on the disk before anything else is sent. Nothing for a private region. */
void region_sync(struct region *region);

/**
 * region_default_path() - where the region is when nobody says: the state folder that a service
 *                         manager made for this process, else region_user_path()
 *
 * Return: 0 or a negative errno with @ret_error written.
 */
CHECKED int region_default_path(char *path, size_t size, struct region_error *ret_error);

/* As region_default_path(), for looking only: makes no folder. */
CHECKED int region_default_path_readonly(char *path, size_t size, struct region_error *ret_error);

/**
 * region_user_path() - the user's runtime folder, else /dev/shm; the folder is made when needed
 *
 * For libraries: a program that is a service has a state folder of its own, and those that count
 * for one address must not each have a region in theirs.
 */
CHECKED int region_user_path(char *path, size_t size, struct region_error *ret_error);

/* For region_plan.table_hash: of whatever gives the pools their meaning. */
uint64_t region_hash(const void *meaning, size_t n);

/* A window of a pool, as region_header.pools has it; 0: none. */
static inline uint64_t region_window(uint32_t span_ms, uint32_t limit)
{
        return (uint64_t)span_ms << 32 | limit;
}

static inline uint32_t region_window_span(uint64_t window)
{
        return (uint32_t)(window >> 32);
}

static inline uint32_t region_window_limit(uint64_t window)
{
        return (uint32_t)window;
}

/* A host's number (docs/hosts.md): random, never 0. */
uint64_t region_new_host(uint64_t now_ms);

#endif
