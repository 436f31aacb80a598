#include "core/unshare.h"

#include "core/lease.h"
#include "core/pool.h"
#include "core/sharing.h"

#include <errno.h>
#include <sys/mman.h>

static int lock(const struct region *region, short type, off_t byte)
{
        struct flock f = sharing_lock(type, byte);

        if (fcntl(region->fd, F_OFD_SETLK, &f) == 0)
                return 0;
        return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

int unshare_lock(const struct region *region)
{
        int r = lock(region, F_WRLCK, SHARING_KEEPER_BYTE);

        if (r == 0)
                r = lock(region, F_WRLCK, SHARING_MEMBER_BYTE);
        if (r < 0)
                unshare_unlock(region);
        return r;
}

void unshare_unlock(const struct region *region)
{
        (void)!lock(region, F_UNLCK, SHARING_KEEPER_BYTE);
        (void)!lock(region, F_UNLCK, SHARING_MEMBER_BYTE);
}

/* What was put on the disk first is there first. A failure leaves it in memory, where all programs
 * see it: only who loses power in this moment may find the one without the other. */
static void put_down(const struct region *region)
{
        if (region->fd >= 0)
                (void)!msync(region->header, REGION_BYTES, MS_SYNC);
}

/* The slot's window if it is a budget. Its limit is of no matter: what was used is looked at. */
static bool window_at(struct region *region, size_t i, struct window *ret, uint16_t *ret_pool)
{
        struct slot *slot = &region->slots[i];
        uint64_t pool_span = atomic_load_explicit(&slot->pool_span, memory_order_acquire);
        uint32_t pool = slot_pool(pool_span), span_ms = slot_span(pool_span);

        if (pool >= REGION_POOLS || span_ms == 0 ||
            atomic_load_explicit(&slot->key, memory_order_acquire) == 0)
                return false;
        *ret = (struct window){ slot, span_ms, WINDOW_AMOUNT_MAX, region };
        *ret_pool = (uint16_t)pool;
        return true;
}

/* As at a goodbye (lease/keeper.h): of windows near now what was used of them, else nothing. */
static void give_up(const struct window *w, struct limiter_time now)
{
        uint64_t n = window_number(w->span_ms, now.now_ms, now.guard_ms);
        uint64_t first = n > 0 ? n - 1 : 0, last = n + 2 + window_past(w->span_ms);

        lease_settle(w, first, last);
        lease_give_up(w, first, last, now.now_ms + now.guard_ms);
}

static void forget(word_t *words, size_t n)
{
        for (size_t i = 0; i < n; ++i)
                atomic_store_explicit(&words[i], 0, memory_order_seq_cst);
}

void unshare(struct region *region, const struct limiter_time of_pool[REGION_POOLS])
{
        struct lease_header *h = region->lease;
        word_t *const told[] = { &h->share_until_ms, &h->n_hosts,  &h->answered_ms,
                                 &h->away_ms,        &h->waits_ms, &h->refused_ms };
        struct window w;
        uint16_t pool;

        for (size_t i = 0; i < REGION_SLOTS; ++i)
                if (window_at(region, i, &w, &pool))
                        give_up(&w, of_pool[pool]);
        put_down(region);
        atomic_store_explicit(&region->header->sharing, 0, memory_order_seq_cst);
        put_down(region);
        /* Nobody looks at them any more, and who shares again begins with nothing. */
        for (size_t i = 0; i < REGION_SLOTS; ++i)
                if (window_at(region, i, &w, &pool))
                        forget(&region->leases[i].share, sizeof(struct lease) / sizeof(word_t));
        for (size_t i = 0; i < ARRAY_SIZE(told); ++i)
                forget(told[i], 1);
}
