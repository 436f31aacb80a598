/*
 * History
 *
 * What happened, kept in a file: windows for two days, hours for three months, days for years.
 *
 *      the loop:      history_add() --> queue, bounded --> writer's thread --> archive
 *                     history_ask() -->  few, bounded  --> reader's thread --> archive
 *                     history_turn() <-- an event, when something was answered, or the state
 * changed
 *
 * The loop never waits for a disk. When the file cannot be written the oldest of the queue are
 * dropped and counted, the writer tries again after 1, 2, 4, ... 30 s, and the gateway goes on as
 * if there were no history: it may be lost, service may not.
 */
#ifndef HISTORY_HISTORY_H
#define HISTORY_HISTORY_H

#include "base/base.h"
#include "history/archive.h"
#include "stats/stats.h"

struct history;
struct history_question;

enum history_condition {
        HISTORY_ON,
        HISTORY_FAILED, /* what is written now is lost when it lasts */
};

struct history_state {
        enum history_condition condition;
        char why[ARCHIVE_WHY_SIZE]; /* of the last failure */
        uint64_t written, dropped;  /* windows */
};

/**
 * history_open() - begin to keep what happens in the file @path
 *
 * The file is opened in the background; what goes wrong there is a state, and tried again.
 *
 * Return: 0, or a negative errno without threads or memory.
 */
CHECKED int history_open(const char *path, const struct archive_bounds *bounds,
                         struct history **ret_history);

/* What is queued is written, if that takes no longer than a second or two. No callback follows.
 * Accepts NULL. Return: NULL. */
struct history *history_close(struct history *history);

/* Copies @window, a closed one of @stats; costs no more than that. Without memory it is dropped and
 * counted. */
void history_add(struct history *history, const struct stats *stats,
                 const struct stats_window *window);

/* Readable when history_turn() has something to do; to be watched by the loop. */
int history_fd(const struct history *history);
/* Calls back whom something was answered. */
void history_turn(struct history *history);
void history_look(struct history *history, struct history_state *ret_state);

/* @json: of history_table_json(), valid during the call; NULL: @error is a negative errno as of
 * archive_read(), and @why a sentence. */
typedef void (*history_fn)(void *ctx, struct str json, int error, const char *why);

/**
 * history_ask() - have something read
 * @ask: copied; bounded by what may be sent to a page
 * @fn:  once, from history_turn(), unless history_unask() came before
 *
 * Return: 0, -EAGAIN when too many ask at the same time, -ENOMEM or another negative errno.
 */
CHECKED int history_ask(struct history *history, const struct history_ask *ask, history_fn fn,
                        void *ctx, struct history_question **ret_question);
/* Whoever asked does not want to know any more. Not for a question that was answered. */
void history_unask(struct history *history, struct history_question *question);

#endif
