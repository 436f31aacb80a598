#include "history/archive.h"

#include "history/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* 2026-11-26T00:00:00Z */
#define MIDNIGHT_MS UINT64_C(1795651200000)
#define MINUTE_MS   UINT64_C(60000)
#define HOUR_MS     (60 * MINUTE_MS)
#define DAY_MS      (24 * HOUR_MS)

static const struct archive_bounds roomy = { UINT64_C(256) << 20, 1826 * DAY_MS };

struct stage {
        char folder[64], path[96];
        char why[ARCHIVE_WHY_SIZE];
};

static int set_up(void **state)
{
        struct stage *stage = calloc(1, sizeof(*stage));

        /* In memory, where that can be: a thousand writes to a disk take longer than all else. */
        strcpy(stage->folder, "/dev/shm/weir-archive-XXXXXX");
        if (!mkdtemp(stage->folder)) {
                strcpy(stage->folder, "/tmp/weir-archive-XXXXXX");
                assert_non_null(mkdtemp(stage->folder));
        }
        snprintf(stage->path, sizeof(stage->path), "%s/history.db", stage->folder);
        *state = stage;
        return 0;
}

static int tear_down(void **state)
{
        static const char *const ends[] = { "", "-wal", "-shm" };
        struct stage *stage = *state;
        char path[128];

        for (size_t i = 0; i < ARRAY_SIZE(ends); ++i) {
                snprintf(path, sizeof(path), "%s%s", stage->path, ends[i]);
                unlink(path);
        }
        chmod(stage->folder, 0700);
        rmdir(stage->folder);
        free(stage);
        return 0;
}

static struct archive *opened(struct stage *stage, const struct archive_bounds *bounds)
{
        struct archive *a = NULL;

        if (archive_open(stage->path, bounds, &a, stage->why) < 0)
                fail_msg("%s", stage->why);
        return a;
}

/* A minute in which @client used @weight in two requests, one of them after a second, and one was
 * refused. */
static void add(struct stage *stage, struct archive *a, uint64_t start_ms, const char *client,
                uint64_t weight, uint64_t foreign)
{
        struct waits waits = { 0 };
        char blob[BLOB_BYTES_MAX];
        struct archive_row rows[3] = {
                { .by = HISTORY_ALL },
                { .by = HISTORY_CLIENT, .name = str_of(client) },
                { .by = HISTORY_REASON, .name = STR_LITERAL("late") },
        };
        struct archive_window w = { "spot-weight", start_ms, 60000, 6000, foreign, 3, rows };

        waits_add(&waits, 0);
        waits_add(&waits, US_PER_SECOND);
        for (int i = 0; i < 2; ++i) {
                rows[i].counts[HISTORY_COUNT_requests] = 3;
                rows[i].counts[HISTORY_COUNT_weight] = weight;
                rows[i].counts[HISTORY_COUNT_refused] = 1;
                rows[i].waits = str_from(blob, blob_pack(&waits, blob));
        }
        rows[2].counts[HISTORY_COUNT_refused] = 1;
        if (archive_add(a, &w, stage->why) < 0)
                fail_msg("%s", stage->why);
}

static struct history_table *asked(struct stage *stage, struct archive *a, enum history_by by,
                                   enum history_step step, uint64_t from_ms, uint64_t to_ms,
                                   unsigned top)
{
        const struct history_ask ask = { by, step, from_ms, to_ms, "", false, top, 2000, 0 };
        struct history_table *t = NULL;

        if (archive_read(a, &ask, &t, stage->why) < 0)
                fail_msg("%s", stage->why);
        return t;
}

static void what_two_gateways_did_is_one_row_and_its_hour_and_day(void **state)
{
        static const struct {
                enum history_step step;
                uint64_t step_ms, to_ms, limit;
        } rows[] = {
                { HISTORY_WINDOW, MINUTE_MS, MINUTE_MS, 6000 },
                { HISTORY_HOUR, HOUR_MS, HOUR_MS, 360000 },
                { HISTORY_DAY, DAY_MS, DAY_MS, 8640000 },
        };
        struct archive *one = opened(*state, &roomy), *two = opened(*state, &roomy);

        add(*state, one, MIDNIGHT_MS, "maker", 40, 7);
        add(*state, two, MIDNIGHT_MS, "maker", 2, 9);
        add(*state, two, MIDNIGHT_MS, "poller", 50, 3);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct history_table *t = asked(*state, one, HISTORY_CLIENT, rows[i].step,
                                                MIDNIGHT_MS, MIDNIGHT_MS + rows[i].to_ms, 12);

                assert_int_equal(t->n, 1);
                assert_int_equal(t->step_ms, rows[i].step_ms);
                assert_int_equal(t->limits[0], rows[i].limit);
                assert_int_equal(t->written[0], 6000);
                assert_int_equal(t->foreign[0], 9);
                assert_int_equal(t->counts[HISTORY_COUNT_weight][0], 92);
                assert_int_equal(t->counts[HISTORY_COUNT_refused][0], 3);
                assert_int_equal(t->wait_p50_us[0], 0);
                assert_in_range(t->wait_p99_us[0], 950000, 1000000);
                assert_int_equal(t->wait_max_us[0], US_PER_SECOND);
                assert_int_equal(t->n_series, 2);
                assert_string_equal(t->series[0].name, "poller");
                assert_string_equal(t->series[1].name, "maker");
                assert_int_equal(t->series[1].weight[0], 42);
                assert_int_equal(t->series[1].total[HISTORY_COUNT_requests], 6);
                assert_int_equal(t->n_reasons, 1);
                assert_int_equal(t->reasons[0].refused[0], 3);
                history_table_free(t);
        }
        archive_close(one);
        archive_close(two);
}

static void who_is_not_among_the_first_is_one_of_the_others(void **state)
{
        struct archive *a = opened(*state, &roomy);
        struct history_table *t;
        char name[16];

        for (unsigned i = 1; i <= 9; ++i) {
                snprintf(name, sizeof(name), "bot-%u", i);
                add(*state, a, MIDNIGHT_MS + i * MINUTE_MS, name, i, 0);
        }
        add(*state, a, MIDNIGHT_MS, HISTORY_OTHERS, 1000, 0);
        t = asked(*state, a, HISTORY_CLIENT, HISTORY_WINDOW, MIDNIGHT_MS, MIDNIGHT_MS + HOUR_MS, 2);
        assert_int_equal(t->n, 60);
        assert_int_equal(t->n_series, 3);
        assert_string_equal(t->series[0].name, "bot-9");
        assert_string_equal(t->series[1].name, "bot-8");
        assert_string_equal(t->series[2].name, HISTORY_OTHERS);
        assert_int_equal(t->series[2].total[HISTORY_COUNT_weight], 1000 + 28);
        assert_int_equal(t->series[2].weight[0], 1000);
        assert_int_equal(t->limits[10], 0);
        assert_true(t->wait_p50_us[10] == HISTORY_NO_WAIT);
        history_table_free(t);
        archive_close(a);
}

static void what_cannot_be_shown_is_refused_in_words(void **state)
{
        struct stage *stage = *state;
        struct archive *a = opened(stage, &roomy);
        struct history_ask ask = { HISTORY_ALL, HISTORY_WINDOW, 0, MIDNIGHT_MS, "", false,
                                   3,           2000,           0 };
        struct history_table *t;

        /* Nothing is there yet, and that is no mistake. */
        assert_int_equal(archive_read(a, &ask, &t, stage->why), 0);
        assert_int_equal(t->n, 0);
        history_table_free(t);
        add(stage, a, MIDNIGHT_MS, "maker", 1, 0);
        assert_int_equal(archive_read(a, &ask, &t, stage->why), -E2BIG);
        assert_non_null(strstr(stage->why, "ask for a shorter time"));
        ask.from_ms = MIDNIGHT_MS;
        strcpy(ask.pool, "spot");
        assert_int_equal(archive_read(a, &ask, &t, stage->why), -ENOENT);
        assert_non_null(strstr(stage->why, "no pool \"spot\"; there is spot-weight"));
        archive_close(a);
}

static void run_sql(const char *path, const char *sql)
{
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void refused(struct stage *stage, int error, const char *words)
{
        struct archive *a = NULL;
        int r = archive_open(stage->path, &roomy, &a, stage->why);

        if (r != error || !strstr(stage->why, words) || !strstr(stage->why, stage->path))
                fail_msg("%d, wanted %d: \"%s\", wanted \"%s\"", r, error, stage->why, words);
}

static void what_is_not_ours_is_left_alone(void **state)
{
        struct stage *stage = *state;
        char before[16] = { 0 };
        FILE *file;

        run_sql(stage->path, "CREATE TABLE theirs(x)");
        refused(stage, -EMEDIUMTYPE,
                "another program's database; name another file with history.path");
        unlink(stage->path);
        archive_close(opened(stage, &roomy));
        run_sql(stage->path, "PRAGMA user_version = 7");
        refused(stage, -EPROTONOSUPPORT, "a later weir (format 7, this one knows 1)");
        unlink(stage->path);
        file = fopen(stage->path, "w");
        fputs("This is a letter, and not a database at all.\n", file);
        fclose(file);
        refused(stage, -EMEDIUMTYPE, "not a database; name another file with history.path");
        file = fopen(stage->path, "r");
        assert_int_equal(fread(before, 1, 14, file), 14);
        fclose(file);
        assert_string_equal(before, "This is a lett");
        unlink(stage->path);
        assert_int_equal(mkdir(stage->path, 0700), 0);
        refused(stage, -EINVAL, "is no file");
        assert_int_equal(rmdir(stage->path), 0);
        rmdir(stage->folder);
        refused(stage, -ENOENT, "make its folder");
}

static void it_is_its_owners_alone(void **state)
{
        struct stage *stage = *state;
        struct archive *a = opened(stage, &roomy);
        struct stat st;
        char wal[128];

        add(stage, a, MIDNIGHT_MS, "maker", 1, 0);
        assert_int_equal(stat(stage->path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        snprintf(wal, sizeof(wal), "%s-wal", stage->path);
        assert_int_equal(stat(wal, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_false(archive_is_gone(a));
        unlink(stage->path);
        assert_true(archive_is_gone(a));
        archive_close(a);
}

static void what_is_too_old_goes_by_table(void **state)
{
        static const struct {
                enum history_step step;
                uint64_t age_ms;
                bool is_kept;
        } rows[] = {
                { HISTORY_WINDOW, DAY_MS, true },     { HISTORY_WINDOW, 3 * DAY_MS, false },
                { HISTORY_HOUR, 89 * DAY_MS, true },  { HISTORY_HOUR, 91 * DAY_MS, false },
                { HISTORY_DAY, 1824 * DAY_MS, true }, { HISTORY_DAY, 1828 * DAY_MS, false },
        };
        struct archive *a = opened(*state, &roomy);
        struct stage *stage = *state;

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                add(stage, a, MIDNIGHT_MS - rows[i].age_ms, "maker", 1, 0);
        if (archive_trim(a, MIDNIGHT_MS, stage->why) < 0)
                fail_msg("%s", stage->why);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t at_ms = MIDNIGHT_MS - rows[i].age_ms;
                struct history_table *t =
                        asked(stage, a, HISTORY_ALL, rows[i].step, at_ms, at_ms + 1, 1);

                if ((t->counts[HISTORY_COUNT_weight][0] > 0) != rows[i].is_kept)
                        fail_msg("%s of %llu days ago", history_step_name(rows[i].step),
                                 (unsigned long long)(rows[i].age_ms / DAY_MS));
                history_table_free(t);
        }
        archive_close(a);
}

static uint64_t bytes_on_disk(const struct stage *stage)
{
        static const char *const ends[] = { "", "-wal" };
        uint64_t bytes = 0;
        struct stat st;
        char path[128];

        for (size_t i = 0; i < ARRAY_SIZE(ends); ++i) {
                snprintf(path, sizeof(path), "%s%s", stage->path, ends[i]);
                bytes += stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
        }
        return bytes;
}

/* Rows of clients in one of the tables. */
static int count_of(struct stage *stage, const char *table)
{
        sqlite3_stmt *s;
        char sql[64];
        sqlite3 *db;
        int n;

        snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM %s WHERE \"by\" = 2", table);
        assert_int_equal(sqlite3_open(stage->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        n = sqlite3_column_int(s, 0);
        sqlite3_finalize(s);
        sqlite3_close(db);
        return n;
}

/* A minute of forty clients, who change their names every @change_ms. */
static void add_crowd(struct stage *stage, struct archive *a, uint64_t start_ms, uint64_t change_ms)
{
        static char names[40][64];
        struct archive_row rows[1 + ARRAY_SIZE(names)] = { { .by = HISTORY_ALL } };
        struct archive_window w = {
                "spot-weight", start_ms, 60000, 6000, 0, ARRAY_SIZE(rows), rows
        };

        rows[0].counts[HISTORY_COUNT_requests] = ARRAY_SIZE(names);
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                snprintf(names[i], sizeof(names[i]), "a-client-with-quite-a-name-%zu-%llu", i,
                         (unsigned long long)(start_ms / change_ms));
                rows[1 + i] =
                        (struct archive_row){ .by = HISTORY_CLIENT, .name = str_of(names[i]) };
                rows[1 + i].counts[HISTORY_COUNT_requests] = 1;
        }
        if (archive_add(a, &w, stage->why) < 0)
                fail_msg("%s", stage->why);
}

/* More than fits, four times over. */
static void the_file_stays_below_its_size_and_keeps_the_newest(void **state)
{
        const struct archive_bounds tight = { 1 << 20, 1826 * DAY_MS };
        struct archive *a = opened(*state, &tight);
        struct stage *stage = *state;
        struct history_table *t;
        uint64_t now_ms = MIDNIGHT_MS, most = 0;

        for (unsigned i = 0; i < 400; ++i, now_ms += 3 * MINUTE_MS) {
                add_crowd(stage, a, now_ms, DAY_MS);
                /* The writer does so when it is nearly full; the bound itself holds without. */
                if (i % 50 == 49 && archive_trim(a, now_ms, stage->why) < 0)
                        fail_msg("%s", stage->why);
                if (bytes_on_disk(stage) > most)
                        most = bytes_on_disk(stage);
        }
        assert_in_range(most, tight.bytes / 2, tight.bytes);
        t = asked(stage, a, HISTORY_ALL, HISTORY_WINDOW, now_ms - HOUR_MS, now_ms, 1);
        assert_int_equal(t->series[0].total[HISTORY_COUNT_requests], 20 * 40);
        history_table_free(t);
        t = asked(stage, a, HISTORY_ALL, HISTORY_DAY, MIDNIGHT_MS, now_ms, 1);
        assert_true(t->counts[HISTORY_COUNT_requests][0] > 0);
        history_table_free(t);
        archive_close(a);
}

static void a_smaller_size_gives_room_back_to_the_disk(void **state)
{
        const struct archive_bounds tight = { 1 << 20, 1826 * DAY_MS };
        struct archive *a = opened(*state, &roomy);
        struct stage *stage = *state;
        unsigned i;

        for (i = 0; i < 500; ++i)
                add_crowd(stage, a, MIDNIGHT_MS + i * MINUTE_MS, DAY_MS);
        archive_close(a);
        assert_true(bytes_on_disk(stage) > tight.bytes);
        a = opened(stage, &tight);
        if (archive_trim(a, MIDNIGHT_MS + i * MINUTE_MS, stage->why) < 0)
                fail_msg("%s", stage->why);
        add(stage, a, MIDNIGHT_MS + i * MINUTE_MS, "maker", 1, 0);
        archive_close(a);
        assert_in_range(bytes_on_disk(stage), 1, tight.bytes);
}

static void names_that_come_and_go_do_not_fill_hours_and_days(void **state)
{
        struct archive *a = opened(*state, &roomy);
        struct history_table *t;

        for (unsigned i = 0; i < 20; ++i)
                add_crowd(*state, a, MIDNIGHT_MS + i * MINUTE_MS, MINUTE_MS);
        for (int step = HISTORY_WINDOW; step <= HISTORY_DAY; ++step) {
                t = asked(*state, a, HISTORY_CLIENT, (enum history_step)step, MIDNIGHT_MS,
                          MIDNIGHT_MS + HOUR_MS, 0);
                assert_int_equal(t->n_series, 1);
                assert_int_equal(t->series[0].total[HISTORY_COUNT_requests], 800);
                history_table_free(t);
        }
        archive_close(a);
        assert_int_equal(count_of(*state, "windows"), 800);
        assert_int_equal(count_of(*state, "hours"), ARCHIVE_NAMES_MAX + 1);
        assert_int_equal(count_of(*state, "days"), ARCHIVE_NAMES_MAX + 1);
}

/* Opens, or says what is wrong; reads, or says so; and never anything else. */
static void read_whatever_is_there(struct stage *stage)
{
        const struct history_ask ask = { HISTORY_CLIENT,
                                         HISTORY_WINDOW,
                                         MIDNIGHT_MS,
                                         MIDNIGHT_MS + HOUR_MS,
                                         "",
                                         false,
                                         3,
                                         2000,
                                         0 };
        struct history_table *t = NULL;
        struct archive *a = NULL;

        stage->why[0] = '\0';
        if (archive_open_readonly(stage->path, &a, stage->why) == 0 &&
            archive_read(a, &ask, &t, stage->why) == 0)
                strcpy(stage->why, "read");
        assert_true(stage->why[0] != '\0');
        history_table_free(t);
        archive_close(a);
}

/* As read_whatever_is_there(): is added to, and trimmed, or it is said why not. */
static void write_whatever_is_there(struct stage *stage)
{
        const struct archive_bounds tight = { 1 << 20, 10 * MINUTE_MS };
        struct archive_row row = { .by = HISTORY_ALL };
        struct archive_window w = { "spot-weight", MIDNIGHT_MS + HOUR_MS, 60000, 6000, 0, 1, &row };
        struct archive *a = NULL;

        stage->why[0] = '\0';
        if (archive_open(stage->path, &tight, &a, stage->why) == 0 &&
            archive_add(a, &w, stage->why) == 0 &&
            archive_trim(a, MIDNIGHT_MS + HOUR_MS, stage->why) == 0)
                strcpy(stage->why, "written");
        assert_true(stage->why[0] != '\0');
        archive_close(a);
}

static void put_file(const struct stage *stage, const char *bytes, size_t n)
{
        static const char *const ends[] = { "-wal", "-shm" };
        FILE *file = fopen(stage->path, "w");
        char path[128];

        for (size_t i = 0; i < ARRAY_SIZE(ends); ++i) {
                snprintf(path, sizeof(path), "%s%s", stage->path, ends[i]);
                unlink(path);
        }
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, n, file), n);
        assert_int_equal(fclose(file), 0);
}

static void a_damaged_file_is_told_and_never_trusted(void **state)
{
        struct stage *stage = *state;
        struct archive *a = opened(stage, &roomy);
        static char bytes[1 << 20];
        uint32_t random = 2463534242;
        FILE *file;
        size_t n;

        for (unsigned i = 0; i < 20; ++i)
                add_crowd(stage, a, MIDNIGHT_MS + i * MINUTE_MS, MINUTE_MS);
        archive_close(a);
        file = fopen(stage->path, "r");
        n = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        assert_in_range(n, 100000, sizeof(bytes) - 1);
        for (unsigned i = 0; i < 400; ++i) {
                char before;
                size_t at;

                random ^= random << 13;
                random ^= random >> 17;
                random ^= random << 5;
                /* Half of them where the file says what it is. */
                at = (random >> 8) % (i % 2 ? 4096 : n);
                before = bytes[at];
                bytes[at] = (char)(before ^ (char)(1 + random % 255));
                put_file(stage, bytes, n);
                read_whatever_is_there(stage);
                if (i % 40 == 0)
                        write_whatever_is_there(stage);
                bytes[at] = before;
        }
        put_file(stage, bytes, n);
        read_whatever_is_there(stage);
        assert_string_equal(stage->why, "read");
        write_whatever_is_there(stage);
        assert_string_equal(stage->why, "written");
}

static void a_copy_on_a_closed_shelf_can_be_read(void **state)
{
        struct stage *stage = *state;
        struct archive *a = opened(stage, &roomy);
        struct history_table *t;

        add(stage, a, MIDNIGHT_MS, "maker", 42, 0);
        archive_close(a);
        assert_int_equal(chmod(stage->path, 0400), 0);
        assert_int_equal(chmod(stage->folder, 0500), 0);
        if (archive_open_readonly(stage->path, &a, stage->why) < 0)
                fail_msg("%s", stage->why);
        t = asked(stage, a, HISTORY_CLIENT, HISTORY_DAY, MIDNIGHT_MS, MIDNIGHT_MS + 1, 1);
        assert_int_equal(t->series[0].weight[0], 42);
        history_table_free(t);
        archive_close(a);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(what_two_gateways_did_is_one_row_and_its_hour_and_day),
                TEST(who_is_not_among_the_first_is_one_of_the_others),
                TEST(what_cannot_be_shown_is_refused_in_words),
                TEST(what_is_not_ours_is_left_alone),
                TEST(it_is_its_owners_alone),
                TEST(what_is_too_old_goes_by_table),
                TEST(the_file_stays_below_its_size_and_keeps_the_newest),
                TEST(a_smaller_size_gives_room_back_to_the_disk),
                TEST(names_that_come_and_go_do_not_fill_hours_and_days),
                TEST(a_damaged_file_is_told_and_never_trusted),
                TEST(a_copy_on_a_closed_shelf_can_be_read),
        };
#undef TEST

        return cmocka_run_group_tests(tests, NULL, NULL);
}
