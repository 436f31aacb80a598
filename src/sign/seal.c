#include "sign/seal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>

/* What may stand in a query as it is: RFC 3986's characters of a query, '%' apart. */
static bool is_plain(unsigned char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c != '\0' && strchr("-._~!$&'()*+,;=:@/?", c));
}

static bool is_hex(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int check_part(struct str part, const char *name, char *why)
{
        for (size_t i = 0; i < part.n; ++i) {
                unsigned char c = (unsigned char)part.p[i];

                if (is_plain(c))
                        continue;
                if (c != '%') {
                        snprintf(why, SEAL_WHY_MAX,
                                 "byte %zu of the %s must be percent-encoded before it can be "
                                 "signed; write %%%02X",
                                 i + 1, name, c);
                        return -EINVAL;
                }
                if (i + 2 >= part.n || !is_hex(part.p[i + 1]) || !is_hex(part.p[i + 2])) {
                        snprintf(why, SEAL_WHY_MAX,
                                 "byte %zu of the %s is a %% without two digits behind it; write "
                                 "%%25",
                                 i + 1, name);
                        return -EINVAL;
                }
        }
        return 0;
}

int seal_check(const struct seal_request *request, char ret_why[SEAL_WHY_MAX])
{
        int r = check_part(request->query, "query", ret_why);

        return r < 0 ? r : check_part(request->body, "body", ret_why);
}

/* What stands between @before and one parameter more. */
static const char *joint(struct str before)
{
        return before.n == 0 || before.p[before.n - 1] == '&' ? "" : "&";
}

/* recvWindow and timestamp behind @before, which @to ends with. */
static int add_time(struct buf *to, struct str before, uint64_t timestamp_ms,
                    uint64_t recv_window_ms)
{
        int r = buf_append_str(to, str_of(joint(before)));

        if (r == 0 && recv_window_ms > 0)
                r = buf_printf(to, "recvWindow=%llu&", (unsigned long long)recv_window_ms);
        if (r == 0)
                r = buf_printf(to, "timestamp=%llu", (unsigned long long)timestamp_ms);
        return r;
}

/* The signature of @query and @body together, behind what @to holds. */
static int add_signature(const struct signer *signer, struct buf *to, struct str query,
                         struct str body)
{
        char signature[SIGNER_TEXT_MAX];
        struct buf payload;
        int r;

        buf_init(&payload, query.n + body.n + 64);
        r = buf_append_str(&payload, query);
        if (r == 0)
                r = buf_append_str(&payload, body);
        if (r == 0)
                r = signer_sign(signer, buf_str(&payload), signature);
        if (r == 0)
                r = buf_printf(to, "&signature=%s", signature);
        buf_deinit(&payload);
        OPENSSL_cleanse(signature, sizeof(signature));
        return r;
}

/* The query of @target, which may have grown. */
static struct str query_of(const struct seal_request *request, const struct buf *target)
{
        struct str all = buf_str(target);
        size_t path = request->target.n - request->query.n - (request->has_query ? 1 : 0);

        return all.n > path ? str_from(all.p + path + 1, all.n - path - 1) : STR_NULL;
}

int seal_write(const struct signer *signer, const struct seal_request *request,
               uint64_t timestamp_ms, uint64_t recv_window_ms, struct buf *ret_target,
               struct buf *ret_body)
{
        bool is_form = request->body.n > 0;
        int r;

        buf_clear(ret_target);
        buf_clear(ret_body);
        r = buf_append_str(ret_target, request->target);
        if (r == 0)
                r = buf_append_str(ret_body, request->body);
        if (r == 0 && !is_form && !request->has_query)
                r = buf_append(ret_target, "?", 1);
        if (r == 0)
                r = add_time(is_form ? ret_body : ret_target,
                             is_form ? request->body : request->query, timestamp_ms,
                             recv_window_ms);
        if (r == 0)
                r = add_signature(signer, is_form ? ret_body : ret_target,
                                  query_of(request, ret_target), buf_str(ret_body));
        if (r < 0) {
                buf_clear(ret_target);
                buf_clear(ret_body);
        }
        return r;
}
