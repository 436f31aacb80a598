/*
 * Door
 *
 * Who may look at this gateway, and who may act on it. Pure: what came is told, nothing is read.
 *
 *      place        from loopback to loopback, or over a unix socket, with no sign of a proxy: may
 *                   look, unless a token is asked of everybody (watch.token_file)
 *      certificate  of a client, vouched for by watch.client_ca: may look
 *      token        Authorization: Bearer, one of watch.token_file: may look; one of
 *                   watch.action_token_file: may look and act
 *      session      a cookie that was given for a token: what the token may
 *
 * Before that, two things end it in any case: a Host that is no name of ours (DNS rebinding), and a
 * browser that says that a page of another site asks.
 */
#ifndef WATCH_DOOR_H
#define WATCH_DOOR_H

#include "base/base.h"
#include "base/str.h"
#include "http/parse.h"
#include "sign/tokens.h"
#include "watch/sessions.h"

#define DOOR_HOSTS_MAX 8
/* A DNS name has 253 characters at most. */
#define DOOR_HOST_SIZE 254

enum door_may {
        DOOR_NOTHING,
        DOOR_LOOK,
        DOOR_ACT,
};

/* What is asked of whom. */
struct door_rules {
        struct tokens *look, *act;                  /* NULL: none */
        char hosts[DOOR_HOSTS_MAX][DOOR_HOST_SIZE]; /* names of ours besides the usual */
        size_t n_hosts;
};

/* Who asks. */
struct door_request {
        const struct http_head *head;
        bool is_unix;
        bool is_vouched; /* by a certificate */
        bool is_static;  /* asks for what is the same for all: a link of another site may lead here
                          */
        const char *local; /* the address of ours that it came to, as digits; "" if not known */
        const char *peer;  /* where it came from, as digits */
        uint64_t now_us;   /* of a steady clock */
};

enum door {
        DOOR_OPEN = 0, /* *ret_pass says how far */
        DOOR_HOST,     /* the Host is no name of ours */
        DOOR_SITE,     /* a page of another site asks; *ret_pass is of no use */
        DOOR_TWICE,    /* two tokens */
        DOOR_WRONG,    /* a token, but none of ours */
};

/* What one may, and by what. */
struct door_pass {
        enum door_may may;
        const char *by;          /* "place", "certificate", "token", "session"; "nothing" */
        size_t token;            /* of the two last: which of its file, from 1 */
        struct session *session; /* it came with one, of whatever use; or NULL */
};

/* @sessions: those that were given out. Return: an enum door. */
CHECKED int door_check(const struct door_request *request, const struct door_rules *rules,
                       struct sessions *sessions, struct door_pass *ret_pass);

/* Whether there is anything by which somebody from elsewhere could come in. */
bool door_has_tokens(const struct door_rules *rules);

/* What @token may, and which it is. */
struct door_pass door_token(const struct door_rules *rules, struct str token);

#define DOOR_COOKIE_SIZE 24

/*
 * The cookie of sessions: "weir", and the port that the browser asks, for a browser keeps one of a
 * name for all ports of a machine, and there may be several gateways. Return: @to.
 */
const char *door_cookie_name(const struct http_head *head, char to[DOOR_COOKIE_SIZE]);

#endif
