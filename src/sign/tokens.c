#include "sign/tokens.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define HASH_BYTES 32

struct tokens {
        size_t n;
        unsigned char hashes[TOKENS_MAX][HASH_BYTES];
};

static bool hash_token(struct str token, unsigned char to[HASH_BYTES])
{
        unsigned n = 0;

        return EVP_Digest(token.p, token.n, to, &n, EVP_sha256(), NULL) == 1 && n == HASH_BYTES;
}

static int refuse_line(char *why, const char *path, unsigned line, const char *what)
{
        snprintf(why, VAULT_WHY_MAX,
                 "line %u of the token file %s %s; make a token with: openssl rand -hex 32", line,
                 path, what);
        return -EINVAL;
}

/* @token: one line. */
static int add_token(struct tokens *t, struct str token, const char *path, unsigned line, char *why)
{
        if (token.n < TOKEN_BYTES_MIN)
                return refuse_line(why, path, line, "has less than 32 characters");
        if (token.n > TOKEN_BYTES_MAX)
                return refuse_line(why, path, line, "has more than 256 characters");
        for (size_t i = 0; i < token.n; ++i)
                if (token.p[i] <= ' ' || token.p[i] > '~')
                        return refuse_line(why, path, line,
                                           "holds a blank or a character that no header takes");
        if (t->n == TOKENS_MAX)
                return refuse_line(why, path, line, "is one token more than the 64 there may be");
        if (!hash_token(token, t->hashes[t->n]))
                return vault_refuse(why, -ENOMEM, "%s: out of memory", path);
        ++t->n;
        return 0;
}

static int read_lines(struct tokens *t, const char *path, struct str text, char *why)
{
        struct str part;
        unsigned line = 0;
        int r = 0;

        while (r == 0 && str_split(&text, '\n', &part)) {
                ++line;
                if (part.n > 0 && part.p[part.n - 1] == '\r')
                        --part.n;
                part = str_trim(part);
                if (part.n > 0 && part.p[0] != '#')
                        r = add_token(t, part, path, line, why);
        }
        if (r == 0 && t->n == 0)
                r = vault_refuse(why, -EINVAL,
                                 "the token file %s holds no token; make one with: openssl rand "
                                 "-hex 32",
                                 path);
        return r;
}

int tokens_open(const char *path, struct tokens **ret_tokens, char ret_why[VAULT_WHY_MAX])
{
        struct tokens *t = calloc(1, sizeof(*t));
        char *file = vault_new(VAULT_FILE_MAX);
        struct str text;
        int r = -ENOMEM;

        if (t && file)
                r = vault_read("token", path, VAULT_STRICT, file, &text, ret_why);
        else
                (void)vault_refuse(ret_why, r, "%s: out of memory", path);
        if (r == 0)
                r = read_lines(t, path, text, ret_why);
        vault_free(file, VAULT_FILE_MAX);
        if (r == 0)
                *ret_tokens = t;
        else
                tokens_close(t);
        return r;
}

struct tokens *tokens_close(struct tokens *t)
{
        if (t)
                OPENSSL_cleanse(t, sizeof(*t));
        free(t);
        return NULL;
}

size_t tokens_count(const struct tokens *t)
{
        return t ? t->n : 0;
}

static size_t find_hash(const struct tokens *t, const unsigned char hash[HASH_BYTES])
{
        size_t found = 0;

        /* All of them, so that the time tells nothing of which. */
        for (size_t i = 0; i < t->n; ++i)
                found += (size_t)((CRYPTO_memcmp(hash, t->hashes[i], HASH_BYTES) == 0) &
                                  (found == 0)) *
                         (i + 1);
        return found;
}

size_t tokens_find(const struct tokens *t, struct str token)
{
        unsigned char hash[HASH_BYTES];

        if (!t || token.n < TOKEN_BYTES_MIN || token.n > TOKEN_BYTES_MAX ||
            !hash_token(token, hash))
                return 0;
        return find_hash(t, hash);
}

bool tokens_have(const struct tokens *t, struct str token)
{
        return tokens_find(t, token) > 0;
}

size_t tokens_moved(const struct tokens *before, size_t number, const struct tokens *now)
{
        if (!before || !now || number == 0 || number > before->n)
                return 0;
        return find_hash(now, before->hashes[number - 1]);
}

bool tokens_are_equal(const struct tokens *a, const struct tokens *b)
{
        if (!a || !b)
                return a == b;
        return a->n == b->n && CRYPTO_memcmp(a->hashes, b->hashes, a->n * HASH_BYTES) == 0;
}
