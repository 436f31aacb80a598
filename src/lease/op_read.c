/*
 * The texts of the store, read strictly: what is missing, of another kind or out of range is named.
 */
#include "lease/op.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Where reading stands; after the first mistake nothing else is looked at. */
struct reading {
        char *why;
        int r;
};

static void PRINTF(2, 3) wrong(struct reading *in, const char *format, ...)
{
        va_list args;

        if (in->r < 0)
                return;
        in->r = -EPROTO;
        va_start(args, format);
        vsnprintf(in->why, OP_WHY_SIZE, format, args);
        va_end(args);
}

/* An amount, a time or a window number. JSON of the store may write it as a real: 1e+14. */
static uint64_t whole_of(struct reading *in, const json_t *value, const char *name)
{
        if (json_is_integer(value) && json_integer_value(value) >= 0)
                return (uint64_t)json_integer_value(value);
        if (json_is_real(value) && json_real_value(value) >= 0 && json_real_value(value) < 0x1p53 &&
            (double)(uint64_t)json_real_value(value) >= json_real_value(value))
                return (uint64_t)json_real_value(value);
        wrong(in, "%s is no whole number", name);
        return 0;
}

static uint64_t whole_in(struct reading *in, const json_t *from, const char *name)
{
        return whole_of(in, json_object_get(from, name), name);
}

static void text_of(struct reading *in, const json_t *value, const char *name, char *to,
                    size_t size)
{
        if (!json_is_string(value) || json_string_length(value) >= size ||
            strlen(json_string_value(value)) != json_string_length(value)) {
                wrong(in, "%s is no text below %zu characters", name, size);
                return;
        }
        memcpy(to, json_string_value(value), json_string_length(value) + 1);
}

static uint64_t hex_of(struct reading *in, struct str text, const char *name)
{
        uint64_t number = 0;

        if (op_hex_parse(text, &number) < 0)
                wrong(in, "%s is no number of a host", name);
        return number;
}

static uint64_t decimal_of(struct reading *in, const char *text, const char *name)
{
        uint64_t number = 0;

        if (str_to_u64(str_of(text), &number) < 0)
                wrong(in, "%s: \"%.32s\" is no number", name, text);
        return number;
}

/* The object @name of @from; absent or null reads as none. */
static json_t *object_in(struct reading *in, const json_t *from, const char *name)
{
        json_t *object = json_object_get(from, name);

        if (!object || json_is_null(object))
                return NULL;
        if (!json_is_object(object))
                wrong(in, "%s is no object", name);
        return in->r < 0 ? NULL : object;
}

/* Room for @n rows of @size. Return: NULL for none, and without memory. */
static void *rows_new(struct reading *in, size_t n, size_t size)
{
        void *rows = in->r == 0 && n > 0 ? calloc(n, size) : NULL;

        if (in->r == 0 && n > 0 && !rows) {
                in->r = -ENOMEM;
                snprintf(in->why, OP_WHY_SIZE, "out of memory");
        }
        return rows;
}

static void id_of(struct reading *in, const char *key, char to[OP_ID_SIZE])
{
        if (!str_copy(str_of(key), to, OP_ID_SIZE) || !key[0])
                wrong(in, "\"%.32s...\" is no name of a budget or gate", key);
}

static void read_gates(struct reading *in, const json_t *from, struct op_gate **ret_gates,
                       size_t *ret_n)
{
        json_t *shut = object_in(in, from, "gates"), *opened = object_in(in, from, "opened");
        struct op_gate *gate;
        const char *key;
        json_t *value;

        *ret_gates = rows_new(in, json_object_size(shut) + json_object_size(opened),
                              sizeof(**ret_gates));
        if (!*ret_gates)
                return;
        gate = *ret_gates;
        json_object_foreach(shut, key, value)
        {
                id_of(in, key, gate->id);
                gate->until_ms = whole_in(in, value, "until");
                gate->kind = (unsigned)whole_in(in, value, "kind");
                if (gate->until_ms == 0 || gate->kind > 15)
                        wrong(in, "gate %s has no end, or is of no kind", gate->id);
                gate++;
        }
        json_object_foreach(opened, key, value)
        {
                id_of(in, key, gate->id);
                gate->at_ms = whole_in(in, value, "at");
                gate++;
        }
        *ret_n = (size_t)(gate - *ret_gates);
}

static void read_roster(struct reading *in, const json_t *from, struct op_answer *ret)
{
        const json_t *list = json_object_get(from, "roster");

        /* An empty list leaves the store as an empty object. */
        if (json_is_object(list) && json_object_size(list) == 0)
                return;
        if (!json_is_array(list) || json_array_size(list) > OP_ROSTER_MAX) {
                wrong(in, "roster is no list of %d hosts at most", OP_ROSTER_MAX);
                return;
        }
        for (size_t i = 0; i < json_array_size(list) && in->r == 0; ++i) {
                const char *text = json_string_value(json_array_get(list, i));

                ret->roster[ret->n_roster++] = hex_of(in, str_of(text), "a host of the roster");
        }
}

/* The claims of N and N + 1: two windows, one after the other. */
static void read_claims(struct reading *in, const json_t *from, struct op_granted *ret)
{
        json_t *all = object_in(in, from, "windows"), *value;
        uint64_t windows[2] = { 0, 0 }, claims[2] = { 0, 0 };
        const char *key;
        size_t n = 0;
        bool turned;

        if (json_object_size(all) != 2) {
                wrong(in, "%s: there are claims of %zu windows, not of two", ret->id,
                      json_object_size(all));
                return;
        }
        json_object_foreach(all, key, value)
        {
                windows[n] = decimal_of(in, key, ret->id);
                claims[n++] = whole_of(in, value, "a claim");
        }
        turned = windows[0] > windows[1];
        if (windows[turned] + 1 != windows[!turned])
                wrong(in, "%s: the windows of its claims are not neighbours", ret->id);
        ret->now = windows[turned];
        ret->claim_current = claims[turned];
        ret->claim_next = claims[!turned];
}

static void read_budgets(struct reading *in, const json_t *from, struct op_answer *ret)
{
        json_t *all = object_in(in, from, "budgets"), *value;
        const char *key;

        ret->budgets = rows_new(in, json_object_size(all), sizeof(*ret->budgets));
        if (!ret->budgets)
                return;
        json_object_foreach(all, key, value)
        {
                struct op_granted *b = &ret->budgets[ret->n_budgets++];
                const json_t *hungry = json_object_get(value, "hungry");

                id_of(in, key, b->id);
                b->share = whole_in(in, value, "share");
                b->limit = whole_in(in, value, "limit");
                b->others = whole_in(in, value, "others");
                b->foreign = whole_in(in, value, "foreign");
                if (json_object_get(value, "seen"))
                        b->seen = whole_in(in, value, "seen");
                b->expected = whole_in(in, value, "expected");
                b->is_hungry = json_is_true(hungry);
                if (!json_is_boolean(hungry))
                        wrong(in, "%s: hungry is neither true nor false", b->id);
                read_claims(in, value, b);
        }
}

static size_t count_limits(json_t *pools)
{
        const char *key;
        json_t *value;
        size_t n = 0;

        json_object_foreach(pools, key, value) n += json_array_size(value);
        return n;
}

static void read_limits(struct reading *in, const json_t *from, struct op_answer *ret)
{
        json_t *limits = object_in(in, from, "limits"), *pools = object_in(in, limits, "pools");
        const char *key;
        json_t *value;

        if (!limits)
                return;
        ret->limits_at_ms = whole_in(in, limits, "at");
        ret->limits = rows_new(in, count_limits(pools), sizeof(*ret->limits));
        if (!ret->limits)
                return;
        json_object_foreach(pools, key, value)
        {
                for (size_t i = 0; i < json_array_size(value); ++i) {
                        const json_t *row = json_array_get(value, i);
                        struct op_limit *l = &ret->limits[ret->n_limits++];

                        l->pool = decimal_of(in, key, "limits");
                        l->span_ms = whole_of(in, json_array_get(row, 0), "a span of limits");
                        l->limit = whole_of(in, json_array_get(row, 1), "a limit");
                }
        }
}

/* Return: the text as an object, to be given back; NULL after a mistake. */
static json_t *parse(struct reading *in, struct str text, const char *what)
{
        json_error_t error;
        json_t *all = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);

        if (!all)
                wrong(in, "%s is no JSON: %.100s at byte %d", what, error.text, error.position);
        else if (!json_is_object(all))
                wrong(in, "%s is no object", what);
        if (in->r == 0)
                return all;
        json_decref(all);
        return NULL;
}

static void check_version(struct reading *in, const json_t *all, const char *what)
{
        if (whole_in(in, all, "v") != 1)
                wrong(in, "%s is not of version 1: bring all hosts to one version of weir", what);
}

int op_answer_parse(struct str text, struct op_answer *ret, char why[OP_WHY_SIZE])
{
        struct reading in = { .why = why };
        const json_t *wait, *namesake;
        json_t *all;

        *ret = (struct op_answer){ 0 };
        all = parse(&in, text, "the store's answer");
        if (!all)
                return in.r;
        if (json_is_string(json_object_get(all, "error"))) {
                int r = json_is_true(json_object_get(all, "twice")) ? -EEXIST : -ECONNREFUSED;

                snprintf(why, OP_WHY_SIZE, "%s", json_string_value(json_object_get(all, "error")));
                json_decref(all);
                return r;
        }
        check_version(&in, all, "the store's answer");
        ret->seq = whole_in(&in, all, "seq");
        ret->epoch = whole_in(&in, all, "epoch");
        text_of(&in, json_object_get(all, "birth"), "birth", ret->birth, sizeof(ret->birth));
        wait = json_object_get(all, "wait");
        if (wait && !json_is_null(wait))
                text_of(&in, wait, "wait", ret->wait, sizeof(ret->wait));
        namesake = json_object_get(all, "namesake");
        if (namesake)
                ret->namesake = hex_of(&in, str_of(json_string_value(namesake)), "namesake");
        read_roster(&in, all, ret);
        ret->n_hosts = json_object_get(all, "hosts") ? whole_in(&in, all, "hosts") : ret->n_roster;
        read_budgets(&in, all, ret);
        read_gates(&in, all, &ret->gates, &ret->n_gates);
        read_limits(&in, all, ret);
        ret->is_again = json_is_true(json_object_get(all, "again"));
        ret->may_probe = json_is_true(json_object_get(all, "probe"));
        json_decref(all);
        return in.r;
}

void op_answer_deinit(struct op_answer *answer)
{
        free(answer->budgets);
        free(answer->gates);
        free(answer->limits);
        *answer = (struct op_answer){ 0 };
}

/* { "ID": N } */
static void read_told(struct reading *in, const json_t *from, const char *name,
                      struct op_told **ret_rows, size_t *ret_n)
{
        json_t *all = object_in(in, from, name), *value;
        const char *key;

        *ret_rows = rows_new(in, json_object_size(all), sizeof(**ret_rows));
        if (!*ret_rows)
                return;
        json_object_foreach(all, key, value)
        {
                struct op_told *row = &(*ret_rows)[(*ret_n)++];

                id_of(in, key, row->id);
                row->window = whole_of(in, value, name);
        }
}

/* { "ID": { "N": amount } } */
static void read_amounts(struct reading *in, const json_t *from, const char *name,
                         struct op_told **ret_rows, size_t *ret_n)
{
        json_t *all = object_in(in, from, name), *value;
        const char *key, *window;
        json_t *amount;

        *ret_rows = rows_new(in, json_object_size(all), sizeof(**ret_rows));
        if (!*ret_rows)
                return;
        json_object_foreach(all, key, value)
        {
                struct op_told *row = &(*ret_rows)[(*ret_n)++];

                id_of(in, key, row->id);
                if (json_object_size(value) != 1)
                        wrong(in, "%s: %s is not that of one window", row->id, name);
                json_object_foreach(value, window, amount)
                {
                        row->window = decimal_of(in, window, row->id);
                        row->amount = whole_of(in, amount, name);
                }
        }
}

/* { "hex": "name" } */
static void read_guests(struct reading *in, const json_t *from, const char *name,
                        struct op_guest **ret_rows, size_t *ret_n)
{
        json_t *all = object_in(in, from, name), *value;
        const char *key;

        *ret_rows = rows_new(in, json_object_size(all), sizeof(**ret_rows));
        if (!*ret_rows)
                return;
        json_object_foreach(all, key, value)
        {
                struct op_guest *row = &(*ret_rows)[(*ret_n)++];

                row->host = hex_of(in, str_of(key), name);
                text_of(in, value, name, row->name, sizeof(row->name));
        }
}

int op_news_parse(struct str text, struct op_news *ret, char why[OP_WHY_SIZE])
{
        struct reading in = { .why = why };
        const char *from;
        json_t *all;

        *ret = (struct op_news){ 0 };
        all = parse(&in, text, "the store's news");
        if (!all)
                return in.r;
        check_version(&in, all, "the store's news");
        from = json_string_value(json_object_get(all, "from"));
        if (!from)
                wrong(&in, "from is missing");
        else if (from[0])
                ret->from = hex_of(&in, str_of(from), "from");
        read_told(&in, all, "hungry", &ret->hungry, &ret->n_hungry);
        read_told(&in, all, "free", &ret->free, &ret->n_free);
        read_told(&in, all, "poor", &ret->poor, &ret->n_poor);
        read_amounts(&in, all, "foreign", &ret->foreign, &ret->n_foreign);
        read_amounts(&in, all, "seen", &ret->seen, &ret->n_seen);
        read_gates(&in, all, &ret->gates, &ret->n_gates);
        read_guests(&in, all, "joined", &ret->joined, &ret->n_joined);
        read_guests(&in, all, "left", &ret->left, &ret->n_left);
        read_guests(&in, all, "speaks", &ret->speaks, &ret->n_speaks);
        ret->has_limits = object_in(&in, all, "limits") != NULL;
        ret->is_birth = object_in(&in, all, "birth") != NULL;
        json_decref(all);
        return in.r;
}

void op_news_deinit(struct op_news *news)
{
        free(news->hungry);
        free(news->free);
        free(news->poor);
        free(news->foreign);
        free(news->seen);
        free(news->gates);
        free(news->joined);
        free(news->left);
        free(news->speaks);
        *news = (struct op_news){ 0 };
}
