/*
 * Measures
 *
 * What the metrics say of this gateway, beyond what the region and the stats know: its state, its
 * process, its clocks, who waits in it.
 */
#ifndef GATEWAY_MEASURES_H
#define GATEWAY_MEASURES_H

#include "gateway/state.h"
#include "watch/metrics.h"

#include <jansson.h>

/* Return: 0 or -ENOMEM. */
CHECKED int measures_open(struct gateway *g);
void measures_close(struct gateway *g);

/* From housekeeping, each time: how late is it? */
void measures_beat(struct gateway *g, uint64_t interval_us);

/* "starting", "ready", "draining". */
const char *measures_state_name(struct gateway *g);

/* For struct watch_ops; @ctx: the gateway. */
json_t *measures_unready(void *ctx);
void measures_show(void *ctx, struct metrics_input *ret_input);

#endif
