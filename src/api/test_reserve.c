#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "api/reserve.h"
#include "api/test_stage.h"
#include "budget/budget.h"

#include <errno.h>

#define KEY "a-key-of-somebody"

static struct limiter_time at(uint64_t after_ms)
{
        return api_ms(stage_at(after_ms));
}

static struct weir_request find(const char *method, const char *path, const char *query)
{
        struct weir_request request;

        assert_int_equal(weir_request_find(method, path, query, NULL, KEY, &request), 0);
        return request;
}

struct sum {
        const char *pool;
        uint32_t span_ms;
        struct window_view view;
        uint64_t now_ms;
};

static void add(void *ctx, const struct window *w, uint16_t pool, uint64_t owner,
                uint64_t shut_until_ms)
{
        struct sum *sum = ctx;
        struct window_view v;

        (void)owner;
        (void)shut_until_ms;
        if (strcmp(policy_pool(pool)->name, sum->pool) != 0 || w->span_ms != sum->span_ms)
                return;
        window_look(w, sum->now_ms / w->span_ms, &v);
        sum->view.spent += v.spent;
        sum->view.flying += v.flying;
        sum->view.held += v.held;
        sum->view.extra += v.extra;
        sum->view.foreign += v.foreign;
}

static struct window_view look(const struct weir_limiter *l, const char *pool, uint32_t span_ms)
{
        struct sum sum = { pool, span_ms, { 0 }, at(0).now_ms };

        limiter_each_slot(&l->region, add, &sum);
        return sum.view;
}

static void take(struct weir_limiter *l, const struct weir_request *request, struct reservation *r)
{
        assert_int_equal(reservation_take(l, request, UINT64_MAX, at(0), r), WEIR_GO);
}

static const struct weir_reply ok = { .status = 200, .body = "{}", .body_bytes = 2 };

static void every_end_leaves_the_books_that_it_says(void **state)
{
        enum {
                SETTLE,
                REFUND,
                ABANDON
        };
        static const struct {
                const char *label;
                int end;
                uint32_t spent, flying;
        } rows[] = {
                { "settled: spent, and no longer in flight", SETTLE, 1, 0 },
                { "refunded: nothing", REFUND, 0, 0 },
                { "abandoned: it may still arrive", ABANDON, 1, 1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_limiter *l = stage_open(NULL, 0, 0);
                struct weir_request request = find("POST", "/fapi/v1/order", "side=BUY");
                struct reservation r;
                struct window_view v;

                take(l, &request, &r);
                if (rows[i].end == SETTLE)
                        reservation_settle(l, &request, &r, r.sent_ms, &ok, at(1), NULL);
                else if (rows[i].end == REFUND)
                        reservation_refund(l, &r, at(1));
                else
                        reservation_abandon(l, &r, at(1));
                assert_int_equal(r.ticket.state, TICKET_EMPTY);
                v = look(l, "futures-orders", 10000);
                if (v.spent != rows[i].spent || v.flying != rows[i].flying)
                        fail_msg("%s: spent %u, flying %u", rows[i].label, v.spent, v.flying);
                weir_limiter_close(l);
        }
}

static void a_reply_gives_back_what_was_not_counted(void **state)
{
        static const struct {
                const char *label, *method, *path, *query, *pool;
                int status;
                const char *body;
                uint32_t reserved, left;
        } rows[] = {
                { "a spot order that went well weighs nothing", "POST", "/api/v3/order",
                  "symbol=BTCUSDT&side=BUY&type=MARKET", "spot-weight", 200, "{}", 1, 0 },
                { "and one that did not weighs", "POST", "/api/v3/order",
                  "symbol=BTCUSDT&side=BUY&type=MARKET", "spot-weight", 400,
                  "{\"code\":-2010,\"msg\":\"Account has insufficient balance.\"}", 1, 1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_limiter *l = stage_open(NULL, 0, 0);
                struct weir_request request = find(rows[i].method, rows[i].path, rows[i].query);
                struct weir_reply reply = { .status = rows[i].status,
                                            .body = rows[i].body,
                                            .body_bytes = strlen(rows[i].body) };
                struct reservation r;
                uint32_t reserved, left;

                take(l, &request, &r);
                reserved = look(l, rows[i].pool, 60000).spent;
                reservation_settle(l, &request, &r, r.sent_ms, &reply, at(1), NULL);
                left = look(l, rows[i].pool, 60000).spent;
                if (reserved != rows[i].reserved || left != rows[i].left)
                        fail_msg("%s: reserved %u, left %u", rows[i].label, reserved, left);
                weir_limiter_close(l);
        }
}

static void headers_are_news_for_all(void **state)
{
        static const struct weir_header used = { "X-MBX-USED-WEIGHT-1M", "700" };
        struct weir_reply reply = {
                .status = 200, .body = "{}", .body_bytes = 2, .headers = &used, .n_headers = 1
        };
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_request request = find("GET", "/fapi/v1/klines", "limit=1500");
        struct weir_request order = find("POST", "/fapi/v1/order", NULL);
        struct reservation r;

        (void)state;
        take(l, &request, &r);
        reservation_settle(l, &request, &r, r.sent_ms, &reply, at(1), NULL);
        assert_int_equal(look(l, "futures-weight", 60000).foreign, 700 - request.weight);
        /* An order weighs nothing, and its reply still says how much is used. */
        reply.headers = &(struct weir_header){ "x-mbx-used-weight-1m", "800" };
        take(l, &order, &r);
        reservation_settle(l, &order, &r, r.sent_ms, &reply, at(2), NULL);
        assert_int_equal(look(l, "futures-weight", 60000).foreign, 800 - request.weight);
        /* So does one that was not reserved here. */
        reply.headers = &(struct weir_header){ "x-mbx-used-weight-1m", "900" };
        reservation_settle(l, &order, NULL, at(2).now_ms, &reply, at(3), NULL);
        assert_int_equal(look(l, "futures-weight", 60000).foreign, 900 - request.weight);
        weir_limiter_close(l);
}

static void refusals_stop_whom_they_concern(void **state)
{
        static const struct {
                const char *label;
                int status;
                const char *body, *retry_after;
                bool stops_orders, stops_reads, stops_spot;
        } rows[] = {
                { "over weight: the group", 429, "{\"code\":-1003,\"msg\":\"Too many requests.\"}",
                  NULL, true, true, false },
                { "too many orders: orders of the account", 429,
                  "{\"code\":-1015,\"msg\":\"Too many new orders.\"}", NULL, true, false, false },
                { "a ban: the group", 418, "{\"code\":-1003,\"msg\":\"Way too many requests.\"}",
                  "120", true, true, false },
                { "the firewall: everything", 403, "<html><h1>403 Forbidden</h1></html>", NULL,
                  true, true, true },
                { "a rejected order: nobody", 400, "{\"code\":-2019,\"msg\":\"Margin.\"}", NULL,
                  false, false, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_limiter *l = stage_open(NULL, 0, 0);
                struct weir_header header = { "Retry-After", rows[i].retry_after };
                struct weir_reply reply = { .status = rows[i].status,
                                            .body = rows[i].body,
                                            .body_bytes = strlen(rows[i].body),
                                            .headers = &header,
                                            .n_headers = rows[i].retry_after != NULL };
                struct weir_request asked[3] = { find("POST", "/fapi/v1/order", NULL),
                                                 find("GET", "/fapi/v1/time", NULL),
                                                 find("GET", "/api/v3/time", NULL) };
                bool stops[3] = { rows[i].stops_orders, rows[i].stops_reads, rows[i].stops_spot };
                struct reservation r;
                struct verdict verdict;

                take(l, &asked[0], &r);
                reservation_settle(l, &asked[0], &r, r.sent_ms, &reply, at(1), &verdict);
                for (size_t k = 0; k < 3; ++k) {
                        int answer = reservation_take(l, &asked[k], at(3).now_ms, at(2), &r);

                        if ((answer != WEIR_GO) != stops[k])
                                fail_msg("%s: request %zu: %s (%s)", rows[i].label, k,
                                         weir_answer_name(answer), verdict_kind_name(verdict.kind));
                        reservation_refund(l, &r, at(2));
                }
                weir_limiter_close(l);
        }
}

static void after_a_ban_the_first_request_is_the_probe(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_request request = find("GET", "/fapi/v1/time", NULL);
        struct reservation probe, other;
        word_t *gate = limiter_gate(&l->limiter, budget_gate(POLICY_FAPI));

        (void)state;
        assert_true(gate_shut(gate, GATE_BAN, at(1000).now_ms));
        assert_int_equal(reservation_take(l, &request, UINT64_MAX, at(999), &other), WEIR_SHUT);
        assert_int_equal(reservation_take(l, &request, UINT64_MAX, at(2000), &probe), WEIR_GO);
        assert_int_equal(reservation_take(l, &request, UINT64_MAX, at(2000), &other), WEIR_SHUT);
        assert_true(reservation_may_leave(l, &probe, at(2001)));

        /* It never left: somebody else tries, after a while. */
        reservation_refund(l, &probe, at(2002));
        assert_int_equal(reservation_take(l, &request, UINT64_MAX, at(2003), &other), WEIR_SHUT);
        assert_int_equal(reservation_take(l, &request, UINT64_MAX, at(9000), &probe), WEIR_GO);

        /* Another ban: shut for that long. */
        reservation_settle(l, &request, &probe, probe.sent_ms,
                           &(struct weir_reply){ .status = 418,
                                                 .body = "{\"code\":-1003,\"msg\":\"banned\"}",
                                                 .body_bytes = 30 },
                           at(9001), NULL);
        assert_int_equal(reservation_take(l, &request, UINT64_MAX, at(60000), &other), WEIR_SHUT);

        /* And a good answer opens the way. */
        assert_int_equal(reservation_take(l, &request, UINT64_MAX, at(140000), &probe), WEIR_GO);
        reservation_settle(l, &request, &probe, probe.sent_ms, &ok, at(140001), NULL);
        assert_int_equal(reservation_take(l, &request, UINT64_MAX, at(140002), &other), WEIR_GO);
        weir_limiter_close(l);
}

static void a_ban_seen_by_one_stops_what_another_has_reserved(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_request request = find("GET", "/fapi/v1/time", NULL);
        struct reservation r;

        (void)state;
        take(l, &request, &r);
        assert_true(reservation_may_leave(l, &r, at(1)));
        assert_true(gate_shut(limiter_gate(&l->limiter, budget_gate(POLICY_FAPI)), GATE_BAN,
                              at(60000).now_ms));
        assert_false(reservation_may_leave(l, &r, at(1)));
        reservation_refund(l, &r, at(2));
        assert_int_equal(reservation_take(l, &request, UINT64_MAX, at(2), &r), WEIR_SHUT);
        weir_limiter_close(l);
}

static void a_held_place_is_confirmed_when_its_window_opens(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_request request = find("POST", "/fapi/v1/order", NULL);
        struct reservation r = { .ticket = LIMITER_TICKET_NULL };
        uint64_t at_ms;
        int answer, n = 0;

        (void)state;
        request.request_class = WEIR_CLASS_CANCEL; /* whose ceiling is open */
        while ((answer = reservation_take(l, &request, UINT64_MAX, at(0), &r)) == WEIR_GO) {
                reservation_settle(l, &request, &r, r.sent_ms, &ok, at(0), NULL);
                ++n;
        }
        assert_int_equal(answer, WEIR_WAIT);
        assert_int_equal(n, 300);
        at_ms = ticket_next_ms(&r.ticket);
        assert_int_equal(at_ms % 10000, 5);
        assert_int_equal(reservation_confirm(l, &r, (struct limiter_time){ at_ms - 1, 5 }),
                         WEIR_WAIT);
        assert_int_equal(reservation_confirm(l, &r, (struct limiter_time){ at_ms, 5 }), WEIR_GO);
        /* Asked again by mistake: it still may go. */
        assert_int_equal(reservation_confirm(l, &r, (struct limiter_time){ at_ms, 5 }), WEIR_GO);
        reservation_abandon(l, &r, (struct limiter_time){ at_ms, 5 });
        assert_int_equal(reservation_confirm(l, &r, (struct limiter_time){ at_ms, 5 }), WEIR_LOST);
        weir_limiter_close(l);
}

static void a_held_place_is_asked_for_earlier_when_the_ceilings_open(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_request request = find("POST", "/fapi/v1/order", NULL);
        struct weir_ticket ticket;
        struct reservation *r = reservation_of(&ticket);
        uint64_t at_ms;

        (void)state;
        while (reservation_take(l, &request, UINT64_MAX, at(0), r) == WEIR_GO)
                reservation_settle(l, &request, r, r->sent_ms, &ok, at(0), NULL);
        /* Of 300 in ten seconds 285 at first; the 286th once the ceiling has begun to open. It
         * looks every now and then, since others may have given something back. */
        while (reservation_confirm(l, r,
                                   (struct limiter_time){ at_ms = weir_ticket_at_ms(&ticket),
                                                          5 }) == WEIR_WAIT)
                assert_true(weir_ticket_at_ms(&ticket) > at_ms);
        assert_int_equal(r->ticket.state, TICKET_FLYING);
        assert_true(at_ms % 10000 > 5000 && at_ms / 10000 == at(0).now_ms / 10000);
        reservation_abandon(l, r, (struct limiter_time){ at_ms, 5 });
        weir_limiter_close(l);
}

static void a_signature_that_ends_is_a_deadline(void **state)
{
        static const struct {
                const char *label;
                uint64_t timestamp_after_ms, deadline_ms;
                int answer;
        } rows[] = {
                { "fresh: waits for the next window", 0, UINT64_MAX, WEIR_LATE },
                { "not before the caller's own deadline", 0, STAGE_MS + 1, WEIR_LATE },
                { "signed for later than the turn", 30000, UINT64_MAX, WEIR_WAIT },
        };
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_request request = find("POST", "/fapi/v1/order", NULL);
        struct reservation r;
        char query[128];

        (void)state;
        while (reservation_take(l, &request, UINT64_MAX, at(0), &r) == WEIR_GO)
                ;
        reservation_refund(l, &r, at(0));
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                int answer;

                (void)snprintf(query, sizeof(query), "timestamp=%llu&recvWindow=5000&signature=00",
                               (unsigned long long)(STAGE_MS + rows[i].timestamp_after_ms));
                request = find("POST", "/fapi/v1/order", query);
                assert_int_equal(request.expires_ms, STAGE_MS + rows[i].timestamp_after_ms + 5000);
                answer = reservation_take(l, &request, rows[i].deadline_ms, at(0), &r);
                if (answer != rows[i].answer)
                        fail_msg("%s: %s", rows[i].label, weir_answer_name(answer));
                reservation_refund(l, &r, at(0));
        }
        weir_limiter_close(l);
}

static void what_holds_nothing_may_be_ended_and_changes_nothing(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_request request = find("GET", "/fapi/v1/time", NULL);
        struct reservation r;

        (void)state;
        take(l, &request, &r);
        reservation_settle(l, &request, &r, r.sent_ms, &ok, at(0), NULL);
        reservation_settle(l, &request, &r, r.sent_ms, &ok, at(0), NULL);
        reservation_refund(l, &r, at(0));
        reservation_abandon(l, &r, at(0));
        assert_int_equal(look(l, "futures-weight", 60000).spent, request.weight);
        weir_limiter_close(l);
}

static unsigned take_all(struct weir_limiter *l, const struct weir_request *request)
{
        struct reservation r;
        unsigned n = 0;

        while (reservation_take(l, request, at(1).now_ms, at(0), &r) == WEIR_GO) {
                reservation_settle(l, request, &r, r.sent_ms, &ok, at(0), NULL);
                ++n;
        }
        return n;
}

static void what_is_known_of_a_kind_of_request_is_of_no_other(void **state)
{
        static const uint64_t fewer[REGION_POOL_WINDOWS] = { 10000ULL << 32 | 20,
                                                             60000ULL << 32 | 1200 };
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_request mine = find("POST", "/fapi/v1/order", NULL), other, closing = mine;
        uint16_t pool = (uint16_t)policy_group_pool(POLICY_FAPI, POLICY_ORDERS);
        struct reservation r;

        (void)state;
        assert_int_equal(weir_request_find("POST", "/fapi/v1/order", NULL, NULL, "another", &other),
                         0);
        assert_int_equal(take_all(l, &mine), 285);
        assert_int_equal(take_all(l, &other), 285);
        /* A higher class of the same account has the rest. */
        closing.request_class = WEIR_CLASS_CANCEL;
        assert_int_equal(take_all(l, &closing), 15);
        assert_int_equal(look(l, "futures-orders", 10000).spent, 585);
        weir_limiter_close(l);

        /* Limits that have changed since. */
        l = stage_open(NULL, 0, 0);
        take(l, &mine, &r);
        limiter_set_pool(&l->limiter, pool, fewer);
        assert_int_equal(take_all(l, &mine), 18);
        assert_int_equal(take_all(l, &other), 19);
        weir_limiter_close(l);
}

static void only_what_was_found_and_has_a_class_is_a_request(void **state)
{
        static const struct {
                const char *label;
                bool is_found;
                int request_class, answer;
        } rows[] = {
                { "as the tables say", true, WEIR_CLASS_BY_ENDPOINT, WEIR_GO },
                { "another class", true, WEIR_CLASS_BACKFILL, WEIR_GO },
                { "a class that is none", true, WEIR_CLASS_COUNT, -EINVAL },
                { "nor below", true, -2, -EINVAL },
                { "zeros", false, 0, -EINVAL },
        };
        struct weir_limiter *l = stage_open(NULL, 0, 0);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_request request = { 0 };
                struct weir_ticket ticket;
                int answer;

                if (rows[i].is_found)
                        request = find("GET", "/fapi/v1/time", NULL);
                request.request_class = (enum weir_request_class)rows[i].request_class;
                answer = weir_reserve(l, &request, UINT64_MAX, &ticket);
                if (answer != rows[i].answer)
                        fail_msg("%s: %d", rows[i].label, answer);
                /* Holds nothing, and may be ended as often as one likes. */
                weir_settle(l, &request, &ticket, &ok, NULL);
                weir_refund(l, &ticket);
                weir_abandon(l, &ticket);
                assert_int_equal(weir_confirm(l, &ticket), WEIR_LOST);
        }
        weir_limiter_close(l);
}

static void a_request_must_be_split_as_the_tables_are(void **state)
{
        static const struct {
                const char *label, *method, *path, *query;
                int r;
        } rows[] = {
                { "as it should be", "GET", "/fapi/v1/depth", "symbol=BTCUSDT&limit=5", 0 },
                { "an empty query", "GET", "/fapi/v1/depth", "", 0 },
                { "of no product", "GET", "/nothing", NULL, -ENOENT },
                { "small letters", "get", "/fapi/v1/depth", NULL, -EINVAL },
                { "no method", "", "/fapi/v1/depth", NULL, -EINVAL },
                { "none at all", NULL, "/fapi/v1/depth", NULL, -EINVAL },
                { "the query in the path", "GET", "/fapi/v1/depth?limit=5", NULL, -EINVAL },
                { "a URL", "GET", "https://fapi.binance.com/fapi/v1/depth", NULL, -EINVAL },
                { "no path", "GET", NULL, NULL, -EINVAL },
                { "its question mark", "GET", "/fapi/v1/depth", "?limit=5", -EINVAL },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_request request;
                int r = weir_request_find(rows[i].method, rows[i].path, rows[i].query, NULL, NULL,
                                          &request);

                if (r != rows[i].r)
                        fail_msg("%s: %d", rows[i].label, r);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_end_leaves_the_books_that_it_says),
                cmocka_unit_test(a_reply_gives_back_what_was_not_counted),
                cmocka_unit_test(headers_are_news_for_all),
                cmocka_unit_test(refusals_stop_whom_they_concern),
                cmocka_unit_test(after_a_ban_the_first_request_is_the_probe),
                cmocka_unit_test(a_ban_seen_by_one_stops_what_another_has_reserved),
                cmocka_unit_test(a_held_place_is_confirmed_when_its_window_opens),
                cmocka_unit_test(a_held_place_is_asked_for_earlier_when_the_ceilings_open),
                cmocka_unit_test(a_signature_that_ends_is_a_deadline),
                cmocka_unit_test(what_holds_nothing_may_be_ended_and_changes_nothing),
                cmocka_unit_test(what_is_known_of_a_kind_of_request_is_of_no_other),
                cmocka_unit_test(only_what_was_found_and_has_a_class_is_a_request),
                cmocka_unit_test(a_request_must_be_split_as_the_tables_are),
        };

        return cmocka_run_group_tests_name("api/reserve", tests, NULL, NULL);
}
