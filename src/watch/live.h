/*
 * Live
 *
 * Those who look on: each has an answer that does not end, to which what changes is appended
 * (server-sent events). One snapshot is taken for all of them, 250 ms after the last at the
 * soonest, and none while nobody looks. Nothing is queued for anybody: who has not taken the last
 * piece gets the newest one when he has.
 */
#ifndef WATCH_LIVE_H
#define WATCH_LIVE_H

#include "base/base.h"
#include "base/list.h"
#include "net/loop.h"

#include <jansson.h>

/* More than look at one gateway; each costs a connection, and one more copy of a snapshot. */
#define LIVE_VIEWERS_MAX 64
/* Between two snapshots. */
#define LIVE_TICK_US (250 * US_PER_MS)
/* So that a proxy, and the page, see that the line is alive. */
#define LIVE_SILENCE_US (15 * US_PER_SECOND)

struct visit;
struct watch;
struct http_exchange;

struct live {
        struct list viewers;
        size_t n;
        struct loop_timer *timer;
        char *text; /* the last snapshot; NULL: none yet */
        uint64_t sum, version;
        uint64_t taken_us; /* when that was */
        bool is_over;      /* the gateway ends */
};

/* Return: 0 or a negative errno. */
CHECKED int live_init(struct watch *w);
/* Breaks off those who look. */
void live_deinit(struct watch *w);

/* GET /weir/api/live */
void live_begin(struct visit *visit);
/* Its client has gone. */
void live_gone(struct watch *w, struct http_exchange *exchange);
/* The gateway ends, or the rules are others: they are told how things are, and let go. @is_over:
 * nobody comes any more. */
void live_end(struct watch *w, bool is_over);

/*
 * What is in a snapshot, as a number: that of two which differ in more than the time that passes.
 * Members that end in "_ms" count as there or zero: a countdown is no news, its beginning is.
 */
uint64_t live_sum(const json_t *root);

#endif
