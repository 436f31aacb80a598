#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "classify/classify.h"
#include "classify/codes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#define NOW_MS     1659142907531ULL
#define TABLE      "tests/data/classify.txt"
#define TABLE_SIZE 262144
#define BODY_SIZE  4096

/* The bits of inflateInit2(), by the word of the table that packs a body. */
#define WINDOW_NONE 0
#define WINDOW_GZIP 31
#define WINDOW_ZLIB 15
#define WINDOW_RAW  (-15)

struct row {
        struct str label;
        int line;
        struct classify_in in;
        struct verdict want;
        bool is_text, is_transport, is_sent;
        enum classify_transport failure;
        int window;
        size_t keep;
        char plain[BODY_SIZE], packed[BODY_SIZE];
        size_t plain_n;
        char words[4][64]; /* values whose underscores became blanks */
        size_t n_words;
};

static const char *const products[] = { "spot", "sapi", "um", "cm", "papi", "options" };

_Static_assert(ARRAY_SIZE(products) == CLASSIFY_PRODUCT_COUNT, "one word per product");

static bool next_word(struct str *rest, struct str *ret_word)
{
        do {
                if (!str_split(rest, ' ', ret_word))
                        return false;
        } while (ret_word->n == 0);
        return true;
}

/* "after=12": true when @word begins with @key. */
static bool has_key(struct str word, const char *key, struct str *ret_value)
{
        if (!str_has_prefix(word, str_of(key)))
                return false;
        *ret_value = str_from(word.p + strlen(key), word.n - strlen(key));
        return true;
}

static struct str keep_word(struct row *row, struct str value)
{
        char *to = row->words[row->n_words++];

        assert_true(row->n_words <= ARRAY_SIZE(row->words));
        assert_true(str_copy(value, to, sizeof(row->words[0])));
        for (char *c = to; *c; ++c)
                if (*c == '_')
                        *c = ' ';
        return str_of(to);
}

static uint64_t number(const struct row *row, struct str s)
{
        uint64_t n;

        if (str_to_u64(s, &n) < 0)
                fail_msg(TABLE ":%d: not a number: %.*s", row->line, STR_ARGS(s));
        return n;
}

static int32_t signed_number(const struct row *row, struct str s)
{
        if (s.n > 0 && s.p[0] == '-')
                return -(int32_t)number(row, str_from(s.p + 1, s.n - 1));
        return (int32_t)number(row, s);
}

static uint64_t moment(const struct row *row, struct str s)
{
        if (s.n > 0 && s.p[0] == '+')
                return NOW_MS + number(row, str_from(s.p + 1, s.n - 1));
        return number(row, s);
}

static void read_option(struct row *row, struct str word)
{
        struct str value;

        if (has_key(word, "after=", &value))
                row->in.retry_after = keep_word(row, value);
        else if (has_key(word, "coding=", &value))
                row->in.content_encoding = keep_word(row, value);
        else if (has_key(word, "type=", &value))
                row->in.content_type = value;
        else if (has_key(word, "keep=", &value))
                row->keep = (size_t)number(row, value);
        else if (str_eq(word, STR_LITERAL("gzip")))
                row->window = WINDOW_GZIP;
        else if (str_eq(word, STR_LITERAL("deflate")))
                row->window = WINDOW_ZLIB;
        else if (str_eq(word, STR_LITERAL("raw")))
                row->window = WINDOW_RAW;
        else if (str_eq(word, STR_LITERAL("cut")))
                row->in.is_cut = true;
        else if (str_eq(word, STR_LITERAL("batch")))
                row->in.is_batch = true;
        else if (str_eq(word, STR_LITERAL("text")))
                row->is_text = true;
        else
                fail_msg(TABLE ":%d: no such option: %.*s", row->line, STR_ARGS(word));
}

static void read_outcome(struct row *row, struct str word, struct str *rest)
{
        for (unsigned i = 0; i < TRANSPORT_COUNT; ++i) {
                if (!str_eq(word, str_of(classify_transport_name((enum classify_transport)i))))
                        continue;
                row->is_transport = true;
                row->failure = (enum classify_transport)i;
                assert_true(next_word(rest, &word));
                row->is_sent = str_eq(word, STR_LITERAL("sent"));
                return;
        }
        row->in.status = (int)number(row, word);
        row->want.status = row->in.status;
}

static void read_request(struct row *row, struct str rest)
{
        struct str word;
        unsigned product = 0;

        assert_true(next_word(&rest, &word));
        while (product < ARRAY_SIZE(products) && !str_eq(word, str_of(products[product])))
                ++product;
        if (product == ARRAY_SIZE(products))
                fail_msg(TABLE ":%d: no such product: %.*s", row->line, STR_ARGS(word));
        row->in.product = (enum classify_product)product;

        assert_true(next_word(&rest, &word));
        row->in.is_order = str_eq(word, STR_LITERAL("order"));
        row->in.is_mutating = !str_eq(word, STR_LITERAL("read"));

        assert_true(next_word(&rest, &word));
        read_outcome(row, word, &rest);
        while (next_word(&rest, &word))
                read_option(row, word);
}

static void read_expectation(struct row *row, struct str word)
{
        struct verdict *want = &row->want;
        struct str value;

        if (has_key(word, "code=", &value)) {
                want->code = signed_number(row, value);
        } else if (has_key(word, "part=", &value)) {
                want->part_code = signed_number(row, value);
        } else if (has_key(word, "status=", &value)) {
                want->status = (int)number(row, value);
        } else if (has_key(word, "at=", &value)) {
                want->retry_at_ms = moment(row, value);
        } else if (has_key(word, "ban=", &value)) {
                want->ban_until_ms = moment(row, value);
        } else if (has_key(word, "window=", &value)) {
                want->window_ms = number(row, value);
        } else if (has_key(word, "failed=", &value)) {
                struct str failed;

                assert_true(str_split(&value, '/', &failed));
                want->parts_failed = (uint32_t)number(row, failed);
                want->parts = (uint32_t)number(row, value);
        } else if (str_eq(word, STR_LITERAL("retry"))) {
                want->may_retry = true;
        } else if (str_eq(word, STR_LITERAL("check"))) {
                want->reconcile = true;
        } else if (str_eq(word, STR_LITERAL("unreadable"))) {
                want->is_unreadable = true;
        } else {
                fail_msg(TABLE ":%d: no such expectation: %.*s", row->line, STR_ARGS(word));
        }
}

static void read_expectations(struct row *row, struct str rest)
{
        struct str word;

        assert_true(next_word(&rest, &word));
        if (verdict_kind_from(word, &row->want.kind) < 0)
                fail_msg(TABLE ":%d: no such kind: %.*s", row->line, STR_ARGS(word));
        assert_true(next_word(&rest, &word));
        if (verdict_executed_from(word, &row->want.executed) < 0)
                fail_msg(TABLE ":%d: no such fate: %.*s", row->line, STR_ARGS(word));
        while (next_word(&rest, &word))
                read_expectation(row, word);
}

static void read_body_line(struct row *row, struct str line)
{
        size_t gap = row->plain_n > 0 || row->in.body.p ? 1 : 0;

        assert_true(row->plain_n + gap + line.n < BODY_SIZE);
        if (gap)
                row->plain[row->plain_n++] = '\n';
        memcpy(row->plain + row->plain_n, line.p, line.n);
        row->plain_n += line.n;
        row->in.body.p = row->plain;
}

static size_t pack(const char *plain, size_t n, int window, char *to, size_t size)
{
        z_stream z = { .next_in = (const Bytef *)plain,
                       .avail_in = (uInt)n,
                       .next_out = (Bytef *)to,
                       .avail_out = (uInt)size };

        assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_FIXED), Z_OK);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        deflateEnd(&z);
        return size - z.avail_out;
}

/* The body ends where its memory ends, so that a sanitizer sees a step beyond it. */
static char *place_body(struct row *row)
{
        const char *from = row->plain;
        size_t n = row->plain_n;
        char *exact;

        if (row->window != WINDOW_NONE) {
                n = pack(row->plain, n, row->window, row->packed, sizeof(row->packed));
                from = row->packed;
                if (row->in.content_encoding.n == 0)
                        row->in.content_encoding = row->window == WINDOW_GZIP
                                                           ? STR_LITERAL("gzip")
                                                           : STR_LITERAL("Deflate");
        }
        if (row->keep > 0 && row->keep < n)
                n = row->keep;
        exact = malloc(n > 0 ? n : 1);
        assert_non_null(exact);
        memcpy(exact, from, n);
        row->in.body = str_from(exact, n);
        return exact;
}

static void judge(const struct row *row, struct verdict *ret)
{
        if (row->is_transport)
                classify_transport(&row->in, row->failure, row->is_sent, ret);
        else if (row->is_text)
                classify_text(&row->in, ret);
        else
                classify(&row->in, ret);
}

static void print(const char *what, const struct verdict *v)
{
        print_message("  %s: %s %s status=%d code=%d part=%d failed=%u/%u at=%llu window=%llu "
                      "ban=%llu%s%s%s\n",
                      what, verdict_kind_name(v->kind), verdict_executed_name(v->executed),
                      v->status, v->code, v->part_code, v->parts_failed, v->parts,
                      (unsigned long long)v->retry_at_ms, (unsigned long long)v->window_ms,
                      (unsigned long long)v->ban_until_ms, v->may_retry ? " retry" : "",
                      v->reconcile ? " check" : "", v->is_unreadable ? " unreadable" : "");
}

static bool is_same(const struct verdict *a, const struct verdict *b)
{
        return a->kind == b->kind && a->executed == b->executed && a->may_retry == b->may_retry &&
               a->reconcile == b->reconcile && a->is_unreadable == b->is_unreadable &&
               a->status == b->status && a->code == b->code && a->part_code == b->part_code &&
               a->parts == b->parts && a->parts_failed == b->parts_failed &&
               a->retry_at_ms == b->retry_at_ms && a->window_ms == b->window_ms &&
               a->ban_until_ms == b->ban_until_ms;
}

static bool check(struct row *row)
{
        struct verdict got;
        char *body = place_body(row);
        bool is_good;

        row->in.now_ms = NOW_MS;
        memset(&got, 0xa5, sizeof(got));
        judge(row, &got);
        free(body);
        is_good = is_same(&got, &row->want) && memchr(got.msg, '\0', sizeof(got.msg));
        if (!is_good) {
                print_message(TABLE ":%d: %.*s\n", row->line, STR_ARGS(row->label));
                print("want", &row->want);
                print("got ", &got);
        }
        return is_good;
}

static struct str load(const char *path, char *to, size_t size)
{
        FILE *file = fopen(path, "r");
        size_t n;

        if (!file)
                fail_msg("%s: %s", path, strerror(errno));
        n = fread(to, 1, size, file);
        fclose(file);
        assert_true(n > 0 && n < size);
        return str_from(to, n);
}

static void every_case_of_the_table_holds(void **state)
{
        static char text[TABLE_SIZE];
        static struct row row;
        struct str rest = load(TABLE, text, sizeof(text)), line;
        int n_line = 0, n_cases = 0, n_bad = 0;

        (void)state;
        while (str_split(&rest, '\n', &line)) {
                struct str value = line.n > 2 ? str_from(line.p + 2, line.n - 2) : STR_LITERAL("");

                ++n_line;
                if (line.n == 0 || line.p[0] == '#')
                        continue;
                if (line.p[0] == '-') {
                        memset(&row, 0, sizeof(row));
                        row.label = value;
                        row.line = n_line;
                } else if (line.p[0] == '>') {
                        read_request(&row, value);
                } else if (line.p[0] == '|') {
                        read_body_line(&row, value);
                } else if (line.p[0] == '=') {
                        read_expectations(&row, value);
                        ++n_cases;
                        n_bad += !check(&row);
                } else {
                        fail_msg(TABLE ":%d: what is this?", n_line);
                }
        }
        print_message("%d cases\n", n_cases);
        assert_true(n_cases > 200);
        assert_int_equal(n_bad, 0);
}

static struct verdict verdict_of(enum classify_product product, int status, bool is_mutating,
                                 const char *body)
{
        struct classify_in in = { .product = product,
                                  .is_mutating = is_mutating,
                                  .status = status,
                                  .body = str_of(body),
                                  .now_ms = NOW_MS };
        struct verdict v;

        classify(&in, &v);
        return v;
}

/* What the row of a code promises holds for an order at the row's own status. */
static void every_row_of_the_codes_is_obeyed(void **state)
{
        const struct code_row *row;
        char body[64];

        (void)state;
        for (size_t i = 0; (row = code_at(i)); ++i) {
                for (unsigned p = 0; p < CLASSIFY_PRODUCT_COUNT; ++p) {
                        bool is_promised = row->status < 500 || p == CLASSIFY_UM ||
                                           p == CLASSIFY_CM || p == CLASSIFY_PAPI;
                        enum verdict_executed fate = is_promised ? row->executed : EXECUTED_UNKNOWN;
                        struct verdict v;

                        if (!(row->products & 1U << p))
                                continue;
                        snprintf(body, sizeof(body), "{\"code\":%d,\"msg\":\"x\"}", row->first);
                        v = verdict_of((enum classify_product)p, row->status, true, body);
                        if (v.kind != row->kind || v.executed != fate || v.code != row->first)
                                fail_msg("%d on %s: got %s %s", row->first, products[p],
                                         verdict_kind_name(v.kind),
                                         verdict_executed_name(v.executed));
                }
        }
}

static void every_code_has_a_case(void **state)
{
        static char text[TABLE_SIZE];
        struct str table = load(TABLE, text, sizeof(text));
        const struct code_row *row;
        char needle[32];

        (void)state;
        for (size_t i = 0; (row = code_at(i)); ++i) {
                snprintf(needle, sizeof(needle), "code=%d", row->first);
                if (!str_find(table, str_of(needle)))
                        fail_msg("no case for %d", row->first);
        }
}

/* The law of the house, over everything that a status and a code can combine to. */
static void no_combination_permits_what_is_forbidden(void **state)
{
        static const int codes[] = { 0,     -1000, -1001, -1003, -1006, -1007, -1008, -1015,
                                     -1016, -1021, -2010, -2011, -2021, -2022, -9999 };
        char body[64];

        (void)state;
        for (int status = 0; status < 1000; ++status) {
                for (size_t c = 0; c < ARRAY_SIZE(codes); ++c) {
                        snprintf(body, sizeof(body), "{\"code\":%d,\"msg\":\"x\"}", codes[c]);
                        for (unsigned p = 0; p < CLASSIFY_PRODUCT_COUNT; ++p) {
                                enum classify_product product = (enum classify_product)p;
                                struct verdict order = verdict_of(product, status, true, body);
                                struct verdict read = verdict_of(product, status, false, body);

                                assert_int_equal(read.executed, EXECUTED_NA);
                                assert_int_not_equal(read.kind, VERDICT_UNKNOWN_FATE);
                                assert_int_not_equal(order.executed, EXECUTED_NA);
                                if (order.may_retry || read.may_retry) {
                                        assert_int_equal(status, 429);
                                        assert_int_equal(order.executed, EXECUTED_NO);
                                        assert_true(codes[c] == -1003 || codes[c] == -1015);
                                }
                                if (status >= 500 && p <= CLASSIFY_SAPI)
                                        assert_int_equal(order.executed, EXECUTED_UNKNOWN);
                                if (status == 418)
                                        assert_int_equal(order.kind, VERDICT_BANNED);
                        }
                }
        }
}

static void the_text_is_kept_printable_and_cut(void **state)
{
        static const struct {
                const char *label, *body, *msg;
        } rows[] = {
                { "as it is", "{\"code\":-2019,\"msg\":\"Margin is insufficient.\"}",
                  "Margin is insufficient." },
                { "no control characters", "{\"code\":-2019,\"msg\":\"a\\u0000b\\nc\"}", "a?b?c" },
                { "no other alphabets", "{\"code\":-2019,\"msg\":\"\\u4fdd.\"}", "???." },
                { "no page", "<html>-1003</html>", "" },
                { "plain text", "slow down ~ -> now", "slow down ~ -> now" },
                { "no text", "{\"code\":-2019}", "" },
        };
        char body[1024], longest[VERDICT_MSG_SIZE + 100];
        struct verdict v;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                v = verdict_of(CLASSIFY_UM, 400, true, rows[i].body);
                if (strcmp(v.msg, rows[i].msg) != 0)
                        fail_msg("%s: got \"%s\"", rows[i].label, v.msg);
        }
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        snprintf(body, sizeof(body), "{\"code\":-2019,\"msg\":\"%s\"}", longest);
        v = verdict_of(CLASSIFY_UM, 400, true, body);
        assert_int_equal(strlen(v.msg), VERDICT_MSG_SIZE - 1);
}

/* A ban end behind the cut of the text counts as well as one before it. */
static void the_end_of_a_ban_is_found_in_a_long_text(void **state)
{
        char body[1024], filler[600];
        struct verdict v;

        (void)state;
        memset(filler, 'x', sizeof(filler) - 1);
        filler[sizeof(filler) - 1] = '\0';
        snprintf(body, sizeof(body), "{\"code\":-1003,\"msg\":\"%s banned until %llu.\"}", filler,
                 NOW_MS + 1000);
        v = verdict_of(CLASSIFY_SPOT, 418, true, body);
        assert_true(v.ban_until_ms == NOW_MS + 1000);
}

static void a_bomb_and_a_flood_are_unreadable(void **state)
{
        static char zeroes[1 << 20], packed[1 << 14], flood[CLASSIFY_BODY_CEILING + 100];
        struct classify_in in = { .product = CLASSIFY_UM,
                                  .is_mutating = true,
                                  .status = 400,
                                  .content_encoding = STR_LITERAL("gzip"),
                                  .now_ms = NOW_MS };
        struct verdict v;

        (void)state;
        memset(zeroes, ' ', sizeof(zeroes));
        memcpy(zeroes, "{\"code\":-2019}", 14);
        in.body =
                str_from(packed, pack(zeroes, sizeof(zeroes), WINDOW_GZIP, packed, sizeof(packed)));
        classify(&in, &v);
        assert_true(v.is_unreadable && v.kind == VERDICT_REJECTED && v.code == 0);

        memset(flood, '[', sizeof(flood));
        in.content_encoding = STR_NULL;
        in.body = str_from(flood, sizeof(flood));
        classify(&in, &v);
        assert_true(v.is_unreadable && v.kind == VERDICT_REJECTED && v.code == 0);
}

/* Every way to damage a packed body: a verdict by status or by the code, never another code. */
static void damaged_gzip_never_invents_a_code(void **state)
{
        static const char plain[] = "{\"code\":-1003,\"msg\":\"Too many requests.\"}";
        char packed[256], bad[256];
        size_t n = pack(plain, sizeof(plain) - 1, WINDOW_GZIP, packed, sizeof(packed));
        struct classify_in in = { .product = CLASSIFY_UM,
                                  .is_mutating = true,
                                  .status = 429,
                                  .content_encoding = STR_LITERAL("gzip"),
                                  .now_ms = NOW_MS };
        struct verdict v;

        (void)state;
        for (size_t keep = 0; keep <= n; ++keep) {
                in.body = str_from(packed, keep);
                classify(&in, &v);
                assert_true(v.code == 0 || v.code == -1003);
                assert_int_equal(v.kind, VERDICT_OVER_WEIGHT);
        }
        for (size_t at = 0; at < n; ++at) {
                memcpy(bad, packed, n);
                bad[at] ^= 0x40;
                in.body = str_from(bad, n);
                classify(&in, &v);
                assert_true(v.kind == VERDICT_OVER_WEIGHT || v.kind == VERDICT_TOO_MANY_ORDERS);
                assert_int_equal(v.executed, EXECUTED_NO);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_case_of_the_table_holds),
                cmocka_unit_test(every_row_of_the_codes_is_obeyed),
                cmocka_unit_test(every_code_has_a_case),
                cmocka_unit_test(no_combination_permits_what_is_forbidden),
                cmocka_unit_test(the_text_is_kept_printable_and_cut),
                cmocka_unit_test(the_end_of_a_ban_is_found_in_a_long_text),
                cmocka_unit_test(a_bomb_and_a_flood_are_unreadable),
                cmocka_unit_test(damaged_gzip_never_invents_a_code),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
