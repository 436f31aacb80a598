/*
 * Look
 *
 * How a command comes to a region that it only looks at: the one that is named, else the default.
 */
#ifndef CLI_LOOK_H
#define CLI_LOOK_H

#include "core/region.h"

#define LOOK_PATH_SIZE 512

/* Which region is meant. @path: as named, or NULL or empty; @place: room for the default's. Return:
 * the path, or NULL after a complaint on stderr. */
const char *look_path(const char *path, char place[LOOK_PATH_SIZE]);

/* Maps it for looking. Return: 0, or a negative errno after a complaint on stderr. */
CHECKED int look_open(const char *path, struct region *ret_region);

#endif
