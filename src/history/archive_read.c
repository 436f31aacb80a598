/*
 * What is asked for is gathered in one look at the file, as it was at one moment. Sums are SQL's,
 * percentiles are of the sums of histograms.
 */
#include "history/archive_inside.h"

#include "base/clock.h"
#include "history/blob.h"
#include "stats/stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t steps_ms[HISTORY_STEPS] = { 0, 3600 * MS_PER_SECOND, 86400 * MS_PER_SECOND };

struct reading {
        struct archive *archive;
        const struct history_ask *ask;
        uint64_t span_ms; /* of the windows of which most was used */
        int64_t from_s, to_s;
        struct history_table *table;
        struct waits *waits; /* of the steps, or of the series */
};

static struct str text_of(sqlite3_stmt *s, int column)
{
        const char *text = (const char *)sqlite3_column_text(s, column);

        return str_from(text, text ? (size_t)sqlite3_column_bytes(s, column) : 0);
}

static void add_waits(sqlite3_stmt *s, int column, struct waits *to)
{
        const void *blob = sqlite3_column_blob(s, column);
        int r = blob_add(str_from(blob, (size_t)sqlite3_column_bytes(s, column)), to);

        (void)r; /* one that is damaged is left out */
}

static uint64_t number_of(sqlite3_stmt *s, int column)
{
        int64_t n = sqlite3_column_int64(s, column);

        return n > 0 ? (uint64_t)n : 0;
}

static void bind(const struct reading *r, enum history_by by, sqlite3_stmt *s)
{
        sqlite3_bind_text(s, 1, r->table->pool, -1, SQLITE_STATIC);
        sqlite3_bind_int(s, 2, (int)by);
        sqlite3_bind_int64(s, 3, r->from_s);
        sqlite3_bind_int64(s, 4, r->to_s);
}

/* SELECT @columns of the pool, whatever lengths its windows had, of dimension and time, and what
 * follows. Return: SQLite's code. */
static int prepare(struct reading *r, const char *columns, enum history_by by, const char *more,
                   sqlite3_stmt **ret)
{
        char sql[2048];
        int code;

        snprintf(sql, sizeof(sql),
                 "SELECT %s FROM %s WHERE pool IN (SELECT id FROM pools WHERE pools.name = ?1) AND "
                 "\"by\" = ?2 AND start >= ?3 AND start < ?4 "
                 "%s",
                 columns, archive_tables[r->ask->step], more);
        code = sqlite3_prepare_v2(r->archive->db, sql, -1, ret, NULL);
        if (code == SQLITE_OK)
                bind(r, by, *ret);
        return code;
}

/* All that is counted, as a list behind others. */
#define X(name) ", " #name
#define COUNTS  HISTORY_COUNT_NAMES(X)

/* Once, although it had windows of several lengths. */
static void list_pool(struct history_table *t, struct str name)
{
        for (size_t i = 0; i < t->n_pools; ++i)
                if (str_eq(name, str_of(t->pools[i])))
                        return;
        if (t->n_pools < HISTORY_POOLS_MAX)
                str_copy(name, t->pools[t->n_pools++], HISTORY_NAME_SIZE);
}

/* The pools by what was used of them, and which of them is meant. */
static int find_pool(struct reading *r, bool *ret_found)
{
        struct history_table *t = r->table;
        sqlite3_stmt *s = NULL;
        char sql[512];
        int code;

        snprintf(sql, sizeof(sql),
                 "SELECT name, span, (SELECT sum(weight + orders) FROM %s AS t WHERE "
                 "t.pool = pools.id AND \"by\" = ?2 AND start >= ?3 AND start < ?4) AS used "
                 "FROM pools ORDER BY used DESC, name LIKE '%%-orders', id DESC",
                 archive_tables[r->ask->step]);
        code = sqlite3_prepare_v2(r->archive->db, sql, -1, &s, NULL);
        bind(r, HISTORY_ALL, s);
        *ret_found = false;
        while (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
                struct str name = text_of(s, 0);

                code = SQLITE_OK;
                /* One without a length is damaged. */
                if (number_of(s, 1) == 0)
                        continue;
                list_pool(t, name);
                if (*ret_found || (r->ask->pool[0] && !str_eq(name, str_of(r->ask->pool))))
                        continue;
                *ret_found = true;
                str_copy(name, t->pool, sizeof(t->pool));
                r->span_ms = number_of(s, 1) * MS_PER_SECOND;
        }
        sqlite3_finalize(s);
        return code == SQLITE_DONE ? SQLITE_OK : code;
}

/*
 * Which step of the table a row's start, in the first column, is in. Return: false for one of
 * another time: in a damaged file rows lie where they were not looked for.
 */
static bool find_step(const struct reading *r, sqlite3_stmt *s, size_t *ret_step)
{
        uint64_t at_ms = number_of(s, 0) * MS_PER_SECOND, first_ms = r->table->first_ms;

        *ret_step = at_ms < first_ms ? 0 : (size_t)((at_ms - first_ms) / r->table->step_ms);
        return at_ms >= first_ms && *ret_step < r->table->n;
}

/*
 * A column: the limits of the windows that were written of a row. NULL where they are not all there
 * any more, which shows in what they sum up to.
 */
static void write_written(enum history_step step, char *to, size_t size)
{
        const char *table = archive_tables[step];

        if (step == HISTORY_WINDOW)
                snprintf(to, size, ", most");
        else
                snprintf(to, size,
                         ", (SELECT CASE WHEN sum(w.requests) = %s.requests AND "
                         "sum(w.weight) = %s.weight AND sum(w.orders) = %s.orders "
                         "THEN sum(w.most) END FROM windows AS w WHERE w.pool = %s.pool AND "
                         "w.\"by\" = %d AND w.start >= %s.start AND w.start < %s.start + %llu)",
                         table, table, table, table, HISTORY_ALL, table, table,
                         (unsigned long long)(steps_ms[step] / MS_PER_SECOND));
}

static int read_all(struct reading *r)
{
        struct history_table *t = r->table;
        sqlite3_stmt *s = NULL;
        char columns[1024], written[512];
        int code;

        write_written(r->ask->step, written, sizeof(written));
        /* Of all windows that a step has. */
        snprintf(columns, sizeof(columns),
                 "start, foreign_use, "
                 "most * max(1, %llu / (SELECT span FROM pools WHERE id = pool)), waits" COUNTS
                 "%s",
                 (unsigned long long)(t->step_ms / MS_PER_SECOND), written);
        code = prepare(r, columns, HISTORY_ALL, "", &s);

        while (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
                uint64_t limit = number_of(s, 4 + HISTORY_COUNTS);
                size_t i;

                code = SQLITE_OK;
                if (!find_step(r, s, &i))
                        continue;
                t->written[i] += limit > 0 ? limit : number_of(s, 2);
                t->is_there[i] = 1;
                t->foreign[i] += number_of(s, 1);
                t->limits[i] = number_of(s, 2) > t->limits[i] ? number_of(s, 2) : t->limits[i];
                add_waits(s, 3, &r->waits[i]);
                for (int k = 0; k < HISTORY_COUNTS; ++k)
                        t->counts[k][i] += number_of(s, 4 + k);
        }
        sqlite3_finalize(s);
        for (size_t i = 0; i < t->n; ++i) {
                if (r->waits[i].n == 0)
                        continue;
                t->wait_p50_us[i] = waits_quantile_us(&r->waits[i], 0.5);
                t->wait_p99_us[i] = waits_quantile_us(&r->waits[i], 0.99);
                t->wait_max_us[i] = r->waits[i].max_us;
        }
        return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* A pool of orders has no weight. */
static bool is_of_orders(const struct reading *r)
{
        return r->ask->is_of_orders || stats_is_of_orders(r->table->pool);
}

#define FIRST "AND name <> '" HISTORY_OTHERS "' GROUP BY name ORDER BY "
#define LAST  ", sum(requests) DESC, sum(refused) DESC, name LIMIT ?5"

/* Who used most, in that order. */
static int find_series(struct reading *r, enum history_by by, unsigned top,
                       struct history_series **all, size_t *n)
{
        sqlite3_stmt *s = NULL;
        int code = prepare(r, "name", by,
                           is_of_orders(r) ? FIRST "sum(orders) DESC, sum(weight) DESC" LAST
                                           : FIRST "sum(weight) DESC, sum(orders) DESC" LAST,
                           &s);

        if (code == SQLITE_OK)
                sqlite3_bind_int(s, 5, (int)top);
        while (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW)
                code = history_table_add(r->table, all, n, text_of(s, 0)) ? SQLITE_OK
                                                                          : SQLITE_NOMEM;
        sqlite3_finalize(s);
        return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Those beyond the first @top are one, made when the first of them comes. */
static struct history_series *series_of(struct reading *r, struct str name,
                                        struct history_series **all, size_t *n, size_t top)
{
        size_t found = *n < top ? *n : top;

        for (size_t i = 0; i < found; ++i)
                if (str_eq(name, str_of((*all)[i].name)))
                        return &(*all)[i];
        if (*n > top)
                return &(*all)[top];
        return history_table_add(r->table, all, n, STR_LITERAL(HISTORY_OTHERS));
}

static void add_to(struct history_series *to, size_t i, sqlite3_stmt *s)
{
        uint64_t counts[HISTORY_COUNTS];

        for (int k = 0; k < HISTORY_COUNTS; ++k) {
                counts[k] = number_of(s, 3 + k);
                to->total[k] += counts[k];
        }
        to->weight[i] += counts[HISTORY_COUNT_weight];
        to->orders[i] += counts[HISTORY_COUNT_orders];
        to->requests[i] += counts[HISTORY_COUNT_requests];
        to->refused[i] += counts[HISTORY_COUNT_refused];
}

static int read_series(struct reading *r, enum history_by by, struct history_series **all,
                       size_t *n)
{
        size_t top = *n; /* found so far; the others come behind them */
        sqlite3_stmt *s = NULL;
        int code = prepare(r, "start, name, waits" COUNTS, by, "", &s);

        memset(r->waits, 0, (top + 1) * sizeof(*r->waits));
        while (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW) {
                struct history_series *to;
                size_t i;

                code = SQLITE_OK;
                if (!find_step(r, s, &i))
                        continue;
                to = series_of(r, text_of(s, 1), all, n, top);
                code = to ? SQLITE_OK : SQLITE_NOMEM;
                if (!to)
                        break;
                add_to(to, i, s);
                add_waits(s, 2, &r->waits[to - *all]);
        }
        sqlite3_finalize(s);
        for (size_t i = 0; *all && i < *n; ++i) {
                if (r->waits[i].n == 0)
                        continue;
                (*all)[i].wait_p50_us = waits_quantile_us(&r->waits[i], 0.5);
                (*all)[i].wait_p99_us = waits_quantile_us(&r->waits[i], 0.99);
        }
        return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int read_table(struct reading *r)
{
        struct history_table *t = r->table;
        unsigned top = r->ask->top < HISTORY_SERIES_MAX ? r->ask->top : HISTORY_SERIES_MAX;
        int code = read_all(r);

        if (code == SQLITE_OK)
                code = find_series(r, r->ask->by, top, &t->series, &t->n_series);
        if (code == SQLITE_OK)
                code = read_series(r, r->ask->by, &t->series, &t->n_series);
        if (code == SQLITE_OK)
                code = find_series(r, HISTORY_REASON, HISTORY_SERIES_MAX, &t->reasons,
                                   &t->n_reasons);
        if (code == SQLITE_OK)
                code = read_series(r, HISTORY_REASON, &t->reasons, &t->n_reasons);
        return code;
}

/* Whole steps, and not too many of them. Return: 0 or -E2BIG. */
static int cut_steps(struct reading *r, char *ret_why)
{
        const struct history_ask *ask = r->ask;
        uint64_t step_ms = ask->step == HISTORY_WINDOW ? r->span_ms : steps_ms[ask->step];
        struct history_table *t;
        uint64_t first, end;

        must(step_ms > 0);
        first = ask->from_ms / step_ms;
        end = (ask->to_ms + step_ms - 1) / step_ms;
        if (end < first || end - first > ask->steps_max) {
                snprintf(ret_why, ARCHIVE_WHY_SIZE,
                         "history: that is %llu steps of %llu s, %zu are shown at most; ask for a "
                         "shorter time, or for larger steps",
                         (unsigned long long)(end > first ? end - first : 0),
                         (unsigned long long)(step_ms / MS_PER_SECOND), ask->steps_max);
                return -E2BIG;
        }
        t = history_table_new((size_t)(end - first));
        if (!t)
                return -ENOMEM;
        t->step_ms = step_ms;
        t->first_ms = first * step_ms;
        r->from_s = (int64_t)(t->first_ms / MS_PER_SECOND);
        r->to_s = (int64_t)(end * step_ms / MS_PER_SECOND);
        memcpy(t->pool, r->table->pool, sizeof(t->pool));
        memcpy(t->pools, r->table->pools, sizeof(t->pools));
        t->n_pools = r->table->n_pools;
        history_table_free(r->table);
        r->table = t;
        return 0;
}

static int say_no_pool(const struct reading *r, char *ret_why)
{
        const struct history_table *t = r->table;
        size_t n =
                (size_t)snprintf(ret_why, ARCHIVE_WHY_SIZE,
                                 "history: there is no pool \"%.*s\"; there is", 60, r->ask->pool);

        for (size_t i = 0; i < t->n_pools && n < ARCHIVE_WHY_SIZE; ++i)
                n += (size_t)snprintf(ret_why + n, ARCHIVE_WHY_SIZE - n, "%s %s", i ? "," : "",
                                      t->pools[i]);
        /* Rows are by the windows of weight. */
        if (strstr(r->ask->pool, "orders") && n < ARCHIVE_WHY_SIZE)
                snprintf(ret_why + n, ARCHIVE_WHY_SIZE - n, "; orders are in these: of=orders");
        return -ENOENT;
}

static int gather(struct reading *r, char *ret_why)
{
        size_t n_waits;
        bool is_found;
        int e, code = find_pool(r, &is_found);

        if (code != SQLITE_OK)
                return archive_fail(r->archive, code, ret_why);
        if (!is_found)
                return r->table->n_pools > 0 ? say_no_pool(r, ret_why) : 0;
        e = cut_steps(r, ret_why);
        if (e < 0)
                return e;
        n_waits = r->table->n > HISTORY_SERIES_MAX ? r->table->n : HISTORY_SERIES_MAX;
        r->waits = calloc(n_waits + 1, sizeof(*r->waits));
        if (!r->waits)
                return -ENOMEM;
        code = read_table(r);
        free(r->waits);
        return code == SQLITE_OK ? 0 : archive_fail(r->archive, code, ret_why);
}

int archive_read(struct archive *a, const struct history_ask *ask, struct history_table **ret_table,
                 char *ret_why)
{
        struct reading r = {
                .archive = a,
                .ask = ask,
                .from_s = (int64_t)(ask->from_ms / MS_PER_SECOND),
                .to_s = (int64_t)(ask->to_ms / MS_PER_SECOND),
                .table = history_table_new(0),
        };
        int e;

        snprintf(ret_why, ARCHIVE_WHY_SIZE, "history: %s", strerror(ENOMEM));
        if (!r.table)
                return -ENOMEM;
        a->until_us = ask->patience_ms ? clock_mono_us() + ask->patience_ms * US_PER_MS : 0;
        e = archive_run(a, "BEGIN");
        e = e == SQLITE_OK ? gather(&r, ret_why) : archive_fail(a, e, ret_why);
        a->until_us = 0;
        if (!sqlite3_get_autocommit(a->db) && archive_run(a, "COMMIT") != SQLITE_OK && e == 0)
                e = archive_fail(a, SQLITE_IOERR, ret_why);
        if (e < 0) {
                history_table_free(r.table);
                return e;
        }
        r.table->by = ask->by;
        r.table->is_of_orders = is_of_orders(&r);
        r.table->step = ask->step;
        *ret_table = r.table;
        return 0;
}
