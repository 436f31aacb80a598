/*
 * Past
 *
 * /weir/api/history: from the file that the gateway keeps, whose reading is done elsewhere while
 * the loop goes on; the last windows from memory where that has them, since the one that is on is
 * only there.
 */
#ifndef WATCH_PAST_H
#define WATCH_PAST_H

#include "base/base.h"
#include "base/list.h"

struct http_exchange;
struct visit;
struct watch;

/* Those who wait for an answer; in struct watch. */
struct past {
        struct list waiting;
};

void past_init(struct watch *w);
/* Nobody is answered any more. */
void past_deinit(struct watch *w);

/* GET /weir/api/history */
void past_show(struct visit *visit);
/* Its client has gone. */
void past_gone(struct watch *w, struct http_exchange *exchange);

#endif
