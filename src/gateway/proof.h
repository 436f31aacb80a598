/*
 * Proof
 *
 * Whether a request may have an account's key and signature put to it. Its client proves itself
 * with one of the account's tokens, or is one of its users at a unix socket. What a browser sent
 * is refused in any case: a page that somebody looks at runs on this machine too, and reaches
 * every port of it.
 *
 *      Origin, Sec-Fetch-*    a browser says so itself. Sec-Fetch-Mode alone is no browser's, which
 *                             send Sec-Fetch-Site with it, but that of fetch() in Node.js
 *      Host of another name   a page whose name was turned to our address (DNS rebinding): to the
 *                             browser it is of one origin with us, and it sends no Origin
 */
#ifndef GATEWAY_PROOF_H
#define GATEWAY_PROOF_H

#include "base/base.h"
#include "base/str.h"
#include "http/parse.h"
#include "sign/tokens.h"

#include <sys/types.h>

#define PROOF_USERS_MAX 16
#define PROOF_HOSTS_MAX 8
/* A DNS name has 253 characters at most. */
#define PROOF_HOST_SIZE 254

/* Who may use an account. */
struct proof_clients {
        struct tokens *tokens; /* NULL: nobody by token */
        uid_t users[PROOF_USERS_MAX];
        size_t n_users;
        char hosts[PROOF_HOSTS_MAX][PROOF_HOST_SIZE]; /* names of ours besides the usual */
        size_t n_hosts;
};

/* Who asks. */
struct proof_request {
        const struct http_head *head;
        bool is_unix;
        uid_t user;        /* at a unix socket */
        const char *local; /* the address of ours that it came to, as digits; "" if not known */
};

enum proof {
        PROOF_GOOD = 0,
        PROOF_BROWSER, /* *ret_what: the field that gives it away */
        PROOF_HOST,
        PROOF_MISSING, /* no token */
        PROOF_TWICE,   /* two tokens */
        PROOF_WRONG,   /* a token, but none of the account's */
        PROOF_USER,    /* no token, and another user */
};

/* Return: an enum proof. */
CHECKED int proof_check(const struct proof_request *request, const struct proof_clients *clients,
                        struct str *ret_what);

/* The first field that only browsers send; NULL view when there is none. */
struct str proof_of_browser(const struct http_head *head);
/* A browser asks whether a page may send fields of ours. */
bool proof_is_preflight(const struct http_head *head);
/* Whether @name is a field that proves something, and is nobody's business behind us. */
bool proof_is_field(struct str name);

#endif
