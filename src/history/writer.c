/*
 * The writer's thread: takes windows from the queue, one a transaction. What cannot be written goes
 * back to the front of the queue, the file is closed, and all is tried again from its opening on:
 * so one that was moved away, deleted or mended is found.
 */
#include "history/history_inside.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MIN_MS 1000u
#define RETRY_MAX_MS 30000u
/* What has become too old is looked for so often. */
#define TRIM_EVERY_US (600 * US_PER_SECOND)

struct writer {
        struct history *h;
        struct archive *archive;
        uint64_t trimmed_us; /* when last; 0: never */
        uint64_t newest_ms;  /* end of the newest window */
        uint32_t retry_ms;   /* 0: nothing has failed */
        char why[ARCHIVE_WHY_SIZE];
};

static void say(struct history *h, enum history_condition condition, const char *why)
{
        bool is_new;

        pthread_mutex_lock(&h->lock);
        is_new = h->state.condition != condition;
        h->state.condition = condition;
        if (why)
                str_copy(str_of(why), h->state.why, sizeof(h->state.why));
        pthread_mutex_unlock(&h->lock);
        if (is_new)
                history_wake(h);
}

static int open_archive(struct writer *w)
{
        int r;

        if (w->archive && archive_is_gone(w->archive))
                w->archive = archive_close(w->archive);
        if (w->archive)
                return 0;
        r = archive_open(w->h->path, &w->h->bounds, &w->archive, w->why);
        if (r == 0)
                archive_heed(w->archive, &w->h->is_called_off);
        return r;
}

/* Not by a clock that is ahead: then all would be too old. */
static uint64_t now_ms(const struct writer *w)
{
        uint64_t wall_ms = clock_wall_us() / US_PER_MS;

        return wall_ms < w->newest_ms ? wall_ms : w->newest_ms;
}

static int trim(struct writer *w)
{
        uint64_t now_us = clock_mono_us();
        struct archive_size size;
        bool is_due;

        archive_measure(w->archive, &size);
        is_due = w->trimmed_us == 0 || now_us - w->trimmed_us >= TRIM_EVERY_US ||
                 size.pages - size.free_pages > size.pages_max - size.pages_max / 10;
        if (!is_due)
                return 0;
        w->trimmed_us = now_us;
        return archive_trim(w->archive, now_ms(w), w->why);
}

static int write_entry(struct writer *w, const struct entry *entry)
{
        uint64_t end_ms = entry->window.start_ms + entry->window.span_ms;
        int r = open_archive(w);

        if (r == 0)
                r = archive_add(w->archive, &entry->window, w->why);
        if (r < 0)
                return r;
        if (end_ms > w->newest_ms)
                w->newest_ms = end_ms;
        return 0;
}

/* The first of the queue; NULL when it is empty and that is all there is to come. */
static struct entry *take(struct writer *w)
{
        struct history *h = w->h;
        struct entry *entry = NULL;

        pthread_mutex_lock(&h->lock);
        while (list_is_empty(&h->queue) && !h->is_ending)
                pthread_cond_wait(&h->to_write, &h->lock);
        if (!list_is_empty(&h->queue)) {
                entry = container_of(h->queue.next, struct entry, link);
                list_unlink(&entry->link);
                --h->n_queued;
                h->queued_bytes -= entry->bytes;
        }
        pthread_mutex_unlock(&h->lock);
        return entry;
}

static void put_back(struct history *h, struct entry *entry)
{
        pthread_mutex_lock(&h->lock);
        list_prepend(&h->queue, &entry->link);
        ++h->n_queued;
        h->queued_bytes += entry->bytes;
        pthread_mutex_unlock(&h->lock);
}

/* Return: whether there is to be another try. */
static bool rest(struct writer *w)
{
        struct history *h = w->h;
        struct timespec until;
        bool is_ending;

        w->retry_ms = w->retry_ms == 0 ? RETRY_MIN_MS : 2 * w->retry_ms;
        if (w->retry_ms > RETRY_MAX_MS)
                w->retry_ms = RETRY_MAX_MS;
        until = history_until(w->retry_ms);
        pthread_mutex_lock(&h->lock);
        while (!h->is_ending && pthread_cond_timedwait(&h->to_write, &h->lock, &until) == 0)
                continue;
        is_ending = h->is_ending;
        pthread_mutex_unlock(&h->lock);
        return !is_ending;
}

static bool fail(struct writer *w)
{
        say(w->h, HISTORY_FAILED, w->why);
        w->archive = archive_close(w->archive);
        return rest(w);
}

static void succeed(struct writer *w)
{
        struct history *h = w->h;

        pthread_mutex_lock(&h->lock);
        ++h->state.written;
        pthread_mutex_unlock(&h->lock);
        w->retry_ms = 0;
        say(h, HISTORY_ON, NULL);
}

/* Before there is anything to write: what is wrong is said at the start, and not a minute later. */
static bool begin(struct writer *w)
{
        while (open_archive(w) < 0)
                if (!fail(w))
                        return false;
        if (w->retry_ms > 0)
                say(w->h, HISTORY_ON, NULL);
        w->retry_ms = 0;
        return true;
}

void *history_write(void *arg)
{
        struct writer w = { .h = arg };
        bool goes_on = begin(&w);

        while (goes_on) {
                struct entry *entry = take(&w);

                if (!entry)
                        break;
                if (write_entry(&w, entry) < 0) {
                        put_back(w.h, entry);
                        goes_on = fail(&w);
                        continue;
                }
                free(entry);
                if (trim(&w) < 0)
                        goes_on = fail(&w);
                else
                        succeed(&w);
        }
        archive_close(w.archive);
        history_end_thread(w.h);
        return NULL;
}
