#include "http/client.h"

#include "http/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define POOL_CONNECTIONS 64
#define POOL_IDLE_US     (15 * US_PER_SECOND)
#define POOL_AGE_US      (600 * US_PER_SECOND)
#define POOL_CONNECT_US  (5 * US_PER_SECOND)
#define POOL_ANSWER_US   (10 * US_PER_SECOND)
#define POOL_PROGRESS_US (10 * US_PER_SECOND)
#define POOL_RESOLVE_US  (60 * US_PER_SECOND)
/* Deadlines are looked at this often while there are calls: coarse, but without a timer for each.
 */
#define POOL_SWEEP_US (100 * US_PER_MS)
/* And this often while connections are only kept. Calls at a lower rate pay for the change. */
#define POOL_QUIET_SWEEP_US US_PER_SECOND
/* Between attempts to warm when they fail: doubled from the first to the last. */
#define POOL_WARM_PAUSE_US     US_PER_SECOND
#define POOL_WARM_PAUSE_MAX_US (30 * US_PER_SECOND)
/* Times that a call is moved from a connection that broke before taking a byte of it. */
#define POOL_MOVES_MAX 3

static void on_deferred(void *ctx);
static void on_resolved(void *ctx);
static void on_sweep(void *ctx);

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
        return value > 0 ? value : otherwise;
}

static void take_config(struct http_pool *pool, const struct http_pool_config *config)
{
        struct http_pool_config *c = &pool->config;

        *c = *config;
        c->host = str_of(pool->host);
        /* Borrowed for the call only; what is needed of them was copied. */
        c->from = NULL;
        c->way = c->proxy.host = c->proxy.login = STR_NULL;
        c->max_connections = c->max_connections ? c->max_connections : POOL_CONNECTIONS;
        if (c->kept_for_urgent > (c->max_connections - 1) / 2)
                c->kept_for_urgent = (c->max_connections - 1) / 2;
        c->max_idle_us = or_default(c->max_idle_us, POOL_IDLE_US);
        c->max_age_us = or_default(c->max_age_us, POOL_AGE_US);
        c->connect_timeout_us = or_default(c->connect_timeout_us, POOL_CONNECT_US);
        c->answer_timeout_us = or_default(c->answer_timeout_us, POOL_ANSWER_US);
        c->progress_timeout_us = or_default(c->progress_timeout_us, POOL_PROGRESS_US);
        c->resolve_us = or_default(c->resolve_us, POOL_RESOLVE_US);
}

static int name_it(struct http_pool *pool, const struct http_pool_config *config)
{
        bool is_v6 = memchr(config->host.p, ':', config->host.n);
        int n;

        pool->host = strndup(config->host.p, config->host.n);
        if (!pool->host)
                return -ENOMEM;
        if (config->is_unix)
                n = asprintf(&pool->name, "unix:%s", pool->host);
        else
                n = asprintf(&pool->name, is_v6 ? "[%s]:%u%s%.*s" : "%s:%u%s%.*s", pool->host,
                             config->port, config->way.n > 0 ? " by " : "", STR_ARGS(config->way));
        if (n < 0) {
                pool->name = NULL;
                return -ENOMEM;
        }
        return 0;
}

static int take_way(struct http_pool *pool, const struct http_pool_config *config)
{
        if (config->is_unix)
                return 0;
        if (config->from)
                pool->from = *config->from;
        if (config->proxy.host.n == 0)
                return 0;
        pool->proxy = strndup(config->proxy.host.p, config->proxy.host.n);
        pool->login = strndup(config->proxy.login.n > 0 ? config->proxy.login.p : "",
                              config->proxy.login.n);
        return pool->proxy && pool->login ? 0 : -ENOMEM;
}

/* The proxy is found by us, the server by the proxy. */
static int find_server(struct http_pool *pool)
{
        const struct http_pool_config *c = &pool->config;

        if (!c->is_unix)
                return resolve_start(pool->loop, pool->proxy ? pool->proxy : pool->host,
                                     pool->proxy ? c->proxy.port : c->port, c->resolve_us,
                                     on_resolved, pool, &pool->resolver);
        pool->unix_address.n = 1;
        return address_from_path(pool->config.host, &pool->unix_address.addresses[0]);
}

int http_pool_new(struct loop *loop, const struct http_pool_config *config,
                  struct http_pool **ret_pool)
{
        struct http_pool *pool;
        int r;

        if (config->host.n == 0 || (config->is_unix && config->tls))
                return -EINVAL;
        pool = calloc(1, sizeof(*pool));
        if (!pool)
                return -ENOMEM;
        pool->loop = loop;
        for (size_t i = 0; i < LINK_PLACES; ++i)
                list_init(&pool->places[i]);
        list_init(&pool->due);
        list_init(&pool->waiting);
        list_init(&pool->failing);
        r = name_it(pool, config);
        if (r == 0)
                r = take_way(pool, config);
        if (r == 0) {
                take_config(pool, config);
                pool->is_resting = config->is_resting;
                r = loop_timer_new(loop, on_sweep, pool, &pool->sweep);
        }
        if (r == 0)
                r = find_server(pool);
        if (r < 0) {
                http_pool_free(pool);
                return r;
        }
        http_pool_refill(pool);
        *ret_pool = pool;
        return 0;
}

static void destroy(void *dead)
{
        struct http_pool *pool = dead;

        free(pool->host);
        free(pool->name);
        free(pool->proxy);
        if (pool->login)
                explicit_bzero(pool->login, strlen(pool->login));
        free(pool->login);
        free(pool);
}

static void kill_all(struct http_pool *pool, enum http_link_place place)
{
        struct list *it, *after;

        list_for_each_safe(it, after, &pool->places[place])
        {
                http_link_kill(container_of(it, struct http_link, link));
        }
}

static void fail_waiting(struct http_pool *pool, const char *why);
static void tell_failing(struct http_pool *pool);

struct http_pool *http_pool_free(struct http_pool *pool)
{
        struct list *first;

        if (!pool || pool->is_closing)
                return NULL;
        pool->is_closing = true;
        while ((first = list_first(&pool->places[LINK_BUSY])))
                http_link_fail(container_of(first, struct http_link, link), "weir is closing it");
        fail_waiting(pool, "weir is closing it");
        tell_failing(pool);
        kill_all(pool, LINK_CONNECTING);
        kill_all(pool, LINK_IDLE);
        pool->resolver = resolve_stop(pool->resolver);
        pool->sweep = loop_timer_free(pool->sweep);
        loop_undefer(pool->loop, on_deferred, pool);
        loop_bury(pool->loop, pool, destroy);
        return NULL;
}

const struct http_pool_counters *http_pool_counters(const struct http_pool *pool)
{
        return &pool->counters;
}

const char *http_pool_name(const struct http_pool *pool)
{
        return pool->name;
}

void http_pool_rest(struct http_pool *pool, bool is_resting)
{
        if (pool->is_resting == is_resting)
                return;
        pool->is_resting = is_resting;
        http_pool_refill(pool);
}

/*
 * What is told at the end of the turn
 */

static void defer(struct http_pool *pool)
{
        /* Without memory for it the next sweep does it. */
        if (!pool->is_deferred)
                pool->is_deferred = loop_defer(pool->loop, on_deferred, pool) == 0;
}

static void tell_failing(struct http_pool *pool)
{
        char sentence[1024];
        struct list *first;

        while ((first = list_first(&pool->failing))) {
                struct http_call *call = container_of(first, struct http_call, link);

                list_unlink(&call->link);
                snprintf(sentence, sizeof(sentence), "%s: %s", pool->name, call->failing);
                ++pool->counters.not_sent;
                http_pool_forget(call);
                call->ops->failed(call, HTTP_NOT_SENT, sentence);
        }
}

static void on_deferred(void *ctx)
{
        struct http_pool *pool = ctx;
        struct list *first;

        pool->is_deferred = false;
        while ((first = list_first(&pool->due))) {
                struct http_link *link = container_of(first, struct http_link, due);

                list_unlink(&link->due);
                http_link_pump(link);
        }
        tell_failing(pool);
}

void http_pool_due(struct http_link *link)
{
        list_unlink(&link->due);
        list_append(&link->pool->due, &link->due);
        defer(link->pool);
}

/* @why: lives until the end of the turn. */
static void fail_later(struct http_pool *pool, struct http_call *call, const char *why)
{
        call->failing = why;
        list_append(&pool->failing, &call->link);
        defer(pool);
}

/* Behind those of its rank. */
static void wait_last(struct http_pool *pool, struct http_call *call)
{
        struct list *place = &pool->waiting;

        while (place->prev != &pool->waiting &&
               container_of(place->prev, struct http_call, link)->rank > call->rank)
                place = place->prev;
        list_insert_before(place, &call->link);
        ++pool->counters.waiting;
}

/* Before those of its rank: it has waited already. */
static void wait_first(struct http_pool *pool, struct http_call *call)
{
        struct list *place = pool->waiting.next;

        while (place != &pool->waiting &&
               container_of(place, struct http_call, link)->rank < call->rank)
                place = place->next;
        list_insert_before(place, &call->link);
        ++pool->counters.waiting;
}

/* No more can be opened, and the few that are idle wait for urgent calls. */
static bool keeps_the_rest(const struct http_pool *pool)
{
        const struct http_pool_counters *c = &pool->counters;

        return c->idle <= pool->config.kept_for_urgent &&
               c->connecting + c->idle + c->busy >= pool->config.max_connections;
}

static void fail_waiting(struct http_pool *pool, const char *why)
{
        struct list *first;

        while ((first = list_first(&pool->waiting))) {
                list_unlink(first);
                --pool->counters.waiting;
                fail_later(pool, container_of(first, struct http_call, link), why);
        }
}

bool http_call_may_leave(struct http_call *call)
{
        return !call->ops->leave || call->ops->leave(call);
}

void http_pool_forget(struct http_call *call)
{
        call->pool = NULL;
        call->failing = NULL;
}

/*
 * Connections
 */

static const struct address_list *addresses_of(const struct http_pool *pool)
{
        return pool->resolver ? resolve_addresses(pool->resolver) : &pool->unix_address;
}

static void cannot_resolve(struct http_pool *pool)
{
        const char *why = resolve_why(pool->resolver);

        snprintf(pool->why, sizeof(pool->why), "cannot find its address: %s",
                 *why ? why : "no lookup can be made");
        fail_waiting(pool, pool->why);
}

static void on_resolved(void *ctx)
{
        struct http_pool *pool = ctx;

        if (addresses_of(pool)->n == 0)
                cannot_resolve(pool);
        http_pool_refill(pool);
}

void http_pool_unreachable(struct http_pool *pool, const char *why)
{
        const struct http_pool_counters *c = &pool->counters;
        uint64_t pause_us = pool->warm_pause_us * 2;
        size_t n_name = strlen(pool->name);

        ++pool->counters.connect_failures;
        if (pause_us < POOL_WARM_PAUSE_US)
                pause_us = POOL_WARM_PAUSE_US;
        if (pause_us > POOL_WARM_PAUSE_MAX_US)
                pause_us = POOL_WARM_PAUSE_MAX_US;
        pool->warm_pause_us = pause_us;
        pool->warm_from_us = loop_now_us(pool->loop) + pause_us;
        /* While there are others, one of them may still serve those who wait, until their time is
         * up.
         */
        if (c->connecting + c->idle + c->busy > 0)
                return;
        /* The pool's name comes before all that is said of it; once is enough. */
        if (strncmp(why, pool->name, n_name) == 0 && strncmp(why + n_name, ": ", 2) == 0)
                why += n_name + 2;
        snprintf(pool->why, sizeof(pool->why), "cannot connect: %s", why);
        fail_waiting(pool, pool->why);
}

/* Return: true if a connection is on its way. */
static bool open_one(struct http_pool *pool)
{
        const struct address_list *addresses = addresses_of(pool);
        int r;

        if (addresses->n == 0) {
                if (pool->counters.waiting > 0 && !resolve_again(pool->resolver))
                        cannot_resolve(pool);
                return false;
        }
        r = http_link_open(pool, addresses);
        if (r < 0)
                http_pool_unreachable(pool, strerror(-r));
        return r == 0;
}

/* Idle and not about to be given up: replaced before they go, so that always enough are warm. */
static unsigned count_fresh(struct http_pool *pool)
{
        uint64_t now_us = loop_now_us(pool->loop), most_us = pool->config.max_idle_us / 4 * 3;
        unsigned n = 0;
        struct list *it, *after;

        list_for_each_safe(it, after, &pool->places[LINK_IDLE])
        {
                const struct http_link *link = container_of(it, struct http_link, link);

                if (now_us - link->idle_us > most_us || n >= pool->config.min_warm)
                        break;
                ++n;
        }
        return n;
}

static bool wants_more(struct http_pool *pool)
{
        const struct http_pool_counters *c = &pool->counters;

        if (c->connecting + c->idle + c->busy >= pool->config.max_connections)
                return false;
        if (c->waiting > c->connecting)
                return true;
        if (pool->config.min_warm == 0 || pool->is_resting ||
            loop_now_us(pool->loop) < pool->warm_from_us)
                return false;
        return c->connecting + count_fresh(pool) < pool->config.min_warm + c->waiting;
}

static void dispatch(struct http_pool *pool)
{
        struct list *first_link, *first_call;

        while ((first_call = list_first(&pool->waiting)) &&
               (first_link = list_first(&pool->places[LINK_IDLE]))) {
                struct http_link *link = container_of(first_link, struct http_link, link);
                struct http_call *call = container_of(first_call, struct http_call, link);

                if (!call->is_urgent && keeps_the_rest(pool))
                        break;
                list_unlink(&call->link);
                --pool->counters.waiting;
                if (!http_call_may_leave(call)) {
                        fail_later(pool, call, HTTP_CALL_LATE);
                        continue;
                }
                if (http_link_send(link, call) == 0) {
                        pool->counters.reuses += call->is_reuse;
                } else {
                        ++pool->counters.idle_lost;
                        wait_first(pool, call);
                }
        }
}

static void arm_sweep(struct http_pool *pool)
{
        const struct http_pool_counters *c = &pool->counters;
        uint64_t now_us = loop_now_us(pool->loop), wait_us = POOL_SWEEP_US;

        if (c->connecting + c->busy + c->waiting == 0 &&
            now_us - pool->last_call_us > POOL_QUIET_SWEEP_US) {
                if (c->idle == 0 && pool->config.min_warm == 0)
                        return;
                wait_us = POOL_QUIET_SWEEP_US;
        }
        if (pool->sweep_at_us != 0 && pool->sweep_at_us <= now_us + wait_us)
                return;
        pool->sweep_at_us = now_us + wait_us;
        loop_timer_set(pool->sweep, pool->sweep_at_us);
}

void http_pool_refill(struct http_pool *pool)
{
        if (pool->is_closing)
                return;
        dispatch(pool);
        while (wants_more(pool) && open_one(pool))
                ;
        arm_sweep(pool);
}

void http_pool_release(struct http_link *link)
{
        struct http_pool *pool = link->pool;
        uint64_t now_us = loop_now_us(pool->loop);

        if (pool->is_closing || now_us - link->opened_us >= pool->config.max_age_us) {
                http_link_kill(link);
        } else {
                link->idle_us = now_us;
                http_link_move(link, LINK_IDLE);
        }
}

void http_pool_opened(struct http_link *link)
{
        struct http_pool *pool = link->pool;

        ++pool->counters.connects;
        pool->warm_pause_us = pool->warm_from_us = 0;
        http_pool_release(link);
        http_pool_refill(pool);
}

void http_pool_requeue(struct http_pool *pool, struct http_call *call, const char *why)
{
        if (++call->n_moves > POOL_MOVES_MAX) {
                snprintf(pool->why, sizeof(pool->why), "%s", why);
                fail_later(pool, call, pool->why);
        } else {
                wait_first(pool, call);
        }
        http_pool_refill(pool);
}

/*
 * Time
 */

static void expire_idle(struct http_pool *pool, uint64_t now_us)
{
        struct list *it, *after;

        list_for_each_safe(it, after, &pool->places[LINK_IDLE])
        {
                struct http_link *link = container_of(it, struct http_link, link);

                if (now_us - link->idle_us >= pool->config.max_idle_us ||
                    now_us - link->opened_us >= pool->config.max_age_us)
                        http_link_kill(link);
        }
}

static void expire_waiting(struct http_pool *pool, uint64_t now_us)
{
        struct list *it, *after;

        list_for_each_safe(it, after, &pool->waiting)
        {
                struct http_call *call = container_of(it, struct http_call, link);

                if (now_us < call->deadline_us)
                        continue;
                list_unlink(&call->link);
                --pool->counters.waiting;
                fail_later(pool, call, "no connection was free in time");
        }
}

/* Each failure is told at once and may change the list, so from the start again. */
static bool expire_one_busy(struct http_pool *pool, uint64_t now_us)
{
        struct list *it, *after;

        list_for_each_safe(it, after, &pool->places[LINK_BUSY])
        {
                struct http_link *link = container_of(it, struct http_link, link);
                const char *why = http_link_late(link, now_us);

                if (why) {
                        http_link_fail(link, why);
                        return true;
                }
        }
        return false;
}

static void on_sweep(void *ctx)
{
        struct http_pool *pool = ctx;
        uint64_t now_us = loop_now_us(pool->loop);
        struct list *it, *after;

        pool->sweep_at_us = 0;
        list_for_each_safe(it, after, &pool->places[LINK_CONNECTING])
        {
                http_link_tick(container_of(it, struct http_link, link));
        }
        expire_idle(pool, now_us);
        expire_waiting(pool, now_us);
        while (expire_one_busy(pool, now_us))
                ;
        on_deferred(pool);
        http_pool_refill(pool);
}

/*
 * Calls
 */

void http_call_init(struct http_call *call, const struct http_call_ops *ops)
{
        *call = (struct http_call){ .ops = ops };
        list_init(&call->link);
}

int http_pool_call(struct http_pool *pool, struct http_call *call)
{
        uint64_t now_us = loop_now_us(pool->loop);

        must(!call->pool && call->head.n > 0);
        if (pool->is_closing)
                return -ESHUTDOWN;
        ++pool->counters.calls;
        pool->last_call_us = now_us;
        call->pool = pool;
        call->sent_us = 0;
        call->n_moves = 0;
        call->is_reuse = false;
        call->deadline_us =
                call->answer_by_us ? call->answer_by_us : now_us + pool->config.answer_timeout_us;
        wait_last(pool, call);
        http_pool_refill(pool);
        return 0;
}

void http_call_cancel(struct http_call *call)
{
        struct http_pool *pool = call->pool;

        if (!pool)
                return;
        if (call->on) {
                http_link_drop(call->on);
        } else {
                list_unlink(&call->link);
                if (!call->failing)
                        --pool->counters.waiting;
        }
        http_pool_forget(call);
        http_pool_refill(pool);
}

void http_call_pause(struct http_call *call)
{
        if (call->on)
                call->on->is_paused = true;
}

void http_call_resume(struct http_call *call)
{
        struct http_link *link = call->on;

        if (!link || !link->is_paused)
                return;
        link->is_paused = false;
        link->progress_us = loop_now_us(call->pool->loop);
        http_pool_due(link);
}
