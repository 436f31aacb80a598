#include "watch/live.h"

#include "base/clock.h"
#include "http/write.h"
#include "watch/inside.h"

#include <errno.h>
#include <stdlib.h>

struct viewer {
        struct list link;
        struct http_exchange *exchange;
        uint64_t event;   /* the last that was told */
        uint64_t version; /* of the snapshot that was told; 0: none yet */
        uint64_t now_us;  /* when that was */
        uint64_t told_us; /* when anything was */
};

/* What a snapshot says. */

static uint64_t mix(uint64_t sum, const void *data, size_t n)
{
        const unsigned char *bytes = data;

        /* FNV-1a. */
        for (size_t i = 0; i < n; ++i)
                sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
        return sum;
}

static bool is_time(const char *key)
{
        size_t n = strlen(key);

        return n > 3 && strcmp(key + n - 3, "_ms") == 0;
}

static uint64_t sum_value(uint64_t sum, const json_t *value);

static uint64_t sum_members(uint64_t sum, const json_t *object)
{
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)(uintptr_t)object, key, value)
        {
                sum = mix(sum, key, strlen(key) + 1);
                if (is_time(key) && json_is_integer(value)) {
                        char is_there = json_integer_value(value) != 0;

                        sum = mix(sum, &is_there, 1);
                } else {
                        sum = sum_value(sum, value);
                }
        }
        return sum;
}

static uint64_t sum_value(uint64_t sum, const json_t *value)
{
        json_type type = json_typeof(value);
        json_int_t integer;
        double real;
        size_t i;
        json_t *item;

        sum = mix(sum, &type, sizeof(type));
        switch (type) {
        case JSON_OBJECT:
                return sum_members(sum, value);
        case JSON_ARRAY:
                json_array_foreach(value, i, item) sum = sum_value(sum, item);
                return sum;
        case JSON_STRING:
                return mix(sum, json_string_value(value), json_string_length(value));
        case JSON_INTEGER:
                integer = json_integer_value(value);
                return mix(sum, &integer, sizeof(integer));
        case JSON_REAL:
                real = json_real_value(value);
                return mix(sum, &real, sizeof(real));
        default:
                return sum;
        }
}

uint64_t live_sum(const json_t *root)
{
        return sum_value(UINT64_C(0xcbf29ce484222325), root);
}

/* Without memory the last one stays. */
static void take_snapshot(struct watch *w)
{
        struct live *live = &w->live;
        json_t *root = w->ops->now(w->ctx);
        char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
        uint64_t sum = text ? live_sum(root) : 0;

        json_decref(root);
        if (!text)
                return;
        free(live->text);
        live->text = text;
        live->taken_us = loop_now_us(w->loop);
        if (sum != live->sum || live->version == 0)
                ++live->version;
        live->sum = sum;
}

/* What is appended. Return: 0 or a negative errno. */

static int append_text(struct buf *to, const char *text)
{
        return buf_append_str(to, str_of(text));
}

static int append_now(struct viewer *v, const struct live *live, uint64_t now_us)
{
        struct buf *to = http_exchange_out(v->exchange);
        int r = append_text(to, "event: now\ndata: ");

        if (r == 0)
                r = append_text(to, live->text);
        if (r == 0)
                r = append_text(to, "\n\n");
        v->version = live->version;
        v->now_us = now_us;
        return r;
}

static int append_events(struct viewer *v, const struct events *events)
{
        struct buf *to = http_exchange_out(v->exchange);
        const struct event *event;
        int r = 0;

        while (r == 0 && (event = events_next(events, v->event)) != NULL) {
                json_t *root = event_json(event);
                char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

                if (text)
                        r = buf_printf(to, "event: happened\nid: %llu\ndata: %s\n\n",
                                       (unsigned long long)event->id, text);
                free(text);
                json_decref(root);
                v->event = event->id;
        }
        return r;
}

/* Those who look. */

static void forget(struct watch *w, struct viewer *v)
{
        list_unlink(&v->link);
        free(v);
        if (--w->live.n == 0)
                loop_timer_clear(w->live.timer);
}

static void break_off(struct watch *w, struct viewer *v)
{
        http_exchange_abort(v->exchange);
        forget(w, v);
}

static bool has_taken_all(struct viewer *v)
{
        return buf_length(http_exchange_out(v->exchange)) == 0;
}

/* What is new to @v. The timer ticks every 250 ms, but not to the microsecond; only who came just
 * before a tick had his snapshot less than that ago. */
static void tell(struct watch *w, struct viewer *v, uint64_t now_us)
{
        int r = 0;

        if (!has_taken_all(v))
                return;
        if (v->version != w->live.version && w->live.text &&
            now_us - v->now_us >= LIVE_TICK_US - 10 * US_PER_MS)
                r = append_now(v, &w->live, now_us);
        if (r == 0)
                r = append_events(v, &w->events);
        if (r == 0 && has_taken_all(v) && now_us - v->told_us >= LIVE_SILENCE_US)
                r = append_text(http_exchange_out(v->exchange), ": nothing new\n\n");
        if (r == 0 && has_taken_all(v))
                return;
        v->told_us = now_us;
        if (r < 0 || http_exchange_flush(v->exchange) < 0)
                break_off(w, v);
}

static void on_tick(void *ctx)
{
        struct watch *w = ctx;
        uint64_t now_us = loop_now_us(w->loop);
        struct list *it, *after;

        take_snapshot(w);
        list_for_each_safe(it, after, &w->live.viewers)
        {
                tell(w, container_of(it, struct viewer, link), now_us);
        }
}

static uint64_t last_event_id(const struct http_head *head)
{
        uint64_t id;

        return str_to_u64(http_field_value(head, STR_LITERAL("last-event-id")), &id) == 0 ? id : 0;
}

/* Return: whether @visit was refused. */
static bool refuse_viewer(struct visit *visit)
{
        const struct live *live = &visit->watch->live;

        if (visit->head->method == HTTP_HEAD)
                answer_refusal_with(visit, 405, 0, "Allow", "GET",
                                    "this answer has no end; use GET");
        else if (live->is_over)
                answer_refusal_with(visit, 503, 1, NULL, NULL, "weir is stopping");
        else if (live->n == LIVE_VIEWERS_MAX)
                answer_refusal_with(visit, 503, 5, NULL, NULL,
                                    "%d look on already, which is as many as may; close a page, or "
                                    "ask for /weir/api/now now and then",
                                    LIVE_VIEWERS_MAX);
        else
                return false;
        return true;
}

void live_begin(struct visit *visit)
{
        struct watch *w = visit->watch;
        struct live *live = &w->live;
        uint64_t now_us = loop_now_us(w->loop);
        struct viewer *v;
        int r;

        if (refuse_viewer(visit))
                return;
        v = calloc(1, sizeof(*v));
        r = v ? answer_stream(visit, "text/event-stream") : -ENOMEM;
        if (r == 0)
                r = append_text(http_exchange_out(visit->exchange), "retry: 1000\n\n");
        if (r < 0) {
                free(v);
                http_exchange_abort(visit->exchange);
                return;
        }
        v->exchange = visit->exchange;
        v->event = last_event_id(visit->head);
        v->told_us = now_us;
        list_append(&live->viewers, &v->link);
        http_exchange_set_user(v->exchange, v);
        if (live->n++ == 0)
                loop_timer_every(live->timer, LIVE_TICK_US);
        if (!live->text || now_us - live->taken_us >= LIVE_TICK_US)
                take_snapshot(w);
        if ((live->text && append_now(v, live, now_us) < 0) || append_events(v, &w->events) < 0 ||
            http_exchange_flush(v->exchange) < 0)
                break_off(w, v);
}

void live_gone(struct watch *w, struct http_exchange *exchange)
{
        struct viewer *v = http_exchange_user(exchange);

        if (v)
                break_off(w, v);
}

void live_end(struct watch *w, bool is_over)
{
        struct live *live = &w->live;
        struct list *it, *after;

        live->is_over |= is_over;
        if (live->n > 0)
                take_snapshot(w);
        list_for_each_safe(it, after, &live->viewers)
        {
                struct viewer *v = container_of(it, struct viewer, link);
                struct http_exchange *exchange = v->exchange;
                bool is_whole = has_taken_all(v);

                if (is_whole && live->text)
                        is_whole = append_now(v, live, loop_now_us(w->loop)) == 0;
                forget(w, v);
                if (is_whole)
                        http_exchange_close(exchange);
                else
                        http_exchange_abort(exchange);
        }
}

int live_init(struct watch *w)
{
        list_init(&w->live.viewers);
        return loop_timer_new(w->loop, on_tick, w, &w->live.timer);
}

void live_deinit(struct watch *w)
{
        struct list *link;

        while ((link = list_first(&w->live.viewers)) != NULL)
                break_off(w, container_of(link, struct viewer, link));
        w->live.timer = loop_timer_free(w->live.timer);
        free(w->live.text);
}
