/*
 * The answer of /weir/api/history and of weir history --json.
 */
#include "history/table.h"

#include <jansson.h>
#include <stdlib.h>

/* Of nobody's wait is null: a chart leaves a gap there, where 0 would be a lie. */
static json_t *wait_ms(uint64_t us)
{
        return us == HISTORY_NO_WAIT ? json_null() : json_real((double)us / 1000);
}

static json_t *waits(const uint64_t *us, size_t n)
{
        json_t *list = json_array();

        for (size_t i = 0; i < n; ++i)
                json_array_append_new(list, wait_ms(us[i]));
        return list;
}

static json_t *figures(const uint64_t *values, size_t n)
{
        json_t *list = json_array();

        for (size_t i = 0; i < n; ++i)
                json_array_append_new(list, json_integer((json_int_t)values[i]));
        return list;
}

/* What is of all, null where nobody wrote it. */
static json_t *column(const struct history_table *t, const uint64_t *values, bool is_zero_none)
{
        json_t *list = json_array();

        for (size_t i = 0; i < t->n; ++i)
                json_array_append_new(list, !t->is_there[i] || (is_zero_none && values[i] == 0)
                                                    ? json_null()
                                                    : json_integer((json_int_t)values[i]));
        return list;
}

static json_t *starts(const struct history_table *t)
{
        json_t *list = json_array();

        for (size_t i = 0; i < t->n; ++i)
                json_array_append_new(list,
                                      json_integer((json_int_t)(t->first_ms + i * t->step_ms)));
        return list;
}

static json_t *series(const struct history_table *t, const struct history_series *s, bool is_whole)
{
        json_t *row = json_object(), *total;

        json_object_set_new(row, "name", json_string(s->name));
        json_object_set_new(row, "weight", figures(s->weight, t->n));
        json_object_set_new(row, "orders", figures(s->orders, t->n));
        if (!is_whole)
                return row;
        json_object_set_new(row, "requests", figures(s->requests, t->n));
        total = json_object();
        for (size_t i = 0; i < HISTORY_COUNTS; ++i)
                json_object_set_new(total, history_count_name((enum history_count)i),
                                    json_integer((json_int_t)s->total[i]));
        json_object_set_new(total, "wait_p50_ms", wait_ms(s->wait_p50_us));
        json_object_set_new(total, "wait_p99_ms", wait_ms(s->wait_p99_us));
        json_object_set_new(row, "total", total);
        return row;
}

static json_t *all_series(const struct history_table *t, bool is_whole)
{
        json_t *list = json_array();

        for (size_t i = 0; i < t->n_series; ++i)
                json_array_append_new(list, series(t, &t->series[i], is_whole));
        return list;
}

static json_t *reasons(const struct history_table *t)
{
        json_t *all = json_object();

        for (size_t i = 0; i < t->n_reasons; ++i)
                json_object_set_new(all, t->reasons[i].name, figures(t->reasons[i].refused, t->n));
        return all;
}

static json_t *pools(const struct history_table *t)
{
        json_t *list = json_array();

        for (size_t i = 0; i < t->n_pools; ++i)
                json_array_append_new(list, json_string(t->pools[i]));
        return list;
}

char *history_table_json(const struct history_table *t, bool is_whole)
{
        json_t *root = json_object();
        char *text;

        json_object_set_new(root, "by", json_string(history_by_name(t->by)));
        json_object_set_new(root, "of", json_string(t->is_of_orders ? "orders" : "weight"));
        json_object_set_new(root, "step", json_string(history_step_name(t->step)));
        json_object_set_new(root, "step_ms", json_integer((json_int_t)t->step_ms));
        json_object_set_new(root, "pool", json_string(t->pool));
        json_object_set_new(root, "pools", pools(t));
        json_object_set_new(root, "starts", starts(t));
        json_object_set_new(root, "limits", column(t, t->limits, true));
        json_object_set_new(root, "series", all_series(t, is_whole));
        json_object_set_new(root, "foreign", column(t, t->foreign, false));
        json_object_set_new(root, "wait_p50_ms", waits(t->wait_p50_us, t->n));
        json_object_set_new(root, "wait_p99_ms", waits(t->wait_p99_us, t->n));
        json_object_set_new(root, "wait_max_ms", waits(t->wait_max_us, t->n));
        for (size_t i = 0; i < HISTORY_COUNTS; ++i)
                if (i != HISTORY_COUNT_refused)
                        json_object_set_new(root, history_count_name((enum history_count)i),
                                            column(t, t->counts[i], false));
        json_object_set_new(root, "refused", reasons(t));
        /* NULL without memory, here or before. */
        text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(7));
        json_decref(root);
        return text;
}
