/*
 * View
 *
 * A frame of weir top: told what is known, how it is wanted and how large the terminal is, it draws
 * a sheet. It reads no clock and asks nobody.
 */
#ifndef CLI_TOP_VIEW_H
#define CLI_TOP_VIEW_H

#include "cli/top_spenders.h"

#define TOP_EVENTS 200u
/* One that is the same as one of so many last ones takes its place, with how often it was. */
#define TOP_EVENTS_FOLDED 12u

/* What happened, the newest last. */
struct top_events {
        unsigned n;
        json_t *all[TOP_EVENTS]; /* as /weir/api/events has them, and "times"; owned */
};

/* Keeps the newest. Takes @event over. */
void top_events_add(struct top_events *events, json_t *event);
void top_events_deinit(struct top_events *events);

struct top_view {
        const char *source;           /* what is looked at: "region PATH", "gateway URL" */
        bool is_gateway;              /* else the region alone: nobody knows who spends */
        const json_t *now, *spenders; /* NULL: not here yet */
        const struct top_events *events;
        const char *trouble; /* why nothing new comes; NULL: it does */
        const char *doubt;   /* why it should not be believed; NULL: it may */
        uint64_t age_ms;     /* of what is shown; said where there is trouble */
        bool is_frozen, has_help;
        bool is_frame; /* one of many: with a line of keys, and no higher than the sheet */
        struct top_order order;
};

/* What of @cols columns the table of who spends has. */
unsigned top_view_spenders_width(unsigned cols);

void top_view_draw(struct sheet *sheet, const struct top_view *view);

#endif
