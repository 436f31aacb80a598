/*
 * Who is master: the sentinels are asked one after the other, from the last one that knew.
 */
#include "lease/store_inside.h"

#include "lease/store_words.h"

#include <stdio.h>
#include <string.h>

#define SENTINEL_US (1000 * US_PER_MS)

static void ask(struct store *s, struct store_link *link)
{
        if (store_link_send(link, 3,
                            (const char *[]){ "SENTINEL", "get-master-addr-by-name",
                                              s->url->master },
                            NULL) < 0)
                store_next_sentinel(s, "out of memory");
}

static void on_open(void *ctx, struct store_link *link)
{
        ask(ctx, link);
}

/* [ "10.0.0.1", "6379" ]. Return: true when that is what it is. */
static bool take_master(struct store *s, const redisReply *reply)
{
        uint64_t port;

        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
            reply->element[0]->type != REDIS_REPLY_STRING ||
            reply->element[1]->type != REDIS_REPLY_STRING)
                return false;
        if (str_to_u64(str_from(reply->element[1]->str, reply->element[1]->len), &port) < 0 ||
            port == 0 || port > UINT16_MAX)
                return false;
        s->master.port = (uint16_t)port;
        return str_copy(str_from(reply->element[0]->str, reply->element[0]->len), s->master.name,
                        sizeof(s->master.name));
}

static void on_reply(void *ctx, struct store_link *link, const redisReply *reply)
{
        struct store *s = ctx;
        struct str said = str_from(reply->str, reply->type == REDIS_REPLY_ERROR ? reply->len : 0);
        char words[STORE_WHY_SIZE];

        if (str_has_prefix(said, STR_LITERAL("NOAUTH")) && !s->has_authenticated) {
                s->has_authenticated = true;
                if (store_authenticate(s, link) > 0)
                        ask(s, link);
                else
                        store_next_sentinel(s, "it wants a password, and there is none");
        } else if (str_has_prefix(said, STR_LITERAL("ERR unknown command"))) {
                store_next_sentinel(s, "it is no sentinel: name sentinels, which listen at port "
                                       "26379 as a rule, or say redis:// for one server");
        } else if (reply->type == REDIS_REPLY_ERROR) {
                store_next_sentinel(s, store_words(said, "AUTH", words, sizeof(words)));
        } else if (reply->type == REDIS_REPLY_NIL ||
                   (reply->type == REDIS_REPLY_ARRAY && reply->elements == 0)) {
                store_next_sentinel(s, "it does not know a master of that name");
        } else if (take_master(s, reply)) {
                s->asker = store_link_stop(s->asker);
                snprintf(s->place, sizeof(s->place), "redis%s://%.*s:%u (%s)",
                         s->url->is_tls ? "s" : "", STORE_HOST_SIZE, s->master.name, s->master.port,
                         s->url->master);
                store_connect(s);
        } else if (reply->type != REDIS_REPLY_STATUS) {
                store_next_sentinel(s, "it does not answer as a sentinel does");
        }
}

static void on_broken(void *ctx, struct store_link *link, const char *why)
{
        (void)link;
        store_next_sentinel(ctx, why);
}

static const struct store_link_callbacks callbacks = {
        .on_open = on_open,
        .on_reply = on_reply,
        .on_broken = on_broken,
};

/* Return: 0 or a negative errno. */
static int ask_one(struct store *s)
{
        s->phase = STORE_ASKING;
        s->has_authenticated = false;
        s->due_us = loop_now_us(s->loop) + SENTINEL_US;
        store_arm(s);
        return store_link_start(s->loop, &s->url->hosts[s->sentinel], NULL, s->tls, &callbacks, s,
                                &s->asker);
}

void store_ask_sentinels(struct store *s)
{
        int r;

        s->n_asked = 1;
        r = ask_one(s);
        if (r < 0)
                store_next_sentinel(s, strerror(-r));
}

void store_next_sentinel(struct store *s, const char *why)
{
        char last[STORE_WHY_SIZE];
        int r = -1;

        snprintf(last, sizeof(last), "%s", why);
        while (r < 0) {
                const struct store_host *asked = &s->url->hosts[s->sentinel];

                s->asker = store_link_stop(s->asker);
                s->sentinel = (s->sentinel + 1) % s->url->n_hosts;
                if (s->n_asked++ >= s->url->n_hosts) {
                        store_fall(s, "no sentinel knows the master %s; %s:%u: %s", s->url->master,
                                   asked->name, asked->port, last);
                        return;
                }
                r = ask_one(s);
        }
}
