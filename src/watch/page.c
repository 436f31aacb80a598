/*
 * The page's files. They are the same for all, so that one without a token sees where to put it.
 */
#include "watch/assets.h"
#include "watch/inside.h"

#include <stdio.h>

#define ETAG_SIZE 64

/* "gzip", and not "gzip;q=0". */
static bool takes_gzip(const struct http_head *head)
{
        struct str rest = http_field_value(head, STR_LITERAL("accept-encoding")), part;

        while (str_split(&rest, ',', &part)) {
                struct str coding, weight = part;

                if (!str_split(&weight, ';', &coding) ||
                    !str_eq_nocase(str_trim(coding), STR_LITERAL("gzip")))
                        continue;
                weight = str_trim(weight);
                if (!str_has_prefix_nocase(weight, STR_LITERAL("q=0")))
                        return true;
                for (size_t i = 3; i < weight.n; ++i)
                        if (weight.p[i] >= '1' && weight.p[i] <= '9')
                                return true;
        }
        return false;
}

static void send_asset(struct visit *v, const struct asset *a)
{
        bool is_packed = a->gzip.n > 0 && takes_gzip(v->head);
        struct str known = http_field_value(v->head, STR_LITERAL("if-none-match"));
        char etag[ETAG_SIZE];
        struct http_field fields[3];
        size_t n = 0;

        snprintf(etag, sizeof(etag), "\"%s%s\"", a->etag, is_packed ? "-gz" : "");
        fields[n++] = (struct http_field){ STR_LITERAL("ETag"), str_of(etag) };
        fields[n++] = (struct http_field){ STR_LITERAL("Vary"), STR_LITERAL("Accept-Encoding") };
        if (known.p && str_find(known, str_of(etag))) {
                answer_bytes(v, 304, "", true, fields, n, STR_NULL);
                return;
        }
        if (is_packed)
                fields[n++] =
                        (struct http_field){ STR_LITERAL("Content-Encoding"), STR_LITERAL("gzip") };
        answer_bytes(v, 200, a->type, true, fields, n, is_packed ? a->gzip : a->plain);
}

static void send_named(struct visit *v, struct str name)
{
        for (size_t i = 0; i < n_assets; ++i) {
                if (str_eq(str_of(assets[i].name), name)) {
                        send_asset(v, &assets[i]);
                        return;
                }
        }
        answer_refusal(v, 404, "the page has no such file");
}

void page_index(struct visit *v)
{
        send_named(v, STR_LITERAL("index.html"));
}

void page_asset(struct visit *v)
{
        send_named(v, v->rest);
}

void page_moved(struct visit *v)
{
        struct http_field field = { STR_LITERAL("Location"), STR_LITERAL("/weir/") };

        answer_bytes(v, 308, "", true, &field, 1, STR_NULL);
}
