/*
 * A host that does as its input says: one line of it per op, one line of its output per event.
 *
 *      store_lines URL NAME PASSWORD_FILE|- CA_FILE|-   <  "op HOST_HEX WANT" | "now" | "end"
 *
 *      up PLACE | down WHY | still WHY, tried again in vain | news FROM ... |
 *      cannot WHY, when it could not even begin
 *
 * and for each op, the first of which is 1, exactly one of
 *
 *      answer SEQ again|granted CLAIM SHARE | refused SEQ WHY | cannot SEQ WHY, it was not sent |
 *      lost SEQ, the connection went down under it
 */
#include "base/clock.h"
#include "lease/store.h"
#include "net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
        struct loop *loop;
        struct store *store;
        uint64_t seq, epoch;
        uint64_t asked; /* the op whose fate is not known yet, or 0 */
        char birth[OP_HEX_SIZE];
        char in[4096];
        size_t n;
} host;

static void say(const char *format, ...) PRINTF(1, 2);
static void say(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vprintf(format, args);
        va_end(args);
        putchar('\n');
        fflush(stdout);
}

static void on_up(void *ctx)
{
        (void)ctx;
        say("up %s", store_place(host.store));
}

static void on_down(void *ctx, const char *why)
{
        (void)ctx;
        say("down %s", why);
        if (host.asked > 0)
                say("lost %llu", (unsigned long long)host.asked);
        host.asked = 0;
}

static void on_still_down(void *ctx, const char *why)
{
        (void)ctx;
        say("still %s", why);
}

static void on_answer(void *ctx, const struct op_answer *answer)
{
        (void)ctx;
        must(answer->seq == host.asked);
        host.asked = 0;
        host.epoch = answer->epoch;
        memcpy(host.birth, answer->birth, sizeof(host.birth));
        if (answer->n_budgets > 0)
                say("answer %llu granted %llu %llu", (unsigned long long)answer->seq,
                    (unsigned long long)answer->budgets[0].claim_current,
                    (unsigned long long)answer->budgets[0].share);
        else
                say("answer %llu again", (unsigned long long)answer->seq);
}

static void on_refused(void *ctx, uint64_t seq, const char *why)
{
        (void)ctx;
        must(seq == host.asked);
        host.asked = 0;
        say("refused %llu %s", (unsigned long long)seq, why);
}

static void on_news(void *ctx, const struct op_news *news)
{
        (void)ctx;
        say("news %llx joined %zu gates %zu birth %d", (unsigned long long)news->from,
            news->n_joined, news->n_gates, news->is_birth);
}

static void send_op(char *words)
{
        char *rest = NULL, *number = strtok_r(words, " ", &rest);
        char *want = strtok_r(NULL, " ", &rest);
        uint64_t now_ms = clock_wall_us() / US_PER_MS, n = now_ms / 60000, roster[1];
        struct op_budget budget = {
                .id = "main/spot/60000", .limit = 6000, .span_ms = 60000, .past = 1, .now = n
        };
        struct op op = { .table = "00",
                         .name = "box",
                         .now_ms = now_ms,
                         .error_ms = 5,
                         .grace_ms = 600000,
                         .roster = roster,
                         .n_roster = 1,
                         .budgets = &budget,
                         .n_budgets = 1 };
        int r;

        must(number && want && op_hex_parse(str_of(number), &op.host) == 0);
        roster[0] = op.host;
        budget.current.want = strtoull(want, NULL, 10);
        op.seq = ++host.seq;
        op.epoch = host.epoch;
        memcpy(op.birth, host.birth, sizeof(op.birth));
        r = store_send(host.store, &op);
        if (r < 0) {
                say("cannot %llu %s", (unsigned long long)op.seq, strerror(-r));
                return;
        }
        must(host.asked == 0);
        host.asked = op.seq;
}

static void on_line(char *line)
{
        if (strncmp(line, "op ", 3) == 0)
                send_op(line + 3);
        else if (strcmp(line, "now") == 0)
                store_try_now(host.store);
        else
                loop_stop(host.loop);
}

static void on_input(void *ctx, unsigned what)
{
        ssize_t n;

        (void)ctx;
        (void)what;
        while ((n = read(0, host.in + host.n, sizeof(host.in) - host.n - 1)) > 0) {
                char *line = host.in, *end;

                host.n += (size_t)n;
                host.in[host.n] = '\0';
                while ((end = strchr(line, '\n'))) {
                        *end = '\0';
                        on_line(line);
                        line = end + 1;
                }
                host.n -= (size_t)(line - host.in);
                memmove(host.in, line, host.n);
        }
        if (n == 0)
                loop_stop(host.loop);
}

static const char *given(const char *word)
{
        return strcmp(word, "-") == 0 ? NULL : word;
}

int main(int argc, char **argv)
{
        static const struct store_callbacks callbacks = {
                .on_up = on_up,
                .on_down = on_down,
                .on_answer = on_answer,
                .on_refused = on_refused,
                .on_news = on_news,
                .on_still_down = on_still_down,
        };
        struct store_config config;
        struct loop_watch *watch;
        char why[OP_WHY_SIZE];
        int r;

        must(argc == 5);
        config = (struct store_config){ argv[1], argv[2], given(argv[3]), given(argv[4]) };
        must(loop_new(&host.loop) == 0);
        must(fcntl(0, F_SETFL, O_NONBLOCK) == 0);
        r = store_new(host.loop, &config, &callbacks, NULL, &host.store, why);
        if (r < 0) {
                say("cannot %s", why);
                host.loop = loop_free(host.loop);
                return 2;
        }
        must(loop_watch(host.loop, 0, on_input, NULL, &watch) == 0);
        must(loop_run(host.loop) == 0);
        (void)loop_unwatch(watch);
        host.store = store_free(host.store);
        host.loop = loop_free(host.loop);
        return 0;
}
