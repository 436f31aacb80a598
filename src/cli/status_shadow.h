/*
 * The report of a gateway in shadow mode, for weir status --shadow.
 */
#ifndef CLI_STATUS_SHADOW_H
#define CLI_STATUS_SHADOW_H

#include "base/base.h"

/* Shows the report beside the region at @region_path, as text or as it is. Return: an exit code. */
CHECKED int status_shadow(const char *region_path, bool is_json);

#endif
