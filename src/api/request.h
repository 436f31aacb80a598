/*
 * Request of the library
 *
 * What is inside a struct weir_request, and how a reply to it is looked at.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "base/base.h"
#include "classify/classify.h"
#include "policy/policy.h"

#include <weir.h>

struct request {
        struct policy_plan plan;
        bool is_batch; /* a 200 may hold errors */
        /*
         * Of all that decides about budgets and amounts: equal for requests that cost the same for
         * the same account. 64 bits of hash: a desk's few hundred kinds do not meet by chance.
         */
        uint64_t kind;
        uint64_t mark; /* REQUEST_MARK: written by weir_request_find() */
};

/* Neither a zeroed nor a forgotten structure is a request that costs nothing. */
#define REQUEST_MARK 0x7765697272657131ULL

_Static_assert(sizeof(struct request) <= sizeof(((struct weir_request *)0)->inside), "fits");

/* What no table knows and nobody found: an order, for all that we know. */
extern const struct request request_none;

static inline const struct request *request_of(const struct weir_request *request)
{
        const struct request *inside = (const struct request *)(const void *)request->inside;

        return LIKELY(inside->mark == REQUEST_MARK) ? inside : &request_none;
}

static inline bool request_is_found(const struct weir_request *request)
{
        return request_of(request) != &request_none;
}

/* Found, and in a class that there is. */
static inline bool request_is_sound(const struct weir_request *request)
{
        return request_is_found(request) && request->request_class >= WEIR_CLASS_BY_ENDPOINT &&
               request->request_class < WEIR_CLASS_COUNT;
}

/* As the caller has set it, else as the tables say. */
enum weir_class request_class(const struct weir_request *request);

/* A reply without a status is none: nothing was answered. */
static inline bool request_is_answered(const struct weir_reply *reply)
{
        return reply && reply->status > 0;
}

/* What classify is to be told. @request and @reply must outlive @ret_in. */
void request_classify_in(const struct weir_request *request, const struct weir_reply *reply,
                         uint64_t now_ms, struct classify_in *ret_in);

/* The same when no reply came. */
void request_classify_failure_in(const struct weir_request *request, struct classify_in *ret_in);

/* Internal to public. */
void request_verdict(const struct verdict *verdict, struct weir_verdict *ret_verdict);

#endif
