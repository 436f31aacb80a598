/*
 * Spenders
 *
 * The table of who spends: rows of /weir/api/spenders, sorted by a column of choice. What does not
 * fit is left out, the least telling columns first.
 */
#ifndef CLI_TOP_SPENDERS_H
#define CLI_TOP_SPENDERS_H

#include "cli/picture.h"

enum top_by {
        TOP_BY_CLIENT,
        TOP_BY_ACCOUNT,
        TOP_BY_ENDPOINT,
        TOP_BYS,
};

enum top_column {
        TOP_NAME,
        TOP_REQUESTS,
        TOP_WEIGHT,
        TOP_SHARE,
        TOP_OVER_LIMIT,
        TOP_REFUSED,
        TOP_ERRORS,
        TOP_RETRY_RATE,
        TOP_WAIT_P99,
        TOP_WAIT_P50,
        TOP_ORDERS,
        TOP_COLUMNS,
};

/* How it is shown; changed by keys. */
struct top_order {
        enum top_by by;
        enum top_column column;
        bool is_upward; /* the smallest first */
        unsigned scroll;
};

/* "client", ...; as the gateway knows it. Static. */
const char *top_by_name(enum top_by by);

/* The next column to the right, or left for -1, that is shown at this width. */
enum top_column top_column_next(enum top_column column, int step, unsigned width);

/* Return: rows taken, all of the box if there is as much to show. */
unsigned top_spenders_draw(struct sheet *sheet, struct picture_box box, const json_t *spenders,
                           const struct top_order *order);

#endif
