#include "sim/sign.h"

#include "sim/decimal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_DEFAULT_US (5000 * US_PER_MS)
#define WINDOW_MAX_US     (60000 * US_PER_MS)
/* A timestamp so far ahead of the server's time is refused. */
#define AHEAD_US (1000 * US_PER_MS)
/* Sixteen digits are microseconds, until the year 33658. */
#define MICROSECONDS_FROM 1000000000000000ULL

/* Longest payload without allocation; a batch of five orders takes about 2 KiB. */
#define PAYLOAD_STACK 8192

static const char *const defaults[] = {
        "alice:SimKeyAlice7mQ2xVtR9pLw4ZcYh8Nf3KsJ6bGd1uEoXa5TqMvWnPrHyBkCiLzUg:"
        "SimSecretAlice4Rk8WzT2yQm6NvPb9XcJf1HsLd7GtUa3EoKiVxYn5MqBwZpRhC",
        "bob:SimKeyBob7mQ2xVtR9pLw4ZcYh8Nf3KsJ6bGd1uEoXa5TqMvWnPrHyBkCiLzUgFj:"
        "SimSecretBob4Rk8WzT2yQm6NvPb9XcJf1HsLd7GtUa3EoKiVxYn5MqBwZpRhCjF",
};

void accounts_init(struct accounts *accounts)
{
        *accounts = (struct accounts){ .n = 0 };
        for (size_t i = 0; i < ARRAY_SIZE(defaults); ++i) {
                int r = accounts_add(accounts, str_of(defaults[i]));

                must(r == 0);
        }
}

void accounts_deinit(struct accounts *accounts)
{
        for (size_t i = 0; i < accounts->n; ++i)
                EVP_PKEY_free(accounts->list[i].public_key);
        accounts->n = 0;
}

static int read_public_key(const char *file, EVP_PKEY **ret_key)
{
        FILE *from = fopen(file, "re");
        EVP_PKEY *key;

        if (!from)
                return -errno;
        key = PEM_read_PUBKEY(from, NULL, NULL, NULL);
        fclose(from);
        if (!key)
                return -EINVAL;
        *ret_key = key;
        return 0;
}

static struct account *account_slot(struct accounts *accounts, const char *name)
{
        for (size_t i = 0; i < accounts->n; ++i)
                if (strcmp(accounts->list[i].name, name) == 0)
                        return &accounts->list[i];
        return accounts->n < ACCOUNTS_MAX ? &accounts->list[accounts->n] : NULL;
}

/* Return: as accounts_add(). */
static int read_account(struct str text, struct account *ret)
{
        struct account made = { .index = 0 };
        struct str name, key;
        int r;

        if (!str_split(&text, ':', &name) || !str_split(&text, ':', &key) || name.n == 0 ||
            key.n == 0 || text.n == 0 || !str_copy(name, made.name, sizeof(made.name)) ||
            !str_copy(key, made.key, sizeof(made.key)) ||
            !str_copy(text, made.secret, sizeof(made.secret)))
                return -EINVAL;
        if (made.secret[0] == '@') {
                r = read_public_key(made.secret + 1, &made.public_key);
                if (r < 0)
                        return r;
        }
        *ret = made;
        return 0;
}

int accounts_add_key(struct accounts *accounts, struct str text)
{
        struct account made, *first;
        int r = read_account(text, &made);

        if (r < 0)
                return r;
        first = account_slot(accounts, made.name);
        if (!first || first == &accounts->list[accounts->n] || accounts->n == ACCOUNTS_MAX) {
                EVP_PKEY_free(made.public_key);
                return accounts->n == ACCOUNTS_MAX ? -E2BIG : -ENOENT;
        }
        made.index = first->index;
        accounts->list[accounts->n++] = made;
        return 0;
}

int accounts_add(struct accounts *accounts, struct str text)
{
        struct account made, *slot;
        int r = read_account(text, &made);

        if (r < 0)
                return r;
        slot = account_slot(accounts, made.name);
        if (!slot) {
                EVP_PKEY_free(made.public_key);
                return -E2BIG;
        }
        made.index = (size_t)(slot - accounts->list);
        if (made.index == accounts->n)
                accounts->n += 1;
        else
                EVP_PKEY_free(slot->public_key);
        *slot = made;
        return 0;
}

struct account *accounts_find(struct accounts *accounts, struct str key)
{
        for (size_t i = 0; i < accounts->n; ++i)
                if (str_eq(key, str_of(accounts->list[i].key)))
                        return &accounts->list[i];
        return NULL;
}

/* @a and @b in one piece: in @stack when they fit, else allocated. */
static unsigned char *join(struct str a, struct str b, unsigned char *stack)
{
        unsigned char *joined = a.n + b.n <= PAYLOAD_STACK ? stack : malloc(a.n + b.n);

        must(joined);
        if (a.n)
                memcpy(joined, a.p, a.n);
        if (b.n)
                memcpy(joined + a.n, b.p, b.n);
        return joined;
}

void sign_hmac(struct str secret, struct str a, struct str b, char to[static SIGN_HEX])
{
        static const char hex[] = "0123456789abcdef";
        unsigned char stack[PAYLOAD_STACK], digest[EVP_MAX_MD_SIZE];
        unsigned char *payload = join(a, b, stack);
        unsigned int n = 0;

        must(HMAC(EVP_sha256(), secret.p, (int)secret.n, payload, a.n + b.n, digest, &n));
        must(n == 32);
        for (size_t i = 0; i < n; ++i) {
                to[2 * i] = hex[digest[i] >> 4];
                to[2 * i + 1] = hex[digest[i] & 15];
        }
        to[SIGN_HEX - 1] = 0;
        if (payload != stack)
                free(payload);
}

/* Cuts "signature=..." off the end of @text. Return: true when it was there. */
static bool cut_signature(struct str *text, struct str *ret_signature)
{
        static const struct str name = { "signature=", 10 };
        size_t from = text->n;

        while (from > 0 && text->p[from - 1] != '&')
                --from;
        if (!str_has_prefix(str_from(text->p + from, text->n - from), name))
                return false;
        *ret_signature = str_from(text->p + from + name.n, text->n - from - name.n);
        text->n = from > 0 ? from - 1 : 0;
        return true;
}

static size_t percent_decode(struct str s, char *to, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < s.n && n < size; ++i) {
                char code[3] = { 0 }, *end;
                long value;

                if (s.p[i] != '%' || i + 2 >= s.n) {
                        to[n++] = s.p[i];
                        continue;
                }
                memcpy(code, s.p + i + 1, 2);
                value = strtol(code, &end, 16);
                to[n++] = (char)value;
                i += 2;
        }
        return n;
}

static bool verify_public(EVP_PKEY *key, struct str signature, const unsigned char *payload,
                          size_t n)
{
        const EVP_MD *digest = EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
        unsigned char raw[1024];
        char text[1368];
        size_t text_n = percent_decode(signature, text, sizeof(text)), pad = 0;
        EVP_MD_CTX *ctx;
        int raw_n;
        bool good;

        if (text_n == 0 || text_n % 4 != 0)
                return false;
        while (pad < 2 && text[text_n - 1 - pad] == '=')
                ++pad;
        raw_n = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)text_n);
        if (raw_n < (int)pad)
                return false;
        ctx = EVP_MD_CTX_new();
        must(ctx);
        good = EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) == 1 &&
               EVP_DigestVerify(ctx, raw, (size_t)raw_n - pad, payload, n) == 1;
        EVP_MD_CTX_free(ctx);
        return good;
}

enum sign_answer sign_check(const struct account *account, struct str query, struct str body)
{
        struct str signature;

        if (!cut_signature(&body, &signature) && !cut_signature(&query, &signature))
                return SIGN_MISSING;
        if (signature.n == 0)
                return SIGN_MISSING;
        if (account->public_key) {
                unsigned char stack[PAYLOAD_STACK], *payload = join(query, body, stack);
                bool good =
                        verify_public(account->public_key, signature, payload, query.n + body.n);

                if (payload != stack)
                        free(payload);
                return good ? SIGN_OK : SIGN_WRONG;
        } else {
                char hex[SIGN_HEX];

                sign_hmac(str_of(account->secret), query, body, hex);
                return str_eq_nocase(signature, str_of(hex)) ? SIGN_OK : SIGN_WRONG;
        }
}

enum sign_time sign_time(struct str timestamp, struct str recv_window, bool microseconds,
                         uint64_t now_us, struct sign_age *ret_age)
{
        struct sign_age age = { 0, WINDOW_DEFAULT_US };
        decimal window;

        if (timestamp.n == 0)
                return SIGN_NO_TIMESTAMP;
        if (str_to_u64(timestamp, &age.timestamp_us) < 0)
                return SIGN_BAD_TIMESTAMP;
        if (!(microseconds && age.timestamp_us >= MICROSECONDS_FROM)) {
                if (age.timestamp_us > UINT64_MAX / US_PER_MS)
                        return SIGN_BAD_TIMESTAMP;
                age.timestamp_us *= US_PER_MS;
        }
        if (recv_window.n > 0) {
                if (decimal_from(recv_window, &window) < 0 || window < 0 ||
                    decimal_places(window) > (microseconds ? 3U : 0U))
                        return SIGN_BAD_WINDOW;
                age.window_us = (uint64_t)(window / (DECIMAL_ONE / (decimal)US_PER_MS));
                if (age.window_us > WINDOW_MAX_US)
                        return SIGN_WINDOW_TOO_LONG;
        }
        *ret_age = age;
        if (age.timestamp_us >= now_us + AHEAD_US)
                return SIGN_TOO_EARLY;
        return sign_is_stale(&age, now_us) ? SIGN_TOO_OLD : SIGN_IN_TIME;
}

bool sign_is_stale(const struct sign_age *age, uint64_t now_us)
{
        return now_us > age->timestamp_us && now_us - age->timestamp_us > age->window_us;
}
