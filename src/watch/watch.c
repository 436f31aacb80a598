#include "watch/watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/host.h"
#include "watch/inside.h"

#include <errno.h>
#include <stdlib.h>

/* Of what is asked to be done; the longest name is a variant's. */
#define BODY_MAX 4096

static void close_rules(struct door_rules *rules)
{
        rules->look = tokens_close(rules->look);
        rules->act = tokens_close(rules->act);
}

int watch_new(struct loop *loop, const struct watch_config *config, const struct watch_ops *ops,
              void *ctx, struct watch **ret_watch)
{
        struct door_rules rules = config->rules;
        struct watch *w = calloc(1, sizeof(*w));
        int r;

        if (!w) {
                close_rules(&rules);
                return -ENOMEM;
        }
        w->loop = loop;
        w->ops = ops;
        w->ctx = ctx;
        w->config = *config;
        past_init(w);
        events_init(&w->events, clock_wall_us() / US_PER_MS);
        r = live_init(w);
        if (r < 0) {
                watch_free(w);
                return r;
        }
        *ret_watch = w;
        return 0;
}

struct watch *watch_free(struct watch *w)
{
        if (!w)
                return NULL;
        past_deinit(w);
        live_deinit(w);
        close_rules(&w->config.rules);
        free(w);
        return NULL;
}

/* Those whose token is not there any more end. */
static void follow_tokens(struct watch *w, const struct door_rules *now)
{
        const struct door_rules *before = &w->config.rules;

        for (size_t i = 0; i < SESSIONS_MAX; ++i) {
                struct session *s = &w->sessions.all[i];

                if (s->token == 0)
                        continue;
                s->token = s->may_act ? tokens_moved(before->act, s->token, now->act)
                                      : tokens_moved(before->look, s->token, now->look);
                if (s->token == 0)
                        session_end(s);
        }
}

void watch_configure(struct watch *w, const struct watch_config *config)
{
        struct door_rules *rules = &w->config.rules;

        follow_tokens(w, &config->rules);
        /* Who looks on by what is no longer valid must not go on: all come back, and are asked. */
        if (!tokens_are_equal(rules->look, config->rules.look) ||
            !tokens_are_equal(rules->act, config->rules.act) ||
            config->has_page != w->config.has_page)
                live_end(w, false);
        close_rules(rules);
        w->config = *config;
}

void watch_happened(struct watch *w, uint64_t at_ms, const char *level, struct str event,
                    struct str text, struct str request)
{
        events_add(&w->events, at_ms, level, event, text, request);
}

void watch_end(struct watch *w)
{
        live_end(w, true);
}

bool watch_is_ours(struct str path)
{
        return str_has_prefix(path, STR_LITERAL("/weir")) && (path.n == 5 || path.p[5] == '/');
}

/* Return: whether @path is @route's; @ret_rest: what its "*" stands for. */
static bool has_path(const struct route *route, struct str path, struct str *ret_rest)
{
        struct str own = str_of(route->path);

        *ret_rest = STR_NULL;
        if (own.p[own.n - 1] != '*')
                return str_eq(own, path);
        --own.n;
        if (!str_has_prefix(path, own))
                return false;
        *ret_rest = str_from(path.p + own.n, path.n - own.n);
        return ret_rest->n > 0 && !memchr(ret_rest->p, '/', ret_rest->n);
}

static bool has_method(const struct route *route, enum http_method method)
{
        return route->method == method || (route->method == HTTP_GET && method == HTTP_HEAD);
}

/* Return: what was asked for; NULL after having said that there is no such thing. */
static const struct route *find_route(struct visit *v)
{
        const struct route *other = NULL;

        for (size_t i = 0; i < n_routes; ++i) {
                const struct route *route = &routes[i];

                if (!has_path(route, v->head->path, &v->rest))
                        continue;
                if (route->is_of_page && !v->watch->config.has_page) {
                        answer_refusal(v, 404,
                                       "the page is switched off here (watch.page); %s is for "
                                       "programs",
                                       "/weir/api/now");
                        return NULL;
                }
                if (has_method(route, v->head->method))
                        return route;
                other = route;
        }
        if (other)
                answer_refusal_with(v, 405, 0, "Allow",
                                    other->method == HTTP_GET ? "GET, HEAD" : "POST",
                                    "this path takes %s",
                                    other->method == HTTP_GET ? "GET and HEAD only" : "POST only");
        else
                answer_refusal(v, 404,
                               "there is nothing at this path; the page is /weir/, docs/watch.md "
                               "has the others");
        return NULL;
}

static void refuse_at_door(struct visit *v, int answer)
{
        char quoted[96];

        switch (answer) {
        case DOOR_HOST:
                answer_refusal(v, 403,
                               "the Host %s is no name of this gateway, as when a page in a "
                               "browser calls it by another; if it is one, add it to watch.hosts",
                               log_quote(v->head->host, quoted, sizeof(quoted)));
                return;
        case DOOR_SITE:
                answer_refusal(v, 403,
                               "a page of another site sent this request, and none may; open "
                               "/weir/ itself");
                return;
        case DOOR_TWICE:
                answer_refusal(v, 400, "this request brings two tokens; send one");
                return;
        default:
                login_refuse_bearer(v);
        }
}

static void refuse_stranger(struct visit *v)
{
        char local[HTTP_LOCAL_SIZE];

        if (door_has_tokens(&v->watch->config.rules))
                answer_refusal_with(v, 401, 0, "WWW-Authenticate", "Bearer realm=\"weir\"",
                                    "who looks from there needs a token: log in at /weir/, or send "
                                    "Authorization: Bearer TOKEN");
        else
                answer_refusal(v, 403,
                               "only this machine may look, and only over loopback or a unix "
                               "socket with no proxy between; this came from %s to %s; ask "
                               "127.0.0.1, or let others look by watch.token_file",
                               http_exchange_peer(v->exchange),
                               http_exchange_local_host(v->exchange, local)[0] ? local
                                                                               : "a unix socket");
}

static void refuse_action(struct visit *v)
{
        if (v->watch->config.rules.act)
                answer_refusal_with(v, 401, 0, "WWW-Authenticate", "Bearer realm=\"weir\"",
                                    "to act one needs an action token: log in with it at /weir/, "
                                    "or send Authorization: Bearer TOKEN; nothing was done");
        else
                answer_refusal(v, 403,
                               "nobody may act here; set watch.action_token_file; nothing was "
                               "done");
}

/* Return: whether it may go on; else it is answered. */
static bool may_enter(struct visit *v, const struct route *route)
{
        const struct door_rules *rules = &v->watch->config.rules;
        bool may_look = v->pass.may >= DOOR_LOOK;

        switch (route->need) {
        case ROUTE_FOR_ALL:
                return true;
        case ROUTE_FOR_GUESTS:
                if (may_look || door_has_tokens(rules))
                        return true;
                break;
        case ROUTE_TO_LOOK:
                if (may_look)
                        return true;
                break;
        case ROUTE_TO_ACT:
                if (v->pass.may >= DOOR_ACT)
                        return actions_are_meant(v);
                if (may_look) {
                        refuse_action(v);
                        return false;
                }
                break;
        }
        refuse_stranger(v);
        return false;
}

/* Return: whether the body of a POST was read; else it is answered. */
static bool read_body(struct visit *v)
{
        struct str body = http_exchange_body(v->exchange);
        json_error_t error;

        if (v->head->method != HTTP_POST)
                return true;
        if (body.n > BODY_MAX) {
                answer_refusal(v, 413, "the body is larger than %d bytes; nothing was done",
                               BODY_MAX);
                return false;
        }
        v->body = body.n == 0 ? json_object()
                              : json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &error);
        if (json_is_object(v->body))
                return true;
        answer_refusal(v, 400, "the body is no object of JSON%s%s; nothing was done",
                       v->body || body.n == 0 ? "" : ": ",
                       v->body || body.n == 0 ? "" : error.text);
        return false;
}

static void answer(struct visit *v, const struct route *route)
{
        if (may_enter(v, route) && read_body(v))
                route->answer(v);
        json_decref(v->body);
}

void watch_begin(struct watch *w, struct http_exchange *exchange)
{
        struct visit v = { .watch = w, .exchange = exchange, .head = http_exchange_head(exchange) };
        const char *peer = http_exchange_peer(exchange);
        char local[HTTP_LOCAL_SIZE];
        struct door_request request = {
                .head = v.head,
                .is_unix = strcmp(peer, "unix") == 0,
                .is_vouched = http_exchange_is_vouched(exchange),
                .local = http_exchange_local_host(exchange, local),
                .peer = peer,
                .now_us = loop_now_us(w->loop),
        };
        const struct route *route = find_route(&v);
        int r;

        if (!route)
                return;
        request.is_static = route->need == ROUTE_FOR_GUESTS;
        r = door_check(&request, &w->config.rules, &w->sessions, &v.pass);
        if (r == DOOR_OPEN)
                answer(&v, route);
        else
                refuse_at_door(&v, r);
}

void watch_gone(struct watch *w, struct http_exchange *exchange)
{
        past_gone(w, exchange);
        live_gone(w, exchange);
}

void watch_drained(struct watch *w, struct http_exchange *exchange)
{
        /* Who looks on is looked after at each tick. */
        (void)w;
        (void)exchange;
}
