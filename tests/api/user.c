/*
 * A program on a region, for the tests of tests/integration: told by arguments what to do, it
 * prints what it was answered.
 *
 *      user REGION reserve METHOD PATH QUERY           the answer, then settled with a plain 200
 *      user REGION settle METHOD PATH STATUS BODY      reserved, answered so, the verdict's kind
 *      user REGION account NAME KEY                    names the key, prints 0 or an errno
 *      user REGION acquire RATE BURST SECONDS          a wall-clock microsecond per acquired unit
 */
#include <weir.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int number(const char *text)
{
        char *end;
        long value = strtol(text, &end, 10);

        if (end == text || *end || value < 0 || value > 1000000) {
                fprintf(stderr, "%s is not a number\n", text);
                exit(1);
        }
        return (int)value;
}

static struct weir_limiter *open_region(const char *region, const char *rate, const char *burst)
{
        struct weir_limiter_options options = WEIR_LIMITER_DEFAULTS;
        struct weir_limiter *limiter;
        struct weir_error error;

        options.region = region;
        options.max_requests_per_minute = (uint32_t)number(rate);
        options.max_burst = (uint32_t)number(burst);
        if (weir_limiter_open(&options, &limiter, &error) < 0) {
                fprintf(stderr, "%s\n", error.text);
                exit(1);
        }
        return limiter;
}

static struct weir_request find(const char *method, const char *path, const char *query)
{
        struct weir_request request;

        if (weir_request_find(method, path, query, NULL, "somebody", &request) < 0) {
                fprintf(stderr, "%s %s belongs to no product\n", method, path);
                exit(1);
        }
        return request;
}

static int reserve(struct weir_limiter *l, const struct weir_request *request,
                   const struct weir_reply *reply, struct weir_verdict *ret_verdict)
{
        struct weir_ticket ticket;
        int answer = weir_reserve(l, request, WEIR_NO_DEADLINE, &ticket);

        if (answer == WEIR_GO)
                weir_settle(l, request, &ticket, reply, ret_verdict);
        else if (answer == WEIR_WAIT)
                weir_refund(l, &ticket);
        return answer;
}

static uint64_t now_us(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void acquire(struct weir_limiter *l, int seconds)
{
        uint64_t end_us = now_us() + (uint64_t)seconds * 1000000;

        while (now_us() < end_us && weir_acquire(l, 1, WEIR_NO_DEADLINE) == 0) {
                printf("%llu\n", (unsigned long long)now_us());
                fflush(stdout);
        }
}

int main(int argc, char **argv)
{
        struct weir_reply reply = { .status = 200 };
        struct weir_verdict verdict = { .kind = "none" };
        struct weir_request request;
        struct weir_limiter *l;

        if (argc == 6 && strcmp(argv[2], "acquire") == 0) {
                l = open_region(argv[1], argv[3], argv[4]);
                acquire(l, number(argv[5]));
        } else if (argc == 6 && strcmp(argv[2], "reserve") == 0) {
                l = open_region(argv[1], "0", "0");
                request = find(argv[3], argv[4], argv[5]);
                puts(weir_answer_name(reserve(l, &request, &reply, NULL)));
        } else if (argc == 5 && strcmp(argv[2], "account") == 0) {
                l = open_region(argv[1], "0", "0");
                printf("%d\n", weir_limiter_name_key(l, argv[3], argv[4]));
        } else if (argc == 7 && strcmp(argv[2], "settle") == 0) {
                l = open_region(argv[1], "0", "0");
                request = find(argv[3], argv[4], NULL);
                reply.status = number(argv[5]);
                reply.body = argv[6];
                reply.body_bytes = strlen(argv[6]);
                if (reserve(l, &request, &reply, &verdict) != WEIR_GO)
                        return 1;
                puts(verdict.kind);
        } else {
                fputs("user: see the head of user.c\n", stderr);
                return 2;
        }
        weir_limiter_close(l);
        return 0;
}
