/*
 * Bytes as a chunked body: the same payload, answer and end however they are cut, never more
 * payload than bytes, and the same payload again after it was written in chunks.
 */
#include "base/buf.h"
#include "http/parse.h"
#include "http/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
        int answer;
        size_t used;
        struct buf payload;
};

static void decode(struct str data, size_t piece, struct result *ret)
{
        struct http_chunked chunked = HTTP_CHUNKED_NULL;

        ret->answer = HTTP_SHORT;
        ret->used = 0;
        buf_clear(&ret->payload);
        must(buf_reserve(&ret->payload, 1) == 0); /* its view is taken even when it is empty */
        while (ret->answer == HTTP_SHORT && ret->used < data.n) {
                size_t left = data.n - ret->used, used;
                struct str part = str_from(data.p + ret->used, left < piece ? left : piece), run;

                ret->answer = http_chunked_next(&chunked, part, &used, &run);
                must(used > 0 && used <= part.n);
                must(run.n <= used);
                must(run.n == 0 || (run.p >= part.p && run.p + run.n <= part.p + used));
                must(buf_append_str(&ret->payload, run) == 0);
                ret->used += used;
        }
}

static void check_rewritten(const struct result *first, size_t piece)
{
        static struct result again = { .payload = { .ceiling = 1 << 24 } };
        static struct buf b = { .ceiling = 1 << 24 };
        struct str rest = buf_str(&first->payload);

        buf_clear(&b);
        while (rest.n > 0) {
                size_t n = rest.n < piece ? rest.n : piece;

                must(http_write_chunk(&b, str_from(rest.p, n)) == 0);
                rest = str_from(rest.p + n, rest.n - n);
        }
        must(http_write_last_chunk(&b) == 0);
        decode(buf_str(&b), SIZE_MAX, &again);
        must(again.answer == HTTP_DONE && again.used == buf_length(&b));
        must(str_eq(buf_str(&again.payload), buf_str(&first->payload)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const size_t pieces[] = { 1, 2, 3, 7, 64 };
        static struct result whole = { .payload = { .ceiling = 1 << 24 } };
        static struct result cut = { .payload = { .ceiling = 1 << 24 } };
        struct str all = str_from((const char *)data, size);

        decode(all, SIZE_MAX, &whole);
        must(buf_length(&whole.payload) <= whole.used);
        for (size_t i = 0; i < ARRAY_SIZE(pieces); ++i) {
                decode(all, pieces[i], &cut);
                must(cut.answer == whole.answer && cut.used == whole.used);
                must(str_eq(buf_str(&cut.payload), buf_str(&whole.payload)));
        }
        if (whole.answer == HTTP_DONE)
                check_rewritten(&whole, 1 + size % 17);
        return 0;
}
