/*
 * Picture
 *
 * All that is in a region as one JSON value: what weir region show --json prints, and what it draws
 * for people from. Numbers of 64 bits are none in JavaScript and jq: keys, hashes and raw words are
 * text.
 */
#ifndef CLI_REGION_PICTURE_H
#define CLI_REGION_PICTURE_H

#include "cli/region_file.h"

#include <jansson.h>

/* The caller's. @wall_ms: now. */
json_t *region_picture(const struct region_file *f, const char *path, uint64_t wall_ms);

/* Of it: what is in the slots, put into @root. */
void region_picture_slots(const struct region_file *f, uint64_t wall_ms, json_t *root);

/* Draws it for people. */
void region_draw(const json_t *picture, bool is_terminal);

#define REGION_HEX_SIZE 17
const char *region_hex(uint64_t value, char to[REGION_HEX_SIZE]);

#endif
