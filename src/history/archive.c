#include "history/archive_inside.h"

#include "base/clock.h"
#include "history/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Looked at again so often while a lock is waited for. */
#define BUSY_STEP_US (5 * US_PER_MS)
/* Instructions of SQLite's machine between two looks at whether a read is to end: some 0.1 ms. */
#define PROGRESS_STEPS 10000
/* Of the size, and at least and at most so many bytes, is the log's. */
#define WAL_PART      4
#define WAL_BYTES_MIN (512u << 10)
#define WAL_BYTES_MAX (8u << 20)
/* The log is written back when it is one so manieth full; the rest is for the transaction that is
 * on. */
#define WAL_FULL 4
/* Pages that SQLite keeps in memory, in KiB. */
#define CACHE_KIB 1024

#define DAY_MS (86400 * MS_PER_SECOND)

/* Nobody looks at minutes of last week. */
static const uint64_t ages_ms[HISTORY_STEPS] = { 2 * DAY_MS, 90 * DAY_MS, UINT64_MAX };

static int on_busy(void *ctx, int times)
{
        struct archive *a = ctx;
        uint64_t now_us = clock_mono_us();

        if (times == 0)
                a->busy_us = now_us;
        if (archive_is_called_off(a) || now_us - a->busy_us >= ARCHIVE_BUSY_MS * US_PER_MS)
                return 0;
        clock_sleep_until_us(now_us + BUSY_STEP_US);
        return 1;
}

static int on_progress(void *ctx)
{
        const struct archive *a = ctx;

        return archive_is_called_off(a) || (a->until_us > 0 && clock_mono_us() > a->until_us);
}

void archive_heed(struct archive *a, const _Atomic(bool) *flag)
{
        a->flag = flag;
}

static int errno_of(int code)
{
        switch (code & 0xff) {
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
                return -EACCES;
        case SQLITE_NOTADB:
                return -EMEDIUMTYPE;
        case SQLITE_CORRUPT:
                return -EUCLEAN;
        case SQLITE_INTERRUPT:
                return -ETIME;
        default:
                return -EIO;
        }
}

static const char *remedy_of(int r)
{
        switch (r) {
        case -ENOSPC:
                return "make room on its disk";
        case -EBUSY:
                return "another program keeps it locked: end that";
        case -EMEDIUMTYPE:
                return "name another file with history.path, or move this one away";
        case -EUCLEAN:
                return "move it away, and a new one is begun";
        case -ENOMEM:
                return "there is no memory left";
        case -EROFS:
        case -EACCES:
                return "let this user write there, or name another place with history.path";
        case -ETIME:
                return "ask for less, or for larger steps";
        default:
                return "look at its disk";
        }
}

int archive_fail(struct archive *a, int code, char *ret_why)
{
        int r = errno_of(code), system = a->db ? sqlite3_system_errno(a->db) : 0;

        snprintf(ret_why, ARCHIVE_WHY_SIZE, "history %.300s: %s%s%s; %s", a->path,
                 sqlite3_errstr(code & 0xff), system && r != -ENOSPC ? ": " : "",
                 system && r != -ENOSPC ? strerror(system) : "", remedy_of(r));
        return r;
}

int archive_run(struct archive *a, const char *sql)
{
        return sqlite3_exec(a->db, sql, NULL, NULL, NULL);
}

int archive_number(struct archive *a, const char *sql, int64_t *ret)
{
        sqlite3_stmt *s = NULL;
        int code = sqlite3_prepare_v2(a->db, sql, -1, &s, NULL);

        *ret = 0;
        if (code == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
                *ret = sqlite3_column_int64(s, 0);
        if (code == SQLITE_OK)
                return sqlite3_finalize(s);
        return code;
}

int archive_statement(struct archive *a, unsigned which, const char *sql, sqlite3_stmt **ret)
{
        int code = SQLITE_OK;

        if (!a->statements[which])
                code = sqlite3_prepare_v3(a->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                          &a->statements[which], NULL);
        *ret = a->statements[which];
        return code;
}

int archive_step(sqlite3_stmt *s)
{
        int code = sqlite3_step(s), reset = sqlite3_reset(s);

        return code == SQLITE_DONE || code == SQLITE_ROW ? reset : code;
}

/* waits_sum(a, b): the histogram of both. One that is damaged is worth nothing; the counts beside
 * it stay. */
static void waits_sum(sqlite3_context *context, int n, sqlite3_value **values)
{
        struct waits sum = { 0 };
        char blob[BLOB_BYTES_MAX];

        for (int i = 0; i < n; ++i) {
                const void *bytes = sqlite3_value_blob(values[i]);
                int r = blob_add(str_from(bytes, (size_t)sqlite3_value_bytes(values[i])), &sum);

                (void)r;
        }
        sqlite3_result_blob(context, blob, (int)blob_pack(&sum, blob), SQLITE_TRANSIENT);
}

/* Return: @error. */
static int refuse_place(const char *path, int error, char *ret_why)
{
        snprintf(ret_why, ARCHIVE_WHY_SIZE,
                 "history %.300s: cannot be made: %s; make its folder and let this user write "
                 "there, or name another place with history.path",
                 path, strerror(-error));
        return error;
}

/* For its owner alone. One that is there keeps the mode that somebody gave it. Not opened here when
 * it is there: closing it again would let go of locks that this process has on it. */
static int make_file(const struct archive *a, char *ret_why)
{
        struct stat st;
        int fd;

        if (lstat(a->path, &st) == 0)
                return S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)
                               ? 0
                               : archive_refuse(a, -EINVAL,
                                                "is no file; name another with history.path",
                                                ret_why);
        fd = open(a->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0)
                return close(fd) == 0 ? 0 : -errno;
        return errno == EEXIST ? 0 : refuse_place(a->path, -errno, ret_why);
}

int archive_try(const char *path, char *ret_why)
{
        const char *slash = strrchr(path, '/');
        char *folder =
                slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
        struct stat st;
        int r = folder ? 0 : -ENOMEM;

        if (r == 0 && stat(folder, &st) < 0)
                r = -errno;
        /* What only another user may look at is that user's to judge. */
        if (r == -EACCES)
                r = 0;
        else if (r == 0 && !S_ISDIR(st.st_mode))
                r = -ENOTDIR;
        free(folder);
        return r < 0 ? refuse_place(path, r, ret_why) : 0;
}

static uint64_t log_bytes(const struct archive *a)
{
        uint64_t bytes = a->bounds.bytes / WAL_PART;

        return bytes < WAL_BYTES_MIN   ? WAL_BYTES_MIN
               : bytes > WAL_BYTES_MAX ? WAL_BYTES_MAX
                                       : bytes;
}

/* Switching to a log needs the file alone, and SQLite does not wait for that. */
static int use_log(struct archive *a)
{
        uint64_t began_us = clock_mono_us();
        int code;

        for (;;) {
                code = archive_run(a, "PRAGMA journal_mode=WAL");
                if ((code & 0xff) != SQLITE_BUSY || archive_is_called_off(a) ||
                    clock_mono_us() - began_us > ARCHIVE_BUSY_MS * US_PER_MS)
                        return code;
                clock_sleep_until_us(clock_mono_us() + BUSY_STEP_US);
        }
}

/* After the schema, whose pages have their size by then. */
int archive_bound(struct archive *a)
{
        int64_t page_bytes, pages;
        char sql[256];
        int code = archive_number(a, "PRAGMA page_size", &page_bytes);

        if (code != SQLITE_OK || page_bytes <= 0)
                return code == SQLITE_OK ? SQLITE_CORRUPT : code;
        a->pages_max = (a->bounds.bytes - log_bytes(a)) / (uint64_t)page_bytes;
        snprintf(sql, sizeof(sql), "PRAGMA max_page_count=%llu", (unsigned long long)a->pages_max);
        code = archive_number(a, sql, &pages);
        if (code != SQLITE_OK)
                return code;
        snprintf(sql, sizeof(sql), "PRAGMA journal_size_limit=%llu; PRAGMA wal_autocheckpoint=%llu",
                 (unsigned long long)log_bytes(a),
                 (unsigned long long)(log_bytes(a) / WAL_FULL / (uint64_t)page_bytes));
        return archive_run(a, sql);
}

int archive_empty_log(struct archive *a)
{
        int64_t is_busy;
        int code = archive_number(a, "PRAGMA wal_checkpoint(TRUNCATE)", &is_busy);

        /* Who reads or writes at this moment is in the way: another time. */
        return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED ? SQLITE_OK : code;
}

static int connect_to(struct archive *a, const char *name, int flags, char *ret_why)
{
        char sql[128];
        int code = sqlite3_open_v2(name, &a->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

        if (code == SQLITE_OK) {
                sqlite3_extended_result_codes(a->db, 0);
                sqlite3_busy_handler(a->db, on_busy, a);
                sqlite3_progress_handler(a->db, PROGRESS_STEPS, on_progress, a);
                code = sqlite3_create_function(a->db, "waits_sum", 2,
                                               SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, waits_sum,
                                               NULL, NULL);
        }
        if (code == SQLITE_OK) {
                /* Nothing in it is secret, and all of it may be lost in a power cut. */
                snprintf(sql, sizeof(sql),
                         "PRAGMA secure_delete=OFF; PRAGMA synchronous=NORMAL; "
                         "PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY",
                         CACHE_KIB);
                code = archive_run(a, sql);
        }
        return code == SQLITE_OK ? 0 : archive_fail(a, code, ret_why);
}

static void remember_file(struct archive *a)
{
        struct stat st;

        if (stat(a->path, &st) == 0) {
                a->device = st.st_dev;
                a->inode = st.st_ino;
        }
}

bool archive_is_gone(const struct archive *a)
{
        struct stat st;

        return stat(a->path, &st) < 0 || st.st_dev != a->device || st.st_ino != a->inode;
}

static struct archive *archive_new(const char *path)
{
        struct archive *a = calloc(1, sizeof(*a));

        if (a)
                snprintf(a->path, sizeof(a->path), "%s", path);
        return a;
}

static int open_for_writing(struct archive *a, char *ret_why)
{
        int r, code;

        r = make_file(a, ret_why);
        if (r == 0) {
                remember_file(a);
                r = connect_to(a, a->path, SQLITE_OPEN_READWRITE, ret_why);
        }
        if (r == 0)
                r = archive_judge(a, ret_why);
        if (r == 1) {
                /* Before there is anything in it. */
                code = archive_run(a, "PRAGMA auto_vacuum=INCREMENTAL");
                r = code == SQLITE_OK ? 0 : archive_fail(a, code, ret_why);
        }
        if (r == 0) {
                code = use_log(a);
                r = code == SQLITE_OK ? archive_make_schema(a, ret_why)
                                      : archive_fail(a, code, ret_why);
        }
        if (r == 0) {
                code = archive_bound(a);
                /* What was killed, or had more room, may have left a log of any size. */
                if (code == SQLITE_OK)
                        code = archive_empty_log(a);
                r = code == SQLITE_OK ? 0 : archive_fail(a, code, ret_why);
        }
        return r;
}

int archive_open(const char *path, const struct archive_bounds *bounds,
                 struct archive **ret_archive, char *ret_why)
{
        struct archive *a = archive_new(path);
        int r;

        if (!a) {
                snprintf(ret_why, ARCHIVE_WHY_SIZE, "history: %s", strerror(ENOMEM));
                return -ENOMEM;
        }
        a->bounds = *bounds;
        for (unsigned i = 0; i < HISTORY_STEPS; ++i)
                a->ages_ms[i] = ages_ms[i] < bounds->age_ms ? ages_ms[i] : bounds->age_ms;
        r = open_for_writing(a, ret_why);
        if (r < 0) {
                archive_close(a);
                return r;
        }
        *ret_archive = a;
        return 0;
}

/* A name as a URI has it. Return: false when it does not fit. */
static bool quote_uri(const char *path, char *to, size_t size)
{
        size_t n = (size_t)snprintf(to, size, "file:");

        for (; *path && n + 4 < size; ++path)
                n += (size_t)(strchr("%?#", *path)
                                      ? snprintf(to + n, size - n, "%%%02x", (unsigned char)*path)
                                      : snprintf(to + n, size - n, "%c", *path));
        return *path == '\0' && n + sizeof("?immutable=1") <= size &&
               snprintf(to + n, size - n, "?immutable=1") > 0;
}

/* A copy on a disk that cannot be written, with nothing in a log beside it: nobody changes it, so
 * it can be read without the log's index, which could not be made there. */
static int read_copy(struct archive *a, char *ret_why)
{
        char uri[3 * sizeof(a->path)], wal[sizeof(a->path) + 8];
        struct stat st;
        int r;

        snprintf(wal, sizeof(wal), "%s-wal", a->path);
        if ((stat(wal, &st) == 0 && st.st_size > 0) || !quote_uri(a->path, uri, sizeof(uri)))
                return -EACCES;
        sqlite3_close_v2(a->db);
        a->db = NULL;
        r = connect_to(a, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, ret_why);
        return r == 0 ? archive_judge(a, ret_why) : r;
}

int archive_open_readonly(const char *path, struct archive **ret_archive, char *ret_why)
{
        struct archive *a = archive_new(path);
        int r;

        if (!a) {
                snprintf(ret_why, ARCHIVE_WHY_SIZE, "history: %s", strerror(ENOMEM));
                return -ENOMEM;
        }
        remember_file(a);
        if (a->inode == 0) {
                r = -errno;
                snprintf(ret_why, ARCHIVE_WHY_SIZE, "history %.300s: %s; name it with --db", path,
                         strerror(errno));
                archive_close(a);
                return r;
        }
        r = connect_to(a, a->path, SQLITE_OPEN_READONLY, ret_why);
        if (r == 0)
                r = archive_judge(a, ret_why);
        if (r == -EACCES || r == -EROFS)
                r = read_copy(a, ret_why);
        if (r == 1)
                r = archive_refuse(a, -ENOENT, "nothing has been written yet", ret_why);
        if (r < 0) {
                archive_close(a);
                return r;
        }
        *ret_archive = a;
        return 0;
}

struct archive *archive_close(struct archive *a)
{
        int code = SQLITE_OK;

        if (!a)
                return NULL;
        for (unsigned i = 0; i < ARCHIVE_STATEMENTS; ++i)
                sqlite3_finalize(a->statements[i]);
        /* SQLite does so for the last who closes, but not where that one only reads: then the file
         * alone would not be all. Where it fails the log stays, for whoever comes next. */
        if (a->db && a->pages_max > 0)
                code = archive_empty_log(a);
        (void)code;
        sqlite3_close_v2(a->db);
        free(a);
        return NULL;
}
