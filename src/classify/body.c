#include "classify/body.h"

#include "classify/codes.h"
#include "classify/scan.h"
#include "classify/unpack.h"

#include <jansson.h>

static void json_free(json_t **json)
{
        json_decref(*json);
}

static void copy_msg(struct str text, char *to)
{
        size_t n = text.n < VERDICT_MSG_SIZE - 1 ? text.n : VERDICT_MSG_SIZE - 1;

        for (size_t i = 0; i < n; ++i)
                to[i] = text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?';
        to[n] = '\0';
}

static struct str json_str(const json_t *json)
{
        return json_is_string(json) ? str_from(json_string_value(json), json_string_length(json))
                                    : STR_NULL;
}

/* A code is an integer; some libraries and gateways in between make it a string. */
static int32_t json_code(const json_t *json)
{
        json_int_t n;

        if (json_is_string(json))
                return scan_code_value(json_str(json));
        n = json_integer_value(json); /* 0 for all that is no integer */
        return n >= INT32_MIN && n <= INT32_MAX ? (int32_t)n : 0;
}

static uint64_t json_time_ms(const json_t *json)
{
        json_int_t n = json_integer_value(json);

        return n > 0 ? scan_time_ms((uint64_t)n) : 0;
}

/* The text of an error object, and what can be learned from it. */
static void read_msg(const json_t *object, struct body *b, char *to_msg)
{
        struct str msg = json_str(json_object_get(object, "msg"));

        if (!msg.p)
                msg = json_str(json_object_get(object, "message"));
        if (!msg.p)
                msg = json_str(object);
        copy_msg(msg, to_msg);
        b->ban_until_ms = scan_ban_until_ms(msg);
        b->window_ms = scan_window_ms(msg);
        if (b->code == 0)
                b->code = code_from_phrase(msg);
}

static bool is_success(const json_t *result)
{
        return str_eq(json_str(result), STR_LITERAL("SUCCESS"));
}

/* cancelReplace says in @data what became of its halves; the WebSocket API when to return. */
static void read_data(const json_t *data, struct body *b)
{
        int32_t new_code =
                json_code(json_object_get(json_object_get(data, "newOrderResponse"), "code"));
        int32_t cancel_code =
                json_code(json_object_get(json_object_get(data, "cancelResponse"), "code"));

        b->part_code = new_code < 0 ? new_code : cancel_code < 0 ? cancel_code : 0;
        b->is_half_done = is_success(json_object_get(data, "cancelResult")) ||
                          is_success(json_object_get(data, "newOrderResult"));
        b->retry_at_ms = json_time_ms(json_object_get(data, "retryAfter"));
}

static void read_object(const json_t *root, struct body *b, char *to_msg)
{
        const json_t *error = json_object_get(root, "error");
        const json_t *holder = error ? error : root;
        json_int_t status = json_integer_value(json_object_get(root, "status"));

        if (status >= 100 && status <= 599 && (error || json_object_get(root, "result")))
                b->status = (int)status;
        b->code = json_code(json_object_get(holder, "code"));
        read_data(json_object_get(holder, "data"), b);
        read_msg(holder, b, to_msg);
}

/* One element of a batch: an order, or {"code":-2022,"msg":".."}. A code of 200 says "done". */
static void read_element(const struct classify_in *in, const json_t *element, struct body *b,
                         char *to_msg)
{
        int32_t code = json_code(json_object_get(element, "code"));
        const struct code_row *row;

        ++b->parts;
        if (code >= 0)
                return;
        row = code_find(in->product, code);
        if (row && row->executed == EXECUTED_UNKNOWN)
                ++b->parts_unknown;
        if (b->parts_failed++ == 0) {
                b->part_code = code;
                copy_msg(json_str(json_object_get(element, "msg")), to_msg);
        }
}

static void read_json(const struct classify_in *in, const json_t *root, struct body *b,
                      char *to_msg)
{
        const json_t *element;
        size_t i;

        if (!in->is_batch || in->status < 200 || in->status > 299)
                read_object(root, b, to_msg);
        else if (json_is_array(root))
                json_array_foreach(root, i, element) read_element(in, element, b, to_msg);
        else
                read_element(in, root, b, to_msg);
}

/*
 * A member named twice is refused: which of two codes holds is nobody's guess, and the reading as
 * text that follows counts as broken and allows less.
 */
static json_t *parse(struct str text)
{
        json_error_t error;

        if (scan_depth(text) > CLASSIFY_DEPTH_CEILING)
                return NULL;
        return json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
}

static void read_text(const struct classify_in *in, struct str text, struct body *b, char *to_msg)
{
        b->code = scan_code(text, in->product);
        if (b->code == 0)
                b->code = code_from_phrase(text);
        b->ban_until_ms = scan_ban_until_ms(text);
        b->window_ms = scan_window_ms(text);
        copy_msg(text, to_msg);
}

/* @text is plain and neither empty nor HTML. */
static void read_plain(const struct classify_in *in, struct str text, bool is_cut, struct body *b,
                       char *to_msg)
{
        json_t *root CLEANUP(json_free) = NULL;
        bool is_json = text.p[0] == '{' || text.p[0] == '[';

        /* What was cut and still is whole JSON lost nothing but blanks. */
        if (is_json)
                root = parse(text);
        b->is_broken = is_json ? !root : is_cut;
        b->form = root ? BODY_JSON : BODY_TEXT;
        if (root)
                read_json(in, root, b, to_msg);
        else
                read_text(in, text, b, to_msg);
}

static struct str without_blank_start(struct str s)
{
        if (str_has_prefix(s, STR_LITERAL("\xef\xbb\xbf")))
                s = str_from(s.p + 3, s.n - 3);
        while (s.n > 0 && strchr(" \t\r\n", s.p[0]) && s.p[0] != '\0')
                ++s.p, --s.n;
        return s;
}

static bool is_html(const struct classify_in *in, struct str text)
{
        if (text.p[0] == '<')
                return true;
        /* The first byte is a better witness than a header that a page of the edge got wrong. */
        return text.p[0] != '{' && text.p[0] != '[' &&
               str_has_prefix_nocase(str_trim(in->content_type), STR_LITERAL("text/html"));
}

void body_read(const struct classify_in *in, struct body *ret_body, char *to_msg)
{
        struct unpacked plain CLEANUP(unpacked_deinit) = UNPACKED_NULL;
        struct str text;

        *ret_body = (struct body){ .form = BODY_NONE };
        to_msg[0] = '\0';
        /* Out of memory is no reason to fail a reply that has a status. */
        if (unpack(in->body, in->content_encoding, &plain) != 0) {
                ret_body->form = BODY_UNREADABLE;
                return;
        }
        text = without_blank_start(plain.text);
        if (text.n == 0)
                ret_body->form = in->body.n > 0 && (plain.is_cut || in->is_cut) ? BODY_UNREADABLE
                                                                                : BODY_NONE;
        else if (is_html(in, text))
                ret_body->form = BODY_HTML;
        else
                read_plain(in, text, plain.is_cut || in->is_cut, ret_body, to_msg);
}

void body_read_text(const struct classify_in *in, struct body *ret_body, char *to_msg)
{
        struct str text = without_blank_start(in->body);
        bool is_cut = in->is_cut || text.n > CLASSIFY_BODY_CEILING;

        *ret_body = (struct body){ .form = BODY_NONE };
        to_msg[0] = '\0';
        if (text.n > CLASSIFY_BODY_CEILING)
                text.n = CLASSIFY_BODY_CEILING;
        if (text.n > 0)
                read_plain(in, text, is_cut, ret_body, to_msg);
}
