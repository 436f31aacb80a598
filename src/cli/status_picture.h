/*
 * What weir status shows of budgets on a terminal: stops and bans in words first, then a bar for
 * each budget, as wide as there is room for, and what its marks mean.
 */
#ifndef CLI_STATUS_PICTURE_H
#define CLI_STATUS_PICTURE_H

#include "look/look.h"

/* Return: false when there is no memory for it; nothing was printed. */
CHECKED bool status_picture(const struct look *look);

#endif
