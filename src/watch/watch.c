#include "watch/watch.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/host.h"
#include "watch/inside.h"

#include <errno.h>
#include <stdlib.h>

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

void watch_configure(struct watch *w, const struct watch_config *config)
{
        close_rules(&w->config.rules);
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
                answer_refusal_with(v, 401, 0, "WWW-Authenticate", "Bearer realm=\"weir\"",
                                    "the token is none of watch.token_file and "
                                    "watch.action_token_file");
        }
}

static void refuse_stranger(struct visit *v)
{
        if (door_has_tokens(&v->watch->config.rules))
                answer_refusal_with(v, 401, 0, "WWW-Authenticate", "Bearer realm=\"weir\"",
                                    "who looks from there needs a token: log in at /weir/, or send "
                                    "Authorization: Bearer TOKEN");
        else
                answer_refusal(v, 403,
                               "only this machine may look (%s is not it, or a proxy stands "
                               "between); to let others look, set watch.token_file",
                               http_exchange_peer(v->exchange));
}

/* Return: whether it may go on; else it is answered. */
static bool may_enter(struct visit *v, const struct route *route)
{
        const struct door_rules *rules = &v->watch->config.rules;
        bool may_look = v->pass.may >= DOOR_LOOK;

        if (route->need == ROUTE_FOR_ALL || (route->need == ROUTE_TO_LOOK && may_look) ||
            (route->need == ROUTE_FOR_GUESTS && (may_look || door_has_tokens(rules))))
                return true;
        if (route->need != ROUTE_TO_ACT)
                refuse_stranger(v);
        return false;
}

void watch_begin(struct watch *w, struct http_exchange *exchange)
{
        struct visit v = { .watch = w, .exchange = exchange, .head = http_exchange_head(exchange) };
        const char *peer = http_exchange_peer(exchange);
        char local[HTTP_LOCAL_SIZE];
        struct door_request request = {
                .head = v.head,
                .is_unix = strcmp(peer, "unix") == 0,
                .local = http_exchange_local_host(exchange, local),
                .peer = peer,
        };
        const struct route *route = find_route(&v);
        int answer;

        if (!route)
                return;
        request.is_static = route->need == ROUTE_FOR_GUESTS;
        answer = door_check(&request, &w->config.rules, &v.pass);
        if (answer != DOOR_OPEN)
                refuse_at_door(&v, answer);
        else if (may_enter(&v, route))
                route->answer(&v);
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
