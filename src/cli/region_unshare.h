/* weir region unshare: the end of sharing for a region. */
#ifndef CLI_REGION_UNSHARE_H
#define CLI_REGION_UNSHARE_H

#include "base/base.h"

/* @is_sure: does not ask. Return: an exit status, after words on stdout or stderr. */
CHECKED int region_unshare(const char *path, bool is_sure);

#endif
