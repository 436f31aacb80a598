#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "classify/scan.h"

static void codes_are_found_and_other_numbers_are_not(void **state)
{
        static const struct {
                const char *text;
                int32_t code;
        } rows[] = {
                { "APIError(code=-1003): x", -1003 },
                { "{\"code\":-1003", -1003 },
                { "{\\\"code\\\": \\\"-1015\\\"}", -1015 },
                { "Code: -51021", -51021 },
                { "codec code -1003", -1003 },
                { "(429, -1003, 'x')", -1003 },
                { "error -1003.", -1003 },
                { "-1003", -1003 },
                { "-2019 then code=-1121", -1121 },
                { "code=429, then -1003", -1003 },
                { "code=-123456", -123456 },
                { "code=-1003.next", -1003 },
                { "code=-1003.", -1003 },
                { "", 0 },
                { "code=-1003_", 0 },
                { "code=-1003a", 0 },
                { "code=-1003Z", 0 },
                { "z-1003", 0 },
                { "A-1003", 0 },
                { "_-1003", 0 },
                { "9-1003", 0 },
                { "code", 0 },
                { "code=", 0 },
                { "code=-", 0 },
                { "code=-1", 0 },
                { "code=-100", 0 },
                { "code=-1234567", 0 },
                { "code=1003", 0 },
                { "code=-1003x", 0 },
                { "1003", 0 },
                { "-1003.5", 0 },
                { "2026-1003", 0 },
                { "--1003", 0 },
                { "x-1003", 0 },
                { "-9999", 0 },
                { "-100", 0 },
                { "-10033", 0 },
                { "-", 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                int32_t code = scan_code(str_of(rows[i].text), CLASSIFY_UM);

                if (code != rows[i].code)
                        fail_msg("\"%s\": got %d", rows[i].text, code);
        }
}

static void statuses_are_found_and_other_numbers_are_not(void **state)
{
        static const struct {
                const char *text;
                int status;
        } rows[] = {
                { "HTTP 418", 418 },
                { "HTTP/1.1 503 Service Unavailable", 503 },
                { "status code 403", 403 },
                { "status=429", 429 },
                { "{\"status\": 451}", 451 },
                { "HTTPError: 502", 502 },
                { "(429, -1003)", 429 },
                { "504 Gateway Time-out", 504 },
                { "", 0 },
                { "HTTP 400", 400 },
                { "HTTP 599", 599 },
                { "HTTP 399", 0 },
                { "HTTP 1.418", 0 },
                { "HTTP -418", 0 },
                { "HTTP a418", 0 },
                { "HTTP 200", 0 },
                { "HTTP 600", 0 },
                { "HTTP 4180", 0 },
                { "HTTP 41", 0 },
                { "price 418", 0 },
                { "code=-418", 0 },
                { "http 0.418", 0 },
                { "status 418th", 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                int status = scan_status(str_of(rows[i].text));

                if (status != rows[i].status)
                        fail_msg("\"%s\": got %d", rows[i].text, status);
        }
}

static void the_end_of_a_ban_has_13_or_16_digits(void **state)
{
        static const struct {
                const char *text;
                uint64_t until_ms;
        } rows[] = {
                { "IP banned until 1659146400000. Please", 1659146400000 },
                { "IP BANNED UNTIL 1659146400000", 1659146400000 },
                { "banned until 1659146400000999", 1659146400000 },
                { "banned until 1000000000000", 1000000000000 },
                { "banned until 9999999999999", 9999999999999 },
                { "banned until 1000000000000000", 1000000000000 },
                { "banned until 9999999999999999", 9999999999999 },
                { "banned until 1659146400", 0 },
                { "banned until 16591464000001", 0 },
                { "banned until 165914640000012345", 0 },
                { "banned until 99999999999999999999999999", 0 },
                { "banned until 0000000000000", 0 },
                { "banned until -1659146400000", 0 },
                { "banned until tomorrow", 0 },
                { "banned until ", 0 },
                { "banned until", 0 },
                { "", 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t until_ms = scan_ban_until_ms(str_of(rows[i].text));

                if (until_ms != rows[i].until_ms)
                        fail_msg("\"%s\": got %llu", rows[i].text, (unsigned long long)until_ms);
        }
}

static void depth_counts_outside_of_quotes(void **state)
{
        static const struct {
                const char *text;
                size_t depth;
        } rows[] = {
                { "", 0 },           { "{}", 1 },       { "{\"a\":[1,{}]}", 3 },
                { "[][][]", 1 },     { "\"[[[[\"", 0 }, { "\"\\\"[[[[\"", 0 },
                { "[\"\\\\\"[", 2 }, { "]]]][", 1 },    { "\"\\", 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                size_t depth = scan_depth(str_of(rows[i].text));

                if (depth != rows[i].depth)
                        fail_msg("%s: got %zu", rows[i].text, depth);
        }
}

static void windows_are_named_in_many_ways(void **state)
{
        static const struct {
                const char *text;
                uint64_t ms;
        } rows[] = {
                { "Too many new orders; current limit is 100 orders per 10 SECOND.", 10000 },
                { "Too many new orders; current limit is 200000 orders per 1 DAY.", 86400000 },
                { "Too many new orders; current limit is 300 orders per TEN_SECONDS.", 10000 },
                { "Too many new orders; current limit is 1200 orders per MINUTE.", 60000 },
                { "current limit is 6000 request weight per 1 MINUTE. Please", 60000 },
                { "current limit of IP(1.2.3.4) is 2400 requests per minute.", 60000 },
                { "360 per hour", 3600000 },
                { "Too many new orders.", 0 },
                { "10 per ", 0 },
                { "10 per 5", 0 },
                { "10 per fortnight", 0 },
                { "10 per 99999999999999999999 SECOND", 0 },
                { "10 per 1001 DAY", 0 },
                { "paper 10 SECOND", 0 },
                { "", 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if (scan_window_ms(str_of(rows[i].text)) != rows[i].ms)
                        fail_msg("\"%s\": got %llu", rows[i].text,
                                 (unsigned long long)scan_window_ms(str_of(rows[i].text)));
}

static void dates_are_those_of_http(void **state)
{
        static const struct {
                const char *text;
                uint64_t s;
        } rows[] = {
                { "Thu, 01 Jan 1970 00:00:01 GMT", 1 },
                { "Fri, 31 Dec 1999 23:59:59 GMT", 946684799 },
                { "Tue, 29 Feb 2000 12:34:56 GMT", 951827696 },
                { "Thu, 31 Dec 2020 23:59:59 GMT", 1609459199 },
                { "Mon, 01 Mar 2021 00:00:00 GMT", 1614556800 },
                { "Thu, 26 Nov 2026 22:44:36 GMT", 1795733076 },
                { "Wed, 01 Mar 2100 00:00:00 GMT", 4107542400 },
                { "Thu, 26 Nov 2026 22:44:36 UTC", 0 },
                { "Thu, 26 Noc 2026 22:44:36 GMT", 0 },
                { "Thu, 00 Nov 2026 22:44:36 GMT", 0 },
                { "Thu, 32 Nov 2026 22:44:36 GMT", 0 },
                { "Thu, 26 Nov 2026 24:44:36 GMT", 0 },
                { "Thu, 26 Nov 2026 22:60:36 GMT", 0 },
                { "Thu, 26 Nov 2026 22:44:61 GMT", 0 },
                { "Thu, 26 Nov 1969 22:44:36 GMT", 0 },
                { "Thu, 2x Nov 2026 22:44:36 GMT", 0 },
                { "Thursday, 26-Nov-26 22:44 GMT", 0 },
                { "120", 0 },
                { "", 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if (scan_date_ms(str_of(rows[i].text)) != rows[i].s * 1000)
                        fail_msg("\"%s\": got %llu", rows[i].text,
                                 (unsigned long long)scan_date_ms(str_of(rows[i].text)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(windows_are_named_in_many_ways),
                cmocka_unit_test(dates_are_those_of_http),
                cmocka_unit_test(codes_are_found_and_other_numbers_are_not),
                cmocka_unit_test(statuses_are_found_and_other_numbers_are_not),
                cmocka_unit_test(the_end_of_a_ban_has_13_or_16_digits),
                cmocka_unit_test(depth_counts_outside_of_quotes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
