/*
 * weir check --weights: what requests really cost, and what says so.
 */
#ifndef CLI_CHECK_WEIGHTS_H
#define CLI_CHECK_WEIGHTS_H

#include "base/base.h"

/* @path: of the region, NULL for the default place. Return: an exit status. */
int check_weights(const char *path, bool is_json);

#endif
