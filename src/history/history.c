#include "history/history_inside.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Minutes of a desk; a day of one that is small. */
#define QUEUE_MAX       512
#define QUEUE_BYTES_MAX ((size_t)4 << 20)
/* What is queued at the end has so long to be written, and as long again to give up. */
#define ENDING_MS 1500

int history_start(pthread_t *thread, void *(*body)(void *), struct history *h)
{
        sigset_t all, before;
        int r;

        /* Signals are the loop's thread's. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        pthread_mutex_lock(&h->lock);
        r = pthread_create(thread, NULL, body, h);
        h->n_threads += r == 0;
        pthread_mutex_unlock(&h->lock);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

void history_wake(struct history *h)
{
        uint64_t one = 1;
        ssize_t n = write(h->event_fd, &one, sizeof(one));

        (void)n; /* fails only when it is readable to the brim already */
}

struct timespec history_until(uint64_t ms)
{
        uint64_t us = clock_mono_us() + ms * US_PER_MS;

        return (struct timespec){ .tv_sec = (time_t)(us / US_PER_SECOND),
                                  .tv_nsec = (long)(us % US_PER_SECOND * 1000) };
}

static struct history *history_new(const char *path, const struct archive_bounds *bounds)
{
        struct history *h = calloc(1, sizeof(*h));
        pthread_condattr_t attributes;

        if (!h)
                return NULL;
        str_copy(str_of(path), h->path, sizeof(h->path));
        h->bounds = *bounds;
        list_init(&h->queue);
        list_init(&h->asked);
        list_init(&h->answered);
        pthread_mutex_init(&h->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&h->to_write, &attributes);
        pthread_cond_init(&h->to_read, &attributes);
        pthread_cond_init(&h->ended, &attributes);
        pthread_condattr_destroy(&attributes);
        return h;
}

static void free_questions(struct list *all)
{
        struct list *it, *after;

        list_for_each_safe(it, after, all)
        {
                struct history_question *q = container_of(it, struct history_question, link);

                free(q->json);
                free(q);
        }
}

static void history_free(struct history *h)
{
        struct list *it, *after;

        list_for_each_safe(it, after, &h->queue)
        {
                free(container_of(it, struct entry, link));
        }
        free_questions(&h->asked);
        free_questions(&h->answered);
        pthread_cond_destroy(&h->ended);
        pthread_cond_destroy(&h->to_read);
        pthread_cond_destroy(&h->to_write);
        pthread_mutex_destroy(&h->lock);
        if (h->event_fd >= 0)
                close(h->event_fd);
        free(h);
}

int history_open(const char *path, const struct archive_bounds *bounds, struct history **ret)
{
        struct history *h;
        int r;

        if (strlen(path) >= sizeof(h->path))
                return -ENAMETOOLONG;
        h = history_new(path, bounds);
        if (!h)
                return -ENOMEM;
        h->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        r = h->event_fd < 0 ? -errno : history_start(&h->writer, history_write, h);
        if (r < 0) {
                history_free(h);
                return r;
        }
        *ret = h;
        return 0;
}

void history_end_thread(struct history *h)
{
        pthread_mutex_lock(&h->lock);
        --h->n_threads;
        pthread_cond_signal(&h->ended);
        pthread_mutex_unlock(&h->lock);
}

/* Return: whether both threads have come to their ends. */
static bool wait_for_threads(struct history *h)
{
        struct timespec until = history_until(ENDING_MS);
        bool is_over;

        pthread_mutex_lock(&h->lock);
        while (h->n_threads > 0 && pthread_cond_timedwait(&h->ended, &h->lock, &until) == 0)
                continue;
        is_over = h->n_threads == 0;
        pthread_mutex_unlock(&h->lock);
        return is_over;
}

struct history *history_close(struct history *h)
{
        if (!h)
                return NULL;
        pthread_mutex_lock(&h->lock);
        h->is_ending = true;
        pthread_cond_broadcast(&h->to_write);
        pthread_cond_broadcast(&h->to_read);
        pthread_mutex_unlock(&h->lock);
        if (!wait_for_threads(h)) {
                atomic_store_explicit(&h->is_called_off, true, memory_order_relaxed);
                /* A disk that hangs holds its thread, and nobody waits for that: it goes with the
                 * process, and so does what it has. */
                if (!wait_for_threads(h))
                        return NULL;
        }
        must(pthread_join(h->writer, NULL) == 0);
        if (h->has_reader)
                must(pthread_join(h->reader, NULL) == 0);
        history_free(h);
        return NULL;
}

/* The oldest are dropped for the newest. */
static void make_room(struct history *h, size_t bytes)
{
        while (h->n_queued > 0 &&
               (h->n_queued >= QUEUE_MAX || h->queued_bytes + bytes > QUEUE_BYTES_MAX)) {
                struct entry *oldest = container_of(h->queue.next, struct entry, link);

                list_unlink(&oldest->link);
                --h->n_queued;
                h->queued_bytes -= oldest->bytes;
                ++h->state.dropped;
                free(oldest);
        }
}

void history_add(struct history *h, const struct stats *stats, const struct stats_window *window)
{
        struct entry *entry = entry_new(stats, window);

        pthread_mutex_lock(&h->lock);
        if (entry) {
                make_room(h, entry->bytes);
                list_append(&h->queue, &entry->link);
                ++h->n_queued;
                h->queued_bytes += entry->bytes;
                pthread_cond_signal(&h->to_write);
        } else {
                ++h->state.dropped;
        }
        pthread_mutex_unlock(&h->lock);
}

int history_fd(const struct history *h)
{
        return h->event_fd;
}

void history_look(struct history *h, struct history_state *ret_state)
{
        pthread_mutex_lock(&h->lock);
        *ret_state = h->state;
        pthread_mutex_unlock(&h->lock);
}
