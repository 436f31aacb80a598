#include "cli/top_stream.h"

#include <string.h>

void top_stream_init(struct top_stream *s)
{
        *s = (struct top_stream){ .has_data = false };
        buf_init(&s->line, TOP_STREAM_MAX);
        buf_init(&s->data, TOP_STREAM_MAX);
}

void top_stream_deinit(struct top_stream *s)
{
        buf_deinit(&s->line);
        buf_deinit(&s->data);
}

void top_stream_restart(struct top_stream *s)
{
        buf_clear(&s->line);
        buf_clear(&s->data);
        s->event[0] = '\0';
        s->has_data = s->is_too_long = false;
}

static void end_event(struct top_stream *s, top_stream_fn fn, void *ctx)
{
        if (s->has_data && !s->is_too_long)
                fn(ctx, s->event[0] ? str_of(s->event) : STR_LITERAL("message"), buf_str(&s->data));
        buf_clear(&s->data);
        s->event[0] = '\0';
        s->has_data = s->is_too_long = false;
}

static void add_data(struct top_stream *s, struct str value)
{
        if ((s->has_data && buf_append(&s->data, "\n", 1) < 0) ||
            buf_append_str(&s->data, value) < 0)
                s->is_too_long = true;
        s->has_data = true;
}

static void take_line(struct top_stream *s, struct str line, top_stream_fn fn, void *ctx)
{
        const char *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
        struct str field = line, value = STR_NULL;

        if (line.n == 0) {
                end_event(s, fn, ctx);
                return;
        }
        if (colon) {
                field = str_from(line.p, (size_t)(colon - line.p));
                value = str_from(colon + 1, line.n - field.n - 1);
                if (value.n > 0 && value.p[0] == ' ')
                        value = str_from(value.p + 1, value.n - 1);
        }
        if (str_eq(field, STR_LITERAL("data")))
                add_data(s, value);
        else if (str_eq(field, STR_LITERAL("event")))
                str_copy(value, s->event, sizeof(s->event));
        else if (str_eq(field, STR_LITERAL("id")))
                str_copy(value, s->id, sizeof(s->id));
}

void top_stream_feed(struct top_stream *s, struct str piece, top_stream_fn fn, void *ctx)
{
        while (piece.n > 0) {
                const char *end = memchr(piece.p, '\n', piece.n);
                struct str part = str_from(piece.p, end ? (size_t)(end - piece.p) : piece.n);
                struct str line;

                if (buf_append_str(&s->line, part) < 0)
                        s->is_too_long = true;
                piece = str_from(piece.p + part.n + (end != NULL),
                                 piece.n - part.n - (end != NULL));
                if (!end)
                        return;
                line = buf_str(&s->line);
                if (line.n > 0 && line.p[line.n - 1] == '\r')
                        --line.n;
                take_line(s, line, fn, ctx);
                buf_clear(&s->line);
        }
}
