/*
 * Who speaks for the region, and when it says goodbye.
 *
 * Each gateway that shares budgets holds a shared lock on a byte of the region's file, and the
 * keeper one of its own on another. So the keeper sees whether somebody goes on when it ends: that
 * one takes over within half a second, and needs share and claims as they are. The kernel frees
 * both with the last descriptor of the file's description: when we are gone, however that was.
 */
#include "base/log.h"
#include "core/sharing.h"
#include "gateway/hosts.h"
#include "gateway/state.h"
#include "lease/keeper.h"
#include "lease/store.h"

/* The end waits no longer. */
#define BYE_US (300 * US_PER_MS)

bool hosts_lock(struct gateway *g)
{
        struct flock member = sharing_lock(F_RDLCK, SHARING_MEMBER_BYTE),
                     keeper = sharing_lock(F_WRLCK, SHARING_KEEPER_BYTE);

        if (g->region.fd < 0)
                return true;
        (void)fcntl(g->region.fd, F_OFD_SETLK, &member);
        return fcntl(g->region.fd, F_OFD_SETLK, &keeper) == 0;
}

/* Also where that cannot be told. */
static bool goes_on_without_us(const struct gateway *g)
{
        struct flock others = sharing_lock(F_WRLCK, SHARING_MEMBER_BYTE);

        return g->region.fd >= 0 &&
               (fcntl(g->region.fd, F_OFD_GETLK, &others) < 0 || others.l_type != F_UNLCK);
}

void hosts_left(struct gateway *g)
{
        if (!g->hosts.is_leaving)
                return;
        loop_stop(g->loop);
}

void hosts_say_bye(struct gateway *g)
{
        struct hosts *h = &g->hosts;
        struct keeper_time time;
        const struct op *op;

        if (store_is_busy(h->store))
                return;
        hosts_time(g, &time);
        op = keeper_bye(h->keeper, &time);
        h->has_said_bye = op && store_send(h->store, op) == 0;
        if (h->has_said_bye)
                log_event(LOG_INFO, "bye", "store=%s host=%s", store_place(h->store), h->name);
        else
                hosts_left(g);
}

static void on_over(void *ctx)
{
        hosts_left(ctx);
}

void hosts_leave(struct gateway *g)
{
        struct hosts *h = &g->hosts;
        struct loop_timer *timer;

        /* Of sockets that stay open the next gateway is started at the first connection. */
        if (!h->keeper || !store_is_up(h->store) || g->ending.is_handing_over ||
            goes_on_without_us(g))
                return;
        h->is_leaving = true;
        if (loop_timer_new(g->loop, on_over, g, &timer) < 0)
                return;
        loop_timer_set(timer, loop_now_us(g->loop) + BYE_US);
        hosts_say_bye(g);
        (void)!loop_run(g->loop);
        (void)loop_timer_free(timer);
}
