#include "gateway/answer.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

void answer_send(struct http_exchange *exchange, const struct answer *answer, const char *format,
                 ...)
{
        char text[512], body[1200], seconds[24];
        struct http_field fields[2];
        size_t n_fields = 0;
        va_list args;
        json_t *root;
        size_t n;

        memcpy(text, "weir: ", 6);
        va_start(args, format);
        vsnprintf(text + 6, sizeof(text) - 6, format, args);
        va_end(args);
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
        http_exchange_reply(exchange, answer->status, STR_LITERAL("application/json;charset=UTF-8"),
                            fields, n_fields, str_from(body, n < sizeof(body) ? n : 0));
}
