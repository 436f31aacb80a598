#include "history/archive_inside.h"

#include <stdio.h>
#include <string.h>

/* Of windows that were not there is nothing to read; seconds, which people and date functions of
 * SQL read. */
static const uint64_t step_s[HISTORY_STEPS] = { 0, 3600, 86400 };

/* Bound in this order, and so in the tables. */
enum column {
        COLUMN_POOL = 1,
        COLUMN_BY,
        COLUMN_START,
        COLUMN_NAME,
        COLUMN_COUNTS,
        COLUMN_FOREIGN = COLUMN_COUNTS + HISTORY_COUNTS,
        COLUMN_MOST,
        COLUMN_WAITS,
};

/* The columns that are counted, as a statement names, fills and adds them. */
#define NAME(count) #count ", "
#define MARK(count) "?, "
#define SUM(count)  #count " = " #count " + excluded." #count ", "
static const char names[] = HISTORY_COUNT_NAMES(NAME);
static const char marks[] = HISTORY_COUNT_NAMES(MARK);
static const char sums[] = HISTORY_COUNT_NAMES(SUM);

static int prepare_add(struct archive *a, unsigned step, sqlite3_stmt **ret)
{
        char sql[2048];

        snprintf(sql, sizeof(sql),
                 "INSERT INTO %s(pool, \"by\", start, name, %sforeign_use, most, waits) "
                 "VALUES(?, ?, ?, ?, %s?, ?, ?) ON CONFLICT DO UPDATE SET %s"
                 "foreign_use = foreign_use + excluded.foreign_use, "
                 "most = max(most, excluded.most), "
                 "waits = CASE WHEN length(excluded.waits) > 0 "
                 "THEN waits_sum(waits, excluded.waits) ELSE waits END",
                 archive_tables[step], names, marks, sums);
        return archive_statement(a, ARCHIVE_ADD + step, sql, ret);
}

/* @sql, whose parameters are the name and the span of the pool of @w. */
static int pool_statement(struct archive *a, unsigned id, const char *sql,
                          const struct archive_window *w, sqlite3_stmt **ret)
{
        int code = archive_statement(a, id, sql, ret);

        if (code != SQLITE_OK)
                return code;
        sqlite3_bind_text(*ret, 1, w->pool, -1, SQLITE_STATIC);
        sqlite3_bind_int64(*ret, 2, w->span_ms / 1000);
        return SQLITE_OK;
}

/* The number of a pool in the file, which it gets when it is new. */
static int pool_id(struct archive *a, const struct archive_window *w, int64_t *ret)
{
        sqlite3_stmt *s;
        int code = pool_statement(a, ARCHIVE_POOL_ADD,
                                  "INSERT INTO pools(name, span) VALUES(?, ?) ON CONFLICT DO "
                                  "NOTHING",
                                  w, &s);

        if (code != SQLITE_OK)
                return code;
        code = archive_step(s);
        if (code == SQLITE_OK)
                code = pool_statement(a, ARCHIVE_POOL_ID,
                                      "SELECT id FROM pools WHERE name = ? AND span = ?", w, &s);
        if (code != SQLITE_OK)
                return code;
        code = sqlite3_step(s);
        *ret = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
        return archive_step(s);
}

/*
 * What others used is seen by each gateway alike, so a window has the most that any saw, and hours
 * and days get what that grew by.
 */
static int foreign_growth(struct archive *a, int64_t pool, const struct archive_window *w,
                          uint64_t *ret)
{
        uint64_t known = 0;
        sqlite3_stmt *s;
        int code = archive_statement(a, ARCHIVE_FOREIGN,
                                     "SELECT foreign_use FROM windows WHERE pool = ? AND "
                                     "\"by\" = 0 AND start = ? AND name = ''",
                                     &s);

        if (code != SQLITE_OK)
                return code;
        sqlite3_bind_int64(s, 1, pool);
        sqlite3_bind_int64(s, 2, (int64_t)(w->start_ms / 1000));
        code = sqlite3_step(s);
        if (code == SQLITE_ROW)
                known = (uint64_t)sqlite3_column_int64(s, 0);
        *ret = w->foreign > known ? w->foreign - known : 0;
        return sqlite3_reset(s);
}

static int64_t start_of(const struct archive_window *w, unsigned step)
{
        uint64_t start_s = w->start_ms / 1000;

        return (int64_t)(step_s[step] > 0 ? start_s - start_s % step_s[step] : start_s);
}

/*
 * Names that come and go would fill hours and days, whose rows are kept for long. A row that would
 * be one too many there is added to that of the others. A window's are few.
 */
static int is_one_too_many(struct archive *a, unsigned step, int64_t pool,
                           const struct archive_window *w, const struct archive_row *row, bool *ret)
{
        sqlite3_stmt *s;
        char sql[512];
        int code;

        *ret = false;
        if (step == HISTORY_WINDOW || row->name.n == 0)
                return SQLITE_OK;
        /* Both stop at the first rows that settle it. */
        snprintf(sql, sizeof(sql),
                 "SELECT EXISTS(SELECT 1 FROM %s WHERE pool = ?1 AND \"by\" = ?2 AND start = ?3 "
                 "AND name = ?4) OR NOT EXISTS(SELECT 1 FROM %s WHERE pool = ?1 AND \"by\" = ?2 "
                 "AND start = ?3 LIMIT 1 OFFSET %d)",
                 archive_tables[step], archive_tables[step], ARCHIVE_NAMES_MAX - 1);
        code = archive_statement(a, ARCHIVE_ROOM + step, sql, &s);
        if (code != SQLITE_OK)
                return code;
        sqlite3_bind_int64(s, 1, pool);
        sqlite3_bind_int(s, 2, (int)row->by);
        sqlite3_bind_int64(s, 3, start_of(w, step));
        sqlite3_bind_text(s, 4, row->name.p, (int)row->name.n, SQLITE_STATIC);
        code = sqlite3_step(s);
        *ret = code == SQLITE_ROW && sqlite3_column_int(s, 0) == 0;
        return sqlite3_reset(s);
}

static int add_row(struct archive *a, unsigned step, int64_t pool, const struct archive_window *w,
                   const struct archive_row *row, uint64_t foreign)
{
        bool is_all = row->by == HISTORY_ALL, is_others;
        struct str name = row->name.p ? row->name : STR_LITERAL("");
        sqlite3_stmt *s;
        int code = is_one_too_many(a, step, pool, w, row, &is_others);

        if (code == SQLITE_OK)
                code = prepare_add(a, step, &s);
        if (code != SQLITE_OK)
                return code;
        if (is_others)
                name = STR_LITERAL(HISTORY_OTHERS);
        sqlite3_bind_int64(s, COLUMN_POOL, pool);
        sqlite3_bind_int(s, COLUMN_BY, (int)row->by);
        sqlite3_bind_int64(s, COLUMN_START, start_of(w, step));
        sqlite3_bind_text(s, COLUMN_NAME, name.p, (int)name.n, SQLITE_STATIC);
        for (int i = 0; i < HISTORY_COUNTS; ++i)
                sqlite3_bind_int64(s, COLUMN_COUNTS + i, (int64_t)row->counts[i]);
        sqlite3_bind_int64(s, COLUMN_FOREIGN, is_all ? (int64_t)foreign : 0);
        sqlite3_bind_int64(s, COLUMN_MOST, is_all ? w->limit : 0);
        if (row->waits.n > 0)
                sqlite3_bind_blob(s, COLUMN_WAITS, row->waits.p, (int)row->waits.n, SQLITE_STATIC);
        else
                sqlite3_bind_null(s, COLUMN_WAITS);
        return archive_step(s);
}

static int add_rows(struct archive *a, const struct archive_window *w)
{
        uint64_t foreign = 0;
        int64_t pool;
        int code = pool_id(a, w, &pool);

        if (code == SQLITE_OK)
                code = foreign_growth(a, pool, w, &foreign);
        for (unsigned step = 0; step < HISTORY_STEPS && code == SQLITE_OK; ++step)
                for (size_t i = 0; i < w->n && code == SQLITE_OK; ++i)
                        code = add_row(a, step, pool, w, &w->rows[i], foreign);
        return code;
}

static int begin(struct archive *a)
{
        sqlite3_stmt *s;
        int code = archive_statement(a, ARCHIVE_BEGIN, "BEGIN IMMEDIATE", &s);

        return code == SQLITE_OK ? archive_step(s) : code;
}

static int commit(struct archive *a)
{
        sqlite3_stmt *s;
        int code = archive_statement(a, ARCHIVE_COMMIT, "COMMIT", &s);

        return code == SQLITE_OK ? archive_step(s) : code;
}

static void roll_back(struct archive *a)
{
        sqlite3_stmt *s;

        /* SQLite does it itself after some failures. */
        if (!sqlite3_get_autocommit(a->db) &&
            archive_statement(a, ARCHIVE_ROLLBACK, "ROLLBACK", &s) == SQLITE_OK &&
            archive_step(s) != SQLITE_OK)
                return;
}

static int try_to_add(struct archive *a, const struct archive_window *w)
{
        int code = begin(a);

        if (code != SQLITE_OK)
                return code;
        code = add_rows(a, w);
        if (code == SQLITE_OK)
                code = commit(a);
        if (code != SQLITE_OK)
                roll_back(a);
        return code;
}

/* Full by our own bound, and not for want of a disk. */
static bool is_at_bound(struct archive *a)
{
        struct archive_size size;

        archive_measure(a, &size);
        return size.pages + size.pages / 10 >= a->pages_max && size.free_pages < size.pages / 10;
}

int archive_add(struct archive *a, const struct archive_window *w, char *ret_why)
{
        int code = try_to_add(a, w);

        if (code == SQLITE_FULL && is_at_bound(a)) {
                code = archive_make_room(a, w->start_ms, archive_pages_wanted(a));
                if (code == SQLITE_OK)
                        code = try_to_add(a, w);
        }
        return code == SQLITE_OK ? 0 : archive_fail(a, code, ret_why);
}
