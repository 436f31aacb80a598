/*
 * Fuzz: classify
 *
 * The first bytes choose the request and the reply's head, the rest is the body:
 *
 *      0  product        1  flags (below)      2  status      3  content coding and type
 *      4  Retry-After    5... body
 *
 * Beyond not crashing, the law must hold: a second copy is permitted for a 429 of a limit and
 * for nothing else, and what is said of time stays within the horizon.
 */
#include <stddef.h>
#include <stdint.h>

#include "call/call.h"
#include "classify/classify.h"
#include "classify/usage.h"

#define NOW_MS    1659142907531ULL
#define HEAD_SIZE 5

enum flag {
        FLAG_MUTATING = 1,
        FLAG_ORDER = 2,
        FLAG_BATCH = 4,
        FLAG_CUT = 8,
        FLAG_TEXT = 16,
        FLAG_TRANSPORT = 32,
        FLAG_SENT = 64,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_head(const uint8_t *data, struct classify_in *in)
{
        static const int statuses[] = { 200, 0,   202, 302, 400, 401, 403, 404,
                                        408, 409, 418, 429, 451, 500, 503, 504 };
        static const char *const codings[] = { "", "gzip", "deflate", "br" };
        static const char *const types[] = { "", "application/json;charset=utf-8", "text/html",
                                             "text/plain" };
        static const char *const afters[] = { "", "0", "1", "179", "18446744073709551615", "soon" };

        in->product = (enum classify_product)(data[0] % CLASSIFY_PRODUCT_COUNT);
        in->is_mutating = data[1] & (FLAG_MUTATING | FLAG_ORDER);
        in->is_order = data[1] & FLAG_ORDER;
        in->is_batch = data[1] & FLAG_BATCH;
        in->is_cut = data[1] & FLAG_CUT;
        in->status = statuses[data[2] % ARRAY_SIZE(statuses)];
        in->content_encoding = str_of(codings[data[3] % ARRAY_SIZE(codings)]);
        in->content_type = str_of(types[data[3] / 16 % ARRAY_SIZE(types)]);
        in->retry_after = str_of(afters[data[4] % ARRAY_SIZE(afters)]);
        in->now_ms = NOW_MS;
}

static void check(const struct classify_in *in, const struct verdict *v)
{
        must(v->kind < VERDICT_KIND_COUNT && v->executed < EXECUTED_COUNT);
        must(memchr(v->msg, '\0', sizeof(v->msg)));
        must(in->is_mutating == (v->executed != EXECUTED_NA));
        must(in->is_order || !v->reconcile);
        must(v->parts_failed <= v->parts);
        must(v->retry_at_ms == 0 ||
             (v->retry_at_ms > NOW_MS && v->retry_at_ms <= NOW_MS + VERDICT_HORIZON_MS));
        must(v->ban_until_ms == 0 || v->kind == VERDICT_BANNED);
        if (v->may_retry) {
                must(v->status == 429 && (v->code == -1003 || v->code == -1015));
                must(v->executed == EXECUTED_NO || v->executed == EXECUTED_NA);
                must(v->kind == VERDICT_OVER_WEIGHT || v->kind == VERDICT_TOO_MANY_ORDERS);
        }
}

static void check_call(const struct verdict *v)
{
        static const struct call_config config = { .backoff = BACKOFF_CONFIG_DEFAULT,
                                                   .max_retries = CALL_MAX_RETRIES };
        struct call call;
        uint64_t at_ms = 0;

        call_init(&call, &config, NOW_MS + 60000);
        if (call_told(&call, v, NOW_MS, v->retry_at_ms, &at_ms) == CALL_WAIT)
                must(v->may_retry && at_ms > NOW_MS && at_ms <= NOW_MS + 60000);
}

/* The body once more, cut in two: name and value of a header. */
static void check_usage(struct str body)
{
        struct str name;
        struct usage usage;

        if (str_split(&body, ':', &name) && usage_from(name, body, &usage) != USAGE_NONE)
                must(usage.kind != USAGE_NONE && usage.value <= UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct classify_in in = { .product = CLASSIFY_SPOT };
        struct verdict v;

        if (size < HEAD_SIZE)
                return 0;
        read_head(data, &in);
        in.body = str_from((const char *)data + HEAD_SIZE, size - HEAD_SIZE);
        if (data[1] & FLAG_TRANSPORT)
                classify_transport(&in, (enum classify_transport)(data[2] % TRANSPORT_COUNT),
                                   data[1] & FLAG_SENT, &v);
        else if (data[1] & FLAG_TEXT)
                classify_text(&in, &v);
        else
                classify(&in, &v);
        check(&in, &v);
        check_call(&v);
        check_usage(in.body);
        return 0;
}
