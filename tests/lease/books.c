#include "books.h"

#include "base/base.h"
#include "lease/function.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY      "weir:{t}"
#define SERVER   "0123456789012345678901234567890123456789"
#define OP_BYTES ((size_t)1 << 20)

struct books {
        pid_t pid;
        char folder[64];
        redisContext *ops, *news;
        struct buf text;
};

static redisReply *ask(redisContext *c, int argc, const char **argv, const size_t *lengths)
{
        redisReply *reply = redisCommandArgv(c, argc, argv, lengths);

        if (!reply || reply->type == REDIS_REPLY_ERROR) {
                fprintf(stderr, "the store: %s\n", reply ? reply->str : c->errstr);
                abort();
        }
        return reply;
}

static void tell(redisContext *c, const char *command, const char *a, const char *b)
{
        const char *argv[] = { command, a, b };

        freeReplyObject(ask(c, b ? 3 : a ? 2 : 1, argv, NULL));
}

static pid_t start(const char *folder)
{
        static const char *const names[] = { "redis-server", "valkey-server" };
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        /* It goes with the test, however that ends. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (chdir(folder) == 0 && freopen("/dev/null", "w", stdout))
                for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                        execlp(names[i], names[i], "--port", "0", "--unixsocket", "s", "--save", "",
                               "--appendonly", "no", NULL);
        _exit(127);
}

static redisContext *reach(const struct books *b)
{
        char path[80];

        snprintf(path, sizeof(path), "%s/s", b->folder);
        for (int i = 0; i < 1000; ++i) {
                redisContext *c = redisConnectUnix(path);

                if (c && c->err == 0)
                        return c;
                redisFree(c);
                if (waitpid(b->pid, NULL, WNOHANG) != 0)
                        return NULL;
                usleep(10000);
        }
        return NULL;
}

struct books *books_open(void)
{
        struct books *b = calloc(1, sizeof(*b));

        must(b);
        snprintf(b->folder, sizeof(b->folder), "/tmp/weir-books-XXXXXX");
        must(mkdtemp(b->folder));
        b->pid = start(b->folder);
        must(b->pid > 0);
        b->ops = reach(b);
        if (!b->ops) {
                books_close(b);
                return NULL;
        }
        b->news = reach(b);
        must(b->news);
        buf_init(&b->text, OP_BYTES);
        tell(b->ops, "SCRIPT", "LOAD", function_text);
        tell(b->news, "SUBSCRIBE", KEY ":news", NULL);
        return b;
}

void books_close(struct books *b)
{
        char path[80];

        if (b->ops)
                redisFree(b->ops);
        if (b->news)
                redisFree(b->news);
        (void)kill(b->pid, SIGKILL);
        (void)waitpid(b->pid, NULL, 0);
        snprintf(path, sizeof(path), "%s/s", b->folder);
        (void)unlink(path);
        (void)rmdir(b->folder);
        buf_deinit(&b->text);
        free(b);
}

void books_wipe(struct books *b)
{
        tell(b->ops, "DEL", KEY, NULL);
}

/* What was published before the answer to a PING has come before it. */
static void hear(struct books *b, struct buf *to)
{
        redisReply *reply;

        must(redisAppendCommand(b->news, "PING") == REDIS_OK);
        for (;;) {
                must(redisGetReply(b->news, (void **)&reply) == REDIS_OK);
                must(reply->type == REDIS_REPLY_ARRAY && reply->elements >= 2);
                if (strcmp(reply->element[0]->str, "pong") == 0)
                        break;
                if (reply->elements == 3)
                        must(buf_append(to, reply->element[2]->str, reply->element[2]->len) == 0);
                freeReplyObject(reply);
        }
        freeReplyObject(reply);
}

void books_do(struct books *b, const struct op *op, struct buf *ret_answer, struct buf *ret_news)
{
        const char *argv[] = { "EVALSHA", function_sha, "1", KEY, NULL };
        size_t lengths[] = { 7, strlen(function_sha), 1, strlen(KEY), 0 };
        redisReply *reply;

        buf_clear(&b->text);
        must(op_print(op, SERVER, &b->text) == 0);
        argv[4] = buf_str(&b->text).p;
        lengths[4] = buf_str(&b->text).n;
        reply = ask(b->ops, 5, argv, lengths);
        must(reply->type == REDIS_REPLY_STRING);
        buf_clear(ret_answer);
        buf_clear(ret_news);
        must(buf_append(ret_answer, reply->str, reply->len) == 0);
        freeReplyObject(reply);
        hear(b, ret_news);
}
