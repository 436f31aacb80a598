/*
 * What the files of the archive share. Not for others.
 */
#ifndef HISTORY_ARCHIVE_INSIDE_H
#define HISTORY_ARCHIVE_INSIDE_H

#include "history/archive.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/types.h>

/* As the file says of itself: PRAGMA application_id, "weir", and user_version. */
#define ARCHIVE_APPLICATION 0x77656972
#define ARCHIVE_VERSION     1

/* Waiting for others' locks: longer than any of us holds one. */
#define ARCHIVE_BUSY_MS 5000

enum archive_statement {
        ARCHIVE_BEGIN,
        ARCHIVE_COMMIT,
        ARCHIVE_ROLLBACK,
        ARCHIVE_POOL_ADD,
        ARCHIVE_POOL_ID,
        ARCHIVE_FOREIGN,
        ARCHIVE_ADD,                                /* to windows, hours, days */
        ARCHIVE_ROOM = ARCHIVE_ADD + HISTORY_STEPS, /* for one more name there */
        ARCHIVE_STATEMENTS = ARCHIVE_ROOM + HISTORY_STEPS,
};

struct archive {
        sqlite3 *db;
        char path[4096];
        dev_t device;
        ino_t inode; /* of the file that is open */
        struct archive_bounds bounds;
        uint64_t pages_max; /* of the file alone */
        uint64_t ages_ms[HISTORY_STEPS];
        const _Atomic(bool) *flag; /* give up; NULL: never */
        uint64_t until_us;         /* of the monotonic clock: reads end; 0: never */
        uint64_t busy_us;          /* since when a lock is waited for */
        sqlite3_stmt *statements[ARCHIVE_STATEMENTS];
};

extern const char *const archive_tables[HISTORY_STEPS];

static inline bool archive_is_called_off(const struct archive *a)
{
        /* Relaxed: nobody reads other memory on the strength of it. */
        return a->flag && atomic_load_explicit(a->flag, memory_order_relaxed);
}

/* What SQLite's answer @code is as an errno; a sentence in @ret_why. Return: negative. */
CHECKED int archive_fail(struct archive *a, int code, char *ret_why);

/* Names the file, and @what is wrong with it. Return: @r. */
int archive_refuse(const struct archive *a, int r, const char *what, char *ret_why);

/* Ours, and of now? Return: 0, 1 for a file in which nothing is yet, or a negative errno with a
 * sentence in @ret_why. */
CHECKED int archive_judge(struct archive *a, char *ret_why);
/* Where there is none yet. Return: 0 or a negative errno with a sentence in @ret_why. */
CHECKED int archive_make_schema(struct archive *a, char *ret_why);

/* Runs @sql, which answers nothing. Return: SQLite's code. */
CHECKED int archive_run(struct archive *a, const char *sql);
/* The one number that @sql answers. Return: SQLite's code. */
CHECKED int archive_number(struct archive *a, const char *sql, int64_t *ret);
/* A statement that is made once and kept. Return: SQLite's code. */
CHECKED int archive_statement(struct archive *a, unsigned which, const char *sql,
                              sqlite3_stmt **ret);
/* Steps to its end and resets it. Return: SQLITE_OK or another code. */
CHECKED int archive_step(sqlite3_stmt *s);

/* Tells SQLite how large the file and its log may become. Return: SQLite's code. */
CHECKED int archive_bound(struct archive *a);

/* Writes the log back into the file, and cuts it. Return: SQLite's code. */
CHECKED int archive_empty_log(struct archive *a);

/* Which pages may be used before room is made, and how far it is made then. */
static inline uint64_t archive_pages_full(const struct archive *a)
{
        return a->pages_max - a->pages_max / 10;
}

static inline uint64_t archive_pages_wanted(const struct archive *a)
{
        return a->pages_max - a->pages_max / 6;
}

/* Deletes what is relatively oldest until there is room. Return: SQLite's code; SQLITE_FULL when
 * nothing is left to delete. */
CHECKED int archive_make_room(struct archive *a, uint64_t now_ms, uint64_t pages_wanted);

#endif
