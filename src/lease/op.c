#include "lease/op.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

void op_hex(uint64_t number, char to[OP_HEX_SIZE])
{
        snprintf(to, OP_HEX_SIZE, "%016" PRIx64, number);
}

int op_hex_parse(struct str text, uint64_t *ret)
{
        uint64_t number = 0;

        if (text.n == 0 || text.n >= OP_HEX_SIZE)
                return -EINVAL;
        for (size_t i = 0; i < text.n; ++i) {
                char c = text.p[i];

                if (c >= '0' && c <= '9')
                        number = number << 4 | (uint64_t)(c - '0');
                else if (c >= 'a' && c <= 'f')
                        number = number << 4 | (uint64_t)(c - 'a' + 10);
                else
                        return -EINVAL;
        }
        *ret = number;
        return 0;
}

/* A new reference, NULL without memory: json_object_set_new() and the like take that as failure. */
static json_t *number(uint64_t n)
{
        return json_integer((json_int_t)n);
}

static json_t *hex(uint64_t n)
{
        char text[OP_HEX_SIZE];

        op_hex(n, text);
        return json_string(text);
}

/* Each window by its number, as the page has them. */
static json_t *windows(const struct op_budget *b)
{
        char previous[24], current[24], next[24];

        snprintf(previous, sizeof(previous), "%" PRIu64, b->now > 0 ? b->now - 1 : 0);
        snprintf(current, sizeof(current), "%" PRIu64, b->now);
        snprintf(next, sizeof(next), "%" PRIu64, b->now + 1);
        return json_pack("{s:{s:o,s:o}, s:{s:o,s:o,s:o,s:o,s:o}, s:{s:o,s:o,s:o,s:o,s:o}}",
                         previous, "used", number(b->previous.used), "seen",
                         number(b->previous.seen), current, "hold", number(b->current.hold), "want",
                         number(b->current.want), "urgent", number(b->current.urgent), "used",
                         number(b->current.used), "seen", number(b->current.seen), next, "hold",
                         number(b->next.hold), "want", number(b->next.want), "urgent",
                         number(b->next.urgent), "used", number(b->next.used), "seen",
                         number(b->next.seen));
}

static json_t *later(const struct op_budget *b)
{
        json_t *all = json_array();

        for (size_t i = 0; all && i < b->n_later; ++i) {
                if (json_array_append_new(all, number(b->later[i])) < 0) {
                        json_decref(all);
                        return NULL;
                }
        }
        return all;
}

static json_t *budgets(const struct op *op)
{
        json_t *all = json_object();

        for (size_t i = 0; all && i < op->n_budgets; ++i) {
                const struct op_budget *b = &op->budgets[i];
                json_t *one =
                        json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "limit",
                                  number(b->limit), "span", number(b->span_ms), "past",
                                  number(b->past), "share", number(b->share), "aim", number(b->aim),
                                  "now", number(b->now), "before", number(b->before), "after",
                                  number(b->after), "windows", windows(b), "later", later(b));

                if (json_object_set_new(all, b->id, one) < 0) {
                        json_decref(all);
                        return NULL;
                }
        }
        return all;
}

static json_t *roster(const struct op *op)
{
        json_t *all = json_array();

        for (size_t i = 0; all && i < op->n_roster; ++i) {
                if (json_array_append_new(all, hex(op->roster[i])) < 0) {
                        json_decref(all);
                        return NULL;
                }
        }
        return all;
}

static json_t *gates(const struct op *op, bool opened)
{
        json_t *all = json_object();

        for (size_t i = 0; all && i < op->n_gates; ++i) {
                const struct op_gate *g = &op->gates[i];
                json_t *one;

                if (opened != (g->until_ms == 0))
                        continue;
                one = opened ? json_pack("{s:o}", "at", number(g->at_ms))
                             : json_pack("{s:o,s:o}", "until", number(g->until_ms), "kind",
                                         number(g->kind));
                if (json_object_set_new(all, g->id, one) < 0) {
                        json_decref(all);
                        return NULL;
                }
        }
        return all;
}

/* { "3": [[60000, 6000]] } */
static json_t *pools(const struct op *op)
{
        json_t *all = json_object();

        for (size_t i = 0; all && i < op->n_limits; ++i) {
                const struct op_limit *l = &op->limits[i];
                char pool[24];
                json_t *row, *list;

                snprintf(pool, sizeof(pool), "%" PRIu64, l->pool);
                list = json_object_get(all, pool);
                if (!list && json_object_set_new(all, pool, json_array()) == 0)
                        list = json_object_get(all, pool);
                row = json_pack("[o,o]", number(l->span_ms), number(l->limit));
                if (!list || json_array_append_new(list, row) < 0) {
                        json_decref(all);
                        return NULL;
                }
        }
        return all;
}

static json_t *whole(const struct op *op, const char *server)
{
        json_t *all = json_pack(
                "{s:i,s:s,s:o,s:s,s:s,s:o,s:o,s:o,s:s,s:o,s:s,s:o,s:b,s:b,s:o,s:o,s:o,s:o}", "v", 1,
                "table", op->table, "host", hex(op->host), "run", op->run, "name", op->name, "seq",
                number(op->seq), "now", number(op->now_ms), "error", number(op->error_ms), "birth",
                op->birth, "epoch", number(op->epoch), "server", server, "grace",
                number(op->grace_ms), "is_fixed", (int)op->is_fixed, "bye", (int)op->is_bye,
                "roster", roster(op), "budgets", budgets(op), "gates", gates(op, false), "opened",
                gates(op, true));

        if (all && op->limits_at_ms > 0 &&
            json_object_set_new(all, "limits",
                                json_pack("{s:o,s:o}", "at", number(op->limits_at_ms), "pools",
                                          pools(op))) < 0)
                goto fail;
        if (all && op->probe && op->probe[0] &&
            json_object_set_new(all, "probe", json_string(op->probe)) < 0)
                goto fail;
        return all;

fail:
        json_decref(all);
        return NULL;
}

int op_print(const struct op *op, const char *server, struct buf *to)
{
        json_t *all = whole(op, server);
        size_t length;
        int r;

        if (!all)
                return -ENOMEM;
        length = json_dumpb(all, NULL, 0, JSON_COMPACT);
        r = length > 0 ? buf_reserve(to, length) : -ENOMEM;
        if (r == 0) {
                length = json_dumpb(all, buf_tail(to), length, JSON_COMPACT);
                buf_commit(to, length);
        }
        json_decref(all);
        return r;
}
