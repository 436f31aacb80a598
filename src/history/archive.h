/*
 * Archive
 *
 * The file of history: SQLite with a write-ahead log, so that who writes and who reads hold each
 * other up for moments at most, and a program killed at any instruction leaves a file that opens.
 * All calls block, on a disk: none of them is for the event loop (history/history.h).
 *
 *      windows, hours, days    pool, by, start, name -> requests, weight, ..., waits
 *
 * One row for each name of each dimension, in three tables of one shape. A window is added to all
 * three in one transaction: what is in one is in the others, whatever instruction was the last, and
 * nothing is ever to be rolled up later. Rows are added to, not replaced: several gateways, and one
 * that was started again within a window, write the same rows.
 */
#ifndef HISTORY_ARCHIVE_H
#define HISTORY_ARCHIVE_H

#include "base/base.h"
#include "base/str.h"
#include "history/table.h"

struct archive;

/* What one gateway did in one window of one pool. */
struct archive_row {
        enum history_by by;
        struct str name;  /* of the class, client, ...; empty for HISTORY_ALL */
        struct str waits; /* history/blob.h */
        uint64_t counts[HISTORY_COUNTS];
};

struct archive_window {
        const char *pool;
        uint64_t start_ms; /* the exchange's time */
        uint32_t span_ms;
        uint32_t limit;
        uint64_t foreign; /* what others used of it, as this gateway saw it */
        size_t n;
        const struct archive_row *rows;
};

/* How much may be kept. */
struct archive_bounds {
        uint64_t bytes;  /* of the file with its log */
        uint64_t age_ms; /* of anything */
};

/* Names of one dimension that an hour or a day has, besides the others. */
#define ARCHIVE_NAMES_MAX 256

/* Longest sentence, with its NUL. */
#define ARCHIVE_WHY_SIZE 512

/* Of the pages of the file; tests look. */
struct archive_size {
        uint64_t pages, free_pages, pages_max, page_bytes;
};

/**
 * archive_open() - open the file for writing; made, for its owner alone, if it is not there
 * @path:    its folder must be there
 * @bounds:  kept by archive_trim() and, what the size is concerned, by every write
 * @ret_why: ARCHIVE_WHY_SIZE bytes; on failure a sentence that names the file and the remedy
 *
 * A file of another program, or of a later weir, is not touched.
 *
 * Return: 0 or a negative errno.
 */
CHECKED int archive_open(const char *path, const struct archive_bounds *bounds,
                         struct archive **ret_archive, char *ret_why);

/* Whether a file could be made there, as far as its folder goes; nothing is made. @ret_why: as
 * archive_open() says it. Return: 0 or a negative errno. */
CHECKED int archive_try(const char *path, char *ret_why);

/* As archive_open(), for reading: live, by somebody else's leave, or a copy on a disk that cannot
 * be written. */
CHECKED int archive_open_readonly(const char *path, struct archive **ret_archive, char *ret_why);

/* Accepts NULL. Return: NULL. */
struct archive *archive_close(struct archive *archive);

/* Its file was deleted, or another has its name: to be opened again. */
bool archive_is_gone(const struct archive *archive);

/* What waits for a lock, or reads for long, gives up when *@flag becomes true. */
void archive_heed(struct archive *archive, const _Atomic(bool) *flag);

/**
 * archive_add() - add a window to its rows, and to those of its hour and day
 *
 * All of it or nothing, also after a kill. Where the file is as large as it may be, what is oldest
 * makes room.
 *
 * Return: 0, or a negative errno with a sentence in @ret_why; it may be tried again.
 */
CHECKED int archive_add(struct archive *archive, const struct archive_window *window,
                        char *ret_why);

/**
 * archive_trim() - delete what is too old, or too much
 * @now_ms: no later than the newest window
 *
 * In steps of some milliseconds, between which others may write. When the file is near its size,
 * all ages shrink in proportion.
 *
 * Return: 0, or a negative errno with a sentence in @ret_why.
 */
CHECKED int archive_trim(struct archive *archive, uint64_t now_ms, char *ret_why);

/**
 * archive_read() - gather what @ask wants
 * @ret_table: for history_table_free()
 *
 * Return: 0, -ENOENT when there is no such pool, -E2BIG when it is more than anybody looks at,
 *         -ETIME when it took longer than @ask allows, or another negative errno; with a sentence
 *         in @ret_why.
 */
CHECKED int archive_read(struct archive *archive, const struct history_ask *ask,
                         struct history_table **ret_table, char *ret_why);

void archive_measure(struct archive *archive, struct archive_size *ret_size);

#endif
