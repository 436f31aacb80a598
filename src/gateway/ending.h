/*
 * Ending
 *
 * How a gateway goes after SIGTERM:
 *
 *      serving -> handing over -> draining -> gone
 *
 * Handing over is for sockets that a service manager keeps: new connections wait there for the
 * next gateway, and who is connected here is still served, each answer ending its connection.
 * Draining finishes what has been sent and refuses what has not. A second signal ends both.
 */
#ifndef GATEWAY_ENDING_H
#define GATEWAY_ENDING_H

#include "base/base.h"

struct gateway;
struct loop_timer;

struct ending {
        struct loop_timer *timer;
        bool is_handing_over;
        bool is_server_empty; /* the last connection is closed */
};

/* Return: 0 or a negative errno. */
CHECKED int ending_init(struct gateway *g);
void ending_deinit(struct gateway *g);

/* SIGTERM and SIGINT; @ctx: the gateway. */
void ending_begin(void *ctx);
/* Nobody is connected any more; @ctx: the gateway. */
void ending_on_empty(void *ctx);
/* Ends the loop when all is done; from housekeeping. */
void ending_check(struct gateway *g);

#endif
