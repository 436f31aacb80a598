/*
 * By hand
 *
 * What an operator has decided at a running gateway: pauses, shares of clients, costs that he has
 * seen. It is kept in a small file beside the region, so that a restart or a crash resumes nothing
 * that he has paused:
 *
 *      REGION@PLACE.by-hand            PLACE: the first of listen, for the decision is this
 * gateway's
 *
 * JSON, written whole into another file, synced and renamed: a reader finds what was before or what
 * is now. There is none while nothing is decided. One that cannot be read stops the start, for
 * nobody knows then what must not be sent.
 */
#ifndef GATEWAY_BY_HAND_H
#define GATEWAY_BY_HAND_H

#include "gateway/state.h"

/* A region's, and a place to listen at. */
#define BY_HAND_PATH_SIZE (SETTINGS_PATH_SIZE + 512)
/* The longest reason why it is not kept. */
#define BY_HAND_WHY_SIZE 160

struct by_hand;

/* Takes up what is kept, before anybody is served; @region: the region's path. Return: 0, or a
 * negative errno after having said what is wrong and what to do. */
CHECKED int by_hand_open(struct gateway *g, const char *region, struct by_hand **ret);
/* Accepts NULL. Return: NULL. */
struct by_hand *by_hand_close(struct by_hand *h);

/* After each change; nothing is written where there is none. Blocks for the disk: it is rare.
 * Return: NULL, or why it ends with the gateway; until the next call. */
const char *by_hand_store(struct gateway *g, struct by_hand *h);
/* From housekeeping: what could not be written is tried again. */
void by_hand_keep(struct gateway *g, struct by_hand *h);

/* by_hand_file.c */

/* Return: 0, or a negative errno; then what was there before is there, or nothing if nothing was.
 */
CHECKED int by_hand_write(const char *path, struct str text);
/* No file any more, on the disk too. Return: 0 or a negative errno. */
CHECKED int by_hand_remove(const char *path);
/* @ret_text: for free(), of @*ret_n bytes. Return: 0, -ENOENT: there is none, -EACCES: others may
 * write it, -EFBIG, or another negative errno. */
CHECKED int by_hand_read(const char *path, char **ret_text, size_t *ret_n);

#endif
