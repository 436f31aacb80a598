/*
 * Signatures
 *
 * Who signed a request, and was it still good. The payload is the query and the body as received,
 * without a separator between them and without the signature parameter.
 */
#ifndef SIM_SIGN_H
#define SIM_SIGN_H

#include "base/base.h"
#include "base/str.h"

#include <openssl/evp.h>

/* "the sim's own" keys have 64 characters, as client libraries may check. */
#define SIGN_TEXT_MAX 192

struct account {
        char name[32];
        char key[SIGN_TEXT_MAX];
        char secret[SIGN_TEXT_MAX]; /* HMAC; empty with a public key */
        EVP_PKEY *public_key;       /* RSA or Ed25519; owned */
        size_t index;
};

#define ACCOUNTS_MAX 64

struct accounts {
        struct account list[ACCOUNTS_MAX];
        size_t n;
};

/* Two of them, alice and bob. */
void accounts_init(struct accounts *accounts);
void accounts_deinit(struct accounts *accounts);

/**
 * accounts_add() - "NAME:KEY:SECRET", or "NAME:KEY:@FILE" with a public key in PEM
 *
 * Replaces an account of the same name. Return: 0, -EINVAL, -E2BIG, or why the file was not read.
 */
CHECKED int accounts_add(struct accounts *accounts, struct str text);
/* The same text: one more key of an account that is there. Return: -ENOENT if none is; else as
 * above. */
CHECKED int accounts_add_key(struct accounts *accounts, struct str text);
struct account *accounts_find(struct accounts *accounts, struct str key);

#define SIGN_HEX 65
/* HMAC-SHA256 of @a followed by @b, in hex. */
void sign_hmac(struct str secret, struct str a, struct str b, char to[static SIGN_HEX]);

enum sign_answer {
        SIGN_OK = 0,
        SIGN_MISSING, /* no signature parameter */
        SIGN_WRONG,
};

/* @query, @body: as received. The signature is looked for at the end of the body, then the query.
 */
enum sign_answer sign_check(const struct account *account, struct str query, struct str body);

enum sign_time {
        SIGN_IN_TIME = 0,
        SIGN_NO_TIMESTAMP,
        SIGN_BAD_TIMESTAMP,
        SIGN_BAD_WINDOW,
        SIGN_WINDOW_TOO_LONG,
        SIGN_TOO_OLD,
        SIGN_TOO_EARLY,
};

/* What a request says about its own age, in microseconds. */
struct sign_age {
        uint64_t timestamp_us, window_us;
};

/**
 * sign_time() - judge timestamp and recvWindow
 * @microseconds: spot: a timestamp may be in microseconds, a window may have three decimals
 *
 * Return: an enum sign_time; *ret_age is written when both could be read.
 */
enum sign_time sign_time(struct str timestamp, struct str recv_window, bool microseconds,
                         uint64_t now_us, struct sign_age *ret_age);

/* The second check, just before the engine: only "too old". */
bool sign_is_stale(const struct sign_age *age, uint64_t now_us);

#endif
