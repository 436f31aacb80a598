/*
 * What the parts of the way to the store share. Not for other files.
 */
#ifndef LEASE_STORE_INSIDE_H
#define LEASE_STORE_INSIDE_H

#include "base/base.h"
#include "base/buf.h"
#include "lease/op.h"
#include "lease/store.h"
#include "lease/store_link.h"
#include "lease/store_url.h"
#include "net/loop.h"
#include "net/tls.h"

#include <stdarg.h>

#define STORE_KEY_SIZE (STORE_WORD_SIZE + 16)
#define STORE_WHY_SIZE 1024
/* Nodes of a cluster that may send us on in a row. */
#define STORE_REDIRECTS_MAX 5
/* Replies that a greeting or an op waits for. */
#define STORE_EXPECTED_MAX 8

enum store_phase {
        STORE_PAUSED,
        STORE_ASKING,
        STORE_CONNECTING,
        STORE_UP,
};

enum store_expected {
        EXPECT_AUTH,
        EXPECT_SELECT,
        EXPECT_INFO,
        EXPECT_BOOKS,
        EXPECT_OP,
        EXPECT_WAIT,
        EXPECT_ALL, /* HGETALL, for a person */
};

struct store {
        struct loop *loop;
        struct store_callbacks on;
        void *ctx;
        struct store_url *url; /* in a vault */
        char *password_file;   /* or NULL */
        char name[STORE_WORD_SIZE], key[STORE_KEY_SIZE], channel[STORE_KEY_SIZE];
        struct tls *tls;
        struct loop_timer *timer;
        enum store_phase phase;
        bool is_dead, is_told_down;
        uint64_t pause_us;
        uint64_t due_us; /* the end of the pause, or of asking or connecting */
        char why[STORE_WHY_SIZE], place[STORE_TEXT_SIZE];

        /* Who is asked for the master, and what was said. */
        struct store_link *asker;
        size_t sentinel, n_asked;
        bool has_authenticated; /* at this sentinel */
        struct store_host master;
        bool has_redirect;
        size_t n_redirects;
        struct store_host moved;

        struct store_link *main, *news;
        bool main_ready, news_ready;
        enum store_expected expected[STORE_EXPECTED_MAX];
        size_t n_expected;
        char server[OP_SERVER_SIZE]; /* run_id */

        /* The op that is on its way. */
        bool is_busy, is_eval, is_forgetting;
        uint64_t seq, op_due_us;
        struct buf op;
        char *answer;

        /* The news' connection. */
        bool is_pinging;
        uint64_t news_due_us, n_strange_news;
};

extern const struct store_link_callbacks store_main_callbacks, store_news_callbacks;

/* Closes everything, and tries again after a pause. The store may be dead after it. */
void store_fall(struct store *s, const char *format, ...) PRINTF(2, 3);
void store_follow(struct store *s);
void store_connect(struct store *s);
/* When both connections have greeted. */
void store_rise(struct store *s);
void store_heard(struct store *s);
/* The timer's next time, by what is waited for. */
void store_arm(struct store *s);
void store_on_timer(void *ctx);
void store_close_links(struct store *s);

/* Return: 1: AUTH was sent; 0: there is no password; a negative errno with @s->why. */
CHECKED int store_authenticate(struct store *s, struct store_link *link);

/* Return: 0: it may be asked something; -ENOTCONN or -EBUSY as store_send(). */
CHECKED int store_is_free(const struct store *s);
/* The next reply that is still to come, behind those that are, is @what. */
void store_expect(struct store *s, enum store_expected what);
/* Something was asked: an answer comes within STORE_ANSWER_MS. */
void store_await(struct store *s);

/* What is in @s->op leaves, and has an answer or is on its way for STORE_ANSWER_MS. Return: as
 * store_send(). */
CHECKED int store_start_op(struct store *s);
void store_on_books(struct store *s, const redisReply *reply);

void store_ask_sentinels(struct store *s);
/* The one that was asked did not help. */
void store_next_sentinel(struct store *s, const char *why);

#endif
