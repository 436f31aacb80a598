/*
 * Whose a file is, and how one of ours begins.
 */
#include "history/archive_inside.h"

#include <errno.h>
#include <stdio.h>

const char *const archive_tables[HISTORY_STEPS] = { "windows", "hours", "days" };

int archive_refuse(const struct archive *a, int r, const char *what, char *ret_why)
{
        snprintf(ret_why, ARCHIVE_WHY_SIZE, "history %.300s: %s", a->path, what);
        return r;
}

int archive_judge(struct archive *a, char *ret_why)
{
        int64_t application, version, tables;
        int code = archive_number(a, "PRAGMA application_id", &application);

        if (code == SQLITE_OK)
                code = archive_number(a, "PRAGMA user_version", &version);
        if (code == SQLITE_OK)
                code = archive_number(a, "SELECT COUNT(*) FROM sqlite_schema", &tables);
        if (code != SQLITE_OK)
                return archive_fail(a, code, ret_why);
        if (application == 0 && version == 0 && tables == 0)
                return 1;
        if (application != ARCHIVE_APPLICATION)
                return archive_refuse(
                        a, -EMEDIUMTYPE,
                        "is another program's database; name another file with history.path",
                        ret_why);
        if (version != ARCHIVE_VERSION) {
                snprintf(ret_why, ARCHIVE_WHY_SIZE,
                         "history %.300s: was written by a later weir (format %lld, this one knows "
                         "%d); name another file with history.path, or move this one away",
                         a->path, (long long)version, ARCHIVE_VERSION);
                return -EPROTONOSUPPORT;
        }
        return 0;
}

/* The columns that are counted are declared once, in history/table.h. */
#define COLUMN(count) #count " INTEGER NOT NULL, "
static const char columns[] = HISTORY_COUNT_NAMES(COLUMN);

static int make_table(struct archive *a, const char *name)
{
        char sql[1024];

        snprintf(sql, sizeof(sql),
                 "CREATE TABLE %s(pool INTEGER NOT NULL, \"by\" INTEGER NOT NULL, "
                 "start INTEGER NOT NULL, name TEXT NOT NULL, %s"
                 "foreign_use INTEGER NOT NULL, most INTEGER NOT NULL, waits BLOB, "
                 "PRIMARY KEY(pool, \"by\", start, name)) WITHOUT ROWID",
                 name, columns);
        return archive_run(a, sql);
}

static int make_tables(struct archive *a)
{
        int code = archive_run(a, "CREATE TABLE pools(id INTEGER PRIMARY KEY, name TEXT NOT NULL, "
                                  "span INTEGER NOT NULL, UNIQUE(name, span))");

        for (unsigned i = 0; i < HISTORY_STEPS && code == SQLITE_OK; ++i)
                code = make_table(a, archive_tables[i]);
        return code;
}

int archive_make_schema(struct archive *a, char *ret_why)
{
        char sql[128];
        int r, code = archive_run(a, "BEGIN IMMEDIATE");

        if (code != SQLITE_OK)
                return archive_fail(a, code, ret_why);
        /* Another may have been quicker. */
        r = archive_judge(a, ret_why);
        if (r == 1) {
                snprintf(sql, sizeof(sql), "PRAGMA application_id=%d; PRAGMA user_version=%d",
                         ARCHIVE_APPLICATION, ARCHIVE_VERSION);
                code = make_tables(a);
                if (code == SQLITE_OK)
                        code = archive_run(a, sql);
                if (code == SQLITE_OK)
                        code = archive_run(a, "COMMIT");
                if (code == SQLITE_OK)
                        return 0;
                r = archive_fail(a, code, ret_why);
        }
        if (archive_run(a, "ROLLBACK") != SQLITE_OK && r == 0)
                r = archive_fail(a, SQLITE_IOERR, ret_why);
        return r;
}
