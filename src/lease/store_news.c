/*
 * The connection that listens: SUBSCRIBE, and a PING now and then.
 */
#include "lease/store_inside.h"

#include "lease/store_words.h"

#include <string.h>

static void on_open(void *ctx, struct store_link *link)
{
        struct store *s = ctx;

        if (store_authenticate(s, link) < 0)
                store_fall(s, "%s", s->why);
        else if (store_link_send(link, 2, (const char *[]){ "SUBSCRIBE", s->channel }, NULL) < 0)
                store_fall(s, "out of memory");
}

static void on_message(struct store *s, const redisReply *text)
{
        char why[OP_WHY_SIZE] = "";
        struct op_news news;

        if (text->type == REDIS_REPLY_STRING &&
            op_news_parse(str_from(text->str, text->len), &news, why) == 0)
                s->on.on_news(s->ctx, &news);
        else
                /* Somebody else's words: what is in news is in the books too, so an op tells it. */
                s->n_strange_news++;
        if (text->type == REDIS_REPLY_STRING)
                op_news_deinit(&news);
}

static bool is_word(const redisReply *reply, const char *word)
{
        return reply->type == REDIS_REPLY_STRING &&
               str_eq_nocase(str_from(reply->str, reply->len), str_of(word));
}

static void on_reply(void *ctx, struct store_link *link, const redisReply *reply)
{
        struct store *s = ctx;
        char words[STORE_WHY_SIZE];

        (void)link;
        store_heard(s);
        if (reply->type == REDIS_REPLY_ERROR) {
                store_fall(s, "%s",
                           store_words(str_from(reply->str, reply->len), "SUBSCRIBE", words,
                                       sizeof(words)));
        } else if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
                   is_word(reply->element[0], "subscribe")) {
                s->news_ready = true;
                store_rise(s);
        } else if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
                   is_word(reply->element[0], "message") && s->phase == STORE_UP) {
                on_message(s, reply->element[2]);
        }
}

static void on_broken(void *ctx, struct store_link *link, const char *why)
{
        (void)link;
        store_fall(ctx, "%s", why);
}

const struct store_link_callbacks store_news_callbacks = {
        .on_open = on_open,
        .on_reply = on_reply,
        .on_broken = on_broken,
};
