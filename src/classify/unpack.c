#include "classify/unpack.h"

#include "classify/classify.h"

#include <errno.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

/* As inflateInit2() takes them. */
#define WINDOW_GZIP_OR_ZLIB (15 + 32)
#define WINDOW_RAW          (-15)

void unpacked_deinit(struct unpacked *u)
{
        free(u->memory);
        *u = (struct unpacked)UNPACKED_NULL;
}

/* One pass into the whole of @out. Return: 0, UNPACK_UNREADABLE or -ENOMEM. */
static int inflate_once(struct str in, int window, char *out, size_t *ret_n, bool *ret_is_cut)
{
        z_stream z = {
                .next_in = (const Bytef *)in.p,
                .avail_in = (uInt)in.n,
                .next_out = (Bytef *)out,
                .avail_out = CLASSIFY_BODY_CEILING,
        };
        int r;

        r = inflateInit2(&z, window);
        if (r != Z_OK)
                return r == Z_MEM_ERROR ? -ENOMEM : UNPACK_UNREADABLE;
        r = inflate(&z, Z_FINISH);
        *ret_n = CLASSIFY_BODY_CEILING - z.avail_out;
        *ret_is_cut = r != Z_STREAM_END;
        inflateEnd(&z);

        if (r == Z_MEM_ERROR)
                return -ENOMEM;
        /* Out of input with room left: the end was cut off, the beginning is good. */
        if (r == Z_STREAM_END || (r == Z_BUF_ERROR && *ret_n < CLASSIFY_BODY_CEILING))
                return 0;
        return UNPACK_UNREADABLE;
}

static int inflate_body(struct str body, bool may_be_raw, struct unpacked *ret_unpacked)
{
        size_t n = 0;
        bool is_cut = false;
        char *out;
        int r;

        out = malloc(CLASSIFY_BODY_CEILING);
        if (!out)
                return -ENOMEM;
        r = inflate_once(body, WINDOW_GZIP_OR_ZLIB, out, &n, &is_cut);
        /* "deflate" means zlib's format, but servers that send the bare stream are known. */
        if (r == UNPACK_UNREADABLE && may_be_raw)
                r = inflate_once(body, WINDOW_RAW, out, &n, &is_cut);
        if (r != 0) {
                free(out);
                return r;
        }
        *ret_unpacked = (struct unpacked){ str_from(out, n), is_cut, out };
        return 0;
}

static bool is_gzip(struct str body)
{
        return body.n >= 2 && body.p[0] == '\x1f' && body.p[1] == '\x8b';
}

int unpack(struct str body, struct str encoding, struct unpacked *ret_unpacked)
{
        bool is_cut = body.n > CLASSIFY_BODY_CEILING;
        int r;

        if (is_cut)
                body.n = CLASSIFY_BODY_CEILING;
        encoding = str_trim(encoding);

        if (body.n == 0 || encoding.n == 0 || str_eq_nocase(encoding, STR_LITERAL("identity"))) {
                if (!is_gzip(body)) {
                        *ret_unpacked = (struct unpacked){ .text = body, .is_cut = is_cut };
                        return 0;
                }
                r = inflate_body(body, false, ret_unpacked);
        } else if (str_eq_nocase(encoding, STR_LITERAL("gzip")) ||
                   str_eq_nocase(encoding, STR_LITERAL("x-gzip"))) {
                r = inflate_body(body, false, ret_unpacked);
        } else if (str_eq_nocase(encoding, STR_LITERAL("deflate"))) {
                r = inflate_body(body, true, ret_unpacked);
        } else {
                return UNPACK_UNREADABLE;
        }
        if (r == 0)
                ret_unpacked->is_cut |= is_cut;
        return r;
}
