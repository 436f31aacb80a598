#include "sim/admin.h"

#include "sim/form.h"

#include <stdio.h>
#include <stdlib.h>

#define REPEATED_MAX 100

static json_t *number(uint64_t value)
{
        return json_integer((json_int_t)value);
}

static void put(json_t *object, const char *name, json_t *value)
{
        int r = json_object_set_new(object, name, value);

        must(r == 0);
}

static json_t *window_json(const struct window *w, uint64_t limit)
{
        return json_pack("{s:I,s:I,s:I,s:I,s:I}", "window", (json_int_t)w->id, "used",
                         (json_int_t)w->used, "requests", (json_int_t)w->requests, "refused",
                         (json_int_t)w->refused, "limit", (json_int_t)limit);
}

static json_t *history_json(const struct book *book, uint64_t limit)
{
        size_t n = book->n_history < HISTORY_MAX ? book->n_history : HISTORY_MAX;
        json_t *list = json_array();

        for (size_t i = book->n_history - n; i < book->n_history; ++i)
                json_array_append_new(list, window_json(&book->history[i % HISTORY_MAX], limit));
        return list;
}

static json_t *bans_json(const struct book *book)
{
        size_t n = book->n_bans < BANS_MAX ? book->n_bans : BANS_MAX;
        json_t *list = json_array();

        for (size_t i = book->n_bans - n; i < book->n_bans; ++i) {
                const struct ban *ban = &book->bans[i % BANS_MAX];

                json_array_append_new(list, json_pack("{s:I,s:I}", "from", (json_int_t)ban->from_ms,
                                                      "until", (json_int_t)ban->until_ms));
        }
        return list;
}

/* What is used now, of every type of limit that the pool has. */
static json_t *limits_json(const struct exchange *x, const struct book *book, uint64_t now_ms)
{
        json_t *list = json_array();

        for (enum limit_type type = 0; type < LIMIT_TYPES; ++type) {
                const struct limit *limit = &x->ledger.rules.limits[book->pool][type];
                bool is_now = limit->span_s &&
                              book->now[type].id == now_ms / (limit->span_s * MS_PER_SECOND);

                if (!limit->limit || !limit->span_s)
                        continue;
                json_array_append_new(
                        list,
                        json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "name", limit_name(book->pool, type),
                                  "limit", (json_int_t)limit->limit, "spanS",
                                  (json_int_t)limit->span_s, "window",
                                  (json_int_t)(now_ms / (limit->span_s * MS_PER_SECOND)), "used",
                                  (json_int_t)ledger_used(&x->ledger, book, type, now_ms),
                                  "refused", (json_int_t)(is_now ? book->now[type].refused : 0)));
        }
        return list;
}

static json_t *book_json(const struct exchange *x, const struct owner *owner,
                         const struct book *book, uint64_t now_ms)
{
        const struct limit *limit = &x->ledger.rules.limits[book->pool][LIMIT_WEIGHT];
        json_t *j = json_pack("{s:s,s:s}", "owner", owner->name, "pool", pool_name(book->pool));

        if (book->endpoint)
                put(j, "endpoint", json_string(book->endpoint));
        put(j, "limits", limits_json(x, book, now_ms));
        put(j, "used", number(ledger_used(&x->ledger, book, LIMIT_WEIGHT, now_ms)));
        put(j, "limit", number(limit->limit));
        put(j, "now", window_json(&book->now[LIMIT_WEIGHT], limit->limit));
        put(j, "windows", history_json(book, limit->limit));
        put(j, "requests", number(book->requests));
        put(j, "status429", number(book->refused_429));
        put(j, "status418", number(book->banned));
        put(j, "status403", number(book->blocked));
        put(j, "duringBan", number(book->in_ban));
        put(j, "bans", bans_json(book));
        return j;
}

json_t *admin_books(struct exchange *x, uint64_t now_ms)
{
        json_t *books = json_array();
        uint64_t refused = 0, banned = 0, blocked = 0, in_ban = 0;
        struct list *it, *after, *it2, *after2;

        for (size_t i = 0; i < OWNER_BUCKETS; ++i)
                list_for_each_safe(it, after, &x->ledger.owners[i])
                {
                        struct owner *owner = container_of(it, struct owner, link);

                        blocked += owner->blocked;
                        list_for_each_safe(it2, after2, &owner->books)
                        {
                                const struct book *book = container_of(it2, struct book, link);

                                refused += book->refused_429;
                                banned += book->banned;
                                in_ban += book->in_ban;
                                json_array_append_new(books, book_json(x, owner, book, now_ms));
                        }
                }
        return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "serverTime", (json_int_t)now_ms,
                         "requests", (json_int_t)x->requests, "status429", (json_int_t)refused,
                         "status418", (json_int_t)banned, "status403", (json_int_t)blocked,
                         "duringBan", (json_int_t)in_ban, "books", books);
}

struct admin_call {
        struct exchange *x;
        struct record *record;
        const struct request *request;
        struct form params;
        uint64_t wall_us;
        struct reply *reply;
};

static void get_books(struct admin_call *a)
{
        reply_json(a->reply, 200, admin_books(a->x, exchange_now_us(a->x, a->wall_us) / US_PER_MS));
}

static void get_orders(struct admin_call *a)
{
        struct str id = form_get(&a->params, "clientOrderId");

        reply_json(a->reply, 200,
                   id.n ? attempts_json(&a->x->attempts, id)
                        : attempts_summary(&a->x->attempts, REPEATED_MAX));
}

static void get_requests(struct admin_call *a)
{
        reply_json(a->reply, 200, record_json(a->record, form_u64(&a->params, "last", UINT64_MAX)));
}

static void done(struct admin_call *a)
{
        reply_text(a->reply, 200, "application/json", STR_LITERAL("{\"done\":true}"));
}

static void refuse(struct admin_call *a, const char *why, unsigned line, unsigned column)
{
        json_t *error = json_pack("{s:s}", "error", why);

        if (line) {
                put(error, "line", number(line));
                put(error, "column", number(column));
        }
        reply_json(a->reply, 400, error);
}

static void post_faults(struct admin_call *a)
{
        struct faults_error error;

        if (faults_parse(&a->x->faults, a->request->body, &error) < 0) {
                refuse(a, error.why, error.line, error.column);
                return;
        }
        exchange_apply_faults(a->x, a->wall_us);
        done(a);
}

/* One limit per line, "ban=120,300", "ban-after=10". All or nothing. */
static void post_limits(struct admin_call *a)
{
        struct ledger_rules rules = a->x->ledger.rules;
        struct str text = a->request->body, line;
        unsigned n = 0;

        while (str_split(&text, '\n', &line)) {
                const char *why = NULL;

                n += 1;
                line = str_trim(line);
                if (line.n > 0 && line.p[line.n - 1] == '\r')
                        line.n -= 1;
                if (line.n == 0 || line.p[0] == '#')
                        continue;
                if (ledger_rules_set_any(&rules, line, &why) < 0) {
                        refuse(a, why, n, 1);
                        return;
                }
        }
        a->x->ledger.rules = rules;
        a->x->config->rules = rules;
        done(a);
}

/* One price per line, "GET /api/v3/ping=3". All or nothing. */
static void post_weights(struct admin_call *a)
{
        struct weight_rules *rules = malloc(sizeof(*rules));
        struct str text = a->request->body, line;
        unsigned n = 0;

        must(rules);
        *rules = a->x->config->weights;
        while (str_split(&text, '\n', &line)) {
                const char *why = NULL;

                n += 1;
                line = str_trim(line);
                if (line.n == 0 || line.p[0] == '#')
                        continue;
                if (weight_rules_set(rules, line, &why) < 0) {
                        refuse(a, why, n, 1);
                        free(rules);
                        return;
                }
        }
        a->x->config->weights = *rules;
        free(rules);
        done(a);
}

static void post_reset(struct admin_call *a)
{
        exchange_reset(a->x);
        record_clear(a->record);
        done(a);
}

/* ?market=spot|usdm|coinm&symbol=BTCUSDT&price=90000; without a price it moves again. */
static void post_price(struct admin_call *a)
{
        static const char *const markets[PRODUCT_COUNT] = { "spot", "usdm", "coinm" };
        struct market *market = &a->x->engine.market;
        decimal price = 0;
        bool found = false;

        if (form_has(&a->params, "price") &&
            (decimal_from(form_get(&a->params, "price"), &price) < 0 || price < 0)) {
                refuse(a, "price must be a decimal number", 0, 0);
                return;
        }
        for (size_t i = 0; i < market->n_symbols; ++i) {
                const struct symbol *s = &market->symbols[i];

                if (!str_eq(form_get(&a->params, "symbol"), str_of(s->name)) ||
                    (form_has(&a->params, "market") &&
                     !form_is(&a->params, "market", markets[s->product])))
                        continue;
                market->pinned[i] = price - price % s->tick;
                found = true;
        }
        if (found)
                done(a);
        else
                refuse(a, "there is no such symbol", 0, 0);
}

static const struct {
        const char *method, *path;
        void (*serve)(struct admin_call *a);
} calls[] = {
        { "GET", "/sim/books", get_books },       { "GET", "/sim/orders", get_orders },
        { "GET", "/sim/requests", get_requests }, { "POST", "/sim/faults", post_faults },
        { "POST", "/sim/limits", post_limits },   { "POST", "/sim/reset", post_reset },
        { "POST", "/sim/price", post_price },     { "POST", "/sim/weights", post_weights },
};

bool admin_is_path(struct str path)
{
        return str_has_prefix(path, STR_LITERAL("/sim/"));
}

void admin_serve(struct exchange *x, struct record *record, const struct request *request,
                 uint64_t wall_us, struct reply *reply)
{
        struct admin_call *a = malloc(sizeof(*a));

        must(a);
        a->x = x;
        a->record = record;
        a->request = request;
        a->wall_us = wall_us;
        a->reply = reply;
        if (form_parse(&a->params, request->query, STR_NULL) < 0)
                a->params.n = 0;
        reply_text(reply, 404, "application/json",
                   STR_LITERAL("{\"error\":\"there is no such admin call\"}"));
        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i)
                if (str_eq(request->method, str_of(calls[i].method)) &&
                    str_eq(request->path, str_of(calls[i].path)))
                        calls[i].serve(a);
        free(a);
}
