/*
 * The reader's thread, there from the first question on: reads, and writes the answer out, so that
 * the loop has only to send it.
 */
#include "history/history_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Questions at the same time: pages that were opened together, and not a way to fill the memory. */
#define ASKED_MAX 16
/* What a page draws, and how long it waits for that. */
#define STEPS_MAX   2000u
#define PATIENCE_MS 5000u

static struct history_question *take(struct history *h)
{
        struct history_question *q = NULL;

        pthread_mutex_lock(&h->lock);
        while (list_is_empty(&h->asked) && !h->is_ending)
                pthread_cond_wait(&h->to_read, &h->lock);
        if (!h->is_ending) {
                q = container_of(h->asked.next, struct history_question, link);
                list_unlink(&q->link);
        }
        pthread_mutex_unlock(&h->lock);
        return q;
}

/* The writer is about to make it: nothing is in it, and that is no mistake. */
static bool is_to_come(struct history *h, int r)
{
        struct history_state now;

        history_look(h, &now);
        return r == -ENOENT && now.condition == HISTORY_ON;
}

static int read_table(struct history *h, struct archive **archive, struct history_question *q)
{
        struct history_table *table = NULL;
        int r = 0;

        if (*archive && archive_is_gone(*archive))
                *archive = archive_close(*archive);
        if (!*archive)
                r = archive_open_readonly(h->path, archive, q->why);
        if (is_to_come(h, r)) {
                table = history_table_new(0);
                r = table ? 0 : -ENOMEM;
        } else if (r == 0) {
                archive_heed(*archive, &h->is_called_off);
                r = archive_read(*archive, &q->ask, &table, q->why);
        }
        if (r < 0 || !table)
                return r;
        table->by = q->ask.by;
        table->is_of_orders = q->ask.is_of_orders;
        table->step = q->ask.step;
        q->json = history_table_json(table, false);
        history_table_free(table);
        if (q->json)
                return 0;
        snprintf(q->why, sizeof(q->why), "history: %s", strerror(ENOMEM));
        return -ENOMEM;
}

/* What may be a matter of the file, and not of the question: it is opened anew for the next one. */
static bool is_files(int r)
{
        return r < 0 && r != -ENOENT && r != -E2BIG && r != -ETIME && r != -ENOMEM;
}

void *history_read(void *arg)
{
        struct archive *archive = NULL;
        struct history_question *q;
        struct history *h = arg;

        while ((q = take(h)) != NULL) {
                q->error = read_table(h, &archive, q);
                if (is_files(q->error))
                        archive = archive_close(archive);
                pthread_mutex_lock(&h->lock);
                list_append(&h->answered, &q->link);
                pthread_mutex_unlock(&h->lock);
                history_wake(h);
        }
        archive_close(archive);
        history_end_thread(h);
        return NULL;
}

int history_ask(struct history *h, const struct history_ask *ask, history_fn fn, void *ctx,
                struct history_question **ret_question)
{
        struct history_question *q;
        int r;

        if (h->n_asked >= ASKED_MAX)
                return -EAGAIN;
        if (!h->has_reader) {
                r = history_start(&h->reader, history_read, h);
                if (r < 0)
                        return r;
                h->has_reader = true;
        }
        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        q->ask = *ask;
        if (q->ask.steps_max == 0 || q->ask.steps_max > STEPS_MAX)
                q->ask.steps_max = STEPS_MAX;
        q->ask.patience_ms = PATIENCE_MS;
        q->fn = fn;
        q->ctx = ctx;
        ++h->n_asked;
        pthread_mutex_lock(&h->lock);
        list_append(&h->asked, &q->link);
        pthread_cond_signal(&h->to_read);
        pthread_mutex_unlock(&h->lock);
        *ret_question = q;
        return 0;
}

void history_unask(struct history *h, struct history_question *q)
{
        (void)h;
        /* Its thread may have it; what it answers is freed by history_turn(). */
        q->fn = NULL;
}

static struct history_question *answered(struct history *h)
{
        struct history_question *q = NULL;

        pthread_mutex_lock(&h->lock);
        if (!list_is_empty(&h->answered)) {
                q = container_of(h->answered.next, struct history_question, link);
                list_unlink(&q->link);
        }
        pthread_mutex_unlock(&h->lock);
        return q;
}

void history_turn(struct history *h)
{
        struct history_question *q;
        uint64_t count;

        if (read(h->event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
                return;
        while ((q = answered(h)) != NULL) {
                --h->n_asked;
                if (q->fn)
                        q->fn(q->ctx, str_of(q->json), q->error, q->why);
                free(q->json);
                free(q);
        }
}
