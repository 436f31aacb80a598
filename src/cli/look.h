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

/* Maps it for looking. Return: 0; REGION_DOUBTED after a complaint on stderr: it may be shown, and
 * the exit status is no success; or a negative errno after one. */
CHECKED int look_open(const char *path, struct region *ret_region);
/* As look_open(), without a word: they are in @ret_error. */
CHECKED int look_try(const char *path, struct region *ret_region, struct region_error *ret_error);
/* Says what a look at a region ended with, and how another is named. */
void look_complain(int r, const struct region_error *error);

#endif
