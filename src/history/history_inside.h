/*
 * What the files of history share. Not for others.
 */
#ifndef HISTORY_HISTORY_INSIDE_H
#define HISTORY_HISTORY_INSIDE_H

#include "base/list.h"
#include "history/history.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* A window in the queue, in one piece of memory with its rows and names. */
struct entry {
        struct list link;
        size_t bytes;
        struct archive_window window;
};

/* Return: NULL without memory. For free(). */
struct entry *entry_new(const struct stats *stats, const struct stats_window *window);

struct history_question {
        struct list link; /* of asked or answered; in none while it is read */
        struct history_ask ask;
        history_fn fn; /* NULL: nobody wants to know any more */
        void *ctx;
        char *json;
        int error;
        char why[ARCHIVE_WHY_SIZE];
};

struct history {
        char path[4096];
        struct archive_bounds bounds;
        int event_fd;
        pthread_t writer, reader;
        bool has_reader; /* only the loop looks */
        /*
         * Writers: the loop's thread, once: what takes long gives up.
         * Order:   relaxed, nothing else is read on the strength of it.
         */
        _Atomic(bool) is_called_off;

        pthread_mutex_t lock; /* of all below */
        pthread_cond_t to_write, to_read, ended;
        unsigned n_threads;
        bool is_ending; /* what is queued is written, if that works, and then the threads end */
        struct list queue;
        size_t n_queued, queued_bytes;
        struct history_state state;
        struct list asked, answered;
        size_t n_asked;
};

/* The bodies of the threads; @arg is the history. */
void *history_write(void *arg);
void *history_read(void *arg);

/* The moment in @ms of the monotonic clock. */
struct timespec history_until(uint64_t ms);

/* Has history_turn() called. */
void history_wake(struct history *h);
/* The last that a thread does. */
void history_end_thread(struct history *h);
/* Starts a thread to which no signal comes. Return: 0 or a negative errno. */
CHECKED int history_start(pthread_t *thread, void *(*body)(void *), struct history *h);

#endif
