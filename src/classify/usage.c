#include "classify/usage.h"

#define USED_WEIGHT "x-mbx-used-weight"
#define ORDER_COUNT "x-mbx-order-count"
#define SAPI_IP     "x-sapi-used-ip-weight"
#define SAPI_UID    "x-sapi-used-uid-weight"
#define RETRY_AFTER "retry-after"

/* No window of the exchange is longer than a year; anything above is damage. */
#define SPAN_CEILING_MS (366ULL * 24 * 3600 * MS_PER_SECOND)

/* "-10S" to 10000; 0 for what is no span. */
static uint64_t span_from(struct str s)
{
        uint64_t n, unit_ms;

        if (s.n < 3 || s.p[0] != '-')
                return 0;
        switch (s.p[s.n - 1] | 0x20) {
        case 's':
                unit_ms = MS_PER_SECOND;
                break;
        case 'm':
                unit_ms = 60 * MS_PER_SECOND;
                break;
        case 'h':
                unit_ms = 3600 * MS_PER_SECOND;
                break;
        case 'd':
                unit_ms = 24 * 3600 * MS_PER_SECOND;
                break;
        default:
                return 0;
        }
        if (str_to_u64(str_from(s.p + 1, s.n - 2), &n) < 0 || n > SPAN_CEILING_MS / unit_ms)
                return 0;
        return n * unit_ms;
}

/* @name is @prefix and a span; a @bare_span_ms other than 0 allows the prefix alone. */
static bool is_window(struct str name, struct str prefix, uint64_t bare_span_ms,
                      uint64_t *ret_span_ms)
{
        if (!str_has_prefix_nocase(name, prefix))
                return false;
        *ret_span_ms = name.n == prefix.n
                               ? bare_span_ms
                               : span_from(str_from(name.p + prefix.n, name.n - prefix.n));
        return *ret_span_ms != 0;
}

/* The slow half, for names that passed the glance. */
static enum usage_kind kind_of(struct str name, uint64_t *ret_span_ms)
{
        if ((name.p[0] | 0x20) == 'r') {
                *ret_span_ms = 0;
                return str_eq_nocase(name, STR_LITERAL(RETRY_AFTER)) ? USAGE_RETRY_AFTER
                                                                     : USAGE_NONE;
        }
        if (is_window(name, STR_LITERAL(USED_WEIGHT), 60 * MS_PER_SECOND, ret_span_ms))
                return USAGE_WEIGHT;
        if (is_window(name, STR_LITERAL(ORDER_COUNT), 0, ret_span_ms))
                return USAGE_ORDERS;
        if (is_window(name, STR_LITERAL(SAPI_IP), 0, ret_span_ms))
                return USAGE_SAPI_IP;
        if (is_window(name, STR_LITERAL(SAPI_UID), 0, ret_span_ms))
                return USAGE_SAPI_UID;
        return USAGE_NONE;
}

/*
 * Most headers of a reply are none of ours, and most of those fall at the first test: ours have
 * 11 letters, or 17 to about 30 with an x and a hyphen in front.
 */
static bool is_worth_a_look(struct str name)
{
        if (name.n == sizeof(RETRY_AFTER) - 1)
                return (name.p[0] | 0x20) == 'r' && name.p[5] == '-';
        return name.n >= sizeof(USED_WEIGHT) - 1 && (name.p[0] | 0x20) == 'x' && name.p[1] == '-';
}

enum usage_kind usage_from(struct str name, struct str value, struct usage *ret_usage)
{
        enum usage_kind kind;
        uint64_t span_ms, n;

        if (LIKELY(!is_worth_a_look(name)))
                return USAGE_NONE;
        kind = kind_of(name, &span_ms);
        if (kind == USAGE_NONE || str_to_u64(str_trim(value), &n) < 0 || n > UINT32_MAX)
                return USAGE_NONE;
        *ret_usage = (struct usage){ .kind = kind, .span_ms = span_ms, .value = n };
        return kind;
}
