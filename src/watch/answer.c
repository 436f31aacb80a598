#include "http/write.h"
#include "watch/inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* As in gateway/refuse.c: client libraries know it as "something is wrong". */
#define CODE_UNKNOWN -1000

/*
 * Nothing but our own files, no frame around us, no word to others of where we are. The page's
 * scripts and styles are files; there are none within it.
 */
#define GUARD(name, value)                                                                         \
        {                                                                                          \
                { name, sizeof(name) - 1 },                                                        \
                {                                                                                  \
                        value, sizeof(value) - 1                                                   \
                }                                                                                  \
        }

/* clang-format off */
static const struct http_field guards[] = {
        GUARD("Content-Security-Policy",
              "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
              "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
        GUARD("X-Content-Type-Options", "nosniff"),
        GUARD("X-Frame-Options", "DENY"),
        GUARD("Referrer-Policy", "no-referrer"),
        GUARD("Cross-Origin-Opener-Policy", "same-origin"),
        GUARD("Cross-Origin-Resource-Policy", "same-origin"),
};
/* clang-format on */

void answer_bytes(struct visit *v, unsigned status, const char *type, bool is_lasting,
                  const struct http_field *fields, size_t n_fields, struct str body)
{
        struct http_field all[ANSWER_FIELDS_MAX];
        size_t n = 0;

        must(ARRAY_SIZE(guards) + 1 + n_fields <= ANSWER_FIELDS_MAX);
        for (size_t i = 0; i < ARRAY_SIZE(guards); ++i)
                all[n++] = guards[i];
        all[n++] = (struct http_field){ STR_LITERAL("Cache-Control"),
                                        str_of(is_lasting ? "no-cache" : "no-store") };
        for (size_t i = 0; i < n_fields; ++i)
                all[n++] = fields[i];
        http_exchange_reply(v->exchange, status, str_of(type), all, n, body);
        v->exchange = NULL;
}

int answer_stream(struct visit *v, const char *type)
{
        struct buf *to = http_exchange_out(v->exchange);
        int r = http_write_status_line(to, 200, STR_NULL);

        if (r == 0)
                r = http_write_field(to, STR_LITERAL("Content-Type"), str_of(type));
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(guards); ++i)
                r = http_write_field(to, guards[i].name, guards[i].value);
        if (r == 0)
                r = http_write_field(to, STR_LITERAL("Cache-Control"), STR_LITERAL("no-store"));
        /* A proxy of nginx's kind would keep what is small until there is more of it. */
        if (r == 0)
                r = http_write_field(to, STR_LITERAL("X-Accel-Buffering"), STR_LITERAL("no"));
        if (r == 0)
                r = http_exchange_write_label(v->exchange);
        if (r == 0)
                r = http_exchange_write_connection(v->exchange, false);
        return r == 0 ? http_write_head_end(to) : r;
}

void answer_json(struct visit *v, unsigned status, json_t *root)
{
        char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

        json_decref(root);
        if (text)
                answer_bytes(v, status, "application/json", false, NULL, 0, str_of(text));
        else
                answer_refusal(v, 503, "out of memory");
        free(text);
}

static void PRINTF(6, 0)
        refuse(struct visit *v, unsigned status, uint64_t retry_after_s, const char *name,
               const char *value, const char *format, va_list args)
{
        char text[512] = "weir: ", body[1600], seconds[24];
        struct http_field fields[2];
        size_t n_fields = 0, n;
        json_t *root;

        vsnprintf(text + 6, sizeof(text) - 6, format, args);
        root = json_pack("{s:i, s:s}", "code", CODE_UNKNOWN, "msg", text);
        n = root ? json_dumpb(root, body, sizeof(body), JSON_COMPACT | JSON_ENSURE_ASCII) : 0;
        json_decref(root);
        if (retry_after_s > 0) {
                snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)retry_after_s);
                fields[n_fields++] =
                        (struct http_field){ STR_LITERAL("Retry-After"), str_of(seconds) };
        }
        if (name)
                fields[n_fields++] = (struct http_field){ str_of(name), str_of(value) };
        answer_bytes(v, status, "application/json", false, fields, n_fields,
                     str_from(body, n < sizeof(body) ? n : 0));
}

void answer_refusal(struct visit *v, unsigned status, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        refuse(v, status, 0, NULL, NULL, format, args);
        va_end(args);
}

void answer_refusal_with(struct visit *v, unsigned status, uint64_t retry_after_s, const char *name,
                         const char *value, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        refuse(v, status, retry_after_s, name, value, format, args);
        va_end(args);
}
