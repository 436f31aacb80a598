#include "lease/op.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint64_t roster[] = { 0xabc, 0x1 };

static struct op_budget budget(void)
{
        struct op_budget b = {
                .id = "tokyo/spot/60000",
                .limit = 6000,
                .span_ms = 60000,
                .past = 1,
                .share = 1500,
                .aim = 1600,
                .now = 28333333,
                .before = 12,
                .after = 140,
                .previous = { .used = 5990, .seen = 5995 },
                .current = { .hold = 1500, .want = 2500, .urgent = 7, .used = 700, .seen = 3000 },
                .next = { .hold = 1400, .want = 1500 },
                .later = { 1300, 1500 },
                .n_later = 2,
        };

        return b;
}

static struct op first(void)
{
        struct op op = {
                .table = "0123456789abcdef",
                .host = 0xabc,
                .run = "00000000000000ef",
                .name = "box \"1\"",
                .seq = 17,
                .now_ms = 1700000000000,
                .error_ms = 3,
                .grace_ms = 600000,
                .roster = roster,
                .n_roster = 2,
        };

        return op;
}

static const char *printed(const struct op *op, struct buf *to)
{
        buf_init(to, OP_TEXT_MAX);
        assert_int_equal(op_print(op, "0123", to), 0);
        assert_int_equal(buf_append(to, "", 1), 0);
        return buf_str(to).p;
}

static void test_op_is_as_the_page_says(void **state)
{
        struct op_budget b = budget();
        struct op_gate gates[] = { { .id = "tokyo/1", .until_ms = 1700000060000, .kind = 1 },
                                   { .id = "tokyo/2", .at_ms = 1700000000001 } };
        struct op_limit limits[] = { { 3, 60000, 6000 }, { 3, 10000, 1000 }, { 4, 60000, 2400 } };
        struct op op = first();
        struct buf text;

        (void)state;
        op.budgets = &b;
        op.n_budgets = 1;
        op.gates = gates;
        op.n_gates = 2;
        op.limits_at_ms = 1699999999999;
        op.limits = limits;
        op.n_limits = 3;
        op.probe = "tokyo/1";
        assert_string_equal(
                printed(&op, &text),
                "{\"v\":1,\"table\":\"0123456789abcdef\",\"host\":\"0000000000000abc\","
                "\"run\":\"00000000000000ef\","
                "\"name\":\"box "
                "\\\"1\\\"\",\"seq\":17,\"now\":1700000000000,\"error\":3,\"birth\":\"\","
                "\"epoch\":0,\"server\":\"0123\",\"grace\":600000,\"is_fixed\":false,\"bye\":false,"
                "\"roster\":[\"0000000000000abc\",\"0000000000000001\"],\"budgets\":{"
                "\"tokyo/spot/60000\":{\"limit\":6000,\"span\":60000,\"past\":1,\"share\":1500,"
                "\"aim\":1600,"
                "\"now\":28333333,\"before\":12,\"after\":140,\"windows\":{"
                "\"28333332\":{\"used\":5990,\"seen\":5995},"
                "\"28333333\":{\"hold\":1500,\"want\":2500,\"urgent\":7,\"used\":700,\"seen\":3000}"
                ","
                "\"28333334\":{\"hold\":1400,\"want\":1500,\"urgent\":0,\"used\":0,\"seen\":0}},"
                "\"later\":[1300,1500]}},"
                "\"gates\":{\"tokyo/1\":{\"until\":1700000060000,\"kind\":1}},"
                "\"opened\":{\"tokyo/2\":{\"at\":1700000000001}},"
                "\"limits\":{\"at\":1699999999999,\"pools\":{\"3\":[[60000,6000],[10000,1000]],"
                "\"4\":[[60000,2400]]}},\"probe\":\"tokyo/1\"}");
        buf_deinit(&text);
}

static void test_an_op_too_large_is_refused(void **state)
{
        struct op op = first();
        struct buf text;

        (void)state;
        buf_init(&text, 32);
        assert_int_equal(op_print(&op, "0123", &text), -ENOBUFS);
        buf_deinit(&text);
}

static void test_answer(void **state)
{
        struct op_answer answer;
        char why[OP_WHY_SIZE] = "";

        (void)state;
        assert_int_equal(
                op_answer_parse(
                        STR_LITERAL(
                                "{\"v\":1,\"seq\":17,\"birth\":\"00ff\",\"epoch\":2,"
                                "\"roster\":[\"abc\",\"1\"],\"wait\":\"words\","
                                "\"namesake\":\"00000000000000ad\",\"again\":"
                                "true,\"probe\":true,"
                                "\"budgets\":{\"a/b/1\":{\"share\":1500,\"limit\":6000,"
                                "\"windows\":{\"11\":1500,\"10\":1900},\"others\":4100,"
                                "\"foreign\":7,\"seen\":4321,\"expected\":1e+14,\"hungry\":true}},"
                                "\"gates\":{\"a/1\":{\"until\":99,\"kind\":2}},"
                                "\"opened\":{\"a/2\":{\"at\":98}},"
                                "\"limits\":{\"at\":5,\"pools\":{\"3\":[[60000,6000]]}}}"),
                        &answer, why),
                0);
        assert_int_equal(answer.seq, 17);
        assert_string_equal(answer.birth, "00ff");
        assert_int_equal(answer.epoch, 2);
        assert_int_equal(answer.n_roster, 2);
        assert_int_equal(answer.roster[0], 0xabc);
        assert_string_equal(answer.wait, "words");
        assert_int_equal(answer.namesake, 0xad);
        assert_true(answer.is_again);
        assert_true(answer.may_probe);
        assert_int_equal(answer.n_budgets, 1);
        assert_string_equal(answer.budgets[0].id, "a/b/1");
        assert_int_equal(answer.budgets[0].share, 1500);
        assert_int_equal(answer.budgets[0].now, 10);
        assert_int_equal(answer.budgets[0].claim_current, 1900);
        assert_int_equal(answer.budgets[0].claim_next, 1500);
        assert_int_equal(answer.budgets[0].others, 4100);
        assert_int_equal(answer.budgets[0].foreign, 7);
        assert_int_equal(answer.budgets[0].seen, 4321);
        assert_true(answer.budgets[0].expected == 100000000000000ULL);
        assert_true(answer.budgets[0].is_hungry);
        assert_int_equal(answer.n_gates, 2);
        assert_int_equal(answer.gates[0].until_ms, 99);
        assert_int_equal(answer.gates[0].kind, 2);
        assert_int_equal(answer.gates[1].at_ms, 98);
        assert_int_equal(answer.limits_at_ms, 5);
        assert_int_equal(answer.n_limits, 1);
        assert_int_equal(answer.limits[0].limit, 6000);
        op_answer_deinit(&answer);
}

static void test_an_answer_without_anything(void **state)
{
        struct op_answer answer;
        char why[OP_WHY_SIZE] = "";

        (void)state;
        /* Lua writes an empty list as an object. */
        assert_int_equal(op_answer_parse(STR_LITERAL(
                                                 "{\"v\":1,\"seq\":1,\"birth\":\"00\",\"epoch\":1,"
                                                 "\"roster\":{},\"budgets\":{},\"gates\":{}}"),
                                         &answer, why),
                         0);
        assert_int_equal(answer.n_budgets, 0);
        assert_false(answer.may_probe);
        op_answer_deinit(&answer);
}

static void test_refusal(void **state)
{
        struct op_answer answer;
        char why[OP_WHY_SIZE] = "";

        (void)state;
        assert_int_equal(op_answer_parse(STR_LITERAL("{\"error\":\"bring all to one\"}"), &answer,
                                         why),
                         -ECONNREFUSED);
        assert_string_equal(why, "bring all to one");
        op_answer_deinit(&answer);
        assert_int_equal(op_answer_parse(STR_LITERAL("{\"error\":\"two\",\"twice\":true}"), &answer,
                                         why),
                         -EEXIST);
        assert_string_equal(why, "two");
        op_answer_deinit(&answer);
}

static void test_malformed_answers_are_refused_in_words(void **state)
{
        static const struct {
                const char *text, *why;
        } rows[] = {
                { "",
                  "the store's answer is no JSON: '[' or '{' expected near end of file at byte 0" },
                { "[]", "the store's answer is no object" },
                { "{\"v\":2}",
                  "the store's answer is not of version 1: bring all hosts to one version "
                  "of weir" },
                { "{\"v\":1,\"v\":1}", "the store's answer is no JSON: duplicate object key near "
                                       "'\"v\"' at byte 10" },
                { "{\"v\":1,\"seq\":-1}", "seq is no whole number" },
                { "{\"v\":1,\"seq\":1.5}", "seq is no whole number" },
                { "{\"v\":1,\"seq\":1,\"epoch\":1}", "birth is no text below 17 characters" },
                { "{\"v\":1,\"seq\":1,\"epoch\":1,\"birth\":\"00\",\"namesake\":7}",
                  "namesake is no number of a host" },
                { "{\"v\":1,\"seq\":1,\"epoch\":1,\"birth\":\"00\",\"roster\":7}",
                  "roster is no list of 64 hosts at most" },
                { "{\"v\":1,\"seq\":1,\"epoch\":1,\"birth\":\"00\",\"roster\":[\"ABC\"]}",
                  "a host of the roster is no number of a host" },
                { "{\"v\":1,\"seq\":1,\"epoch\":1,\"birth\":\"00\",\"roster\":[],\"budgets\":[]}",
                  "budgets is no object" },
                { "{\"v\":1,\"seq\":1,\"epoch\":1,\"birth\":\"00\",\"roster\":[],\"budgets\":{"
                  "\"a\":{"
                  "\"share\":1,\"limit\":1,\"others\":0,\"foreign\":0,\"expected\":0,\"hungry\":"
                  "false,"
                  "\"windows\":{\"1\":1}}}}",
                  "a: there are claims of 1 windows, not of two" },
                { "{\"v\":1,\"seq\":1,\"epoch\":1,\"birth\":\"00\",\"roster\":[],\"budgets\":{"
                  "\"a\":{"
                  "\"share\":1,\"limit\":1,\"others\":0,\"foreign\":0,\"expected\":0,\"hungry\":"
                  "false,"
                  "\"windows\":{\"1\":1,\"3\":1}}}}",
                  "a: the windows of its claims are not neighbours" },
                { "{\"v\":1,\"seq\":1,\"epoch\":1,\"birth\":\"00\",\"roster\":[],\"gates\":{\"a\":{"
                  "\"until\":0,\"kind\":1}}}",
                  "gate a has no end, or is of no kind" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct op_answer answer;
                char why[OP_WHY_SIZE] = "";

                assert_int_equal(op_answer_parse(str_of(rows[i].text), &answer, why), -EPROTO);
                assert_string_equal(why, rows[i].why);
                op_answer_deinit(&answer);
        }
}

static void test_news(void **state)
{
        struct op_news news;
        char why[OP_WHY_SIZE] = "";

        (void)state;
        assert_int_equal(
                op_news_parse(
                        STR_LITERAL(
                                "{\"v\":1,\"from\":\"abc\",\"hungry\":{\"a/b/1\":10},"
                                "\"free\":{\"a/b/2\":11},\"foreign\":{\"a/b/"
                                "1\":{\"9\":40}},\"seen\":{\"a/b/1\":{\"9\":4444}},"
                                "\"gates\":{\"a/1\":{\"until\":99,\"kind\":1,\"host\":\"abc\"}},"
                                "\"opened\":{\"a/2\":{\"at\":98}},\"limits\":{\"at\":5},"
                                "\"joined\":{\"2\":\"box-2\"},\"left\":{\"3\":\"\"},"
                                "\"speaks\":{\"abc\":\"00000000000000ef\"},"
                                "\"birth\":{\"books\":\"00ff\"}}"),
                        &news, why),
                0);
        assert_int_equal(news.from, 0xabc);
        assert_int_equal(news.n_hungry, 1);
        assert_int_equal(news.hungry[0].window, 10);
        assert_string_equal(news.free[0].id, "a/b/2");
        assert_int_equal(news.foreign[0].window, 9);
        assert_int_equal(news.foreign[0].amount, 40);
        assert_int_equal(news.n_seen, 1);
        assert_int_equal(news.seen[0].amount, 4444);
        assert_int_equal(news.n_gates, 2);
        assert_true(news.has_limits);
        assert_int_equal(news.joined[0].host, 2);
        assert_string_equal(news.joined[0].name, "box-2");
        assert_int_equal(news.left[0].host, 3);
        assert_int_equal(news.n_speaks, 1);
        assert_int_equal(news.speaks[0].host, 0xabc);
        assert_string_equal(news.speaks[0].name, "00000000000000ef");
        assert_true(news.is_birth);
        op_news_deinit(&news);
        assert_int_equal(op_news_parse(STR_LITERAL("{\"v\":1}"), &news, why), -EPROTO);
        assert_string_equal(why, "from is missing");
        op_news_deinit(&news);
        assert_int_equal(op_news_parse(STR_LITERAL(
                                               "{\"v\":1,\"from\":\"\",\"hungry\":{\"a\":\"b\"}}"),
                                       &news, why),
                         -EPROTO);
        assert_string_equal(why, "hungry is no whole number");
        op_news_deinit(&news);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_op_is_as_the_page_says),
                cmocka_unit_test(test_an_op_too_large_is_refused),
                cmocka_unit_test(test_answer),
                cmocka_unit_test(test_an_answer_without_anything),
                cmocka_unit_test(test_refusal),
                cmocka_unit_test(test_malformed_answers_are_refused_in_words),
                cmocka_unit_test(test_news),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
