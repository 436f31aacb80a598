#include "classify/classify.h"

#include "classify/body.h"
#include "classify/codes.h"
#include "classify/scan.h"

/* What is said and whether it was done, for a request that changes something. */
struct ruling {
        enum verdict_kind kind;
        enum verdict_executed executed;
};

#define RULING(k, e) ((struct ruling){ VERDICT_##k, EXECUTED_##e })

/*
 * Spot, sapi and options say of every 5xx that it must not be taken for a failure. USD-M, COIN-M
 * and portfolio margin tell apart three kinds of 503.
 */
static bool has_503_kinds(enum classify_product product)
{
        return product == CLASSIFY_UM || product == CLASSIFY_CM || product == CLASSIFY_PAPI;
}

static bool has_cancel_replace(enum classify_product product)
{
        return product == CLASSIFY_SPOT || product == CLASSIFY_SAPI;
}

static bool is_cancel_replace(const struct classify_in *in, const struct body *b)
{
        return has_cancel_replace(in->product) && (b->code == -2021 || b->code == -2022);
}

/*
 * A cancelReplace that failed on the new order's side may have cancelled. Its data says so, and
 * stands behind the code: where the text broke off there, nobody knows.
 */
static bool may_hide_a_half(const struct classify_in *in, const struct body *b)
{
        return is_cancel_replace(in, b) || (b->code == -1015 && has_cancel_replace(in->product));
}

/* By status alone, when no code says more. */
static struct ruling by_status(int status)
{
        switch (status) {
        case 401:
                return RULING(AUTH, NO);
        case 403:
                return RULING(FIREWALL, NO);
        case 404:
                return RULING(NOT_FOUND, NO);
        case 408:
                return RULING(UNKNOWN_FATE, UNKNOWN);
        case 409:
                return RULING(PARTLY, PARTLY);
        case 418:
                return RULING(BANNED, NO);
        case 429:
                return RULING(OVER_WEIGHT, NO);
        case 451:
                return RULING(RESTRICTED, NO);
        default:
                if (status >= 400 && status <= 499)
                        return RULING(REJECTED, NO);
                /* 5xx, redirects, and what a proxy between us invents: nobody knows. */
                return RULING(UNKNOWN_FATE, UNKNOWN);
        }
}

static struct ruling by_code(const struct classify_in *in, const struct body *b,
                             const struct verdict *v)
{
        const struct code_row *row = code_find(in->product, b->code);

        /* Only in the exchange's own JSON: a proxy's "Service Unavailable" promises nothing. */
        if (v->status == 503 && has_503_kinds(in->product) && b->form == BODY_JSON &&
            (!row || b->code == -1001) && code_is_not_done(str_of(v->msg)))
                return RULING(UNAVAILABLE, NO);
        if (!row)
                return by_status(v->status);
        if (b->code == -2010 && str_find_nocase(str_of(v->msg), STR_LITERAL("duplicate order")))
                return RULING(DUPLICATE, NO);
        return (struct ruling){ row->kind, row->executed };
}

static struct ruling rule_error(const struct classify_in *in, const struct body *b,
                                const struct verdict *v)
{
        struct ruling r;

        if (b->ban_until_ms != 0 && (b->code == -1003 || b->code == 0))
                return RULING(BANNED, NO);
        switch (v->status) {
        case 408:
        case 409:
        case 418:
        case 451:
                return by_status(v->status);
        case 403:
                /* One wrong key must not silence a desk, a firewall must, whatever it prints. */
                r = b->form == BODY_JSON && b->code != -1003 ? by_code(in, b, v)
                                                             : by_status(v->status);
                break;
        case 429:
                r = b->code == -1015 || b->part_code == -1015 || is_cancel_replace(in, b)
                            ? RULING(TOO_MANY_ORDERS, NO)
                            : RULING(OVER_WEIGHT, NO);
                break;
        default:
                r = by_code(in, b, v);
                break;
        }
        if (v->status >= 500 && !has_503_kinds(in->product))
                r.executed = EXECUTED_UNKNOWN;
        /* CANCEL_ONLY above the order limit: a 429 or 400 although the cancel went through. */
        if (b->is_half_done)
                r.executed = EXECUTED_PARTLY;
        else if (b->is_broken && may_hide_a_half(in, b) && r.executed == EXECUTED_NO)
                r.executed = EXECUTED_UNKNOWN;
        return r;
}

static struct ruling rule_batch(const struct classify_in *in, const struct body *b,
                                struct verdict *v)
{
        const struct code_row *row = code_find(in->product, b->part_code);

        v->parts = b->parts;
        v->parts_failed = b->parts_failed;
        if (b->parts_failed == 0)
                return RULING(OK, YES);
        if (b->parts_unknown > 0)
                return b->parts_failed < b->parts ? RULING(PARTLY, UNKNOWN)
                                                  : RULING(UNKNOWN_FATE, UNKNOWN);
        if (b->parts_failed < b->parts)
                return RULING(PARTLY, PARTLY);
        v->code = b->part_code;
        return row ? (struct ruling){ row->kind, EXECUTED_NO } : RULING(REJECTED, NO);
}

static struct ruling rule_success(const struct classify_in *in, const struct body *b,
                                  struct verdict *v)
{
        /* The edge's challenge page: the request never reached the exchange behind it. */
        if (v->status == 202 && (b->form == BODY_NONE || b->form == BODY_HTML))
                return RULING(FIREWALL, NO);
        if (v->status == 202 && b->form != BODY_JSON)
                return RULING(FIREWALL, UNKNOWN);
        if (!in->is_batch)
                return RULING(OK, YES);
        if (b->form == BODY_JSON && !b->is_broken)
                return rule_batch(in, b, v);
        /* Done, but not told which elements. */
        v->is_unreadable = true;
        return RULING(OK, UNKNOWN);
}

static uint64_t later(uint64_t a, uint64_t b)
{
        return a > b ? a : b;
}

/*
 * The latest moment that header, text and structured error name, within the horizon. One that is
 * over says nothing: taken at its word, a ban whose end is behind us would be none.
 */
static uint64_t stated_retry_ms(const struct classify_in *in, const struct body *b)
{
        uint64_t at_ms = later(b->retry_at_ms, b->ban_until_ms);
        uint64_t seconds;

        if (str_to_u64(str_trim(in->retry_after), &seconds) == 0) {
                if (seconds > VERDICT_HORIZON_MS / MS_PER_SECOND)
                        seconds = VERDICT_HORIZON_MS / MS_PER_SECOND;
                at_ms = later(at_ms, in->now_ms + seconds * MS_PER_SECOND);
        } else {
                at_ms = later(at_ms, scan_date_ms(str_trim(in->retry_after)));
        }
        if (at_ms <= in->now_ms)
                return 0;
        return at_ms > in->now_ms + VERDICT_HORIZON_MS ? in->now_ms + VERDICT_HORIZON_MS : at_ms;
}

/*
 * -1003 is raised before anything happens. -1015 too, but a text that broke off may have gone on
 * to say that a half of it was done.
 */
static bool may_retry(const struct body *b, const struct verdict *v)
{
        if (v->status != 429 || (v->executed != EXECUTED_NO && v->executed != EXECUTED_NA))
                return false;
        if (v->kind == VERDICT_OVER_WEIGHT)
                return b->code == -1003;
        return v->kind == VERDICT_TOO_MANY_ORDERS && b->code == -1015 && !b->is_broken;
}

static bool must_reconcile(const struct classify_in *in, const struct verdict *v)
{
        if (!in->is_order)
                return false;
        switch (v->kind) {
        case VERDICT_OVERLOADED: /* documented as failed, reported to have gone through */
        case VERDICT_UNAVAILABLE:
        case VERDICT_DUPLICATE:
                return true;
        default:
                return v->executed == EXECUTED_UNKNOWN || v->executed == EXECUTED_PARTLY;
        }
}

/* Nothing is at stake in a read. */
static void settle(const struct classify_in *in, struct ruling r, struct verdict *v)
{
        bool is_mutating = in->is_mutating || in->is_order;

        v->kind = r.kind;
        v->executed = r.executed;
        if (!is_mutating) {
                v->executed = EXECUTED_NA;
                if (v->kind == VERDICT_UNKNOWN_FATE)
                        v->kind = VERDICT_FAILED;
        }
        v->reconcile = must_reconcile(in, v);
}

/* All but @msg, which is a quarter of a kilobyte that only errors need. */
static void begin(int status, struct verdict *v)
{
        v->kind = VERDICT_OK;
        v->executed = EXECUTED_NA;
        v->may_retry = v->reconcile = v->is_unreadable = false;
        v->status = status;
        v->code = v->part_code = 0;
        v->parts = v->parts_failed = 0;
        v->retry_at_ms = v->ban_until_ms = v->window_ms = 0;
        v->msg[0] = '\0';
}

static bool is_success(int status)
{
        return status >= 200 && status <= 299;
}

static void judge(const struct classify_in *in, const struct body *b, struct verdict *v)
{
        v->code = b->code;
        v->part_code = b->part_code;
        v->is_unreadable = b->form == BODY_UNREADABLE || (b->is_broken && b->code == 0);
        settle(in, is_success(v->status) ? rule_success(in, b, v) : rule_error(in, b, v), v);
        if (v->kind == VERDICT_OK)
                return;
        v->retry_at_ms = stated_retry_ms(in, b);
        if (v->kind == VERDICT_OVER_WEIGHT || v->kind == VERDICT_TOO_MANY_ORDERS)
                v->window_ms = b->window_ms;
        if (v->kind == VERDICT_BANNED)
                v->ban_until_ms = v->retry_at_ms;
        v->may_retry = may_retry(b, v);
}

void classify(const struct classify_in *in, struct verdict *ret_verdict)
{
        struct body b;

        begin(in->status, ret_verdict);
        if (LIKELY(in->status == 200 && !in->is_batch)) {
                settle(in, RULING(OK, YES), ret_verdict);
                return;
        }
        body_read(in, &b, ret_verdict->msg);
        if (in->status == 0)
                ret_verdict->status = b.status;
        judge(in, &b, ret_verdict);
}

/* The status that a text implies by what it says, if it names none. */
static int implied_status(const struct classify_in *in, const struct body *b)
{
        const struct code_row *row = code_find(in->product, b->code);
        int status = scan_status(in->body);

        if (status != 0)
                return status;
        if (b->status != 0)
                return b->status;
        if (b->ban_until_ms != 0)
                return 418;
        if (row)
                return row->status;
        return b->code < 0 ? 400 : 0;
}

void classify_text(const struct classify_in *in, struct verdict *ret_verdict)
{
        struct classify_in text = *in;
        struct body b;

        text.is_batch = false;
        begin(in->status, ret_verdict);
        body_read_text(&text, &b, ret_verdict->msg);
        if (in->status == 0)
                ret_verdict->status = implied_status(&text, &b);
        judge(&text, &b, ret_verdict);
}

static const char *const failures[] = {
        [TRANSPORT_RESOLVE] = "resolve", [TRANSPORT_CONNECT] = "connect", [TRANSPORT_TLS] = "tls",
        [TRANSPORT_RESET] = "reset",     [TRANSPORT_TIMEOUT] = "timeout", [TRANSPORT_CUT] = "cut",
        [TRANSPORT_GARBLED] = "garbled",
};

_Static_assert(ARRAY_SIZE(failures) == TRANSPORT_COUNT, "one name per failure");

const char *classify_transport_name(enum classify_transport failure)
{
        must(failure < TRANSPORT_COUNT);
        return failures[failure];
}

void classify_transport(const struct classify_in *in, enum classify_transport failure,
                        bool is_any_sent, struct verdict *ret_verdict)
{
        begin(0, ret_verdict);
        str_copy(str_of(classify_transport_name(failure)), ret_verdict->msg, VERDICT_MSG_SIZE);
        settle(in, is_any_sent ? RULING(UNKNOWN_FATE, UNKNOWN) : RULING(UNSENT, NO), ret_verdict);
}
