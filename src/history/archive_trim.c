/*
 * What is too old, or too much, goes.
 *
 * Rows lie by pool, dimension and time, so that what is read lies together; what is too old is a
 * piece at the front of each pool and dimension. It is deleted in transactions of some thousand
 * rows, so that others' writing waits for milliseconds, and the log stays small.
 */
#include "history/archive_inside.h"

#include <stdio.h>

/* Rows of one pool and dimension that one transaction deletes: some 20 pages. */
#define ROWS_AT_ONCE 1000
/* Of the age of the oldest, so much goes at once where there is too much. */
#define AGE_PARTS 32
/* Pages given back to the file system at once. */
#define VACUUM_PAGES 32

#define MS(seconds) ((uint64_t)(seconds)*MS_PER_SECOND)

void archive_measure(struct archive *a, struct archive_size *ret)
{
        int64_t pages = 0, free_pages = 0, page_bytes = 0;

        if (archive_number(a, "PRAGMA page_count", &pages) != SQLITE_OK ||
            archive_number(a, "PRAGMA freelist_count", &free_pages) != SQLITE_OK ||
            archive_number(a, "PRAGMA page_size", &page_bytes) != SQLITE_OK)
                pages = free_pages = page_bytes = 0;
        *ret = (struct archive_size){ (uint64_t)pages, (uint64_t)free_pages, a->pages_max,
                                      (uint64_t)page_bytes };
}

/* When the oldest of a table is of: the least of all pools and dimensions, each found at once. */
static int oldest(struct archive *a, unsigned step, int64_t *ret_start)
{
        char sql[512];

        snprintf(sql, sizeof(sql),
                 "WITH dimensions(d) AS (VALUES(0), (1), (2), (3), (4), (5)) "
                 "SELECT min((SELECT min(start) FROM %s WHERE pool = id AND \"by\" = d)) "
                 "FROM pools, dimensions",
                 archive_tables[step]);
        return archive_number(a, sql, ret_start);
}

/*
 * The rows of one pool and dimension that one transaction deletes end before this start: the cut,
 * or that of the row that is one too many. Rows of one start go together.
 */
static int find_end(struct archive *a, unsigned step, int64_t pool, int by, int64_t cut_s,
                    int64_t *ret_end)
{
        char sql[512];
        int64_t next;
        int code;

        snprintf(sql, sizeof(sql),
                 "SELECT start + 1 FROM %s WHERE pool = %lld AND \"by\" = %d AND start < %lld "
                 "ORDER BY start LIMIT 1 OFFSET %d",
                 archive_tables[step], (long long)pool, by, (long long)cut_s, ROWS_AT_ONCE);
        code = archive_number(a, sql, &next);
        *ret_end = next > 0 && next < cut_s ? next : cut_s;
        return code;
}

static int delete_of(struct archive *a, unsigned step, int64_t pool, int by, int64_t cut_s)
{
        char sql[512];
        int64_t end;
        int code = find_end(a, step, pool, by, cut_s, &end);

        if (code != SQLITE_OK)
                return code;
        snprintf(sql, sizeof(sql),
                 "DELETE FROM %s WHERE pool = %lld AND \"by\" = %d AND start < %lld",
                 archive_tables[step], (long long)pool, by, (long long)end);
        return archive_run(a, sql);
}

/* Numbers of pools are given in order, and never again. Return: SQLite's code. */
static int delete_once(struct archive *a, unsigned step, int64_t cut_s, int *ret_deleted)
{
        int before = sqlite3_total_changes(a->db);
        int64_t last;
        int code = archive_number(a, "SELECT max(id) FROM pools", &last);

        for (int64_t pool = 1; pool <= last && code == SQLITE_OK; ++pool)
                for (int by = 0; by < HISTORY_BYS && code == SQLITE_OK; ++by)
                        code = archive_is_called_off(a) ? SQLITE_INTERRUPT
                                                        : delete_of(a, step, pool, by, cut_s);
        *ret_deleted = sqlite3_total_changes(a->db) - before;
        return code;
}

static int delete_before(struct archive *a, unsigned step, int64_t cut_s)
{
        int code, deleted;

        do {
                code = delete_once(a, step, cut_s, &deleted);
        } while (code == SQLITE_OK && deleted > 0);
        return code;
}

/* Pages in use. */
static uint64_t used(struct archive *a)
{
        struct archive_size size;

        archive_measure(a, &size);
        return size.pages - size.free_pages;
}

/* Whose oldest is the nearest to the end of its time, or furthest beyond it. */
static int choose(struct archive *a, uint64_t now_ms, unsigned *ret_step, int64_t *ret_oldest_s)
{
        double best = -1;

        for (unsigned step = 0; step < HISTORY_STEPS; ++step) {
                int64_t start_s;
                double age;
                int code = oldest(a, step, &start_s);

                if (code != SQLITE_OK)
                        return code;
                if (start_s == 0 || MS(start_s) >= now_ms)
                        continue;
                age = (double)(now_ms - MS(start_s)) / (double)a->ages_ms[step];
                if (age <= best)
                        continue;
                best = age;
                *ret_step = step;
                *ret_oldest_s = start_s;
        }
        return best < 0 ? SQLITE_FULL : SQLITE_OK;
}

int archive_make_room(struct archive *a, uint64_t now_ms, uint64_t pages_wanted)
{
        while (used(a) > pages_wanted) {
                int before = sqlite3_total_changes(a->db);
                int64_t oldest_s = 0, part_s;
                unsigned step = 0;
                int code = choose(a, now_ms, &step, &oldest_s);

                if (code != SQLITE_OK)
                        return code;
                part_s = ((int64_t)(now_ms / MS_PER_SECOND) - oldest_s) / AGE_PARTS;
                code = delete_before(a, step, oldest_s + (part_s > 0 ? part_s : 1));
                if (code != SQLITE_OK)
                        return code;
                /* The oldest is there and cannot be found. */
                if (sqlite3_total_changes(a->db) == before)
                        return SQLITE_CORRUPT;
        }
        return SQLITE_OK;
}

/* Pages that were freed are for what comes; those that are too many go back to the file system. */
static int shrink(struct archive *a)
{
        struct archive_size size;
        bool has_shrunk = false;
        char sql[64];
        int code = SQLITE_OK;

        snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
        for (;;) {
                uint64_t before;

                archive_measure(a, &size);
                if (size.free_pages <= size.pages / 8 + 16 && size.pages <= a->pages_max)
                        break;
                before = size.pages;
                has_shrunk = true;
                code = archive_is_called_off(a) ? SQLITE_INTERRUPT : archive_run(a, sql);
                archive_measure(a, &size);
                if (code != SQLITE_OK || size.pages >= before)
                        break;
        }
        /* What was moved is in the log; the file is only shorter when it is written back. */
        return code == SQLITE_OK && has_shrunk ? archive_empty_log(a) : code;
}

int archive_trim(struct archive *a, uint64_t now_ms, char *ret_why)
{
        int code = SQLITE_OK;

        for (unsigned step = 0; step < HISTORY_STEPS && code == SQLITE_OK; ++step)
                if (now_ms > a->ages_ms[step])
                        code = delete_before(a, step,
                                             (int64_t)((now_ms - a->ages_ms[step]) /
                                                       MS_PER_SECOND));
        if (code == SQLITE_OK && used(a) > archive_pages_full(a))
                code = archive_make_room(a, now_ms, archive_pages_wanted(a));
        if (code == SQLITE_OK)
                code = shrink(a);
        /* A file that was larger when it was opened had its bound there. */
        if (code == SQLITE_OK)
                code = archive_bound(a);
        return code == SQLITE_OK ? 0 : archive_fail(a, code, ret_why);
}
