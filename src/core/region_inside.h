/*
 * Region, inside
 *
 * What is wrong with a file, in the words that everybody hears who opens it: to work with it
 * (region.c), or to look at it (region_look.c). For this room only.
 */
#ifndef CORE_REGION_INSIDE_H
#define CORE_REGION_INSIDE_H

#include "core/region.h"

#include <sys/stat.h>

/* Each writes a sentence about @path and returns @error. */
int region_refuse(struct region_error *e, int error, const char *path, const char *why);
/* "cannot @what: " and what the system calls it. */
int region_refuse_errno(struct region_error *e, int error, const char *path, const char *what);
/* As region_refuse(), of what naming another region would get round; @why says so. */
int region_refuse_place(struct region_error *e, int error, const char *path, const char *why);

/* Of a file that is open. Return: 0, or a negative errno after a sentence. */
CHECKED int region_judge_owner(const struct stat *st, const char *path, struct region_error *e);
CHECKED int region_judge_mode(const struct stat *st, const char *path, struct region_error *e);
/* Its first word is none of a region's, nor of one that nobody has finished. */
CHECKED int region_refuse_foreign(const char *path, struct region_error *e);
CHECKED int region_judge_size(const struct stat *st, const char *path, struct region_error *e);
/* @table_hash: of our tables; NULL: any will do. */
CHECKED int region_judge_certificate(const struct region_header *h, const uint64_t *table_hash,
                                     const char *path, struct region_error *e);
CHECKED int region_judge_slots(const struct region *region, const char *path,
                               struct region_error *e);

/* A file's first word. Return: false: it has none. */
bool region_first_word(int fd, uint64_t *ret);

/* All of it; @fd < 0: memory of this process. Return: 0 or a negative errno. */
CHECKED int region_map(int fd, int protection, struct region *ret);

#endif
