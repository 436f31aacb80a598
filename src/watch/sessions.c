#include "watch/sessions.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>

#define RANDOM_BYTES 32

static bool hash_value(struct str value, unsigned char to[32])
{
        unsigned n = 0;

        return EVP_Digest(value.p, value.n, to, &n, EVP_sha256(), NULL) == 1 && n == 32;
}

/* A free one, else the one that was not used for longest. */
static struct session *choose(struct sessions *s)
{
        struct session *oldest = &s->all[0];

        for (size_t i = 0; i < SESSIONS_MAX; ++i) {
                if (s->all[i].token == 0)
                        return &s->all[i];
                if (s->all[i].used_us < oldest->used_us)
                        oldest = &s->all[i];
        }
        return oldest;
}

int sessions_begin(struct sessions *s, bool may_act, size_t token, uint64_t now_us,
                   char ret_cookie[SESSION_SIZE])
{
        struct session *to = choose(s), new = { .may_act = may_act, .token = token };
        unsigned char random[RANDOM_BYTES];

        must(token > 0);
        if (RAND_bytes(random, sizeof(random)) != 1)
                return -EIO;
        for (size_t i = 0; i < sizeof(random); ++i)
                snprintf(ret_cookie + 2 * i, 3, "%02x", random[i]);
        OPENSSL_cleanse(random, sizeof(random));
        if (!hash_value(str_of(ret_cookie), new.hash))
                return -EIO;
        new.used_us = now_us;
        *to = new;
        return 0;
}

struct session *sessions_find(struct sessions *s, struct str value, uint64_t now_us)
{
        struct session *found = NULL;
        unsigned char hash[32];

        if (value.n != SESSION_SIZE - 1 || !hash_value(value, hash))
                return NULL;
        for (size_t i = 0; i < SESSIONS_MAX; ++i) {
                struct session *one = &s->all[i];

                if (one->token != 0 && now_us - one->used_us >= SESSIONS_IDLE_US)
                        session_end(one);
                if (CRYPTO_memcmp(hash, one->hash, sizeof(hash)) == 0 && one->token != 0)
                        found = one;
        }
        if (found)
                found->used_us = now_us;
        return found;
}

void session_end(struct session *session)
{
        *session = (struct session){ .token = 0 };
}
