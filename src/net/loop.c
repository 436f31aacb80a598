#include "net/loop.h"

#include "base/clock.h"

#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/*
 * Before it falls asleep, a loop that has worked looks around for a moment: for a part of the time
 * that it worked, up to a most. Under load the next event is a few microseconds away; who sleeps
 * then has to be woken, and whoever wakes it pays more for that than the look costs. A loop with
 * little to do sleeps at once.
 */
#define LOOP_LOOK_PART   2
#define LOOP_LOOK_MIN_US 15
#define LOOP_LOOK_MAX_US 30
/* A yield that took longer let somebody else run: this processor is wanted. */
#define LOOP_YIELD_US 5

/* Most signals a program listens to: TERM, INT, HUP, USR1, USR2 and as many again. */
#define LOOP_SIGNALS_MAX 10

struct job {
        loop_fn fn; /* NULL: taken back */
        void *ctx;
};

struct jobs {
        struct job *jobs;
        size_t n, size;
};

struct grave {
        void *dead;
        loop_bury_fn bury;
};

struct signal_watch {
        struct loop *loop;
        struct event *event;
        loop_fn fn;
        void *ctx;
};

struct loop {
        struct event_base *base;
        bool is_stopped;
        uint64_t now_us;   /* 0: not read since the last wait */
        uint64_t awake_us; /* since when it has not slept */
        bool had_event;    /* in this turn */
        struct jobs due;   /* for the end of this turn */
        struct jobs running;
        struct grave *graves;
        size_t n_graves, graves_size;
        struct signal_watch signals[LOOP_SIGNALS_MAX];
        size_t n_signals;
};

struct loop_watch {
        struct loop *loop;
        struct event *event;
        loop_watch_fn fn;
        void *ctx;
};

struct loop_timer {
        struct loop *loop;
        struct event *event;
        int fd;
        bool is_armed, is_periodic;
        uint64_t at_us; /* not before */
        loop_fn fn;
        void *ctx;
};

int loop_new(struct loop **ret_loop)
{
        struct event_config *config;
        struct loop *loop;
        int r = -ENOMEM;

        loop = calloc(1, sizeof(*loop));
        config = event_config_new();
        if (!loop || !config)
                goto out;

        /* Of one thread, the same under any environment, and with edges and half-closes: epoll. */
        if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV) <
                    0 ||
            event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE) < 0)
                goto out;
        loop->base = event_base_new_with_config(config);
        if (!loop->base)
                goto out;

        *ret_loop = loop;
        loop = NULL;
        r = 0;
out:
        if (config)
                event_config_free(config);
        free(loop);
        return r;
}

static void bury_all(struct loop *loop)
{
        /* Burying may bury more. */
        while (loop->n_graves > 0) {
                struct grave grave = loop->graves[--loop->n_graves];

                grave.bury(grave.dead);
        }
}

struct loop *loop_free(struct loop *loop)
{
        if (!loop)
                return NULL;
        bury_all(loop);
        for (size_t i = 0; i < loop->n_signals; ++i)
                event_free(loop->signals[i].event);
        event_base_free(loop->base);
        free(loop->due.jobs);
        free(loop->running.jobs);
        free(loop->graves);
        free(loop);
        return NULL;
}

static void run_deferred(struct loop *loop)
{
        struct jobs jobs = loop->due;

        loop->due = loop->running;
        loop->running = jobs;
        for (size_t i = 0; i < loop->running.n; ++i) {
                struct job *job = &loop->running.jobs[i];
                loop_fn fn = job->fn;

                job->fn = NULL;
                if (fn)
                        fn(job->ctx);
        }
        loop->running.n = 0;
}

/* Return: 0; 1 when there is nothing to wait for; negative when it failed. */
static int turn(struct loop *loop, int flags)
{
        loop->now_us = 0;
        loop->had_event = false;
        return event_base_loop(loop->base, EVLOOP_ONCE | flags);
}

/* Polls until something happens. Return: as above. */
static int look_around(struct loop *loop, uint64_t now_us, uint64_t until_us)
{
        while (now_us < until_us) {
                int r = turn(loop, EVLOOP_NONBLOCK);
                uint64_t us;

                if (r != 0 || loop->had_event)
                        return r;
                us = clock_mono_us();
                sched_yield();
                now_us = clock_mono_us();
                if (now_us - us > LOOP_YIELD_US)
                        break;
        }
        return 0;
}

/* Return: as above. */
static int wait(struct loop *loop)
{
        uint64_t now_us = clock_mono_us(), look_us = (now_us - loop->awake_us) / LOOP_LOOK_PART;
        int r;

        loop->had_event = false;
        if (look_us > LOOP_LOOK_MAX_US)
                look_us = LOOP_LOOK_MAX_US;
        if (look_us >= LOOP_LOOK_MIN_US) {
                r = look_around(loop, now_us, now_us + look_us);
                if (r != 0 || loop->had_event)
                        return r;
        }
        r = turn(loop, 0);
        loop->awake_us = loop_now_us(loop);
        return r;
}

int loop_run(struct loop *loop)
{
        int r = 0;

        while (!loop->is_stopped && r == 0) {
                bool has_due = loop->due.n > 0;

                r = has_due ? turn(loop, EVLOOP_NONBLOCK) : wait(loop);
                if (r == 1 && has_due)
                        r = 0; /* no events, but deferred work */
                run_deferred(loop);
                bury_all(loop);
        }
        loop->is_stopped = false;
        return r < 0 ? -EIO : 0;
}

void loop_stop(struct loop *loop)
{
        loop->is_stopped = true;
}

uint64_t loop_now_us(struct loop *loop)
{
        if (loop->now_us == 0)
                loop->now_us = clock_mono_us();
        return loop->now_us;
}

static void on_watch(evutil_socket_t fd, short events, void *arg)
{
        struct loop_watch *watch = arg;
        unsigned what = 0;

        (void)fd;
        if (events & EV_READ)
                what |= LOOP_READ;
        if (events & EV_WRITE)
                what |= LOOP_WRITE;
        if (events & EV_CLOSED)
                what |= LOOP_HANGUP;
        watch->loop->had_event = true;
        watch->fn(watch->ctx, what);
}

int loop_watch(struct loop *loop, int fd, loop_watch_fn fn, void *ctx,
               struct loop_watch **ret_watch)
{
        struct loop_watch *watch = malloc(sizeof(*watch));

        if (!watch)
                return -ENOMEM;
        *watch = (struct loop_watch){ .loop = loop, .fn = fn, .ctx = ctx };
        watch->event =
                event_new(loop->base, fd, EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST,
                          on_watch, watch);
        if (!watch->event) {
                free(watch);
                return -ENOMEM;
        }
        if (event_add(watch->event, NULL) < 0) {
                int r = errno > 0 ? -errno : -EIO;

                event_free(watch->event);
                free(watch);
                return r;
        }
        *ret_watch = watch;
        return 0;
}

struct loop_watch *loop_unwatch(struct loop_watch *watch)
{
        if (!watch)
                return NULL;
        /* Takes it out of the queue of this turn, too; libevent does not look at it after its call.
         */
        event_free(watch->event);
        free(watch);
        return NULL;
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
        struct loop_timer *timer = arg;
        uint64_t count;

        (void)fd;
        (void)events;
        timer->loop->had_event = true;
        /* An expiry from before it was set anew or cleared, in this turn. */
        if (!timer->is_armed || loop_now_us(timer->loop) < timer->at_us)
                return;
        /*
         * Of a single alarm the count of expiries is not read: the descriptor is edge-triggered,
         * and setting it anew forgets the count. A repeated one goes on only when it is read.
         */
        if (!timer->is_periodic)
                timer->is_armed = false;
        else if (read(timer->fd, &count, sizeof(count)) < 0)
                return;
        timer->fn(timer->ctx);
}

int loop_timer_new(struct loop *loop, loop_fn fn, void *ctx, struct loop_timer **ret_timer)
{
        struct loop_timer *timer = malloc(sizeof(*timer));
        int r;

        if (!timer)
                return -ENOMEM;
        *timer = (struct loop_timer){ .loop = loop, .fn = fn, .ctx = ctx };
        timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
        if (timer->fd < 0) {
                r = -errno;
                goto fail;
        }
        r = -ENOMEM;
        timer->event =
                event_new(loop->base, timer->fd, EV_READ | EV_ET | EV_PERSIST, on_timer, timer);
        if (!timer->event || event_add(timer->event, NULL) < 0)
                goto fail;
        *ret_timer = timer;
        return 0;
fail:
        loop_timer_free(timer);
        return r;
}

struct loop_timer *loop_timer_free(struct loop_timer *timer)
{
        if (!timer)
                return NULL;
        if (timer->event)
                event_free(timer->event);
        if (timer->fd >= 0)
                close(timer->fd);
        free(timer);
        return NULL;
}

static struct timespec timespec_from(uint64_t us)
{
        return (struct timespec){ .tv_sec = (time_t)(us / US_PER_SECOND),
                                  .tv_nsec = (long)(us % US_PER_SECOND) * 1000 };
}

static void arm(struct loop_timer *timer, uint64_t at_us, uint64_t period_us)
{
        struct itimerspec when = { .it_value = timespec_from(at_us),
                                   .it_interval = timespec_from(period_us) };

        /* Fails only for a descriptor that is none or a time that is none. */
        must(timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &when, NULL) == 0);
}

void loop_timer_set(struct loop_timer *timer, uint64_t at_us)
{
        if (at_us == 0)
                at_us = 1; /* 0 would disarm */
        if (timer->is_armed && !timer->is_periodic && timer->at_us == at_us)
                return;
        timer->is_armed = true;
        timer->is_periodic = false;
        timer->at_us = at_us;
        arm(timer, at_us, 0);
}

void loop_timer_every(struct loop_timer *timer, uint64_t period_us)
{
        must(period_us > 0);
        timer->is_armed = true;
        timer->is_periodic = true;
        timer->at_us = clock_mono_us() + period_us;
        arm(timer, timer->at_us, period_us);
}

void loop_timer_clear(struct loop_timer *timer)
{
        if (!timer->is_armed)
                return;
        timer->is_armed = false;
        arm(timer, 0, 0);
}

static void on_signal(evutil_socket_t signal, short events, void *arg)
{
        struct signal_watch *watch = arg;

        (void)signal;
        (void)events;
        watch->loop->had_event = true;
        watch->fn(watch->ctx);
}

int loop_on_signal(struct loop *loop, int signal, loop_fn fn, void *ctx)
{
        struct signal_watch *watch = &loop->signals[loop->n_signals];

        if (loop->n_signals == LOOP_SIGNALS_MAX)
                return -ENOBUFS;
        *watch = (struct signal_watch){ .loop = loop, .fn = fn, .ctx = ctx };
        watch->event = event_new(loop->base, signal, EV_SIGNAL | EV_PERSIST, on_signal, watch);
        if (!watch->event)
                return -ENOMEM;
        if (event_add(watch->event, NULL) < 0) {
                event_free(watch->event);
                return -EINVAL;
        }
        ++loop->n_signals;
        return 0;
}

int loop_defer(struct loop *loop, loop_fn fn, void *ctx)
{
        struct jobs *due = &loop->due;

        if (due->n == due->size) {
                size_t size = due->size ? due->size * 2 : 64;
                struct job *jobs = realloc(due->jobs, size * sizeof(*jobs));

                if (!jobs)
                        return -ENOMEM;
                due->jobs = jobs;
                due->size = size;
        }
        due->jobs[due->n++] = (struct job){ fn, ctx };
        return 0;
}

static void take_back(struct jobs *jobs, loop_fn fn, void *ctx)
{
        for (size_t i = 0; i < jobs->n; ++i)
                if (jobs->jobs[i].fn == fn && jobs->jobs[i].ctx == ctx)
                        jobs->jobs[i].fn = NULL;
}

void loop_undefer(struct loop *loop, loop_fn fn, void *ctx)
{
        take_back(&loop->due, fn, ctx);
        take_back(&loop->running, fn, ctx);
}

void loop_bury(struct loop *loop, void *dead, loop_bury_fn bury)
{
        if (loop->n_graves == loop->graves_size) {
                size_t size = loop->graves_size ? loop->graves_size * 2 : 64;
                struct grave *graves = realloc(loop->graves, size * sizeof(*graves));

                if (!graves)
                        return;
                loop->graves = graves;
                loop->graves_size = size;
        }
        loop->graves[loop->n_graves++] = (struct grave){ dead, bury };
}
