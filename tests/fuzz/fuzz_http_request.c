/*
 * Bytes as a request head: the same answer however they are cut, and what is accepted says the
 * same after it was written again and read again.
 */
#include "base/buf.h"
#include "http/parse.h"
#include "http/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct http_head *a, const struct http_head *b)
{
        must(a->method == b->method && str_eq(a->method_text, b->method_text));
        must(str_eq(a->target, b->target));
        must(str_eq(a->path, b->path) && str_eq(a->query, b->query) &&
             a->has_query == b->has_query);
        must(str_eq(a->host, b->host));
        must(a->framing == b->framing && a->content_length == b->content_length);
        must(a->n_fields == b->n_fields);
        for (size_t i = 0; i < a->n_fields; ++i)
                must(str_eq(a->fields[i].name, b->fields[i].name) &&
                     str_eq(a->fields[i].value, b->fields[i].value));
}

/* The first @cut bytes, then all: as a sender of two pieces would have it. */
static void check_cut(struct str all, size_t cut, int answer, const struct http_head *head,
                      const struct http_error *error)
{
        static struct http_head again;
        struct http_error e = { 0 };
        size_t from = 0;
        int r = http_parse_request(str_from(all.p, cut), &from, &again, &e);

        if (answer == HTTP_DONE)
                must(r == (cut < head->head_bytes ? HTTP_SHORT : HTTP_DONE));
        if (answer == HTTP_SHORT)
                must(r == HTTP_SHORT);
        if (r == HTTP_SHORT)
                r = http_parse_request(all, &from, &again, &e);
        must(r == answer);
        if (r == HTTP_BAD)
                must(e.status == error->status && e.why == error->why);
        if (r == HTTP_DONE)
                same(head, &again);
}

static void check_rewritten(const struct http_head *head)
{
        static struct http_head again;
        static struct buf b = { .ceiling = 4 * HTTP_HEAD_MAX };
        struct http_error error;
        size_t from = 0;
        int r;

        buf_clear(&b);
        must(http_write_request_line(&b, head->method_text, head->target) == 0);
        for (size_t i = 0; i < head->n_fields; ++i)
                must(http_write_field(&b, head->fields[i].name, head->fields[i].value) == 0);
        must(http_write_head_end(&b) == 0);
        r = http_parse_request(buf_str(&b), &from, &again, &error);
        /* A blank after each colon may make it too long, and 1.1 may miss Host or know Expect. */
        if (r != HTTP_DONE) {
                must(error.status == 431 || error.status == 414 || head->minor_version == 0);
                return;
        }
        same(head, &again);
}

static void check_head(struct str all, const struct http_head *head)
{
        must(head->head_bytes <= all.n && head->head_bytes <= HTTP_HEAD_MAX);
        must(head->n_fields <= HTTP_FIELDS_MAX);
        must(head->target.n > 0 && head->target.p[0] == '/');
        must(head->framing != HTTP_BODY_UNTIL_CLOSE);
        must(head->framing == HTTP_BODY_LENGTH || head->content_length == 0);
        for (size_t i = 0; i < head->n_fields; ++i) {
                const struct http_field *field = &head->fields[i];

                must(http_is_token(field->name) && http_is_value(field->value));
                must(http_field_value(head, field->name).p != NULL);
                (void)http_field_is_hop_by_hop(head, field->name);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct http_head head;
        struct str all = str_from((const char *)data, size);
        struct http_error error = { 0 };
        size_t from = 0, step = size / 16 + 1;
        int r;

        r = http_parse_request(all, &from, &head, &error);
        must(r != HTTP_BAD || (error.status >= 400 && error.why));
        for (size_t cut = step / 2; cut < size; cut += step)
                check_cut(all, cut, r, &head, &error);
        if (r == HTTP_DONE) {
                check_head(all, &head);
                check_rewritten(&head);
        }
        return 0;
}
