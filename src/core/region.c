#include "core/region_inside.h"

#include "base/clock.h"
#include "core/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t region_new_host(uint64_t now_ms)
{
        uint64_t host;

        if (getrandom(&host, sizeof(host), GRND_NONBLOCK) == sizeof(host) && host != 0)
                return host;
        return now_ms ^ (uint64_t)getpid() << 44;
}

/* Writes everything of the certificate but its magic, and what a region starts with. */
static void fill(const struct region *r, const struct region_plan *plan)
{
        struct region_header *h = r->header;

        must(h);
        h->version = REGION_VERSION;
        h->header_bytes = REGION_HEADER_BYTES;
        h->slot_bytes = sizeof(struct slot);
        h->n_slots = REGION_SLOTS;
        h->total_bytes = REGION_BYTES;
        h->table_hash = plan->table_hash;
        h->born_ms = plan->now_ms;
        h->seed = REGION_SEED;
        atomic_store_explicit(&r->lease->host, region_new_host(plan->now_ms), memory_order_relaxed);
        for (size_t i = 0; i < REGION_POOLS; ++i)
                for (size_t k = 0; k < REGION_POOL_WINDOWS; ++k)
                        atomic_store_explicit(&h->pools[i][k], plan->windows[i][k],
                                              memory_order_relaxed);
        atomic_store_explicit(&h->ceilings, plan->ceilings, memory_order_relaxed);
}

int region_map(int fd, int protection, struct region *ret)
{
        int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
        char *base = mmap(NULL, REGION_BYTES, protection, flags, fd, 0);

        if (base == MAP_FAILED)
                return -errno;
        region_lay(ret, base);
        ret->fd = fd;
        return 0;
}

/* Under the exclusive lock: a file that nobody has finished becomes a region. */
static int build(int fd, const char *path, const struct region_plan *plan, struct region_error *e)
{
        struct region r = REGION_NULL;
        int error;

        /* Empty it first: what a creator who died left is not trusted. */
        if (ftruncate(fd, 0) < 0)
                return region_refuse_errno(e, -errno, path, "empty it");
        error = posix_fallocate(fd, 0, (off_t)REGION_BYTES);
        if (error != 0) {
                /* Leave no half file: a later access to a missing page would kill the process. */
                (void)!ftruncate(fd, 0);
                (void)snprintf(e->why, sizeof(e->why),
                               "region %.200s: cannot reserve its %zu bytes: %s; make room or "
                               "name another region",
                               path, REGION_BYTES, strerror(error));
                e->is_place = true;
                return -error;
        }
        error = region_map(fd, PROT_READ | PROT_WRITE, &r);
        if (error < 0)
                return region_refuse_errno(e, error, path, "map it");
        fill(&r, plan);
        if (msync(r.header, REGION_HEADER_BYTES, MS_SYNC) < 0)
                error = region_refuse_errno(e, -errno, path, "write it");
        else
                atomic_store_explicit(&r.header->magic, REGION_MAGIC, memory_order_release);
        munmap(r.header, REGION_BYTES);
        return error;
}

static bool is_finished(int fd)
{
        uint64_t magic = 0;

        return region_first_word(fd, &magic) && magic == REGION_MAGIC;
}

/* How long to look at a lock again. */
#define LOCK_AGAIN_US 1000u

static uint64_t patience_until_us(const struct region_plan *plan)
{
        uint64_t ms = plan->patience_ms ? plan->patience_ms : REGION_PATIENCE_MS;

        return clock_mono_us() + ms * US_PER_MS;
}

/* Who has the lock, or is about to, may have been stopped. Return: 0, or refused. */
static int wait_a_little(uint64_t until_us, const char *path, struct region_error *e)
{
        if (clock_mono_us() >= until_us)
                return region_refuse_place(
                        e, -EBUSY, path,
                        "is being made by another program, which stands still; let "
                        "that go on or end it (fuser shows which it is), or name "
                        "another region");
        clock_sleep_until_us(clock_mono_us() + LOCK_AGAIN_US);
        return 0;
}

static int lock_shared(int fd, uint64_t until_us, const char *path, struct region_error *e)
{
        int r = 0;

        while (r == 0 && flock(fd, LOCK_SH | LOCK_NB) < 0)
                r = errno == EWOULDBLOCK || errno == EINTR
                            ? wait_a_little(until_us, path, e)
                            : region_refuse_errno(e, -errno, path, "lock it");
        return r;
}

/*
 * What we made and could not build is not left lying there. Under the exclusive lock, so nobody has
 * it mapped; who waits for the lock finds it deleted, and makes another. What stands there by now
 * under this name, or is more than empty, is somebody else's.
 */
static void take_back(int fd, const char *path)
{
        struct stat ours, there;

        if (fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
            ours.st_ino == there.st_ino && there.st_size == 0)
                (void)unlink(path);
}

/*
 * Locks the file shared, with a finished region in it. Whoever finds it unfinished takes the
 * exclusive lock and looks again: of two starters one builds and the other finds it built.
 */
static int lock_and_build(int fd, const char *path, bool is_made, const struct region_plan *plan,
                          struct region_error *e)
{
        uint64_t until_us = patience_until_us(plan);
        struct stat st;
        int r;

        for (;;) {
                r = lock_shared(fd, until_us, path, e);
                if (r < 0)
                        return r;
                if (is_finished(fd))
                        return 0;
                /* Not waited for: whoever builds it keeps a shared lock ever after. */
                if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                        if (errno != EWOULDBLOCK)
                                return region_refuse_errno(e, -errno, path, "lock it");
                        /* Another starter is here: one of us must let go for the other. */
                        (void)flock(fd, LOCK_UN);
                        r = wait_a_little(until_us, path, e);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (is_finished(fd))
                        continue;
                if (fstat(fd, &st) < 0)
                        return region_refuse_errno(e, -errno, path, "look at it");
                /* An unfinished region has zeros where its magic comes; anything else is not ours.
                 */
                if (st.st_size != 0) {
                        uint64_t first = 0;

                        if (!region_first_word(fd, &first) || first != 0)
                                return region_refuse_foreign(path, e);
                }
                r = build(fd, path, plan, e);
                if (r < 0 && is_made)
                        take_back(fd, path);
                if (r < 0)
                        return r;
        }
}

/*
 * When nobody else is here, the places of those who are gone are freed, and when the slots get few
 * those of what is long over. Turning a
 * lock into another lets go of it in between: so it may take a moment to have the shared one again,
 * if somebody else was quicker to do the same; nothing of the region has been looked at until then.
 */
static int tidy(struct region *region, const char *path, const struct region_plan *plan,
                struct region_error *e)
{
        uint64_t told_ms = plan->told_ms ? plan->told_ms(region->header) : 0;

        if (flock(region->fd, LOCK_EX | LOCK_NB) == 0) {
                sweep_places(region);
                if (told_ms != 0 && sweep_count(region) >= SWEEP_FROM)
                        (void)sweep(region, (const uint64_t[]){ told_ms, plan->now_ms });
        }
        return lock_shared(region->fd, patience_until_us(plan), path, e);
}

/* Answer of open_once(): the file was deleted while it was opened. */
#define OPEN_AGAIN 1
/* Nobody deletes it so often by accident. */
#define OPEN_TRIES 8

/* Who waited for another may have got hold of a file that is no longer there. */
static bool is_deleted(int fd)
{
        struct stat st;

        return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

/* Return: the file, which is empty and was not there before if @ret_is_made; or an error. */
static int open_or_make(const char *path, struct stat *ret_stat, bool *ret_is_made,
                        struct region_error *e)
{
        int fd;

        *ret_is_made = false;
        for (int i = 0; i < OPEN_TRIES; ++i) {
                fd = region_open_file(path, O_RDWR, ret_stat, e);
                if (fd != -ENOENT)
                        return fd;
                fd = region_open_file(path, O_RDWR | O_CREAT | O_EXCL, ret_stat, e);
                *ret_is_made = fd >= 0;
                /* Somebody was quicker. */
                if (fd != -EEXIST)
                        return fd;
        }
        return fd;
}

static int open_once(const char *path, const struct region_plan *plan, struct region *ret,
                     struct region_error *e)
{
        struct stat st;
        bool is_made;
        int fd, r;

        fd = open_or_make(path, &st, &is_made, e);
        if (fd < 0)
                return fd;
        r = region_judge_owner(&st, path, e);
        if (r == 0)
                r = region_judge_mode(&st, path, e);
        if (r == 0)
                r = lock_and_build(fd, path, is_made, plan, e);
        if (r == 0 && is_deleted(fd))
                r = OPEN_AGAIN;
        if (r == 0)
                r = fstat(fd, &st) < 0 ? region_refuse_errno(e, -errno, path, "look at it")
                                       : region_judge_size(&st, path, e);
        if (r == 0) {
                r = region_map(fd, PROT_READ | PROT_WRITE, ret);
                if (r < 0)
                        r = region_refuse_errno(e, r, path, "map it");
        }
        if (r != 0) {
                close(fd);
                return r;
        }
        r = region_judge_certificate(ret->header, &plan->table_hash, path, e);
        if (r == 0)
                r = region_judge_slots(ret, path, e);
        if (r == 0)
                r = tidy(ret, path, plan, e);
        if (r < 0)
                region_close(ret);
        return r;
}

static int open_file(const char *path, const struct region_plan *plan, struct region *ret,
                     struct region_error *e)
{
        for (int i = 0; i < OPEN_TRIES; ++i) {
                int r = open_once(path, plan, ret, e);

                if (r != OPEN_AGAIN)
                        return r;
        }
        return region_refuse_place(e, -ESTALE, path,
                                   "is deleted again and again; find out who does, or name another "
                                   "region");
}

int region_open(const char *path, const struct region_plan *plan, struct region *ret_region,
                struct region_error *ret_error)
{
        struct region r = REGION_NULL;
        int error;

        if (path) {
                error = open_file(path, plan, &r, ret_error);
                if (error < 0)
                        return error;
        } else {
                error = region_map(-1, PROT_READ | PROT_WRITE, &r);
                if (error < 0)
                        return region_refuse_errno(ret_error, error, "(private)", "map it");
                fill(&r, plan);
                atomic_store_explicit(&r.header->magic, REGION_MAGIC, memory_order_release);
        }
        *ret_region = r;
        return 0;
}

void region_close(struct region *region)
{
        if (region->header)
                munmap(region->header, REGION_BYTES);
        if (region->fd >= 0)
                close(region->fd);
        *region = REGION_NULL;
}

bool region_is_deleted(const struct region *region)
{
        return region->fd >= 0 && is_deleted(region->fd);
}

void region_sync(struct region *region)
{
        /* A failure leaves the ban in memory, where all processes see it; nothing more can be done.
         */
        if (region->fd >= 0)
                (void)!msync(region->header, REGION_HEADER_BYTES, MS_SYNC);
}
