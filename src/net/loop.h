/*
 * Loop
 *
 * The event loop of one thread: libevent's, with what we measured we need on top. Descriptors are
 * watched edge-triggered and registered once, for reading and writing together; timers are
 * timerfds, so that a wait of microseconds is kept to tens of microseconds and a request costs no
 * system call for timers.
 *
 * A turn: wait for events, call back, run what was deferred, free what was buried. Inside a
 * callback nothing that the loop may still call is freed: loop_bury() frees it at the end of the
 * turn.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/base.h"

struct loop;

typedef void (*loop_fn)(void *ctx);
/* @what: LOOP_READ | LOOP_WRITE | LOOP_HANGUP (the peer closed its sending side, seen even unread)
 */
typedef void (*loop_watch_fn)(void *ctx, unsigned what);
/* Owns what it is given. */
typedef void (*loop_bury_fn)(void *dead);

enum {
        LOOP_READ = 1,
        LOOP_WRITE = 2,
        LOOP_HANGUP = 4,
};

struct loop_watch; /* one watched descriptor */
struct loop_timer; /* one alarm */

CHECKED int loop_new(struct loop **ret_loop);
/* Frees what is buried, drops what is deferred. Everything registered must be gone. Accepts NULL.
 * Return: NULL. */
struct loop *loop_free(struct loop *loop);

/* Runs until loop_stop(), also one said before, or until nothing is left to wait for. Return: 0 or
 * a negative errno. */
CHECKED int loop_run(struct loop *loop);
/* This turn is completed, deferred and buried included. */
void loop_stop(struct loop *loop);

/* Monotonic microseconds, the same within a stretch of callbacks: not older than this turn's
 * events. */
uint64_t loop_now_us(struct loop *loop);

/* Edge-triggered for reading, writing and hang-up, from now until loop_unwatch(). @fd stays the
 * caller's, who closes it after loop_unwatch(). */
CHECKED int loop_watch(struct loop *loop, int fd, loop_watch_fn fn, void *ctx,
                       struct loop_watch **ret_watch);
/* No callback comes after this, not even one already due in this turn. Accepts NULL. Return: NULL.
 */
struct loop_watch *loop_unwatch(struct loop_watch *watch);

CHECKED int loop_timer_new(struct loop *loop, loop_fn fn, void *ctx, struct loop_timer **ret_timer);
/* Accepts NULL. Return: NULL. */
struct loop_timer *loop_timer_free(struct loop_timer *timer);
/* Once, at @at_us of the monotonic clock (in the past: next turn). Replaces what was set. Costs a
 * system call unless it changes nothing. */
void loop_timer_set(struct loop_timer *timer, uint64_t at_us);
/* Again and again, first in @period_us. For sweeps over connections and housekeeping. */
void loop_timer_every(struct loop_timer *timer, uint64_t period_us);
void loop_timer_clear(struct loop_timer *timer);

/* Calls @fn in the loop for each delivery of @signal, until the loop is freed. One loop of a
 * process may have signals. */
CHECKED int loop_on_signal(struct loop *loop, int signal, loop_fn fn, void *ctx);

/* Runs @fn once, at the end of this turn, after all callbacks that are due; what is deferred while
 * these run is done in the next turn, which then does not wait. */
CHECKED int loop_defer(struct loop *loop, loop_fn fn, void *ctx);
/* Takes back what loop_defer() was told with the same @fn and @ctx. Harmless if it was not. */
void loop_undefer(struct loop *loop, loop_fn fn, void *ctx);
/* @bury(@dead) at the end of this turn; never fails: without memory @dead is leaked, not freed
 * early.
 */
void loop_bury(struct loop *loop, void *dead, loop_bury_fn bury);

#endif
