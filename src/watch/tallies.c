/*
 * Who spends, and how much of each window was used: of the windows that are kept in memory.
 */
#include "watch/tallies.h"
#include "stats/series.h"
#include "stats/spenders.h"
#include "watch/query.h"

#include <string.h>

#define MS_PER_MINUTE 60000ULL

/* Rows and lines when nobody says how many. */
#define SPENDERS_ROWS 200
#define SPENDERS_MOST 1000
#define HISTORY_LINES 12
#define MINUTES_MOST  1440

static double ms_of(uint64_t us)
{
        return (double)us / 1000;
}

static double part(uint64_t a, uint64_t of)
{
        return of > 0 ? (double)a / (double)of : 0;
}

static json_t *number(uint64_t n)
{
        return json_integer((json_int_t)n);
}

/* Spenders. */

static json_t *spender_json(const struct spender *row, const struct stats_figures *all)
{
        const struct stats_figures *f = &row->figures;

        return json_pack("{s:s, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:f, s:I, s:f, s:f}", "name",
                         row->name, "requests", (json_int_t)f->requests, "weight",
                         (json_int_t)f->weight, "orders", (json_int_t)f->orders, "share",
                         part(f->weight, all->weight), "errors", (json_int_t)f->errors,
                         "over_limit", (json_int_t)f->over_limit, "retries", (json_int_t)f->retries,
                         "retry_rate", part(f->retries, f->requests), "refused",
                         (json_int_t)f->refused, "wait_p50_ms", ms_of(row->wait_p50_us),
                         "wait_p99_ms", ms_of(row->wait_p99_us));
}

json_t *tallies_spenders(const struct stats *stats, enum stats_by by, uint64_t from_ms,
                         uint64_t to_ms, size_t most)
{
        struct spenders *s = spenders_new(stats, by, from_ms, most);
        json_t *rows = json_array(), *root;
        size_t n_shown = 0;

        for (size_t i = 0; s && i < s->n; ++i) {
                json_array_append_new(rows, spender_json(&s->rows[i], &s->all));
                n_shown += strcmp(s->rows[i].name, STATS_OTHERS) != 0;
        }
        root = s ? json_pack("{s:s, s:I, s:I, s:O, s:I}", "by", stats_by_name(by), "from_ms",
                             (json_int_t)(s->n > 0 ? s->from_ms : from_ms), "to_ms",
                             (json_int_t)to_ms, "rows", rows, "others",
                             (json_int_t)(s->n_names - n_shown))
                 : NULL;
        json_decref(rows);
        spenders_free(s);
        return root;
}

/* Return: false after having refused. */
static bool read_by(struct visit *v, enum stats_by *ret)
{
        char word[16] = "client";
        int r = query_text(v->head->query, "by", word, sizeof(word));

        if (r == QUERY_BAD || stats_by_from(str_of(word), ret) < 0) {
                answer_refusal(v, 400, "by must be one of client, account, endpoint, class");
                return false;
        }
        return true;
}

static bool read_number(struct visit *v, const char *name, uint64_t min, uint64_t max,
                        uint64_t *ret)
{
        if (query_number(v->head->query, name, min, max, ret) == QUERY_FOUND)
                return true;
        answer_refusal(v, 400, "%s must be a number from %llu to %llu", name,
                       (unsigned long long)min, (unsigned long long)max);
        return false;
}

void tallies_show_spenders(struct visit *v)
{
        uint64_t minutes = 60, top = SPENDERS_ROWS, now_ms = 0;
        const struct stats *stats = v->watch->ops->stats(v->watch->ctx, &now_ms);
        enum stats_by by;

        if (!read_by(v, &by) || !read_number(v, "minutes", 1, MINUTES_MOST, &minutes) ||
            !read_number(v, "top", 1, SPENDERS_MOST, &top))
                return;
        answer_json(v, 200,
                    tallies_spenders(stats, by, now_ms - minutes * MS_PER_MINUTE, now_ms, top));
}

/* History. */

static json_t *line_json(const struct series_line *line, size_t n_steps)
{
        json_t *weight = json_array(), *orders = json_array();

        for (size_t i = 0; i < n_steps; ++i) {
                json_array_append_new(weight, number(line->weight[i]));
                json_array_append_new(orders, number(line->orders[i]));
        }
        return json_pack("{s:s, s:o, s:o}", "name", line->name, "weight", weight, "orders", orders);
}

static json_t *lines_json(const struct series *s)
{
        json_t *lines = json_array();

        for (size_t i = 0; i < s->n_lines; ++i)
                if (s->lines[i].sum > 0)
                        json_array_append_new(lines, line_json(&s->lines[i], s->n_steps));
        return lines;
}

/* One figure of each step; null where nothing is known, for a wait of nobody too. */
static json_t *column(const struct series *s, double (*figure)(const struct series_step *step))
{
        json_t *all = json_array();

        for (size_t i = 0; i < s->n_steps; ++i) {
                double value = s->steps[i].is_there ? figure(&s->steps[i]) : -1;

                json_array_append_new(all, value < 0 ? json_null()
                                           : value == (double)(json_int_t)value
                                                   ? json_integer((json_int_t)value)
                                                   : json_real(value));
        }
        return all;
}

static bool has_left(const struct series_step *step)
{
        const struct stats_figures *f = &step->all;

        return f->requests > f->refused;
}

static double limit_of(const struct series_step *step)
{
        return step->limit > 0 ? (double)step->limit : -1;
}

static double foreign_of(const struct series_step *step)
{
        return (double)step->foreign;
}

static double p50_of(const struct series_step *step)
{
        return has_left(step) ? ms_of(step->wait_p50_us) : -1;
}

static double p99_of(const struct series_step *step)
{
        return has_left(step) ? ms_of(step->wait_p99_us) : -1;
}

static double retries_of(const struct series_step *step)
{
        return (double)step->all.retries;
}

static double over_limit_of(const struct series_step *step)
{
        return (double)step->all.over_limit;
}

/* By reason; those only that there were. */
static json_t *refused_json(const struct stats *stats, const struct series *s)
{
        json_t *all = json_object();
        const char *reason;

        for (size_t k = 0; k < STATS_REASONS_MAX && (reason = stats_reason(stats, k)); ++k) {
                json_t *list = json_array();
                uint64_t sum = 0;

                for (size_t i = 0; i < s->n_steps; ++i) {
                        json_array_append_new(list, number(s->steps[i].refused[k]));
                        sum += s->steps[i].refused[k];
                }
                if (sum > 0)
                        json_object_set(all, reason, list);
                json_decref(list);
        }
        return all;
}

static json_t *pools_json(const struct stats *stats)
{
        json_t *all = json_array();

        for (uint32_t i = 0; i < stats_pools(stats); ++i) {
                struct stats_window *now = stats_look(stats, i, 0);

                if (now || stats_closed(stats, i, 0))
                        json_array_append_new(all, json_string(stats_pool(stats, i)->name));
                stats_window_free(now);
        }
        return all;
}

json_t *tallies_history(const struct stats *stats, uint32_t pool, const struct series_query *query)
{
        struct series *s = series_of_memory(stats, pool, query);
        json_t *starts = json_array(), *root;

        for (size_t i = 0; s && i < s->n_steps; ++i)
                json_array_append_new(starts, number(s->first_ms + i * query->step_ms));
        root = s ? json_pack("{s:s, s:s, s:I, s:s, s:o, s:O, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
                             "s:o, s:s}",
                             "by", stats_by_name(query->by), "step", "window", "step_ms",
                             (json_int_t)query->step_ms, "pool", stats_pool(stats, pool)->name,
                             "pools", pools_json(stats), "starts", starts, "limits",
                             column(s, limit_of), "series", lines_json(s), "foreign",
                             column(s, foreign_of), "wait_p50_ms", column(s, p50_of), "wait_p99_ms",
                             column(s, p99_of), "retries", column(s, retries_of), "over_limit",
                             column(s, over_limit_of), "refused", refused_json(stats, s), "of",
                             query->is_of_orders ? "orders" : "weight")
                 : NULL;
        json_decref(starts);
        series_free(s);
        return root;
}

uint32_t tallies_busiest(const struct stats *stats)
{
        uint32_t found = 0;
        uint64_t most = 0;

        for (uint32_t i = 0; i < stats_pools(stats); ++i) {
                struct stats_window *now = stats_look(stats, i, 0);
                uint64_t weight = now ? now->all.weight : 0;

                for (size_t k = 0; k < STATS_WINDOWS_KEPT && stats_closed(stats, i, k); ++k)
                        weight += stats_closed(stats, i, k)->all.weight;
                stats_window_free(now);
                if (weight > most) {
                        most = weight;
                        found = i;
                }
        }
        return found;
}

bool tallies_read_of(struct visit *v, bool *ret_is_of_orders)
{
        char of[16] = "weight";
        bool is_good = query_text(v->head->query, "of", of, sizeof(of)) != QUERY_BAD;

        *ret_is_of_orders = strcmp(of, "orders") == 0;
        if (is_good && (*ret_is_of_orders || strcmp(of, "weight") == 0))
                return true;
        answer_refusal(v, 400, "of must be weight or orders");
        return false;
}

/* Return: false after having refused. */
static bool read_pool(struct visit *v, const struct stats *stats, uint32_t *ret)
{
        char name[64] = "";
        int r = query_text(v->head->query, "pool", name, sizeof(name));

        if (r == QUERY_MISSING || (r == QUERY_FOUND && name[0] == '\0')) {
                *ret = tallies_busiest(stats);
                return true;
        }
        for (*ret = 0; r == QUERY_FOUND && *ret < stats_pools(stats); ++*ret)
                if (strcmp(stats_pool(stats, *ret)->name, name) == 0)
                        return true;
        answer_refusal(v, 404,
                       "there are no windows of that pool; those of weight are kept, as "
                       "spot-weight or futures-weight");
        return false;
}

void tallies_show_history(struct visit *v)
{
        uint64_t now_ms = 0, from_ms = 0, to_ms, top = HISTORY_LINES;
        const struct stats *stats = v->watch->ops->stats(v->watch->ctx, &now_ms);
        struct series_query query;
        char step[16] = "window";
        uint32_t pool;

        to_ms = now_ms;
        if (query_text(v->head->query, "step", step, sizeof(step)) == QUERY_BAD ||
            (strcmp(step, "window") != 0 && strcmp(step, "hour") != 0 &&
             strcmp(step, "day") != 0)) {
                answer_refusal(v, 400, "step must be one of window, hour, day");
                return;
        }
        if (strcmp(step, "window") != 0) {
                answer_refusal(v, 404,
                               "this gateway keeps no history of hours and days; only the last "
                               "windows are in its memory: set history.path");
                return;
        }
        if (!tallies_read_of(v, &query.is_of_orders) || !read_by(v, &query.by) ||
            !read_pool(v, stats, &pool) || !read_number(v, "top", 1, SERIES_NAMES_MAX, &top) ||
            !read_number(v, "from_ms", 0, INT64_MAX, &from_ms) ||
            !read_number(v, "to_ms", 0, INT64_MAX, &to_ms))
                return;
        query.is_of_orders |= stats_is_of_orders(stats_pool(stats, pool)->name);
        query.top = top;
        query.step_ms = stats_pool(stats, pool)->span_ms;
        query.to_ms = to_ms < now_ms ? to_ms : now_ms;
        query.from_ms = now_ms - STATS_WINDOWS_KEPT * query.step_ms;
        if (from_ms > query.from_ms)
                query.from_ms = from_ms;
        answer_json(v, 200, tallies_history(stats, pool, &query));
}
