/*
 * The courier's own: one courier in three files, for these only.
 *
 *      courier.c     its life and its clock; a request in as many attempts as it takes
 *      admission.c   a place in all budgets for one attempt
 *      letter.c      one attempt: written, sent once, its answer landed and judged
 *
 * Each works on the struct below, which has one attempt at a time; a probe and the measuring of the
 * clock are attempts as well.
 */
#ifndef TRADE_COURIER_INSIDE_H
#define TRADE_COURIER_INSIDE_H

#include "budget/budget.h"
#include "http/client.h"
#include "net/loop.h"
#include "trade/courier.h"
#include "trade/servertime.h"

/* How the attempt that is under way, or the last one, ended. */
enum ending {
        ENDING_NONE,
        ENDING_DONE,
        ENDING_NOT_SENT,
        ENDING_MAYBE_SENT,
};

struct courier {
        struct courier_config config;
        char *url, *ca_file;
        struct http_url at; /* views into @url */
        char host_field[320];
        struct loop *loop;
        struct loop_timer *timer;
        struct tls *tls;
        struct http_pool *pool;
        struct servertime time;
        int64_t correction_ms;

        /* The attempt. */
        struct policy_plan plan;
        struct limiter_ticket ticket;
        struct http_call call;
        struct buf target, head, body;
        uint64_t leave_by_ms; /* the request's deadline */
        uint64_t expires_ms;  /* UINT64_MAX: unsigned */
        uint64_t left_ms;
        bool may_not_leave, is_cut;
        enum ending ending;
        unsigned status;
        char content_encoding[32], content_type[64], retry_after[32], weir_verdict[24];
        uint64_t weir_wait_us, weir_retries;
        struct limiter_news news[BUDGET_NEWS_MAX];
        size_t n_news;
        uint64_t received_us;
        char why[COURIER_WHY_MAX];
};

/* courier.c */

/* Into the log, if there is one. */
PRINTF(3, 4) void courier_tell(const struct courier *c, bool is_error, const char *format, ...);
/* @at_us: monotonic; what is due by now is done in any case. */
void courier_sleep_until_us(struct courier *c, uint64_t at_us);

/* admission.c */

/* c->plan, as the policy says. Return: 0, or -EINVAL for a path that is not taken. */
CHECKED int admission_find_cost(struct courier *c, const struct courier_request *request);
/*
 * A place in all budgets, now; waits for it. Return: 0 with the ticket flying, an enum
 * courier_answer, or a negative errno.
 */
CHECKED int admission_take(struct courier *c, const struct courier_request *wanted);

/* letter.c */

/* Once, before the first. */
void letter_init(struct courier *c);
/* Signs and sends once; c->ending says how it ended. Return: 0, or a negative errno: not sent. */
CHECKED int letter_send(struct courier *c, const struct courier_request *request);
/* After letter_send() returned 0: books and verdict. */
void letter_settle(struct courier *c, struct verdict *ret_verdict);

#endif
