/*
 * A program that trades without end, until it is killed
 *
 *      desk REGION PORT SEED
 *
 * Uses the library on a region and sends to the exchange at 127.0.0.1:PORT by itself, whatever it
 * is allowed to. Most of its time it works on the region only: places are taken, looked at again
 * and given back, so that a kill at any instant is likely to come in the middle of it. The region
 * is made with windows of two seconds if it is not there. Prints one line when it is ready.
 */
#include "budget/budget.h"
#include "weir.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SPAN_MS     2000u
#define SPOT_WEIGHT 1200u
#define FUTURES     800u
#define FIELDS      8
#define TIGHT       25 /* turns without sending, for each that sends */

static const struct call {
        const char *method, *path, *query, *key;
} calls[] = {
        { "GET", "/api/v3/time", NULL, NULL },
        { "GET", "/api/v3/depth", "symbol=BTCUSDT&limit=500", NULL },
        { "GET", "/api/v3/trades", "symbol=BTCUSDT", NULL },
        { "GET", "/fapi/v1/time", NULL, NULL },
        { "GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=50", NULL },
        { "GET", "/fapi/v1/premiumIndex", "symbol=BTCUSDT", NULL },
        { "GET", "/sapi/v1/system/status", NULL, NULL },
};

/* Never sent: their places are taken and given back. */
static const struct call others[] = {
        { "POST", "/fapi/v1/order", "symbol=BTCUSDT&timestamp=1", "one key" },
        { "POST", "/api/v3/order", "symbol=BTCUSDT&timestamp=1", "another key" },
        { "DELETE", "/fapi/v1/order", "symbol=BTCUSDT&timestamp=1", "one key" },
        { "GET", "/api/v3/klines", "symbol=BTCUSDT&interval=1m", NULL },
};

static struct weir_limiter *limiter;
static struct weir_request requests[ARRAY_SIZE(calls)], other_requests[ARRAY_SIZE(others)];
static uint64_t dice;
static uint16_t port;
static int connection = -1;

static void fail(const char *what)
{
        fprintf(stderr, "weir: desk: %s\n", what);
        exit(1);
}

static uint64_t rnd(uint64_t below)
{
        uint64_t z = (dice += 0x9e3779b97f4a7c15ULL);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return (z ^ (z >> 31)) % below;
}

static uint64_t mono_us(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static bool connect_it(void)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
        int one = 1;

        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connection < 0 || connect(connection, (struct sockaddr *)&to, sizeof(to)) < 0)
                return false;
        (void)setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        return true;
}

/* The answer in @text, cut into @reply. Return: false when there was none. */
static bool answer_of(char *text, size_t size, struct weir_reply *reply, struct weir_header *fields)
{
        size_t n = 0, length = 0;
        char *body = NULL, *line, *rest = NULL;

        while (!body || n < (size_t)(body - text) + length) {
                ssize_t r = n < size - 1 ? read(connection, text + n, size - 1 - n) : -1;

                if (r <= 0)
                        return false;
                n += (size_t)r;
                text[n] = '\0';
                if (!body && (body = strstr(text, "\r\n\r\n"))) {
                        const char *field = strcasestr(text, "\r\ncontent-length:");

                        body += 4;
                        length = field ? strtoul(field + 17, NULL, 10) : 0;
                }
        }
        reply->status = (int)strtol(text + 9, NULL, 10);
        reply->body = body;
        reply->body_bytes = length;
        reply->headers = fields;
        body[-4] = '\0';
        (void)strtok_r(text, "\r\n", &rest);
        while ((line = strtok_r(NULL, "\r\n", &rest)) && reply->n_headers < FIELDS) {
                char *colon = strchr(line, ':');

                if (!colon || strncasecmp(line, "x-", 2) != 0)
                        continue;
                *colon = '\0';
                fields[reply->n_headers++] =
                        (struct weir_header){ line, colon + 1 + strspn(colon + 1, " ") };
        }
        return true;
}

static bool send_it(const struct call *c, struct weir_reply *reply, struct weir_header *fields)
{
        static char text[1 << 20];
        int n = snprintf(text, sizeof(text), "%s %s%s%s HTTP/1.1\r\nHost: x\r\n\r\n", c->method,
                         c->path, c->query ? "?" : "", c->query ? c->query : "");

        return send(connection, text, (size_t)n, MSG_NOSIGNAL) == n &&
               answer_of(text, sizeof(text), reply, fields);
}

/* One request, if it may leave at once. */
static void trade(void)
{
        size_t i = rnd(ARRAY_SIZE(calls));
        struct weir_reply reply = WEIR_REPLY_DEFAULTS;
        struct weir_header fields[FIELDS];
        struct weir_ticket ticket;
        int r = weir_reserve(limiter, &requests[i], WEIR_NO_DEADLINE, &ticket);

        if (r == WEIR_WAIT && rnd(2) == 0) {
                usleep((useconds_t)rnd(3000));
                r = weir_confirm(limiter, &ticket);
        }
        if (r < 0)
                fail(strerror(-r));
        if (r != WEIR_GO || !weir_may_leave(limiter, &ticket)) {
                if (r == WEIR_GO || r == WEIR_WAIT)
                        weir_refund(limiter, &ticket);
                return;
        }
        if (send_it(&calls[i], &reply, fields)) {
                weir_settle(limiter, &requests[i], &ticket, &reply, NULL);
                return;
        }
        weir_abandon(limiter, &ticket);
        close(connection);
        /* The exchange is gone: this desk's day is over. */
        if (!connect_it())
                exit(0);
}

/* The region only. */
static void work(void)
{
        const struct weir_request *request = &other_requests[rnd(ARRAY_SIZE(others))];
        struct weir_ticket ticket;
        int r;

        if (rnd(64) == 0) {
                if (weir_limiter_name_key(limiter, "desk", "one key") < 0)
                        fail("a key cannot be named");
                return;
        }
        r = weir_reserve(limiter, request, WEIR_NO_DEADLINE, &ticket);
        if (r == WEIR_WAIT)
                r = weir_confirm(limiter, &ticket);
        if (r < 0)
                fail(strerror(-r));
        if (r == WEIR_GO || r == WEIR_WAIT)
                weir_refund(limiter, &ticket);
}

static void measure_clock(const struct call *c, enum weir_group group)
{
        struct weir_reply reply = WEIR_REPLY_DEFAULTS;
        struct weir_header fields[FIELDS];
        size_t i = (size_t)(c - calls);
        struct weir_ticket ticket;
        uint64_t sent_us;
        const char *time;

        while (weir_reserve(limiter, &requests[i], WEIR_NO_DEADLINE, &ticket) != WEIR_GO) {
                if (weir_ticket_at_ms(&ticket) > 0)
                        weir_refund(limiter, &ticket);
                usleep(5000);
        }
        sent_us = mono_us();
        if (!send_it(c, &reply, fields)) {
                weir_abandon(limiter, &ticket);
                return;
        }
        time = strstr(reply.body, "serverTime\":");
        if (time)
                weir_clock_sample(limiter, group, strtoull(time + 12, NULL, 10), sent_us,
                                  mono_us());
        weir_settle(limiter, &requests[i], &ticket, &reply, NULL);
}

static void make_region(const char *path)
{
        struct region region = REGION_NULL;
        struct region_error error;
        static struct region_plan plan;

        budget_plan(&plan, (uint64_t)time(NULL) * MS_PER_SECOND);
        plan.windows[policy_pool_find(STR_LITERAL("spot-weight"))][0] =
                region_window(SPAN_MS, SPOT_WEIGHT);
        plan.windows[policy_pool_find(STR_LITERAL("futures-weight"))][0] =
                region_window(SPAN_MS, FUTURES);
        if (region_open(path, &plan, &region, &error) < 0)
                fail(error.why);
        region_close(&region);
}

int main(int argc, char **argv)
{
        struct weir_limiter_options options = WEIR_LIMITER_DEFAULTS;
        struct weir_error error;

        if (argc != 4)
                fail("see the head of desk.c");
        dice = strtoull(argv[3], NULL, 10);
        port = (uint16_t)strtoul(argv[2], NULL, 10);
        make_region(argv[1]);
        options.region = argv[1];
        options.max_requests_per_minute = 1000000;
        options.max_burst = 10000;
        if (weir_limiter_open(&options, &limiter, &error) < 0)
                fail(error.text);
        for (size_t i = 0; i < ARRAY_SIZE(calls); ++i)
                if (weir_request_find(calls[i].method, calls[i].path, calls[i].query, NULL, NULL,
                                      &requests[i]) < 0)
                        fail(calls[i].path);
        for (size_t i = 0; i < ARRAY_SIZE(others); ++i)
                if (weir_request_find(others[i].method, others[i].path, others[i].query, NULL,
                                      others[i].key, &other_requests[i]) < 0)
                        fail(others[i].path);
        if (!connect_it())
                fail("the exchange is not there");
        measure_clock(&calls[0], WEIR_GROUP_API);
        measure_clock(&calls[3], WEIR_GROUP_FAPI);
        puts("ready");
        fflush(stdout);
        for (;;) {
                for (int i = 0; i < TIGHT; ++i)
                        work();
                trade();
        }
}
