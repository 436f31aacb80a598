/*
 * What people ask and say: all that is in the books, and that a host is dead.
 */
#include "lease/store_inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Hosts, budgets, gates: more fields than any books have. */
#define FIELDS_MAX 65536

int store_ask_books(struct store *s)
{
        int r = store_is_free(s);

        if (r == 0)
                r = store_link_send(s->main, 2, (const char *[]){ "HGETALL", s->key }, NULL);
        if (r < 0)
                return r;
        store_expect(s, EXPECT_ALL);
        store_await(s);
        return 0;
}

void store_on_books(struct store *s, const redisReply *reply)
{
        struct str *pairs;
        size_t n = reply->type == REDIS_REPLY_ARRAY ? reply->elements / 2 : FIELDS_MAX + 1;

        if (n > FIELDS_MAX) {
                store_fall(s, "it answers as no Redis does");
                return;
        }
        pairs = calloc(2 * n + 1, sizeof(*pairs));
        if (!pairs) {
                store_fall(s, "out of memory");
                return;
        }
        for (size_t i = 0; i < 2 * n; ++i)
                if (reply->element[i]->type == REDIS_REPLY_STRING)
                        pairs[i] = str_from(reply->element[i]->str, reply->element[i]->len);
        s->is_busy = false;
        store_arm(s);
        s->on.on_books(s->ctx, pairs, n);
        free(pairs);
}

int store_forget(struct store *s, const char *hex, uint64_t now_ms)
{
        int r = store_is_free(s);

        if (r < 0)
                return r;
        buf_clear(&s->op);
        /* @hex is a number: nothing in it needs an escape. */
        r = buf_printf(&s->op, "{\"v\":1,\"forget\":\"%s\",\"now\":%" PRIu64 "}", hex, now_ms);
        if (r < 0)
                return r;
        s->seq = 0;
        s->is_forgetting = true;
        return store_start_op(s);
}
