#include "cli/demo_books.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* The books of two owners take 30 KiB. */
#define BODY_MAX  (1u << 20)
#define ANSWER_US (5 * US_PER_SECOND)

static uint64_t number(const json_t *object, const char *name)
{
        json_int_t value = json_integer_value(json_object_get(object, name));

        return value > 0 ? (uint64_t)value : 0;
}

static bool is_text(const json_t *object, const char *name, const char *text)
{
        const char *value = json_string_value(json_object_get(object, name));

        return value && strcmp(value, text) == 0;
}

/* Of the address that we all come from; accounts have books of their own, for orders. */
static const json_t *find_book(const json_t *root)
{
        const json_t *books = json_object_get(root, "books"), *book;
        size_t i;

        json_array_foreach(books, i, book) if (is_text(book, "owner", "127.0.0.1") &&
                                               is_text(book, "pool", "futures") &&
                                               !json_object_get(book, "endpoint")) return book;
        return NULL;
}

static void read_limit(struct books *b, const json_t *book)
{
        const json_t *limits = json_object_get(book, "limits"), *limit;
        size_t i;

        json_array_foreach(limits, i, limit)
        {
                if (!is_text(limit, "name", "futures-weight"))
                        continue;
                b->limit = number(limit, "limit");
                b->span_ms = number(limit, "spanS") * MS_PER_SECOND;
        }
}

/* Windows in which nothing was counted are in no list. */
static void read_window(struct books *b, const json_t *window, uint64_t now)
{
        uint64_t id = number(window, "window");

        if (id <= now && now - id < BOOKS_WINDOWS)
                b->used[BOOKS_WINDOWS - 1 - (now - id)] = number(window, "used");
}

static void read_windows(struct books *b, const json_t *book)
{
        const json_t *windows = json_object_get(book, "windows"), *window;
        uint64_t now = b->span_ms ? b->at_ms / b->span_ms : 0;
        size_t i;

        memset(b->used, 0, sizeof(b->used));
        b->used_in_all = 0;
        b->windows = 0;
        if (now == 0)
                return;
        json_array_foreach(windows, i, window)
        {
                read_window(b, window, now);
                b->used_in_all += number(window, "used");
                if (i == 0)
                        b->windows = now - number(window, "window");
        }
        window = json_object_get(book, "now");
        read_window(b, window, now);
        /* The last one used stays "now" until somebody comes, which may be windows later. */
        if (number(window, "window") < now)
                b->used_in_all += number(window, "used");
}

static void read_bans(struct books *b, const json_t *book)
{
        const json_t *bans = json_object_get(book, "bans"), *ban;
        size_t i;

        b->n_bans = json_array_size(bans);
        b->banned_ms = 0;
        json_array_foreach(bans, i, ban)
        {
                uint64_t until_ms = number(ban, "until");
                uint64_t end_ms = until_ms < b->at_ms ? until_ms : b->at_ms;

                b->ban_until_ms = until_ms;
                b->banned_ms += end_ms - number(ban, "from");
        }
}

static void read_books(struct books *b)
{
        json_t *root = json_loadb(b->body.data + b->body.start, buf_length(&b->body), 0, NULL);
        const json_t *book = find_book(root);

        b->at_ms = number(root, "serverTime");
        b->at_us = loop_now_us(b->loop);
        b->refused_429 = number(root, "status429");
        b->refused_418 = number(root, "status418");
        b->requests = number(root, "requests");
        if (book) {
                read_limit(b, book);
                read_windows(b, book);
                read_bans(b, book);
        }
        b->n_answers += root != NULL;
        json_decref(root);
}

static void on_head(struct http_call *call, const struct http_head *head)
{
        (void)call;
        (void)head;
}

static void on_data(struct http_call *call, struct str payload)
{
        struct books *b = container_of(call, struct books, call);

        /* Too long a text will not parse, and the last answer stays. */
        (void)!buf_append_str(&b->body, payload);
}

static void on_done(struct http_call *call)
{
        struct books *b = container_of(call, struct books, call);

        b->is_asking = false;
        if (buf_length(&b->body) > 0)
                read_books(b);
}

static void on_failed(struct http_call *call, enum http_failure failure, const char *why)
{
        struct books *b = container_of(call, struct books, call);

        (void)failure;
        (void)why;
        b->is_asking = false;
}

static const struct http_call_ops ops = {
        .head = on_head,
        .data = on_data,
        .done = on_done,
        .failed = on_failed,
};

int books_init(struct books *b, struct loop *loop, uint16_t port)
{
        struct http_pool_config pool = {
                .host = STR_LITERAL("127.0.0.1"),
                .port = port,
                .max_connections = 1,
        };

        *b = (struct books){ .loop = loop };
        buf_init(&b->body, BODY_MAX);
        http_call_init(&b->call, &ops);
        (void)snprintf(b->head, sizeof(b->head),
                       "GET /sim/books HTTP/1.1\r\nHost: 127.0.0.1:%" PRIu16 "\r\n\r\n", port);
        return http_pool_new(loop, &pool, &b->pool);
}

void books_deinit(struct books *b)
{
        if (b->is_asking)
                http_call_cancel(&b->call);
        b->is_asking = false;
        b->pool = http_pool_free(b->pool);
        buf_deinit(&b->body);
}

void books_ask(struct books *b)
{
        if (b->is_asking)
                return;
        buf_clear(&b->body);
        b->call.method = HTTP_GET;
        b->call.head = str_of(b->head);
        b->call.body = STR_NULL;
        b->call.answer_by_us = loop_now_us(b->loop) + ANSWER_US;
        b->is_asking = http_pool_call(b->pool, &b->call) == 0;
}

uint64_t books_now_ms(const struct books *b, uint64_t now_us)
{
        return b->at_ms + (now_us > b->at_us ? (now_us - b->at_us) / US_PER_MS : 0);
}
