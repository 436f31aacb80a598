#include "watch/past.h"
#include "history/history.h"
#include "stats/stats.h"
#include "watch/inside.h"
#include "watch/query.h"
#include "watch/tallies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS   (3600 * MS_PER_SECOND)
#define DAY_MS    (24 * HOUR_MS)
#define LINES     12
#define MOST_TIME ((uint64_t)INT64_MAX / 2)

struct waiting {
        struct list link;
        struct watch *watch;
        struct http_exchange *exchange;
        struct history_question *question;
};

/* What is shown when nobody says since when. */
static const uint64_t usual_ms[HISTORY_STEPS] = { HOUR_MS, DAY_MS, 30 * DAY_MS };

void past_init(struct watch *w)
{
        list_init(&w->past.waiting);
}

static void forget(struct waiting *who)
{
        list_unlink(&who->link);
        free(who);
}

static void break_off(struct waiting *who)
{
        struct watch *w = who->watch;

        history_unask(w->ops->history(w->ctx), who->question);
        http_exchange_abort(who->exchange);
        forget(who);
}

void past_deinit(struct watch *w)
{
        struct list *link;

        while ((link = list_first(&w->past.waiting)) != NULL)
                break_off(container_of(link, struct waiting, link));
}

void past_gone(struct watch *w, struct http_exchange *exchange)
{
        struct list *it, *after;

        list_for_each_safe(it, after, &w->past.waiting)
        {
                struct waiting *who = container_of(it, struct waiting, link);

                if (who->exchange == exchange)
                        break_off(who);
        }
}

static unsigned status_of(int error)
{
        switch (error) {
        case -ENOENT:
                return 404;
        case -E2BIG:
                return 400;
        default:
                return 503;
        }
}

static void on_answer(void *ctx, struct str json, int error, const char *why)
{
        struct waiting *who = ctx;
        struct visit v = { .watch = who->watch,
                           .exchange = who->exchange,
                           .head = http_exchange_head(who->exchange) };

        forget(who);
        if (json.p)
                answer_bytes(&v, 200, "application/json", false, NULL, 0, json);
        else
                answer_refusal(&v, status_of(error), "%s", why);
}

/* Return: false after having refused. */
static bool read_words(struct visit *v, struct history_ask *ask)
{
        char by[16] = "client", step[16] = "window";

        if (query_text(v->head->query, "by", by, sizeof(by)) == QUERY_BAD ||
            history_by_from(str_of(by), &ask->by) < 0 || ask->by == HISTORY_REASON)
                answer_refusal(v, 400, "by must be one of client, account, endpoint, class, all");
        else if (query_text(v->head->query, "step", step, sizeof(step)) == QUERY_BAD ||
                 history_step_from(str_of(step), &ask->step) < 0)
                answer_refusal(v, 400, "step must be one of window, hour, day");
        else if (!tallies_read_of(v, &ask->is_of_orders))
                return false;
        else if (query_text(v->head->query, "pool", ask->pool, sizeof(ask->pool)) == QUERY_BAD)
                answer_refusal(v, 400, "pool must be the name of one, as spot-weight");
        else
                return true;
        return false;
}

static bool read_numbers(struct visit *v, uint64_t now_ms, struct history_ask *ask)
{
        uint64_t top = LINES;
        struct str query = v->head->query;

        ask->to_ms = now_ms;
        if (query_number(query, "to_ms", 0, MOST_TIME, &ask->to_ms) == QUERY_BAD) {
                answer_refusal(v, 400, "to_ms must be milliseconds since 1970");
                return false;
        }
        ask->from_ms = ask->to_ms > usual_ms[ask->step] ? ask->to_ms - usual_ms[ask->step] : 0;
        if (query_number(query, "from_ms", 0, MOST_TIME, &ask->from_ms) == QUERY_BAD) {
                answer_refusal(v, 400, "from_ms must be milliseconds since 1970");
                return false;
        }
        if (query_number(query, "top", 1, HISTORY_SERIES_MAX, &top) == QUERY_BAD) {
                answer_refusal(v, 400, "top must be a number from 1 to %d", HISTORY_SERIES_MAX);
                return false;
        }
        ask->top = (unsigned)top;
        return true;
}

/* Whether memory has all of those windows, and so the newest too. */
static bool is_in_memory(const struct stats *stats, const struct history_ask *ask)
{
        uint32_t pool = tallies_busiest(stats);
        const struct stats_window *oldest;

        if (ask->step != HISTORY_WINDOW || ask->by == HISTORY_ALL)
                return false;
        for (uint32_t i = 0; ask->pool[0] && i < stats_pools(stats); ++i)
                if (strcmp(stats_pool(stats, i)->name, ask->pool) == 0)
                        pool = i;
        oldest = pool < stats_pools(stats) ? stats_closed(stats, pool, STATS_WINDOWS_KEPT - 1)
                                           : NULL;
        return oldest && oldest->start_ms <= ask->from_ms;
}

static void have_it_read(struct visit *v, struct history *history, const struct history_ask *ask)
{
        struct waiting *who = calloc(1, sizeof(*who));
        int r = who ? history_ask(history, ask, on_answer, who, &who->question) : -ENOMEM;

        if (r < 0) {
                free(who);
                answer_refusal_with(v, 503, 1, NULL, NULL,
                                    r == -EAGAIN ? "too many ask for history at this moment"
                                                 : "history cannot be read now: out of means");
                return;
        }
        who->watch = v->watch;
        who->exchange = v->exchange;
        list_append(&v->watch->past.waiting, &who->link);
}

void past_show(struct visit *v)
{
        struct history *history = v->watch->ops->history(v->watch->ctx);
        struct history_ask ask = { .by = HISTORY_CLIENT };
        uint64_t now_ms = 0;
        const struct stats *stats = v->watch->ops->stats(v->watch->ctx, &now_ms);
        char source[16] = "";

        if (query_text(v->head->query, "source", source, sizeof(source)) == QUERY_BAD ||
            (source[0] && strcmp(source, "memory") != 0)) {
                answer_refusal(v, 400, "source must be memory, or not be named");
                return;
        }
        if (!history || source[0]) {
                tallies_show_history(v);
                return;
        }
        if (!read_words(v, &ask) || !read_numbers(v, now_ms, &ask))
                return;
        if (is_in_memory(stats, &ask))
                tallies_show_history(v);
        else
                have_it_read(v, history, &ask);
}
