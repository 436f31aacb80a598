#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log_text.h"

#include <stdio.h>

static char line[LOG_LINE_MAX], value[4 * LOG_VALUES_MAX];

static size_t print(const struct log_fields *f, enum log_format format)
{
        struct log_record record = {
                .level = LOG_WARN,
                .event = "retry",
                .at_us = UINT64_C(1795687200123456),
                .fields = f,
        };

        return log_record_line(&record, format, line);
}

static void both_forms_have_the_same_keys_in_the_same_order(void **state)
{
        struct log_fields f;
        size_t n;

        (void)state;
        log_fields_init(&f);
        log_fields_add(&f, "group=%s code=%d why=\"%s\" odd=%s", "fapi", -1003, "no", "a b");
        n = print(&f, LOG_LOGFMT);
        assert_true(str_eq(str_from(line, n),
                           STR_LITERAL("weir: ts=2026-11-26T10:00:00.123Z level=warn event=retry "
                                       "group=fapi code=-1003 why=\"no\" odd=\"a b\"\n")));
        n = print(&f, LOG_JSON);
        assert_true(str_eq(str_from(line, n),
                           STR_LITERAL("{\"logger\":\"weir\",\"ts\":\"2026-11-26T10:00:00.123Z\","
                                       "\"level\":\"warn\",\"event\":\"retry\",\"group\":\"fapi\","
                                       "\"code\":-1003,\"why\":\"no\",\"odd\":\"a b\"}\n")));
        n = log_fields_text(&f, line);
        assert_true(str_eq(str_from(line, n),
                           STR_LITERAL("group=fapi code=-1003 why=\"no\" odd=\"a b\"")));
}

static void strings_are_valid_whatever_they_hold(void **state)
{
        /* What turns the rest of a line around. */
        static const char turns[] = { 'a', (char)0xe2, (char)0x80, (char)0xae, 'b', '\0' };
        const struct {
                const char *text, *quoted;
        } rows[] = {
                { "", "\"\"" },
                { "a\"b\\c", "\"a\\\"b\\\\c\"" },
                { "\n\t\r\x01\x1b[2J\x7f", "\"\\n\\t\\u000d\\u0001\\u001b[2J\\u007f\"" },
                { "\xc3\xa4\xe4\xba\xac\xf0\x9f\x92\xb8",
                  "\"\xc3\xa4\xe4\xba\xac\xf0\x9f\x92\xb8\"" },
                { "\xff\xc3", "\"\\ufffd\\ufffd\"" },
                { "\xc0\xaf", "\"\\ufffd\\ufffd\"" },            /* too long a way to say '/' */
                { "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" }, /* half a surrogate */
                { "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" }, /* beyond the last */
                { "\xe4\xba", "\"\\ufffd\\ufffd\"" },                       /* cut */
                { "\xc2\x9b", "\"\\u009b\"" }, /* a control of terminals */
                { turns, "\"a\\u202eb\"" },
        };
        char to[128];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                size_t n = log_quote_json(str_of(rows[i].text), to);

                if (!str_eq(str_from(to, n), str_of(rows[i].quoted)))
                        fail_msg("row %zu: %.*s", i, (int)n, to);
        }
}

/* A reader of its own for what was written; as strict as can be. */

static unsigned hex_of(const char *p)
{
        unsigned c = 0;

        for (int i = 0; i < 4; ++i) {
                const char *digits = "0123456789abcdef", *at = strchr(digits, p[i]);

                assert_non_null(at);
                c = c << 4 | (unsigned)(at - digits);
        }
        return c;
}

static size_t put_utf8(unsigned c, char *to)
{
        if (c < 0x80) {
                to[0] = (char)c;
                return 1;
        }
        if (c < 0x800) {
                to[0] = (char)(0xc0 | c >> 6);
                to[1] = (char)(0x80 | (c & 0x3f));
                return 2;
        }
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
}

/* @at: at the quote; afterwards behind the other. */
static struct str read_quoted(const char **at)
{
        size_t n = 0;

        assert_int_equal(*(*at)++, '"');
        while (**at != '"') {
                assert_true((unsigned char)**at >= 0x20 && **at != 0x7f);
                if (**at != '\\') {
                        value[n++] = *(*at)++;
                        continue;
                }
                ++*at;
                if (**at == 'u') {
                        n += put_utf8(hex_of(*at + 1), value + n);
                        *at += 5;
                        continue;
                }
                assert_non_null(strchr("\"\\nt", **at));
                value[n++] = **at == 'n' ? '\n' : **at == 't' ? '\t' : **at;
                ++*at;
        }
        ++*at;
        return str_from(value, n);
}

static struct str read_value(const char **at, enum log_format format)
{
        size_t n;

        if (**at == '"')
                return read_quoted(at);
        n = format == LOG_JSON ? strspn(*at, "-.0123456789") : strcspn(*at, " \n");
        assert_true(n > 0);
        memcpy(value, *at, n);
        *at += n;
        return str_from(value, n);
}

static void expect(const char **at, const char *text)
{
        if (strncmp(*at, text, strlen(text)) != 0)
                fail_msg("not \"%s\": %.60s", text, *at);
        *at += strlen(text);
}

/* The fields behind the event, one after the other, are those of @f, byte for byte. */
static void check_line(const struct log_fields *f, enum log_format format)
{
        size_t n = print(f, format);
        const char *at = line;
        bool is_json = format == LOG_JSON;
        char key[LOG_KEY_SIZE + 8];

        line[n] = '\0';
        assert_ptr_equal(strchr(line, '\n'), line + n - 1);
        at = strstr(line, is_json ? "\"event\":\"retry\"" : "event=retry");
        assert_non_null(at);
        at += is_json ? 15 : 11;
        for (size_t i = 0; i < f->n; ++i) {
                const struct log_pair *pair = &f->pairs[i];
                struct str read;

                snprintf(key, sizeof(key), is_json ? ",\"%.*s\":" : " %.*s=", STR_ARGS(pair->key));
                expect(&at, key);
                if (is_json)
                        assert_int_equal(*at == '"', pair->kind != LOG_NUMBER);
                read = read_value(&at, format);
                if (!str_eq(read, pair->value))
                        fail_msg("%.*s is %.*s and was %.*s", STR_ARGS(pair->key), STR_ARGS(read),
                                 STR_ARGS(pair->value));
        }
        expect(&at, is_json ? "}\n" : "\n");
        assert_int_equal(*at, '\0');
}

/* xorshift64: the same on every machine. */
static uint64_t chance;

static uint64_t draw_number(void)
{
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        return chance >> 16;
}

/* Of valid characters, those that need care more often than others. */
static size_t draw(char *to, size_t most)
{
        static const char *const pieces[] = { "\"",
                                              "\\",
                                              "=",
                                              " ",
                                              "\n",
                                              "\t",
                                              "\x01",
                                              "\x7f",
                                              "a=b",
                                              "\\u0041",
                                              "\\\"",
                                              "\xc2\x85",
                                              "\xe2\x80\xa8",
                                              "%s",
                                              "\xc3\xa4",
                                              "\xf0\x9f\x92\xb8",
                                              "{",
                                              "}",
                                              ",",
                                              "x" };
        size_t n = 0, wanted = (size_t)draw_number() % most;

        while (n < wanted) {
                const char *piece = pieces[(size_t)draw_number() % ARRAY_SIZE(pieces)];

                if (draw_number() % 3 == 0) {
                        to[n++] = (char)('!' + draw_number() % 94);
                        continue;
                }
                memcpy(to + n, piece, strlen(piece));
                n += strlen(piece);
        }
        to[n] = '\0';
        return n;
}

static void what_is_read_back_is_what_was_said(void **state)
{
        char a[64], b[64], c[64];
        struct log_fields f;

        (void)state;
        chance = 20261126;
        for (unsigned i = 0; i < 20000; ++i) {
                draw(a, 40);
                draw(b, 40);
                draw(c, 40);
                log_fields_init(&f);
                log_fields_add(&f,
                               "text=%s quoted=\"%s\" both=%s/%s n=%d inner=\"<%s> (%u)\" last=%s",
                               a, b, c, a, (int)(uint32_t)draw_number(), c, (unsigned)draw_number(),
                               b);
                check_line(&f, LOG_LOGFMT);
                check_line(&f, LOG_JSON);
        }
}

static void any_bytes_make_one_valid_line(void **state)
{
        char bytes[LOG_VALUES_MAX];
        struct log_fields f;

        (void)state;
        chance = 7;
        for (unsigned i = 0; i < 5000; ++i) {
                size_t n = (size_t)draw_number() % (i % 10 == 0 ? sizeof(bytes) : 32);

                for (size_t k = 0; k < n; ++k)
                        bytes[k] = (char)(1 + draw_number() % 255);
                log_fields_init(&f);
                log_fields_add(&f, "bytes=%.*s end=%u", (int)n, bytes, 1u);
                for (enum log_format format = LOG_LOGFMT; format <= LOG_JSON; ++format) {
                        size_t length = print(&f, format);

                        assert_true(length < sizeof(line));
                        for (size_t k = 0; k + 1 < length; ++k)
                                assert_true((unsigned char)line[k] >= 0x20 && line[k] != 0x7f);
                        assert_int_equal(line[length - 1], '\n');
                }
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_forms_have_the_same_keys_in_the_same_order),
                cmocka_unit_test(strings_are_valid_whatever_they_hold),
                cmocka_unit_test(what_is_read_back_is_what_was_said),
                cmocka_unit_test(any_bytes_make_one_valid_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
