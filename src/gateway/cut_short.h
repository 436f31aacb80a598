/*
 * Cut short
 *
 * Who maps a file that somebody makes shorter dies of the first page that is missing, by SIGBUS,
 * and without a word. The region is the one file that we map for good: that it was cut short is
 * said in the last line of the log, and then the process dies of it as before. For the program
 * weir; a library leaves the signals of its process alone.
 */
#ifndef GATEWAY_CUT_SHORT_H
#define GATEWAY_CUT_SHORT_H

#include "core/region.h"

/* From now on until the process ends; again for another region. @path: for people. */
void cut_short_watch(const struct region *region, const char *path);

#endif
