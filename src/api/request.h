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
};

_Static_assert(sizeof(struct request) <= sizeof(((struct weir_request *)0)->inside), "fits");

static inline const struct request *request_of(const struct weir_request *request)
{
        return (const struct request *)(const void *)request->inside;
}

/* As the caller has set it, else as the tables say. */
enum weir_class request_class(const struct weir_request *request);

/* What classify is to be told. @request and @reply must outlive @ret_in. */
void request_classify_in(const struct weir_request *request, const struct weir_reply *reply,
                         uint64_t now_ms, struct classify_in *ret_in);

/* The same when no reply came. */
void request_classify_failure_in(const struct weir_request *request, struct classify_in *ret_in);

/* Internal to public. */
void request_verdict(const struct verdict *verdict, struct weir_verdict *ret_verdict);

#endif
