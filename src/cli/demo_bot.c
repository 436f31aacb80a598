#include "cli/demo_bot.h"

#include "base/clock.h"
#include "http/client.h"
#include "net/loop.h"
#include "sim/sign.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECTIONS 4
#define PAUSE_US    (100 * US_PER_MS)
/* Longer than anything waits in weir: a bot that gives up early sees nothing of it. */
#define PATIENCE_US (90 * US_PER_SECOND)
#define TARGET_MAX  512
#define HEAD_MAX    1024

struct bot;

/* One connection's worth of requests: one at a time, the next when the last is answered. */
struct asker {
        struct bot *bot;
        struct http_call call;
        struct loop_timer *again;
        unsigned turn;
        unsigned status;
        uint64_t weir_wait_us;
        bool says_weir_wait;
        char head[HEAD_MAX];
};

struct bot {
        const struct bot_config *config;
        struct loop *loop;
        struct http_pool *pool;
        struct asker askers[CONNECTIONS];
        /* the trader's */
        struct loop_timer *tick;
        uint64_t next_us; /* when the next order is wanted */
        uint64_t wanted_us[BOT_WAITING_MAX];
        uint64_t n_wanted, n_begun; /* the ring's ends */
        unsigned order;             /* the last one's number */
        bool is_cancelling, is_asking;
        struct accounts accounts;
};

static const char *const market_data[] = {
        "/fapi/v1/depth?symbol=BTCUSDT&limit=500",
        "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=99",
        "/fapi/v1/ticker/24hr?symbol=BTCUSDT",
        "/fapi/v1/depth?symbol=ETHUSDT&limit=500",
        "/fapi/v1/klines?symbol=ETHUSDT&interval=1m&limit=99",
        "/fapi/v1/ticker/24hr?symbol=ETHUSDT",
};

static void send_request(struct asker *a, enum http_method method, const char *name,
                         const char *target, const char *key)
{
        int n = snprintf(a->head, sizeof(a->head),
                         "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: bot\r\n"
                         "%s%s%s\r\n",
                         name, target, a->bot->config->port, key ? "X-MBX-APIKEY: " : "",
                         key ? key : "", key ? "\r\n" : "");

        must(n > 0 && (size_t)n < sizeof(a->head));
        a->status = 0;
        a->says_weir_wait = false;
        a->call.method = method;
        a->call.head = str_from(a->head, (size_t)n);
        a->call.body = STR_NULL;
        a->call.answer_by_us = loop_now_us(a->bot->loop) + PATIENCE_US;
        /* Fails only while the pool is being freed. */
        (void)!http_pool_call(a->bot->pool, &a->call);
}

static void on_head(struct http_call *call, const struct http_head *head)
{
        struct asker *a = container_of(call, struct asker, call);
        struct str wait = http_field_value(head, STR_LITERAL("X-Weir-Wait-Us"));

        a->status = head->status;
        a->says_weir_wait = wait.p && str_to_u64(wait, &a->weir_wait_us) == 0;
}

static void on_data(struct http_call *call, struct str payload)
{
        (void)call;
        (void)payload;
}

static bool is_refused(const struct asker *a)
{
        return a->status == 429 || a->status == 418;
}

static void count_answer(const struct asker *a)
{
        tally_add(a->bot->config->tally, a->status == 200   ? TALLY_ANSWERED
                                         : a->status == 429 ? TALLY_429
                                         : a->status == 418 ? TALLY_418
                                                            : TALLY_ERRORS);
}

static void pause_asker(struct asker *a)
{
        loop_timer_set(a->again, loop_now_us(a->bot->loop) + PAUSE_US);
}

/*
 * The poller
 */

static void poll_next(struct asker *a)
{
        send_request(a, HTTP_GET, "GET", market_data[a->turn++ % ARRAY_SIZE(market_data)], NULL);
}

static void poll_again(void *ctx)
{
        poll_next(ctx);
}

static void poll_done(struct http_call *call)
{
        struct asker *a = container_of(call, struct asker, call);

        count_answer(a);
        if (a->status == 200)
                poll_next(a);
        else
                pause_asker(a);
}

static void poll_failed(struct http_call *call, enum http_failure failure, const char *why)
{
        struct asker *a = container_of(call, struct asker, call);

        (void)failure;
        (void)why;
        tally_add(a->bot->config->tally, TALLY_ERRORS);
        pause_asker(a);
}

static const struct http_call_ops poll_ops = {
        .head = on_head,
        .data = on_data,
        .done = poll_done,
        .failed = poll_failed,
};

/*
 * The trader
 */

static void show_waiting(struct bot *b)
{
        uint64_t waiting = b->n_wanted - b->n_begun;

        tally_set(b->config->tally, TALLY_WAITING, waiting);
        tally_set(b->config->tally, TALLY_WAITING_SINCE,
                  waiting > 0 ? b->wanted_us[b->n_begun % BOT_WAITING_MAX] : 0);
}

static void sign_and_send(struct bot *b, enum http_method method, const char *name, char *target,
                          int n)
{
        const struct account *account = &b->accounts.list[0];
        char *query = strchr(target, '?') + 1;
        char signature[SIGN_HEX];
        size_t used;

        must(n > 0 && (size_t)n < TARGET_MAX);
        sign_hmac(str_of(account->secret), str_of(query), STR_NULL, signature);
        used = (size_t)n;
        n = snprintf(target + used, TARGET_MAX - used, "&signature=%s", signature);
        must(n > 0 && (size_t)n < TARGET_MAX - used);
        b->is_asking = true;
        send_request(&b->askers[0], method, name, target, account->key);
}

static void place(struct bot *b)
{
        char target[TARGET_MAX];
        int n = snprintf(target, sizeof(target),
                         "/fapi/v1/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX"
                         "&quantity=0.002&price=50000&newClientOrderId=demo-%u&timestamp=%llu",
                         b->order, (unsigned long long)(clock_wall_us() / US_PER_MS));

        sign_and_send(b, HTTP_POST, "POST", target, n);
}

static void cancel(struct bot *b)
{
        char target[TARGET_MAX];
        int n = snprintf(target, sizeof(target),
                         "/fapi/v1/order?symbol=BTCUSDT&origClientOrderId=demo-%u&timestamp=%llu",
                         b->order, (unsigned long long)(clock_wall_us() / US_PER_MS));

        sign_and_send(b, HTTP_DELETE, "DELETE", target, n);
}

/* The order that is due, or the cancel of the one that was placed. */
static void trade_next(struct bot *b)
{
        show_waiting(b);
        if (b->is_asking)
                return;
        if (b->is_cancelling)
                cancel(b);
        else if (b->n_begun < b->n_wanted)
                place(b);
}

static void trade_again(void *ctx)
{
        struct asker *a = ctx;

        a->bot->is_asking = false;
        trade_next(a->bot);
}

/* A pause counts as asking: nothing else is sent meanwhile. */
static void trade_pause(struct bot *b)
{
        tally_add(b->config->tally,
                  b->is_cancelling ? TALLY_CANCELS_REFUSED : TALLY_ORDERS_REFUSED);
        pause_asker(&b->askers[0]);
}

static void order_over(struct bot *b, bool is_placed)
{
        uint64_t wanted_us = b->wanted_us[b->n_begun % BOT_WAITING_MAX];

        b->n_begun += 1;
        b->is_cancelling = is_placed;
        if (!is_placed) {
                b->order += 1;
                return;
        }
        tally_add(b->config->tally, TALLY_ORDERS_PLACED);
        tally_wait(b->config->tally, TALLY_WAIT_ORDER, loop_now_us(b->loop) - wanted_us);
        if (b->askers[0].says_weir_wait)
                tally_wait(b->config->tally, TALLY_WAIT_IN_WEIR, b->askers[0].weir_wait_us);
}

static void trade_over(struct bot *b, bool is_good)
{
        b->is_asking = false;
        if (!b->is_cancelling) {
                order_over(b, is_good);
        } else {
                if (is_good)
                        tally_add(b->config->tally, TALLY_CANCELLED);
                b->is_cancelling = false;
                b->order += 1;
        }
        trade_next(b);
}

static void trade_done(struct http_call *call)
{
        struct asker *a = container_of(call, struct asker, call);

        count_answer(a);
        if (is_refused(a))
                trade_pause(a->bot);
        else
                trade_over(a->bot, a->status == 200);
}

/* Even a naive bot does not repeat an order whose fate it does not know. */
static void trade_failed(struct http_call *call, enum http_failure failure, const char *why)
{
        struct asker *a = container_of(call, struct asker, call);

        (void)why;
        tally_add(a->bot->config->tally, TALLY_ERRORS);
        if (failure == HTTP_NOT_SENT)
                trade_pause(a->bot);
        else
                trade_over(a->bot, false);
}

static const struct http_call_ops trade_ops = {
        .head = on_head,
        .data = on_data,
        .done = trade_done,
        .failed = trade_failed,
};

/* Wants are on a fixed schedule: a bot that is held up falls behind, and that is measured. */
static void on_tick(void *ctx)
{
        struct bot *b = ctx;
        uint64_t now_us = loop_now_us(b->loop);

        while (b->next_us <= now_us && b->n_wanted - b->n_begun < BOT_WAITING_MAX) {
                b->wanted_us[b->n_wanted++ % BOT_WAITING_MAX] = b->next_us;
                b->next_us += US_PER_SECOND / BOT_ORDERS_PER_S;
                tally_add(b->config->tally, TALLY_ORDERS_WANTED);
        }
        loop_timer_set(b->tick, b->next_us);
        trade_next(b);
}

/* Those that are still waiting have waited that long: leaving them out would flatter. */
static void count_waiting(struct bot *b)
{
        uint64_t now_us = loop_now_us(b->loop);

        for (uint64_t i = b->n_begun; i < b->n_wanted; ++i)
                tally_wait(b->config->tally, TALLY_WAIT_ORDER,
                           now_us - b->wanted_us[i % BOT_WAITING_MAX]);
}

/*
 * Both
 */

static void on_terminate(void *ctx)
{
        struct bot *b = ctx;

        if (b->config->kind == BOT_TRADER)
                count_waiting(b);
        loop_stop(b->loop);
}

static int open_asker(struct bot *b, struct asker *a, unsigned number)
{
        bool is_poller = b->config->kind == BOT_POLLER;

        a->bot = b;
        a->turn = b->config->number + number;
        http_call_init(&a->call, is_poller ? &poll_ops : &trade_ops);
        return loop_timer_new(b->loop, is_poller ? poll_again : trade_again, a, &a->again);
}

static int open_bot(struct bot *b, const struct bot_config *config)
{
        struct http_pool_config pool = {
                .host = STR_LITERAL("127.0.0.1"),
                .port = config->port,
                .max_connections = CONNECTIONS,
                .answer_timeout_us = PATIENCE_US,
                .progress_timeout_us = PATIENCE_US,
        };
        int r = loop_new(&b->loop);

        b->config = config;
        if (r == 0)
                r = loop_on_signal(b->loop, SIGTERM, on_terminate, b);
        if (r == 0)
                r = http_pool_new(b->loop, &pool, &b->pool);
        for (unsigned i = 0; r == 0 && i < CONNECTIONS; ++i)
                r = open_asker(b, &b->askers[i], i);
        if (r == 0)
                r = loop_timer_new(b->loop, on_tick, b, &b->tick);
        return r;
}

static void start_bot(struct bot *b)
{
        if (b->config->kind == BOT_TRADER) {
                accounts_init(&b->accounts);
                b->next_us = clock_mono_us();
                loop_timer_set(b->tick, b->next_us);
                return;
        }
        for (unsigned i = 0; i < CONNECTIONS; ++i)
                poll_next(&b->askers[i]);
}

int bot_run(const struct bot_config *config)
{
        struct bot *b = calloc(1, sizeof(*b));
        int r;

        if (!b)
                return -ENOMEM;
        r = open_bot(b, config);
        if (r == 0) {
                start_bot(b);
                r = loop_run(b->loop);
        }
        /* The process ends here: its memory and sockets go with it. */
        return r;
}
