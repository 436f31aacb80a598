/*
 * Region file
 *
 * The bytes of a region, whatever is in them: a copy for who only looks, of a file that others use,
 * that a crash left, that is cut short, or that is none at all. Nothing is locked or written.
 */
#ifndef CLI_REGION_FILE_H
#define CLI_REGION_FILE_H

#include "core/region.h"

#include <sys/stat.h>

/* Programs that have the file open, as far as the kernel says. */
#define REGION_USERS_MAX 128

enum region_state {
        REGION_GOOD,
        REGION_UNFINISHED, /* empty, or without magic: its creator died, or is at it */
        REGION_FOREIGN,    /* something else is in it */
        REGION_VERSION_OTHER,
        REGION_CUT,  /* shorter than its certificate says; what is there is read */
        REGION_LONG, /* longer */
};

struct region_file {
        struct stat stat;
        size_t bytes;   /* that are in the copy: of the file, and of a region at most */
        bool has_magic; /* false: only that is damaged, where the state is GOOD */
        enum region_state state;
        struct region region; /* of the copy; zeros where the file has nothing */
        size_t n_users;
        int users[REGION_USERS_MAX]; /* process numbers; 0: of another container */
};

#define REGION_FILE_NULL ((struct region_file){ .region = REGION_NULL })

/* Return: 0, or a negative errno after a complaint on stderr. */
CHECKED int region_file_read(struct region_file *f, const char *path);
/* Copies it again, as it is now. Return: as above. */
CHECKED int region_file_renew(struct region_file *f, const char *path);
void region_file_deinit(struct region_file *f);

/* Slots of which all bytes are in the copy. */
size_t region_file_slots(const struct region_file *f);

/* What is wrong with the file as a whole, in words with the remedy; empty when nothing is. */
void region_file_say(const struct region_file *f, char *to, size_t size);

/* "good", "unfinished", ... Static. */
const char *region_state_name(enum region_state state);

#endif
