#include "gateway/access_log.h"
#include "base/clock.h"
#include "base/log.h"
#include "gateway/answer.h"
#include "gateway/flow.h"
#include "gateway/shown.h"

#include <stdio.h>
#include <string.h>

/* Longer paths, and more names, are cut. */
#define PATH_SIZE   160
#define PARAMS_SIZE 320

/* How one ended, beside what its flow knows. */
struct end {
        unsigned status; /* 0: no answer, or not all of one */
        int code;
        const char *verdict; /* of an answer of weir's; "": it is none */
        const char *outcome;
        uint64_t out_bytes;
};

static bool is_off(const struct gateway *g)
{
        return LIKELY(g->access.fd < 0 && strcmp(g->access.path, "on") != 0);
}

static void write_line(struct gateway *g, const struct log_fields *fields)
{
        char line[LOG_PREFIX_MAX + LOG_LINE_MAX];
        struct log_record record = {
                .level = LOG_INFO,
                .event = "access",
                .at_us = clock_wall_us(),
                .fields = fields,
        };
        size_t n = g->access.fd < 0 ? log_prefix(LOG_INFO, line) : 0;

        n += log_record_line(&record, g->settings.log.format, line + n);
        access_log_put(g, line, n);
}

static bool is_form(const struct http_head *head)
{
        return str_has_prefix_nocase(http_field_value(head, STR_LITERAL("content-type")),
                                     STR_LITERAL("application/x-www-form-urlencoded"));
}

/* What was asked for: of the query and of a form, names. */
static void add_question(struct log_fields *fields, struct http_exchange *exchange)
{
        const struct http_head *head = http_exchange_head(exchange);
        char method[SHOWN_METHOD_SIZE], path[PATH_SIZE], query[PARAMS_SIZE], form[PARAMS_SIZE] = "";
        struct str body = http_exchange_body(exchange);

        shown_names(head->query, query, sizeof(query));
        if (is_form(head))
                shown_names(body, form, sizeof(form));
        log_fields_add(fields, "method=%s path=\"%s\" params=%s%s%s in_bytes=%zu",
                       shown_method(head, method), shown_path(head->path, path, sizeof(path)),
                       query, query[0] && form[0] ? "," : "", form, body.n);
}

static double ms(uint64_t from_us, uint64_t to_us)
{
        return to_us > from_us ? (double)(to_us - from_us) / 1000 : 0;
}

/* Where its time went, and what it cost. */
static void add_way(struct log_fields *fields, const struct flow *f)
{
        const struct tally *t = &f->tally;
        uint64_t now_us = loop_now_us(f->gateway->loop);

        log_fields_add(fields, "waited_ms=%.3f exchange_ms=%.3f retries=%u weight=%u egress=%s",
                       ms(f->arrived_us, t->has_left ? f->left_us : now_us),
                       t->has_left && t->answered_us > 0 ? ms(f->left_us, t->answered_us) : 0,
                       f->call.retries + f->n_stale, tally_weight(f), f->upstream->outlet->shown);
}

static void tell(struct gateway *g, struct http_exchange *exchange, const struct flow *f,
                 const struct end *end)
{
        char client[TALLY_CLIENT_SIZE];
        struct log_fields fields;

        log_fields_init(&fields);
        if (!f)
                tally_name_client(exchange, client);
        log_fields_add(&fields, "request=%s client=\"%s\" peer=%s class=%s",
                       http_exchange_label(exchange), f ? f->tally.client : client,
                       http_exchange_peer(exchange), f ? class_name(f->request.class) : "");
        add_question(&fields, exchange);
        log_fields_add(&fields, "status=%u code=%d out_bytes=%llu", end->status, end->code,
                       (unsigned long long)end->out_bytes);
        if (f)
                add_way(&fields, f);
        log_fields_add(&fields, "outcome=%s verdict=%s", end->outcome, end->verdict);
        write_line(g, &fields);
}

void access_log_answered(struct flow *f)
{
        struct end end = {
                .status = f->status,
                .code = f->tally.code,
                .verdict = "",
                .outcome = stats_outcome_name(f->tally.outcome),
                .out_bytes = f->out_bytes,
        };

        if (!is_off(f->gateway))
                tell(f->gateway, f->exchange, f, &end);
}

void access_log_refused(struct http_exchange *exchange, const struct answer *answer,
                        size_t out_bytes)
{
        struct gateway *g = http_exchange_ctx(exchange);
        const struct flow *f = http_exchange_user(exchange);
        struct end end = {
                .status = answer->status,
                .code = answer->code,
                .verdict = answer->verdict,
                .outcome = stats_outcome_name(f ? f->tally.outcome : STATS_REFUSED),
                .out_bytes = out_bytes,
        };

        if (!is_off(g))
                tell(g, exchange, f, &end);
}

void access_log_aborted(struct flow *f)
{
        struct end end = {
                .verdict = "",
                .outcome = stats_outcome_name(f->tally.outcome),
                .out_bytes = f->out_bytes,
        };

        if (!is_off(f->gateway))
                tell(f->gateway, f->exchange, f, &end);
}

void access_log_malformed(void *ctx, struct http_exchange *exchange, unsigned status,
                          const char *why)
{
        struct gateway *g = ctx;
        char id[REQUEST_ID_SIZE];
        struct log_fields fields;

        request_id_make(&g->request_ids, id);
        http_exchange_set_label(exchange, str_of(id));
        log_event(LOG_INFO, "malformed", "request=%s status=%u peer=%s why=\"%s\"", id, status,
                  http_exchange_peer(exchange), why);
        if (is_off(g))
                return;
        log_fields_init(&fields);
        log_fields_add(&fields, "request=%s peer=%s status=%u outcome=%s verdict=%s", id,
                       http_exchange_peer(exchange), status, stats_outcome_name(STATS_REFUSED),
                       "malformed");
        write_line(g, &fields);
}
