/*
 * Bytes as a response head: the same answer however they are cut, framing by the rules of the
 * request's method (the first byte picks it), and the same again after writing and reading.
 */
#include "base/buf.h"
#include "http/parse.h"
#include "http/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct http_head *a, const struct http_head *b)
{
        must(a->status == b->status && str_eq(a->reason, b->reason));
        must(a->framing == b->framing && a->content_length == b->content_length);
        must(a->n_fields == b->n_fields);
        for (size_t i = 0; i < a->n_fields; ++i)
                must(str_eq(a->fields[i].name, b->fields[i].name) &&
                     str_eq(a->fields[i].value, b->fields[i].value));
}

static void check_cut(struct str all, size_t cut, enum http_method method, int answer,
                      const struct http_head *head)
{
        static struct http_head again;
        struct http_error error;
        size_t from = 0;
        int r = http_parse_response(str_from(all.p, cut), &from, method, &again, &error);

        if (answer == HTTP_DONE)
                must(r == (cut < head->head_bytes ? HTTP_SHORT : HTTP_DONE));
        if (r == HTTP_SHORT)
                r = http_parse_response(all, &from, method, &again, &error);
        must(r == answer);
        if (r == HTTP_DONE)
                same(head, &again);
}

static void check_head(const struct http_head *head, enum http_method method)
{
        bool is_bare = head->status < 200 || head->status == 204 || head->status == 304 ||
                       method == HTTP_HEAD;

        must(head->status >= 100 && head->status <= 999);
        must(!is_bare || head->framing == HTTP_BODY_NONE);
        must(is_bare || head->framing != HTTP_BODY_NONE);
        must(head->framing != HTTP_BODY_UNTIL_CLOSE || !head->keep_alive);
        must(head->head_bytes <= HTTP_HEAD_MAX && head->n_fields <= HTTP_FIELDS_MAX);
}

static void check_rewritten(const struct http_head *head, enum http_method method)
{
        static struct http_head again;
        static struct buf b = { .ceiling = 4 * HTTP_HEAD_MAX };
        struct http_error error;
        size_t from = 0;

        /* An empty reason is written as the usual one: that is no echo. */
        if (head->reason.n == 0)
                return;
        buf_clear(&b);
        must(http_write_status_line(&b, head->status, head->reason) == 0);
        for (size_t i = 0; i < head->n_fields; ++i)
                must(http_write_field(&b, head->fields[i].name, head->fields[i].value) == 0);
        must(http_write_head_end(&b) == 0);
        if (http_parse_response(buf_str(&b), &from, method, &again, &error) == HTTP_DONE)
                same(head, &again);
        else
                must(buf_length(&b) > HTTP_HEAD_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct http_head head;
        enum http_method method;
        struct http_error error = { 0 };
        struct str all;
        size_t from = 0, step;
        int r;

        if (size == 0)
                return 0;
        method = data[0] % (HTTP_METHODS + 1);
        all = str_from((const char *)data + 1, size - 1);
        step = all.n / 16 + 1;

        r = http_parse_response(all, &from, method, &head, &error);
        must(r != HTTP_BAD || (error.status == 502 && error.why));
        for (size_t cut = step / 2; cut < all.n; cut += step)
                check_cut(all, cut, method, r, &head);
        if (r == HTTP_DONE) {
                check_head(&head, method);
                check_rewritten(&head, method);
        }
        return 0;
}
