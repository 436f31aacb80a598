/*
 * The way to the store
 *
 * Two connections to a Redis or a Valkey, on the loop's own streams: one carries ops, one at a
 * time, the other listens to news. Both up: the store is up; one of them lost, an answer that does
 * not come within 500 ms, too few replicas that have it: it is away, both are closed and it is
 * tried again after 100 ms, doubling to 1 s. What is wrong is said in words.
 *
 *      store_new(loop, &config, &callbacks, ctx, &store, why)
 *      on_up()            -> store_send() the first op, at once
 *      on_answer()        -> the next may be sent
 *      on_refused()       -> the store said no in words; nothing has changed there; likewise
 *      on_twice()         -> likewise, and why it did is mended by keeper_renumber()
 *      on_news()
 *      on_down(why)       -> an op that is on its way has no answer any more
 *      on_still_down(why) -> tried again in vain, maybe for another reason
 *
 * Callbacks come from the loop, never from inside a function of this file; store_send() and
 * store_free() may be called in each of them.
 */
#ifndef LEASE_STORE_H
#define LEASE_STORE_H

#include "base/base.h"
#include "base/str.h"
#include "lease/op.h"
#include "net/loop.h"

#define STORE_ANSWER_MS 500u
/* How long replicas may take to say that they have it, within that. */
#define STORE_REPLICAS_MS  100u
#define STORE_RETRY_MIN_MS 100u
#define STORE_RETRY_MAX_MS 1000u

struct store;

/* Texts live until store_free(); NULL and "" are the same. */
struct store_config {
        const char *url;  /* as store_url.h reads it */
        const char *name; /* of the books; the URL's name= wins when it has one; NULL: weir */
        const char *password_file; /* read anew for every connection; before the URL's */
        const char *ca_file;       /* for rediss://; NULL: the system's */
};

struct store_callbacks {
        void (*on_up)(void *ctx);
        void (*on_down)(void *ctx, const char *why);
        void (*on_answer)(void *ctx, const struct op_answer *answer);
        void (*on_refused)(void *ctx, uint64_t seq, const char *why);
        /* Refused since another host has this one's number; NULL: as any refusal. */
        void (*on_twice)(void *ctx, const char *why);
        void (*on_news)(void *ctx, const struct op_news *news);
        /* For people; may be NULL where store_ask_books() and store_forget() are not used. */
        void (*on_books)(void *ctx, const struct str *pairs, size_t n);
        void (*on_forgotten)(void *ctx);
        /* May be NULL. */
        void (*on_still_down)(void *ctx, const char *why);
};

/**
 * store_new() - begin to connect
 * @why: what is wrong with the configuration, in words without secrets
 *
 * on_down() follows once for each time that it was up, and once when the first try fails; behind it
 * on_still_down(), for each try that fails too.
 *
 * Return: 0, -EINVAL with @why (URL, name, a password file that others may read, no certificates),
 *         -ENOMEM.
 */
CHECKED int store_new(struct loop *loop, const struct store_config *config,
                      const struct store_callbacks *callbacks, void *ctx, struct store **ret_store,
                      char why[OP_WHY_SIZE]);

/**
 * store_send() - send an op; run_id and key are added
 *
 * Everything is copied. Nothing is kept for later: an op that cannot leave now is not sent.
 *
 * Return: 0: its answer, refusal or on_down() follows; -ENOTCONN: away; -EBUSY: one is on its way;
 *         -ENOBUFS: too large; -ENOMEM.
 */
CHECKED int store_send(struct store *store, const struct op *op);

/**
 * store_ask_books() - all that is in the store, for on_books(): @n pairs of field and JSON, as
 * src/lease/function_books.lua describes them; none: there are no books
 *
 * Return: as store_send().
 */
CHECKED int store_ask_books(struct store *store);

/* Says that the host @hex is dead, at @now_ms; on_forgotten() or on_refused() follows. Return: as
 * store_send(). */
CHECKED int store_forget(struct store *store, const char *hex, uint64_t now_ms);

bool store_is_up(const struct store *store);
bool store_is_busy(const struct store *store);

/* "redis://127.0.0.1:6379/0", without user and password; the sentinel's master when it is known. */
const char *store_place(const struct store *store);

/* Of the books, whichever setting gave it. */
const char *store_name(const struct store *store);

/* Tries again now, whatever the pause. For tests and a person's SIGHUP. */
void store_try_now(struct store *store);

/* No callback follows. Accepts NULL. Return: NULL. */
struct store *store_free(struct store *store);

#endif
