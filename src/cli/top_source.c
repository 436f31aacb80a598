#include "cli/top_source.h"
#include "cli/top_tls.h"
#include "cli/look.h"

#include "base/clock.h"
#include "sign/vault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A gateway that restarts is back within a second or two. */
#define AGAIN_US US_PER_SECOND
/* Where the live stream is off. */
#define POLL_US     (US_PER_SECOND / 2)
#define SPENDERS_US (2 * US_PER_SECOND)
/* It says something every 15 s at least. */
#define SILENCE_US (40 * US_PER_SECOND)
/* A gateway on its feet answers in milliseconds. */
#define ANSWER_US (2 * US_PER_SECOND)
/* One answer of who spends. */
#define ANSWER_MAX ((size_t)4 << 20)

static void tell(struct top_source *s)
{
        s->changed(s->ctx);
}

/* Who is shown it reads the gateway's address before it: @why without it. */
static void set_why(struct top_source *s, const char *why)
{
        char address[sizeof(s->host) + 16];
        struct str rest = str_of(why);
        size_t n = 0, length;

        length = (size_t)snprintf(address, sizeof(address), "%.*s:%u: ", STR_ARGS(s->at.host),
                                  s->at.port);
        while (rest.n > 0 && n + 1 < sizeof(s->why)) {
                bool is_address = s->at.host.n > 0 && length < sizeof(address) &&
                                  str_has_prefix(rest, str_from(address, length));
                size_t step = is_address ? length : 1;

                if (!is_address)
                        s->why[n++] = rest.p[0];
                rest = str_from(rest.p + step, rest.n - step);
        }
        s->why[n] = '\0';
}

static void fail(struct top_source *s, const char *why)
{
        set_why(s, why);
        s->is_live = false;
        tell(s);
}

static void set_now(struct top_source *s, json_t *now)
{
        if (!json_is_object(now)) {
                json_decref(now);
                fail(s, "it says what is no snapshot; is this a gateway of another version?");
                return;
        }
        json_decref(s->now);
        s->now = now;
        s->now_us = loop_now_us(s->loop);
        s->is_live = true;
        tell(s);
}

/*
 * A region
 */

static int open_region(struct top_source *s)
{
        struct region_error error;
        int r = look_try(s->path, &s->region, &error);

        s->is_doubted = r == REGION_DOUBTED;
        if (r != 0)
                str_copy(str_of(error.why), s->why, sizeof(s->why));
        return r < 0 ? r : look_new(&s->region, &s->look);
}

static void close_region(struct top_source *s)
{
        s->look = look_free(s->look);
        region_close(&s->region);
}

void top_source_look(struct top_source *s, uint64_t wall_ms)
{
        json_t *now;

        if (top_source_is_gateway(s))
                return;
        if (s->look && region_is_deleted(&s->region))
                close_region(s);
        if (!s->look && open_region(s) < 0) {
                char why[TOP_SOURCE_WHY];

                str_copy(str_of(s->why), why, sizeof(why));
                fail(s, why);
                return;
        }
        look_take(s->look, wall_ms);
        now = look_json(s->look, s->path);
        if (!now)
                return;
        json_object_set_new(now, "exchange_ms", json_integer((json_int_t)s->look->exchange_ms));
        set_now(s, now);
}

/*
 * A gateway
 */

static void write_head(const struct top_source *s, char *to, size_t size, const char *target,
                       const char *more, const char *value)
{
        int n = snprintf(to, size, "GET %.*s%s HTTP/1.1\r\nHost: %s\r\n%s%s%s%s%s%s\r\n",
                         STR_ARGS(s->at.base), target, s->host,
                         s->token ? "Authorization: Bearer " : "", s->token ? s->token : "",
                         s->token ? "\r\n" : "", more, value, value[0] ? "\r\n" : "");

        must(n > 0 && (size_t)n < size);
}

static void ask_live(void *ctx)
{
        struct top_source *s = ctx;
        char target[96];

        if (s->is_looking)
                return;
        snprintf(target, sizeof(target),
                 s->step == TOP_STEP_LIVE  ? "/weir/api/live"
                 : s->step == TOP_STEP_NOW ? "/weir/api/now"
                                           : "/weir/api/events?after=%llu",
                 s->last_event);
        write_head(s, s->live_head, sizeof(s->live_head), target,
                   s->step == TOP_STEP_LIVE && s->stream.id[0] ? "Last-Event-ID: " : "",
                   s->step == TOP_STEP_LIVE ? s->stream.id : "");
        top_stream_restart(&s->stream);
        buf_clear(&s->body);
        s->live.method = HTTP_GET;
        s->live.head = str_of(s->live_head);
        s->live_status = 0;
        s->is_looking = http_pool_call(s->pool, &s->live) == 0;
}

static void ask_spenders(void *ctx)
{
        struct top_source *s = ctx;
        char target[96];

        if (s->is_asking)
                return;
        snprintf(target, sizeof(target), "/weir/api/spenders?by=%s&minutes=60", top_by_name(s->by));
        write_head(s, s->ask_head, sizeof(s->ask_head), target, "", "");
        buf_clear(&s->answer);
        s->ask.method = HTTP_GET;
        s->ask.answer_by_us = loop_now_us(s->loop) + ANSWER_US;
        s->ask.head = str_of(s->ask_head);
        s->ask_status = 0;
        s->is_asking = http_pool_call(s->pool, &s->ask) == 0;
}

void top_source_by(struct top_source *s, enum top_by by)
{
        if (s->by == by || top_source_is_gateway(s) == false)
                return;
        s->by = by;
        json_decref(s->spenders);
        s->spenders = NULL;
        if (s->is_asking)
                http_call_cancel(&s->ask);
        s->is_asking = false;
        ask_spenders(s);
}

static void on_event(void *ctx, struct str event, struct str data)
{
        struct top_source *s = ctx;
        json_t *json = json_loadb(data.p, data.n, JSON_DECODE_ANY, NULL);

        if (str_eq(event, STR_LITERAL("now"))) {
                set_now(s, json);
        } else if (str_eq(event, STR_LITERAL("happened")) && json_is_object(json)) {
                top_events_add(&s->events, json);
                tell(s);
        } else {
                json_decref(json);
        }
}

static void on_live_head(struct http_call *call, const struct http_head *head)
{
        container_of(call, struct top_source, live)->live_status = head->status;
}

static void on_live_data(struct http_call *call, struct str payload)
{
        struct top_source *s = container_of(call, struct top_source, live);

        if (s->live_status == 200 && s->step == TOP_STEP_LIVE)
                top_stream_feed(&s->stream, payload, on_event, s);
        else
                /* Too long a text will not parse. */
                (void)!buf_append_str(&s->body, payload);
}

/* What an answer that is none says, and what to do. */
static void explain(struct top_source *s, const json_t *json)
{
        const char *msg = picture_text(json, "msg");
        char why[TOP_SOURCE_WHY];

        if (s->live_status == 401 || s->live_status == 403)
                snprintf(why, sizeof(why),
                         "it lets nobody look without a token, or not with this one (%u); name its "
                         "file with --token-file%s",
                         s->live_status, s->at.is_tls ? ", or a certificate with --cert" : "");
        else if (s->live_status == 200)
                snprintf(why, sizeof(why), "the gateway has ended; it is looked for");
        else if (strncmp(msg, "weir: ", 6) != 0)
                snprintf(why, sizeof(why),
                         "it answers %u, as no gateway of weir does; name the address that one "
                         "listens at with --gateway",
                         s->live_status);
        else
                snprintf(why, sizeof(why), "it answers %u: %s", s->live_status, msg);
        fail(s, why);
}

static void look_again(struct top_source *s, enum top_step step, uint64_t in_us)
{
        s->is_looking = false;
        s->step = step;
        loop_timer_set(s->again, loop_now_us(s->loop) + in_us);
}

static void add_events(struct top_source *s, const json_t *events)
{
        json_t *event;
        size_t i;

        json_array_foreach(events, i, event)
        {
                s->last_event = (unsigned long long)picture_number(event, "id");
                if (json_is_object(event))
                        top_events_add(&s->events, json_incref(event));
        }
        tell(s);
}

/* Where the page is switched off, so is the live stream: what is for programs is asked instead. */
static bool is_for_programs_only(const struct top_source *s, const json_t *json)
{
        return s->step == TOP_STEP_LIVE && s->live_status == 404 &&
               strncmp(picture_text(json, "msg"), "weir: ", 6) == 0;
}

static void on_live_done(struct http_call *call)
{
        struct top_source *s = container_of(call, struct top_source, live);
        json_t *json = json_loadb(buf_str(&s->body).p, buf_length(&s->body), 0, NULL);

        if (is_for_programs_only(s, json)) {
                look_again(s, TOP_STEP_NOW, 0);
        } else if (s->step == TOP_STEP_NOW && s->live_status == 200) {
                look_again(s, TOP_STEP_EVENTS, 0);
                set_now(s, json_incref(json));
        } else if (s->step == TOP_STEP_EVENTS && s->live_status == 200) {
                look_again(s, TOP_STEP_NOW, POLL_US);
                add_events(s, json_object_get(json, "events"));
        } else {
                look_again(s, TOP_STEP_LIVE, AGAIN_US);
                explain(s, json);
        }
        json_decref(json);
}

static void on_live_failed(struct http_call *call, enum http_failure failure, const char *why)
{
        struct top_source *s = container_of(call, struct top_source, live);

        (void)failure;
        look_again(s, TOP_STEP_LIVE, AGAIN_US);
        fail(s, why);
}

static const struct http_call_ops live_ops = {
        .head = on_live_head,
        .data = on_live_data,
        .done = on_live_done,
        .failed = on_live_failed,
};

static void on_ask_head(struct http_call *call, const struct http_head *head)
{
        container_of(call, struct top_source, ask)->ask_status = head->status;
}

static void on_ask_data(struct http_call *call, struct str payload)
{
        /* Too long an answer will not parse, and the last one stays. */
        (void)!buf_append_str(&container_of(call, struct top_source, ask)->answer, payload);
}

static void on_ask_done(struct http_call *call)
{
        struct top_source *s = container_of(call, struct top_source, ask);
        json_t *json = NULL;

        s->is_asking = s->is_mute = false;
        s->has_asked = true;
        if (s->ask_status == 200)
                json = json_loadb(buf_str(&s->answer).p, buf_length(&s->answer), 0, NULL);
        if (json) {
                json_decref(s->spenders);
                s->spenders = json;
        }
        tell(s);
}

/* The stream may be open, and silent for a while as it may be: so this is how one that hangs is
 * noticed. It is asked again in any case. */
static void on_ask_failed(struct http_call *call, enum http_failure failure, const char *why)
{
        struct top_source *s = container_of(call, struct top_source, ask);

        (void)failure;
        s->is_asking = false;
        s->has_asked = s->is_mute = true;
        if (s->is_live)
                set_why(s, why);
        tell(s);
}

static const struct http_call_ops ask_ops = {
        .head = on_ask_head,
        .data = on_ask_data,
        .done = on_ask_done,
        .failed = on_ask_failed,
};

/* The first line that is no comment: as the gateway reads the same file. */
static int read_token(struct top_source *s, const char *path)
{
        char *file = vault_new(VAULT_FILE_MAX), why[VAULT_WHY_MAX];
        struct str text, line;
        int r = -ENOMEM;

        if (!path) {
                vault_free(file, VAULT_FILE_MAX);
                return 0;
        }
        s->token = vault_new(VAULT_FILE_MAX);
        if (file && s->token) {
                r = vault_read("token", path, VAULT_OWN, file, &text, why);
                if (r < 0)
                        fprintf(stderr, "weir: top: %s\n", why);
        }
        while (r == 0 && str_split(&text, '\n', &line)) {
                line = str_trim(line);
                if (line.n == 0 || line.p[0] == '#' || line.n > 400)
                        continue;
                str_copy(line, s->token, VAULT_FILE_MAX);
                break;
        }
        if (r == 0 && s->token[0] == '\0') {
                fprintf(stderr, "weir: top: %s: there is no token in it\n", path);
                r = -EINVAL;
        }
        vault_free(file, VAULT_FILE_MAX);
        return r;
}

static void write_host(struct top_source *s)
{
        bool is_v6 = !s->at.is_unix && memchr(s->at.host.p, ':', s->at.host.n) != NULL;
        int n;

        if (s->at.is_unix) {
                str_copy(STR_LITERAL("localhost"), s->host, sizeof(s->host));
                return;
        }
        n = snprintf(s->host, sizeof(s->host), is_v6 ? "[%.*s]" : "%.*s", STR_ARGS(s->at.host));
        if (n > 0 && (size_t)n < sizeof(s->host) && s->at.port != (s->at.is_tls ? 443 : 80))
                snprintf(s->host + n, sizeof(s->host) - (size_t)n, ":%u", s->at.port);
}

static int open_gateway(struct top_source *s, const struct top_source_config *c)
{
        struct http_pool_config pool = { .max_connections = 2, .progress_timeout_us = SILENCE_US };
        int r = 0;

        if (http_url_parse(str_of(c->gateway), &s->at) < 0 || s->at.host.n > 255 ||
            s->at.base.n > 255) {
                fprintf(stderr,
                        "weir: top: --gateway %s: write http://HOST[:PORT], https://HOST[:PORT] or "
                        "unix:PATH\n",
                        c->gateway);
                return -EINVAL;
        }
        if (s->at.is_tls)
                r = top_tls_open(c, &s->tls);
        else if (c->cert_file)
                r = top_tls_refuse(c);
        if (r == 0)
                r = read_token(s, c->token_file);
        if (r < 0)
                return r;
        pool.host = s->at.host;
        pool.port = s->at.port;
        pool.is_unix = s->at.is_unix;
        pool.tls = s->tls;
        write_host(s);
        r = http_pool_new(s->loop, &pool, &s->pool);
        if (r == 0)
                r = loop_timer_new(s->loop, ask_live, s, &s->again);
        if (r == 0)
                r = loop_timer_new(s->loop, ask_spenders, s, &s->spenders_timer);
        if (r < 0)
                return r;
        loop_timer_every(s->spenders_timer, SPENDERS_US);
        ask_live(s);
        ask_spenders(s);
        return 0;
}

int top_source_open(struct top_source *s, struct loop *loop, const struct top_source_config *config,
                    void (*changed)(void *ctx), void *ctx)
{
        struct region_error error;
        int r;

        *s = (struct top_source){
                .loop = loop,
                .changed = changed,
                .ctx = ctx,
                .path = config->region,
                .region = REGION_NULL,
        };
        snprintf(s->name, sizeof(s->name), "%s", config->region ? config->region : config->gateway);
        top_stream_init(&s->stream);
        buf_init(&s->body, TOP_STREAM_MAX);
        buf_init(&s->answer, ANSWER_MAX);
        http_call_init(&s->live, &live_ops);
        http_call_init(&s->ask, &ask_ops);
        if (!config->region)
                return open_gateway(s, config);
        r = look_try(config->region, &s->region, &error);
        if (r != 0) {
                look_complain(r, &error);
                str_copy(str_of(error.why), s->why, sizeof(s->why));
        }
        s->is_doubted = r == REGION_DOUBTED;
        return r < 0 ? r : look_new(&s->region, &s->look);
}

void top_source_close(struct top_source *s)
{
        if (s->is_looking)
                http_call_cancel(&s->live);
        if (s->is_asking)
                http_call_cancel(&s->ask);
        s->is_looking = s->is_asking = false;
        s->pool = http_pool_free(s->pool);
        s->tls = tls_free(s->tls);
        s->again = loop_timer_free(s->again);
        s->spenders_timer = loop_timer_free(s->spenders_timer);
        if (s->token)
                vault_free(s->token, VAULT_FILE_MAX);
        s->token = NULL;
        close_region(s);
        json_decref(s->now);
        json_decref(s->spenders);
        s->now = s->spenders = NULL;
        top_events_deinit(&s->events);
        top_stream_deinit(&s->stream);
        buf_deinit(&s->body);
        buf_deinit(&s->answer);
}
