/*
 * The connection that carries ops: its greeting, one op at a time, and how many replicas have it.
 */
#include "lease/store_inside.h"

#include "lease/function.h"
#include "lease/store_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct str text_of(const redisReply *reply)
{
        return str_from(reply->str, reply->len);
}

void store_expect(struct store *s, enum store_expected what)
{
        must(s->n_expected < STORE_EXPECTED_MAX);
        s->expected[s->n_expected++] = what;
}

static enum store_expected next_expected(struct store *s)
{
        enum store_expected what = s->expected[0];

        s->n_expected--;
        memmove(s->expected, s->expected + 1, s->n_expected * sizeof(s->expected[0]));
        return what;
}

/* Sends @words and expects @what. Return: 0 or a negative errno. */
static int ask(struct store *s, enum store_expected what, int n, const char **words)
{
        int r = store_link_send(s->main, n, words, NULL);

        if (r == 0)
                store_expect(s, what);
        return r;
}

static void on_open(void *ctx, struct store_link *link)
{
        struct store *s = ctx;
        char db[16];
        int r = store_authenticate(s, link);

        if (r < 0) {
                store_fall(s, "%s", s->why);
                return;
        }
        if (r > 0)
                store_expect(s, EXPECT_AUTH);
        snprintf(db, sizeof(db), "%u", s->url->db);
        r = s->url->db > 0 ? ask(s, EXPECT_SELECT, 2, (const char *[]){ "SELECT", db }) : 0;
        if (r == 0)
                r = ask(s, EXPECT_INFO, 2, (const char *[]){ "INFO", "server" });
        /* Shows at once what an op would meet: another node, no rights, data being loaded. */
        if (r == 0)
                r = ask(s, EXPECT_BOOKS, 3, (const char *[]){ "HGET", s->key, "books" });
        if (r < 0)
                store_fall(s, "%s", strerror(-r));
}

static const char *command_of(enum store_expected what)
{
        static const char *const names[] = {
                [EXPECT_AUTH] = "AUTH",   [EXPECT_SELECT] = "SELECT", [EXPECT_INFO] = "INFO",
                [EXPECT_BOOKS] = "HGET",  [EXPECT_OP] = "EVALSHA",    [EXPECT_WAIT] = "WAIT",
                [EXPECT_ALL] = "HGETALL",
        };

        return names[what];
}

static void refused(struct store *s, enum store_expected what, struct str said)
{
        char words[STORE_WHY_SIZE];

        if (store_moved(said, s->moved.name, sizeof(s->moved.name), &s->moved.port) == 0)
                store_follow(s);
        else
                store_fall(s, "%s", store_words(said, command_of(what), words, sizeof(words)));
}

static bool is_sentinel(const redisReply *reply)
{
        return reply->type == REDIS_REPLY_STRING && strstr(reply->str, "redis_mode:sentinel");
}

/* Return: true when there was a run_id. */
static bool take_server(struct store *s, const redisReply *reply)
{
        const struct str name = STR_LITERAL("run_id:");
        struct str rest = text_of(reply), line;

        if (reply->type != REDIS_REPLY_STRING)
                return false;
        while (str_split(&rest, '\n', &line)) {
                if (!str_has_prefix(line, name))
                        continue;
                line = str_from(line.p + name.n, line.n - name.n);
                if (line.n > 0 && line.p[line.n - 1] == '\r')
                        line.n--;
                return line.n > 0 && str_copy(line, s->server, sizeof(s->server));
        }
        return false;
}

/* The op, by the function's hash or with its whole text. Return: 0 or a negative errno. */
static int send_op(struct store *s)
{
        struct str op = buf_str(&s->op);
        const char *words[] = { s->is_eval ? "EVAL" : "EVALSHA",
                                s->is_eval ? function_text : function_sha, "1", s->key, op.p };
        const size_t lengths[] = { strlen(words[0]), strlen(words[1]), 1, strlen(s->key), op.n };
        char replicas[16], ms[16];
        int r;

        r = store_link_send(s->main, ARRAY_SIZE(words), words, lengths);
        if (r < 0)
                return r;
        store_expect(s, EXPECT_OP);
        if (s->url->replicas == 0)
                return 0;
        snprintf(replicas, sizeof(replicas), "%u", s->url->replicas);
        snprintf(ms, sizeof(ms), "%u", STORE_REPLICAS_MS);
        return ask(s, EXPECT_WAIT, 3, (const char *[]){ "WAIT", replicas, ms });
}

static void finish(struct store *s)
{
        char why[OP_WHY_SIZE] = "", *text = s->answer;
        uint64_t seq = s->seq;
        struct op_answer answer;
        int r;

        s->answer = NULL;
        s->is_busy = false;
        store_arm(s);
        if (s->is_forgetting && strncmp(text, "{\"error\"", 8) != 0) {
                free(text);
                s->on.on_forgotten(s->ctx);
                return;
        }
        r = op_answer_parse(str_of(text), &answer, why);
        if (r == -EEXIST && s->on.on_twice)
                s->on.on_twice(s->ctx, why);
        else if (r == -ECONNREFUSED || r == -EEXIST)
                s->on.on_refused(s->ctx, seq, why);
        else if (r < 0)
                store_fall(s, "%s", why);
        else if (answer.seq != seq)
                store_fall(s, "it answered another op than the one that was sent");
        else
                s->on.on_answer(s->ctx, &answer);
        op_answer_deinit(&answer);
        free(text);
}

static void again_with_text(struct store *s)
{
        int r = send_op(s);

        if (r < 0)
                store_fall(s, "%s", strerror(-r));
}

static void on_op(struct store *s, const redisReply *reply)
{
        if (reply->type == REDIS_REPLY_ERROR &&
            str_has_prefix(text_of(reply), STR_LITERAL("NOSCRIPT")) && !s->is_eval) {
                s->is_eval = true;
                if (s->url->replicas == 0)
                        again_with_text(s);
        } else if (reply->type == REDIS_REPLY_ERROR) {
                refused(s, EXPECT_OP, text_of(reply));
        } else if (reply->type != REDIS_REPLY_STRING) {
                store_fall(s, "it answers as no Redis does");
        } else {
                s->answer = strndup(reply->str, reply->len);
                if (!s->answer)
                        store_fall(s, "out of memory");
                else if (s->url->replicas == 0)
                        finish(s);
        }
}

static void on_wait(struct store *s, const redisReply *reply)
{
        if (reply->type != REDIS_REPLY_INTEGER)
                store_fall(s, "it answers as no Redis does");
        else if (!s->answer)
                again_with_text(s);
        else if (reply->integer < (long long)s->url->replicas)
                store_fall(
                        s,
                        "the write has %lld of %u replicas after %u ms, so it does not count, for "
                        "a failover would lose it: start one, or say replicas=%lld in the URL",
                        reply->integer, s->url->replicas, STORE_REPLICAS_MS, reply->integer);
        else
                finish(s);
}

static void on_reply(void *ctx, struct store_link *link, const redisReply *reply)
{
        struct store *s = ctx;
        enum store_expected what;

        (void)link;
        if (s->n_expected == 0) {
                /* What a server says on its own: that it has too many clients, say. */
                if (reply->type == REDIS_REPLY_ERROR)
                        refused(s, EXPECT_INFO, text_of(reply));
                else
                        store_fall(s, "it answers what was not asked");
                return;
        }
        what = next_expected(s);
        if (what == EXPECT_OP) {
                on_op(s, reply);
        } else if (what == EXPECT_ALL && reply->type != REDIS_REPLY_ERROR) {
                store_on_books(s, reply);
        } else if (reply->type == REDIS_REPLY_ERROR) {
                refused(s, what, text_of(reply));
        } else if (what == EXPECT_WAIT) {
                on_wait(s, reply);
        } else if (what == EXPECT_INFO && is_sentinel(reply)) {
                store_fall(s, "it is a sentinel, which keeps no books: say "
                              "redis+sentinel://HOST:PORT/MASTER");
        } else if (what == EXPECT_INFO && !take_server(s, reply)) {
                store_fall(s, "INFO server tells no run_id: it is no Redis and no Valkey");
        } else if (what == EXPECT_BOOKS) {
                s->main_ready = true;
                store_rise(s);
        }
}

static void on_broken(void *ctx, struct store_link *link, const char *why)
{
        (void)link;
        store_fall(ctx, "%s", why);
}

const struct store_link_callbacks store_main_callbacks = {
        .on_open = on_open,
        .on_reply = on_reply,
        .on_broken = on_broken,
};

int store_is_free(const struct store *s)
{
        if (s->phase != STORE_UP)
                return -ENOTCONN;
        return s->is_busy ? -EBUSY : 0;
}

void store_await(struct store *s)
{
        s->is_busy = true;
        s->op_due_us = loop_now_us(s->loop) + STORE_ANSWER_MS * US_PER_MS;
        store_arm(s);
}

int store_send(struct store *s, const struct op *op)
{
        int r = store_is_free(s);

        if (r < 0)
                return r;
        buf_clear(&s->op);
        r = op_print(op, s->server, &s->op);
        if (r < 0)
                return r;
        s->seq = op->seq;
        s->is_forgetting = false;
        return store_start_op(s);
}

int store_start_op(struct store *s)
{
        int r;

        s->is_eval = false;
        r = send_op(s);
        if (r < 0)
                return r;
        store_await(s);
        return 0;
}
