#include "budget/budget.h"
#include "gateway/reply.h"
#include "classify/classify.h"
#include "gateway/upstream.h"
#include "http/write.h"

#include <errno.h>

/* Above this much unsent a piece is written at once, not at the end of the turn. */
#define REPLY_FLUSH_BYTES 32768

static bool is_dropped(const struct http_head *head, struct str name)
{
        /* A reply without a body keeps the length that it would have had (HEAD, 304). */
        if (name.n == 14 && head->framing != HTTP_BODY_NONE &&
            str_eq_nocase(name, STR_LITERAL("content-length")))
                return true;
        return http_field_is_hop_by_hop(head, name);
}

static void choose_framing(struct flow *f, const struct http_head *head)
{
        bool is_old = http_exchange_head(f->exchange)->minor_version == 0;

        f->content_length = head->content_length;
        f->framing = head->framing == HTTP_BODY_NONE     ? FRAMING_NONE
                     : head->framing == HTTP_BODY_LENGTH ? FRAMING_LENGTH
                     : is_old                            ? FRAMING_CLOSE
                                                         : FRAMING_CHUNKED;
}

static int write_own_fields(const struct flow *f, struct buf *to)
{
        int r = http_write_field_u64(to, STR_LITERAL("X-Weir-Wait-Us"),
                                     f->left_us > f->arrived_us ? f->left_us - f->arrived_us : 0);
        if (r == 0)
                r = http_write_field_u64(to, STR_LITERAL("X-Weir-Retries"), f->call.retries);
        if (r == 0)
                r = http_write_field(to, STR_LITERAL("X-Weir-Class"),
                                     str_of(class_name(f->request.class)));
        if (r == 0)
                r = http_write_field(to, STR_LITERAL(REQUEST_ID_FIELD), str_of(f->request_id));
        if (r == 0 && f->upstream->outlet->is_named)
                r = http_write_field(to, STR_LITERAL("X-Weir-Egress"),
                                     str_of(f->upstream->outlet->name));
        return r;
}

int reply_take_head(struct flow *f, const struct http_head *head)
{
        struct buf *to = &f->reply;
        int r = http_write_status_line(to, head->status, head->reason);

        for (size_t i = 0; r == 0 && i < head->n_fields; ++i)
                if (!is_dropped(head, head->fields[i].name))
                        r = http_write_parsed_field(to, &head->fields[i]);
        /* Fields of our own; a shadow leaves none. */
        if (r == 0 && !f->gateway->shadow)
                r = write_own_fields(f, to);
        choose_framing(f, head);
        if (f->is_collecting) {
                str_copy(http_field_value(head, STR_LITERAL("content-encoding")),
                         f->content_encoding, sizeof(f->content_encoding));
                str_copy(http_field_value(head, STR_LITERAL("content-type")), f->content_type,
                         sizeof(f->content_type));
                str_copy(http_field_value(head, STR_LITERAL("retry-after")), f->retry_after,
                         sizeof(f->retry_after));
        }
        return r;
}

bool reply_is_batch(const struct flow *f)
{
        const struct policy_endpoint *e = f->plan.endpoint;

        return e && f->plan.is_mutating &&
               str_find(str_of(e->path), STR_LITERAL("batchOrders")) != NULL;
}

static void write_framing(struct flow *f, struct buf *to)
{
        /* The client's ceiling is far above a head: running out of it is a broken connection. */
        if (f->framing == FRAMING_LENGTH)
                (void)!http_write_content_length(to, f->content_length);
        else if (f->framing == FRAMING_CHUNKED)
                (void)!http_write_field(to, STR_LITERAL("Transfer-Encoding"),
                                        STR_LITERAL("chunked"));
        f->keep_alive = f->framing != FRAMING_CLOSE;
        (void)!http_exchange_write_connection(f->exchange, f->keep_alive);
        (void)!http_write_head_end(to);
}

static void write_head(struct flow *f)
{
        struct buf *out = http_exchange_out(f->exchange);

        (void)!buf_append_str(out, buf_str(&f->reply));
        write_framing(f, out);
}

void reply_start(struct flow *f)
{
        write_head(f);
        if (buf_length(&f->body) > 0)
                reply_add(f, buf_str(&f->body));
}

void reply_start_whole(struct flow *f)
{
        if (f->framing != FRAMING_NONE) {
                f->framing = FRAMING_LENGTH;
                f->content_length = buf_length(&f->body);
        }
        reply_start(f);
}

void reply_add(struct flow *f, struct str payload)
{
        struct buf *out = http_exchange_out(f->exchange);
        int r = 0;

        f->out_bytes += payload.n;
        if (f->framing == FRAMING_CHUNKED)
                r = http_write_chunk(out, payload);
        else
                r = buf_append_str(out, payload);
        /* Full although it was paused, or no memory: the client cannot be told the rest. */
        if (r < 0)
                f->keep_alive = false;
        if (buf_length(out) > REPLY_FLUSH_BYTES && http_exchange_flush(f->exchange) == HTTP_FULL)
                http_call_pause(&f->http);
}

void reply_finish(struct flow *f)
{
        if (f->framing == FRAMING_CHUNKED &&
            http_write_last_chunk(http_exchange_out(f->exchange)) < 0)
                f->keep_alive = false;
        http_exchange_end(f->exchange, f->keep_alive);
}

void reply_classify(const struct flow *f, uint64_t now_ms, struct verdict *ret_verdict)
{
        struct classify_in in = {
                .product = budget_product(f->plan.group),
                .is_mutating = f->plan.is_mutating,
                .is_order = f->plan.places_order || f->request.class == CLASS_CANCEL,
                .is_batch = reply_is_batch(f),
                .is_cut = f->is_cut,
                .status = (int)f->status,
                .content_encoding = str_of(f->content_encoding),
                .content_type = str_of(f->content_type),
                .retry_after = str_of(f->retry_after),
                .body = buf_str(&f->body),
                .now_ms = now_ms,
        };

        classify(&in, ret_verdict);
}
