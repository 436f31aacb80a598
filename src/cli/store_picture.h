/*
 * The books of a store, for people and for programs.
 */
#ifndef CLI_STORE_PICTURE_H
#define CLI_STORE_PICTURE_H

#include "base/base.h"

#include <jansson.h>

/* Hosts, and for each budget who may use how much of the window of @now_ms and the next one. */
void store_picture(const json_t *books, const char *place, uint64_t now_ms);

#endif
