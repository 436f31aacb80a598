/*
 * A library user as a stranger would write it, with nothing but the installed header and library;
 * compiled as C11 and as C++17.
 *
 *      stranger [REGION HOST_PORT]
 *
 * Without arguments: a private limiter. With them: the region of a running gateway, and requests
 * straight to the exchange at 127.0.0.1:HOST_PORT.
 */
#include <weir.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "stranger: line %d: %s\n", __LINE__, #condition);          \
                        exit(1);                                                                   \
                }                                                                                  \
        } while (0)

struct exchange {
        int port;
        const char *path;
        int calls;
        char answer[65536];
        char used[32];
        struct weir_header header;
};

/* One GET on a connection of its own. */
static int ask(void *ctx, struct weir_reply *ret_reply)
{
        struct exchange *e = (struct exchange *)ctx;
        struct sockaddr_in to;
        size_t n = 0;
        ssize_t got;
        char *body, *used;
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        ++e->calls;
        memset(&to, 0, sizeof(to));
        to.sin_family = AF_INET;
        to.sin_port = htons((unsigned short)e->port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
                if (fd >= 0)
                        close(fd);
                return -ENOTCONN;
        }
        snprintf(e->answer, sizeof(e->answer),
                 "GET %s HTTP/1.1\r\nHost: exchange\r\nConnection: close\r\n\r\n", e->path);
        if (write(fd, e->answer, strlen(e->answer)) < 0) {
                close(fd);
                return -EIO;
        }
        while ((got = read(fd, e->answer + n, sizeof(e->answer) - 1 - n)) > 0)
                n += (size_t)got;
        close(fd);
        e->answer[n] = '\0';
        body = strstr(e->answer, "\r\n\r\n");
        if (got < 0 || !body || sscanf(e->answer, "HTTP/1.1 %d", &ret_reply->status) != 1)
                return -EIO;
        ret_reply->body = body + 4;
        ret_reply->body_bytes = strlen(body + 4);
        used = strstr(e->answer, "X-MBX-USED-WEIGHT-1M: ");
        if (used && sscanf(used, "X-MBX-USED-WEIGHT-1M: %31[0-9]", e->used) == 1) {
                e->header.name = "X-MBX-USED-WEIGHT-1M";
                e->header.value = e->used;
                ret_reply->headers = &e->header;
                ret_reply->n_headers = 1;
        }
        return 0;
}

static void find_weight(void *ctx, const struct weir_budget *budget)
{
        if (strcmp(budget->name, "futures-weight") == 0 && budget->span_ms == 60000)
                *(uint32_t *)ctx += budget->used;
}

static void use_private(void)
{
        struct weir_limiter_options options = WEIR_LIMITER_DEFAULTS;
        struct weir_limiter *limiter = NULL;
        struct weir_limiter_stats stats = WEIR_LIMITER_STATS_DEFAULTS;
        struct weir_request order;
        struct weir_ticket ticket;
        struct weir_reply reply = WEIR_REPLY_DEFAULTS;
        struct weir_verdict verdict;
        struct weir_error error;
        int i;

        options.max_requests_per_minute = 6000;
        options.max_burst = 5;
        CHECK(weir_limiter_open(&options, &limiter, &error) == 0);
        for (i = 0; i < 5; ++i)
                CHECK(weir_acquire(limiter, 1, WEIR_NO_DEADLINE) == 0);
        CHECK(weir_acquire(limiter, 5, weir_now_ms(limiter, WEIR_GROUP_FAPI) + 1) == -ETIMEDOUT);
        weir_limiter_stats(limiter, &stats);
        CHECK(stats.max_tokens == 5 && stats.tokens < 5);

        CHECK(weir_request_find("POST", "/fapi/v1/order", "symbol=BTCUSDT&side=BUY", NULL, "key",
                                &order) == 0);
        CHECK(order.group == WEIR_GROUP_FAPI && order.request_class == WEIR_CLASS_ORDER &&
              order.orders == 1);
        CHECK(weir_request_find("GET", "/no/such", NULL, NULL, NULL, &order) == -ENOENT);
        CHECK(weir_reserve_wait(limiter, &order, WEIR_NO_DEADLINE, &ticket) == WEIR_GO);
        CHECK(weir_may_leave(limiter, &ticket));
        reply.status = 429;
        reply.body = "{\"code\":-1015,\"msg\":\"Too many new orders.\"}";
        reply.body_bytes = strlen(reply.body);
        weir_settle(limiter, &order, &ticket, &reply, &verdict);
        CHECK(verdict.code == -1015 && verdict.may_retry && !verdict.is_ok);
        CHECK(verdict.executed == WEIR_EXECUTED_NO);
        CHECK(weir_reserve(limiter, &order, weir_now_ms(limiter, WEIR_GROUP_FAPI) + 1, &ticket) ==
              WEIR_LATE);
        CHECK(weir_limiter_close(limiter) == NULL);
}

static void use_shared(const char *region, int port)
{
        static struct exchange exchange;
        struct weir_limiter_options options = WEIR_LIMITER_DEFAULTS;
        struct weir_caller_options wishes = WEIR_CALLER_DEFAULTS;
        struct weir_call_stats stats = WEIR_CALL_STATS_DEFAULTS;
        struct weir_limiter *limiter = NULL;
        struct weir_caller *caller = NULL;
        struct weir_request klines;
        struct weir_verdict verdict;
        struct weir_error error;
        uint32_t before = 0, after = 0;
        int i;

        options.region = region;
        if (weir_limiter_open(&options, &limiter, &error) < 0) {
                fprintf(stderr, "stranger: %s\n", error.text);
                exit(1);
        }
        wishes.limiter = limiter;
        CHECK(weir_caller_new(&wishes, &caller, &error) == 0);
        CHECK(weir_request_find("GET", "/fapi/v1/klines", "symbol=BTCUSDT&interval=1m&limit=500",
                                NULL, NULL, &klines) == 0);
        weir_limiter_budgets(limiter, find_weight, &before);
        exchange.port = port;
        exchange.path = "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=500";
        for (i = 0; i < 3; ++i) {
                CHECK(weir_call(caller, &klines, weir_now_ms(limiter, WEIR_GROUP_FAPI) + 60000, ask,
                                &exchange, &verdict) == 0);
                CHECK(verdict.is_ok && verdict.status == 200);
        }
        weir_limiter_budgets(limiter, find_weight, &after);
        CHECK(exchange.calls == 3);
        /* Unless the minute turned meanwhile. */
        CHECK(after >= before + 3 * klines.weight || after < before || before == 0);
        exchange.port = 1;
        CHECK(weir_call(caller, &klines, WEIR_NO_DEADLINE, ask, &exchange, &verdict) == -ENOTCONN);
        CHECK(verdict.executed == WEIR_EXECUTED_NA && !verdict.reconcile);
        weir_caller_stats(caller, &stats);
        CHECK(stats.total_calls == 4 && stats.failures == 1 && stats.success_rate == 0.75);
        weir_caller_free(caller);
        weir_limiter_close(limiter);
        printf("%u\n", (unsigned)(3 * klines.weight));
}

int main(int argc, char **argv)
{
        if (argc == 3)
                use_shared(argv[1], atoi(argv[2]));
        else
                use_private();
        return 0;
}
