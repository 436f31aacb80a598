#include "api/request.h"
#include "budget/budget.h"

#include <string.h>

_Static_assert((int)WEIR_EXECUTED_UNKNOWN == (int)EXECUTED_UNKNOWN, "same numbers");
_Static_assert(WEIR_MSG_SIZE == VERDICT_MSG_SIZE, "same size");

static struct str header(const struct weir_reply *reply, struct str name)
{
        for (size_t i = 0; reply->headers && i < reply->n_headers; ++i)
                if (str_eq_nocase(str_of(reply->headers[i].name), name))
                        return str_of(reply->headers[i].value);
        return STR_NULL;
}

static void fill(const struct weir_request *request, uint64_t now_ms, struct classify_in *in)
{
        const struct policy_plan *plan = &request_of(request)->plan;

        *in = (struct classify_in){
                .product = budget_product(plan->group),
                .is_mutating = plan->is_mutating,
                .is_order = plan->places_order || request_class(request) == CLASS_CANCEL,
                .is_batch = request_of(request)->is_batch,
                .now_ms = now_ms,
        };
}

void request_classify_in(const struct weir_request *request, const struct weir_reply *reply,
                         uint64_t now_ms, struct classify_in *ret_in)
{
        fill(request, now_ms, ret_in);
        ret_in->status = reply->status;
        ret_in->content_encoding = header(reply, STR_LITERAL("content-encoding"));
        ret_in->content_type = header(reply, STR_LITERAL("content-type"));
        ret_in->retry_after = header(reply, STR_LITERAL("retry-after"));
        ret_in->body = str_from(reply->body, reply->body ? reply->body_bytes : 0);
}

void request_classify_failure_in(const struct weir_request *request, struct classify_in *ret_in)
{
        fill(request, 0, ret_in);
}

void request_verdict(const struct verdict *v, struct weir_verdict *ret)
{
        ret->kind = verdict_kind_name(v->kind);
        ret->executed = (enum weir_executed)v->executed;
        ret->is_ok = v->kind == VERDICT_OK;
        ret->may_retry = v->may_retry;
        ret->reconcile = v->reconcile;
        ret->status = v->status;
        ret->code = v->code;
        ret->retry_at_ms = v->retry_at_ms;
        ret->ban_until_ms = v->ban_until_ms;
        memcpy(ret->msg, v->msg, strnlen(v->msg, sizeof(v->msg) - 1) + 1);
        ret->msg[sizeof(ret->msg) - 1] = '\0';
        memset(ret->spare, 0, sizeof(ret->spare));
}

void weir_classify(const struct weir_request *request, const struct weir_reply *reply,
                   uint64_t now_ms, struct weir_verdict *ret_verdict)
{
        struct classify_in in;
        struct verdict verdict;

        if (!request_is_answered(reply)) {
                weir_classify_failure(request, WEIR_NO_ANSWER, ret_verdict);
                return;
        }
        request_classify_in(request, reply, now_ms, &in);
        classify(&in, &verdict);
        request_verdict(&verdict, ret_verdict);
}

void weir_classify_failure(const struct weir_request *request, enum weir_failure failure,
                           struct weir_verdict *ret_verdict)
{
        struct classify_in in;
        struct verdict verdict;

        fill(request, 0, &in);
        classify_transport(&in, failure == WEIR_NOT_SENT ? TRANSPORT_CONNECT : TRANSPORT_RESET,
                           failure != WEIR_NOT_SENT, &verdict);
        request_verdict(&verdict, ret_verdict);
}

void weir_classify_text(const struct weir_request *request, int status, const char *text,
                        uint64_t now_ms, struct weir_verdict *ret_verdict)
{
        struct classify_in in;
        struct verdict verdict;

        fill(request, now_ms, &in);
        in.status = status;
        in.body = str_of(text);
        classify_text(&in, &verdict);
        request_verdict(&verdict, ret_verdict);
}
