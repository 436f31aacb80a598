#include "gateway/answer.h"
#include "gateway/access_log.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

static void PRINTF(4, 0) send_words(struct http_exchange *exchange, const struct answer *answer,
                                    uint64_t wait_ms, const char *format, va_list args)
{
        char text[512], body[1200], seconds[24], wait[24];
        struct http_field fields[3];
        size_t n_fields = 0;
        json_t *root;
        size_t n;

        memcpy(text, "weir: ", 6);
        vsnprintf(text + 6, sizeof(text) - 6, format, args);
        root = json_pack("{s:i, s:s}", "code", answer->code, "msg", text);
        n = root ? json_dumpb(root, body, sizeof(body), JSON_COMPACT | JSON_ENSURE_ASCII) : 0;
        json_decref(root);

        fields[n_fields++] =
                (struct http_field){ STR_LITERAL("X-Weir-Verdict"), str_of(answer->verdict) };
        if (answer->retry_after_s > 0) {
                snprintf(seconds, sizeof(seconds), "%llu",
                         (unsigned long long)answer->retry_after_s);
                fields[n_fields++] =
                        (struct http_field){ STR_LITERAL("Retry-After"), str_of(seconds) };
        }
        if (wait_ms > 0) {
                snprintf(wait, sizeof(wait), "%llu", (unsigned long long)wait_ms);
                fields[n_fields++] =
                        (struct http_field){ STR_LITERAL("X-Weir-Would-Wait-Ms"), str_of(wait) };
        }
        access_log_refused(exchange, answer, n < sizeof(body) ? n : 0);
        http_exchange_reply(exchange, answer->status, STR_LITERAL("application/json;charset=UTF-8"),
                            fields, n_fields, str_from(body, n < sizeof(body) ? n : 0));
}

void answer_send(struct http_exchange *exchange, const struct answer *answer, const char *format,
                 ...)
{
        va_list args;

        va_start(args, format);
        send_words(exchange, answer, 0, format, args);
        va_end(args);
}

void answer_send_late(struct http_exchange *exchange, const struct answer *answer, uint64_t wait_ms,
                      const char *format, ...)
{
        va_list args;

        va_start(args, format);
        send_words(exchange, answer, wait_ms, format, args);
        va_end(args);
}
