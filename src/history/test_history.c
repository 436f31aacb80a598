#include "history/history.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
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
/* A machine that does other things too. */
#define PATIENCE_MS 20000

static const struct archive_bounds roomy = { UINT64_C(256) << 20, UINT64_C(157766400000) };

struct stage {
        char folder[64], path[96];
        struct stats *stats;
        struct history *history;
        uint64_t now_ms;
        unsigned answers;
        char json[4096];
        int error;
};

static void on_window(void *ctx, const struct stats_window *window)
{
        struct stage *s = ctx;

        history_add(s->history, s->stats, window);
}

static int set_up(void **state)
{
        static const struct stats_pool pool = { "spot-weight", 60000, 6000 };
        struct stage *s = calloc(1, sizeof(*s));

        strcpy(s->folder, "/tmp/weir-history-XXXXXX");
        assert_non_null(mkdtemp(s->folder));
        assert_int_equal(stats_open(1, &s->stats), 0);
        snprintf(s->path, sizeof(s->path), "%s/there/history.db", s->folder);
        s->now_ms = MIDNIGHT_MS;
        stats_set_pool(s->stats, 0, &pool);
        stats_on_window(s->stats, on_window, s);
        *state = s;
        return 0;
}

static int tear_down(void **state)
{
        static const char *const ends[] = { "/there/history.db", "/there/history.db-wal",
                                            "/there/history.db-shm" };
        struct stage *s = *state;
        char path[160];

        s->history = history_close(s->history);
        stats_close(s->stats);
        for (size_t i = 0; i < ARRAY_SIZE(ends); ++i) {
                snprintf(path, sizeof(path), "%s%s", s->folder, ends[i]);
                unlink(path);
        }
        snprintf(path, sizeof(path), "%s/there", s->folder);
        rmdir(path);
        rmdir(s->folder);
        free(s);
        return 0;
}

static void make_folder(const struct stage *s)
{
        char path[160];

        snprintf(path, sizeof(path), "%s/there", s->folder);
        assert_int_equal(mkdir(path, 0700), 0);
}

static void begin(struct stage *s)
{
        assert_int_equal(history_open(s->path, &roomy, &s->history), 0);
}

/* One request of @client in each of @n minutes. */
static void work(struct stage *s, const char *client, unsigned n)
{
        for (unsigned i = 0; i < n; ++i) {
                const struct stats_request request = {
                        .client = { stats_key(str_of(client)), str_of(client) },
                        .outcome = STATS_OK,
                        .sent_ms = s->now_ms,
                        .weight = 5,
                        .verdict = STATS_NO_VERDICT,
                };

                stats_note(s->stats, &request, s->now_ms);
                s->now_ms += MINUTE_MS;
                stats_turn(s->stats, 0, s->now_ms, true);
        }
}

/* As the loop does: until what @is_over says has come. */
static void turn(struct stage *s, bool (*is_over)(struct stage *s))
{
        while (!is_over(s)) {
                struct pollfd fd = { .fd = history_fd(s->history), .events = POLLIN };

                if (poll(&fd, 1, PATIENCE_MS) != 1)
                        fail_msg("nothing came of it");
                history_turn(s->history);
        }
}

static void on_answer(void *ctx, struct str json, int error, const char *why)
{
        struct stage *s = ctx;

        ++s->answers;
        s->error = error;
        str_copy(json.p ? json : str_of(why), s->json, sizeof(s->json));
}

static bool is_answered(struct stage *s)
{
        return s->answers > 0;
}

static bool has_failed(struct stage *s)
{
        struct history_state now;

        history_look(s->history, &now);
        return now.condition == HISTORY_FAILED;
}

static bool works(struct stage *s)
{
        return !has_failed(s);
}

static const char *asked(struct stage *s)
{
        const struct history_ask ask = { HISTORY_CLIENT,
                                         HISTORY_DAY,
                                         MIDNIGHT_MS,
                                         MIDNIGHT_MS + MINUTE_MS,
                                         "",
                                         false,
                                         3,
                                         0,
                                         0 };
        struct history_question *question;

        s->answers = 0;
        assert_int_equal(history_ask(s->history, &ask, on_answer, s, &question), 0);
        turn(s, is_answered);
        return s->json;
}

static void what_was_queued_is_written_at_the_end(void **state)
{
        struct stage *s = *state;

        make_folder(s);
        begin(s);
        work(s, "maker", 100);
        s->history = history_close(s->history);
        begin(s);
        if (!strstr(asked(s), "\"series\":[{\"name\":\"maker\",\"weight\":[500]"))
                fail_msg("%s", s->json);
}

static void a_file_that_is_not_there_is_a_state_and_found_when_it_is(void **state)
{
        struct history_state now;
        struct stage *s = *state;

        begin(s);
        turn(s, has_failed);
        history_look(s->history, &now);
        assert_non_null(strstr(now.why, "make its folder"));
        (void)asked(s);
        assert_int_equal(s->error, -ENOENT);
        work(s, "maker", 600);
        make_folder(s);
        turn(s, works);
        s->history = history_close(s->history);
        begin(s);
        /* 512 wait at most: the oldest went. */
        if (!strstr(asked(s), "\"weight\":[2560]"))
                fail_msg("%s", s->json);
}

static void who_does_not_want_to_know_is_not_told(void **state)
{
        const struct history_ask ask = { .step = HISTORY_DAY, .to_ms = MIDNIGHT_MS, .top = 1 };
        struct history_question *first, *second;
        struct stage *s = *state;

        make_folder(s);
        begin(s);
        assert_int_equal(history_ask(s->history, &ask, on_answer, s, &first), 0);
        assert_int_equal(history_ask(s->history, &ask, on_answer, s, &second), 0);
        history_unask(s->history, first);
        turn(s, is_answered);
        assert_int_equal(s->answers, 1);
}

static void too_many_questions_are_refused(void **state)
{
        const struct history_ask ask = { .step = HISTORY_DAY, .to_ms = MIDNIGHT_MS, .top = 1 };
        struct history_question *question;
        struct stage *s = *state;
        int r = 0;

        make_folder(s);
        begin(s);
        for (unsigned i = 0; i < 100 && r == 0; ++i)
                r = history_ask(s->history, &ask, on_answer, s, &question);
        assert_int_equal(r, -EAGAIN);
        /* Those that are left are nobody's any more. */
        s->history = history_close(s->history);
        assert_int_equal(s->answers, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(what_was_queued_is_written_at_the_end),
                TEST(a_file_that_is_not_there_is_a_state_and_found_when_it_is),
                TEST(who_does_not_want_to_know_is_not_told),
                TEST(too_many_questions_are_refused),
        };
#undef TEST

        return cmocka_run_group_tests(tests, NULL, NULL);
}
